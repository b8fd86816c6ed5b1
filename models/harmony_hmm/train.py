"""Learns the chord model's parameters: `python3 models/harmony_hmm/train.py --data DIR` (numpy only)."""

import argparse
import pathlib
import time

import numpy as np

import data
import model

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent.parent / "crates" / "listen" / "data"


def samples(songs, windows, every, rng):
    xs, ys, ws = [], [], []
    for s in songs:
        frames = np.arange(rng.integers(every), len(s.chroma), every)
        frames = frames[s.label[frames] >= 0]
        xs.append(model.features(s.chroma, windows, frames).astype(np.float16))
        ys.append(s.label[frames])
        ws.append(np.full(len(frames), s.weight if hasattr(s, "weight") else 1.0, np.float32))
    return np.concatenate(xs), np.concatenate(ys), np.concatenate(ws)


def change_counts(songs):
    """Root-relative counts of what follows what, where a chord changes."""
    change, to_n, from_n = np.zeros((11, 12, 11)), np.zeros(11), np.zeros(11)
    held, changes = 0, 0
    for s in songs:
        classes = [data.parse(r[2])[0] for r in s.rows if r[1] - r[0] > 0.05]
        for a, b in zip(classes, classes[1:]):
            if a < 0 or b < 0 or a == b:
                continue
            if a == data.N_CLASS:
                from_n[b % 11] += 1
            elif b == data.N_CLASS:
                to_n[a % 11] += 1
            else:
                change[a % 11, (b // 11 - a // 11) % 12, b % 11] += 1
        changes += int((np.diff(s.label) != 0).sum())
        held += len(s.label)
    return {"change": change, "to_n": to_n, "from_n": from_n, "arrive": change.sum(0),
            "frames_per_change": held / changes}


def bass_counts(songs, rng):
    """Chroma of the bass seen from the root, with the bass that was labelled."""
    xs, qs, ys = [], [], []
    for s in songs:
        label = s.label
        cut = np.flatnonzero((np.diff(label) != 0) | (np.diff(s.bass) != 0)) + 1
        for a, b in zip(np.r_[0, cut], np.r_[cut, len(label)]):
            if label[a] < 0 or label[a] == data.N_CLASS or b - a < 6:
                continue
            y = model.compress(s.chroma[a:b]).mean(0)
            r = label[a] // 11
            xs.append(np.concatenate([np.roll(y[:12], -r), np.roll(y[12:], -r)]))
            qs.append(label[a] % 11)
            ys.append(s.bass[a])
    return np.array(xs), np.array(qs), np.array(ys)


def key_table(songs):
    """Log probability of a chord's root above the tonic and its quality, by mode; the mode is that of the tonic's
    own chords, since the annotators give only the tonic."""
    table = np.full((2, 12, 11), 2.0)
    for s in songs:
        counts = np.zeros((2, 12, 11))
        for start, end, tonic in s.tonics:
            local = np.zeros((12, 11))
            for a, b, text in s.rows:
                c = data.parse(text)[0]
                if 0 <= c < data.N_CLASS and a >= start - 0.1 and b <= end + 0.1:
                    local[(c // 11 - tonic) % 12, c % 11] += b - a
            major, minor = local[0, [0, 2, 3]].sum(), local[0, [1, 4]].sum()
            if max(major, minor) > 0:
                counts[int(minor > major)] += local
        table += 100 * counts / max(counts.sum(), 1)
    return np.log(table / table.sum((1, 2), keepdims=True))


def train_bass(songs, rng, steps=1500):
    """Softmax regression: the bass interval above the root, from the 24 rotated values and the quality."""
    x, q, y = bass_counts(songs, rng)
    x = np.concatenate([x, np.eye(11)[q], np.ones((len(x), 1))], 1)
    w = np.zeros((x.shape[1], 12))
    vel = np.zeros_like(w)
    for i in range(steps):
        z = x @ w
        z -= z.max(1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(1, keepdims=True)
        p[np.arange(len(x)), y] -= 1
        g = x.T @ p / len(x) + 1e-5 * w
        vel = 0.9 * vel - 2.0 * g
        w += vel
    hit = float(((x @ w).argmax(1) == y).mean())
    print(f"bass: {hit:.4f} right of {len(x)} spans; root position is {(y == 0).mean():.4f}")
    return w


def write_tensors(path, tensors):
    """A line a tensor: its name, then its numbers in row order."""
    with open(path, "w") as f:
        for name, value in tensors.items():
            f.write(name + " " + " ".join(f"{v:.4g}" for v in np.asarray(value, dtype=float).ravel()) + "\n")


def read_tensors(path):
    return {line.split(" ", 1)[0]: np.array(line.split()[1:], float) for line in open(path)}


def load(folder, name):
    """The emission model, its windows and its log class priors, from the files that the product reads."""
    t = read_tensors(pathlib.Path(folder) / f"chord_{name}.txt")
    sizes = t["sizes"].astype(int)
    windows = [tuple(w) for w in t["windows"].astype(int).reshape(-1, 2)]
    net = model.Net(len(windows), list(sizes[1:-1]), np.random.default_rng(0))
    net.w = [t[f"w{i}"].astype(np.float32).reshape(a, b) for i, (a, b) in enumerate(zip(sizes, sizes[1:]))]
    net.b = [t[f"b{i}"].astype(np.float32) for i in range(len(sizes) - 1)]
    return net, windows, np.log(np.r_[np.tile(t["prior"][:11], 12), t["prior"][11]])


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", required=True, help="folder that holds billboard/ (and rendered/, if made)")
    ap.add_argument("--out", default=str(OUT))
    ap.add_argument("--hidden", type=int, nargs="+", default=[128, 64])
    ap.add_argument("--steps", type=int, nargs=2, default=[5000, 5500],
                    help="first on the recordings alone, then with the rendered songs and with units left out")
    ap.add_argument("--start", help="folder with the models of the first steps, to go on from there")
    ap.add_argument("--batch", type=int, default=512)
    ap.add_argument("--every", type=int, default=4)
    ap.add_argument("--limit", type=int)
    ap.add_argument("--only", choices=["online", "offline"])
    args = ap.parse_args()
    rng = np.random.default_rng(1)
    everything = data.load_billboard(args.data, limit=args.limit)
    songs = data.kept(everything)
    train_songs, val, test = data.split(songs)
    rendered = data.load_rendered(pathlib.Path(args.data) / "rendered")
    print(f"{len(everything)} songs, {len(songs)} fit; {len(train_songs)} to learn from, {len(val)} to tune, "
          f"{len(test)} kept apart; {len(rendered)} rendered")
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    for name, windows in [("online", model.ONLINE_WINDOWS), ("offline", model.OFFLINE_WINDOWS)]:
        if args.only and name != args.only:
            continue
        t0 = time.time()
        real = samples(train_songs, windows, args.every, rng)
        if args.start:
            net = load(args.start, name)[0]
        else:
            net = model.Net(len(windows), args.hidden, np.random.default_rng(7))
            model.train(net, *real, args.steps[0], args.batch, rng)
        more = samples(rendered, windows, args.every, rng) if rendered else [r[:0] for r in real]
        x, y, w = (np.concatenate(pair) for pair in zip(real, more))
        del real
        prior = np.bincount(np.where(y == 132, 11, y % 11), weights=w, minlength=12) / w.sum()
        long = [i for i, (a, b) in enumerate(windows) if b - a > 20]
        model.train(net, x, y, w, args.steps[1], args.batch, rng, rate=1e-3, drop=0.15, long=long)
        tensors = {"windows": np.array(windows), "sizes": np.array([n.shape[0] for n in net.w] + [12]),
                   "prior": prior}
        for i, (w, b) in enumerate(zip(net.w, net.b)):
            tensors[f"w{i}"], tensors[f"b{i}"] = w, b
        write_tensors(out / f"chord_{name}.txt", tensors)
        print(f"{name}: {len(x)} frames, {time.time() - t0:.0f} s")
    counts = change_counts(train_songs)
    if args.only != "offline":
        counts["key"] = key_table(train_songs)
        counts["bass"] = train_bass(train_songs, rng)
        write_tensors(out / "chord_decoder.txt", counts)


if __name__ == "__main__":
    main()
