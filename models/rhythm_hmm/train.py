"""Learns the rhythm patterns of the bar pointer from rendered music with known beats.

    train.py --set DIR --features BINARY --out rhythm.txt

A frame of four onset strengths becomes one of CODES codewords (k-means); a pattern says how likely each
codeword is in each bin of the bar (categorical version of Krebs, Böck & Widmer, "Rhythmic pattern modeling
for beat and downbeat tracking in musical audio", ISMIR 2013). Patterns of a metre are found by hard EM over
bars. Written out: log P(code | bin) - log P(code) in sixteenths of a nat.
"""
import argparse, glob, json, os, subprocess
import numpy as np, soundfile as sf

FPS, CODES, POWER = 50.0, 48, 0.45
DELAY_S = 0.025
# beats a bar, compound, bins a beat, patterns
METRES = [(4, False, 16, 5), (3, False, 16, 3), (2, True, 24, 3), (5, False, 16, 1)]


def load(args):
    items = []
    for path in sorted(glob.glob(os.path.join(args.set, "*.json"))):
        truth = json.load(open(path))
        cache = path[:-5] + ".f32"
        wav = path[:-5] + ".wav"
        if not os.path.exists(cache) or os.path.getmtime(cache) < os.path.getmtime(args.features):
            x, rate = sf.read(wav, dtype="int16")
            assert rate == 44100
            open(cache, "wb").write(subprocess.run([args.features], input=x.tobytes(), stdout=subprocess.PIPE, check=True).stdout)
        truth["f"] = np.fromfile(cache, dtype="<f4").reshape(-1, 4)
        truth["name"] = os.path.basename(path)[:-5]
        items.append(truth)
    return items


def calibrate(items):
    """Where the flux of a hit peaks, relative to the centre of its frame."""
    lags = np.arange(-0.06, 0.1, 0.0025)
    score = np.zeros(len(lags))
    for it in items:
        if it["kind"] != "drums":
            continue
        f = it["f"].sum(1)
        t = np.array([d[0] for d in it["drums"]])
        for i, lag in enumerate(lags):
            k = np.round((t + lag) * FPS - 0.75).astype(int)
            k = k[(k >= 0) & (k < len(f))]
            score[i] += f[k].sum()
    mid = (lags * score**4).sum() / (score**4).sum()
    print("flux delay: centroid %.4f s, peak %.4f s" % (mid, lags[score.argmax()]))


def kmeans(x, k, rng, rounds=25):
    c = x[rng.choice(len(x), k, replace=False)]
    for _ in range(rounds):
        a = assign(x, c)
        for j in range(k):
            m = a == j
            c[j] = x[m].mean(0) if m.any() else x[rng.integers(len(x))]
    return c


def assign(x, c):
    out = np.empty(len(x), int)
    for s in range(0, len(x), 20000):
        d = ((x[s : s + 20000, None, :] - c[None]) ** 2).sum(-1)
        out[s : s + 20000] = d.argmin(1)
    return out


def bars_of(it, per_bar, bins_per_beat):
    """(bins, codes) of each whole bar."""
    beats = np.array(it["beats"])
    if len(beats) < per_bar + 1:
        return []
    frame_s = (np.arange(len(it["f"])) + 0.75) / FPS - DELAY_S
    pos = np.interp(frame_s, beats[:, 0], np.arange(len(beats)), left=-1, right=-1)
    out = []
    for i in range(len(beats) - per_bar):
        if beats[i, 1] == 1:
            idx = np.where((pos >= i) & (pos < i + per_bar))[0]
            if len(idx) and it["f"][idx].max() > 0.1:
                b = np.minimum(((pos[idx] - i) * bins_per_beat).astype(int), per_bar * bins_per_beat - 1)
                out.append((b, it["codes"][idx], it["f"][idx]))
    return out


def smooth(counts, per_beat):
    # neighbouring bins share a little
    return 0.25 * np.roll(counts, 1, 0) + 0.5 * counts + 0.25 * np.roll(counts, -1, 0)


RATIOS = [1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3]


def log_likelihood(codes, n, tables, shares):
    """Of bars of n states, best over where the first bar starts, patterns free from bar to bar."""
    t = np.arange(len(codes))
    best = []
    for s in range(0, n, max(1, n // 96)):
        place = (t + s) % n
        starts = np.concatenate([[0], np.where(place == 0)[0]])
        starts = np.unique(starts)
        per_bar = np.stack([np.add.reduceat(table[place * len(table) // n, codes], starts) + np.log(w + 1e-6) for table, w in zip(tables, shares)])
        best.append(np.logaddexp.reduce(per_bar, axis=0).sum())
    return max(best)


def tempo_bonus(items, patterns, power):
    """Offsets, per frame, for metre and tempo, so that the true reading wins over its multiples.

    Pooling over tempi makes patterns a little too wide for slow bars and too narrow for fast ones; without a
    correction twice the tempo wins too often. A conditional logit over the truth and its usual confusions.
    """
    rng = np.random.default_rng(2)
    rows = []
    for it in items:
        beats = np.array(it["beats"])
        period = 60 / it["bpm"]
        k = max(8, round(period * FPS))
        begin = rng.uniform(0, max(0.1, len(beats) - 1 - 16 / period))
        grid = np.arange(begin, min(len(beats) - 1, begin + 16 / period), 1 / k)
        frames = np.round((np.interp(grid, np.arange(len(beats)), beats[:, 0]) + DELAY_S) * FPS - 0.75).astype(int)
        frames = frames[(frames >= 0) & (frames < len(it["codes"]))]
        if len(frames) < 300:
            continue
        codes = it["codes"][frames]
        x, y = [], None
        for mi, (per_bar, compound, bpb, _) in enumerate(METRES):
            tables = [t for pb, c, t, s in patterns if (pb, c) == (per_bar, compound)]
            shares = [s for pb, c, t, s in patterns if (pb, c) == (per_bar, compound)]
            for r in RATIOS:
                bpm = it["bpm"] * r
                if not (30 if compound else 40) <= bpm <= (150 if compound else 240):
                    continue
                n = round(per_bar * k / r)
                ll = log_likelihood(codes, n, tables, shares) / len(codes)
                z = np.log(bpm / 110)
                row = [power * ll, mi == 1, mi == 2, mi == 3, z * (not compound), z * z * (not compound), z * compound, z * z * compound]
                if r == 1 and per_bar == it["beats_per_bar"] and compound == it["compound"]:
                    y = len(x)
                x.append(row)
        if y is not None:
            rows.append((np.array(x, float), y, it))
    w = np.array([1.0] + [0.0] * 7)
    scale = 300.0  # six seconds of frames
    for step in range(3000):
        grad = np.zeros(8)
        for x, y, _ in rows:
            s = x @ w * scale
            q = np.exp(s - s.max())
            q /= q.sum()
            grad += (x[y] - q @ x) * scale
        grad = grad / len(rows) - 0.02 * scale * np.array([0] + list(w[1:]))
        grad[0] = 0
        w += 2e-5 * grad
    before = np.mean([np.argmax(x[:, 0]) == y for x, y, _ in rows])
    after = np.mean([np.argmax(x @ w) == y for x, y, _ in rows])
    print("true reading first: %.3f without, %.3f with bonus" % (before, after), w.round(4))
    return w[1:]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--set", required=True)
    p.add_argument("--features", required=True)
    p.add_argument("--out", required=True)
    args = p.parse_args()
    rng = np.random.default_rng(1)
    items = load(args)
    calibrate(items)
    train = [it for it in items if it["split"] == "train"]
    allf = np.sqrt(np.concatenate([it["f"] for it in train]))
    sample = allf[rng.choice(len(allf), min(60000, len(allf)), replace=False)]
    # loud frames are rare and matter: take half of the sample from them
    loud = allf[allf.max(1) > 0.4]
    sample = np.concatenate([sample[:30000], loud[rng.choice(len(loud), min(30000, len(loud)), replace=False)]])
    book = kmeans(sample, CODES, rng)
    book = book[book.sum(1).argsort()]
    for it in items:
        it["codes"] = assign(np.sqrt(it["f"]), book)
    prior = np.bincount(np.concatenate([it["codes"] for it in train]), minlength=CODES).astype(float)
    prior /= prior.sum()
    learnt = []
    lines = [f"codes {CODES}"] + ["code " + " ".join(f"{v:.4f}" for v in c) for c in book]
    for per_bar, compound, bpb, k in METRES:
        bars, weights = [], []
        for it in train:
            if it["beats_per_bar"] == per_bar and it["compound"] == compound and it["kind"] != "metronome":
                bars += bars_of(it, per_bar, bpb)
        n_bins = per_bar * bpb
        print(per_bar, compound, "bars", len(bars))
        # start: k-means on the mean strength in each quarter beat
        coarse = np.zeros((len(bars), n_bins // 4, 4))
        for i, (b, c, f) in enumerate(bars):
            np.maximum.at(coarse[i], b // 4, f)
        flat = coarse.reshape(len(bars), -1)
        label = assign(flat, kmeans(flat.copy(), k, rng)) if k > 1 else np.zeros(len(bars), int)
        for round_ in range(8):
            tables = []
            for j in range(k):
                counts = np.zeros((n_bins, CODES))
                for i in np.where(label == j)[0]:
                    np.add.at(counts, (bars[i][0], bars[i][1]), 1)
                counts = smooth(counts, bpb) + 15 * prior
                tables.append(np.log(counts / counts.sum(1, keepdims=True)) - np.log(prior))
            score = np.array([[t[b, c].sum() for t in tables] for b, c, _ in bars])
            new = score.argmax(1)
            changed = (new != label).mean()
            label = new
            if changed < 0.005:
                break
        share = np.bincount(label, minlength=k) / len(label)
        print("  shares", share.round(3), "mean gain a bar", score.max(1).mean().round(2))
        patterns = list(zip(tables, share))
        if per_bar in (3, 4) and not compound:
            counts = np.zeros((n_bins, CODES))
            for it in train:
                if it["kind"] == "metronome" and it["beats_per_bar"] == per_bar:
                    for b, c, _ in bars_of(it, per_bar, bpb):
                        np.add.at(counts, (b, c), 1)
            counts = smooth(counts, bpb) + 15 * prior
            patterns.append((np.log(counts / counts.sum(1, keepdims=True)) - np.log(prior), 0.03))
        learnt += [(per_bar, compound, t, s) for t, s in patterns]
        for t, s in patterns:
            lines.append(f"pattern {per_bar} {int(compound)} {n_bins} {s:.4f}")
            q = np.clip(np.round(t * 16), -127, 127).astype(int)
            lines += ["bin " + " ".join(map(str, row)) for row in q]
    bonus = tempo_bonus([it for it in train if it["kind"] != "metronome"], learnt, POWER)
    lines.append("bonus " + " ".join(f"{v:.5f}" for v in bonus))
    with open(args.out, "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
