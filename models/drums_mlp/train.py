"""Trains the drum classifier (kick, snare, closed hat) on rendered music and loops of CC0 one-shots.

    train.py --set DIR --shots DIR --features BINARY --out drums.txt

DIR is the output of models/rhythm_hmm/render.py; its train split is used, plus loops that are put together
here from one-shots (four of five samples; the rest is held out and scored).
"""
import argparse, glob, json, os, subprocess
import numpy as np, soundfile as sf

FPS, DELAY_S, AFTER = 100.0, 0.025, 2
VOICES = ["kick", "snare", "hat"]
HIDDEN = 24


def frames_of(args, x):
    raw = subprocess.run([args.features], input=(np.clip(x, -1, 1) * 32767).astype("<i2").tobytes(), stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, dtype="<f4").reshape(-1, 29)


def synthesised(rng, voice):
    """A drum machine's stroke with random settings."""
    t = np.arange(int(0.35 * 44100)) / 44100
    white = rng.normal(0, 0.5, len(t))
    if voice == "kick":
        sweep = 40 + rng.uniform(0, 30) + rng.uniform(60, 250) * np.exp(-t * rng.uniform(20, 80))
        return np.sin(2 * np.pi * np.cumsum(sweep) / 44100) * np.exp(-t * rng.uniform(6, 25)) + rng.uniform(0, 0.6) * white * np.exp(-t * 400)
    if voice == "snare":
        f = rng.uniform(150, 260)
        body = (np.sin(2 * np.pi * f * t) + rng.uniform(0, 0.8) * np.sin(2 * np.pi * f * rng.uniform(1.4, 1.9) * t)) * np.exp(-t * rng.uniform(15, 40))
        noise = white if rng.random() < 0.5 else np.diff(white, append=0)
        return rng.uniform(0.2, 0.8) * body + rng.uniform(0.5, 1.2) * noise * np.exp(-t * rng.uniform(10, 35))
    high = np.diff(np.diff(white, append=0), append=0) if rng.random() < 0.5 else np.diff(white, append=0)
    if rng.random() < 0.4:
        metal = sum(np.sign(np.sin(2 * np.pi * f * t)) for f in rng.uniform(250, 900, 6) * rng.uniform(1, 8))
        high = high + np.diff(metal, append=0) * 0.3
    return high * np.exp(-t * rng.uniform(25, 120))


def shot_loops(args, rng, held_out):
    pick = lambda pats: [f for p in pats for f in sorted(glob.glob(os.path.join(args.shots, p)))]
    files = {"kick": pick(["bd_*.flac", "drum_heavy_kick.flac", "drum_bass_*.flac"]), "snare": pick(["sn_*.flac", "drum_snare_*.flac"]),
             "hat": pick(["hat_*.flac", "drum_cymbal_closed.flac", "drum_cymbal_pedal.flac"]), "other": pick(["drum_tom_*.flac", "drum_cowbell.flac", "perc_*.flac", "drum_cymbal_soft.flac"])}
    load = lambda f: (lambda d: d[0].mean(1) if d[0].ndim > 1 else d[0])(sf.read(f))
    audio = {k: [load(f)[:22050] for i, f in enumerate(v) if (i % 5 == 4) == held_out] for k, v in files.items()}
    out = []
    for _ in range(16 if held_out else 110):
        x, hits = np.zeros(44100 * 12), []
        step = 60 / rng.uniform(70, 180) / 4
        kit = {k: v[rng.integers(len(v))] for k, v in audio.items() if v}
        for k in VOICES:
            if rng.random() < 0.5:
                kit[k] = synthesised(rng, k)
        kit = {k: v / (np.abs(v).max() + 1e-9) for k, v in kit.items()}
        gain = {k: rng.uniform(0.3, 1.0) for k in kit}
        density = {"kick": 0.25, "snare": 0.15, "hat": rng.choice([0.2, 0.5, 0.9]), "other": rng.choice([0, 0, 0.1])}
        for i in range(int(11 / step)):
            for k, v in kit.items():
                if rng.random() < density[k]:
                    t, vel = i * step + 0.2 + rng.normal(0, 0.004), rng.uniform(0.4, 1.0)
                    a = int(t * 44100)
                    x[a : a + len(v)] += v[: len(x) - a] * vel * gain[k]
                    if k != "other":
                        hits.append([t, k, vel])
        out.append((x / np.abs(x).max() * rng.uniform(0.1, 0.9), hits))
    return out


def targets(n, hits):
    """1 within a frame of a hit, -1 (ignored) around that, 0 elsewhere; and the velocity."""
    y, vel = np.zeros((n, 3)), np.zeros((n, 3))
    frames = lambda t: (t + DELAY_S) * FPS - 1 + AFTER
    for spread, value in ((3, -1), (1, 1)):
        for t, voice, v in hits:
            k = int(round(frames(t)))
            a, b = max(0, k - spread), min(n, k + spread + 1)
            v_i = VOICES.index(voice)
            if value == 1:
                y[a:b, v_i] = 1
                vel[a:b, v_i] = v
            else:
                y[a:b, v_i] = np.where(y[a:b, v_i] == 1, 1, -1)
    return y, vel


def f_measure(prob, hits, threshold, v):
    p = prob[:, v]
    peaks = [i for i in range(1, len(p) - 1) if p[i] > threshold and p[i] > p[i - 1] and p[i] >= p[i + 1]]
    est, last = [], -9
    for i in peaks:
        if i - last >= 5:
            est.append((i + 1 - AFTER) / FPS - DELAY_S)
            last = i
    ref = sorted(t for t, voice, _ in hits if voice == VOICES[v])
    used, hit = set(), 0
    for t in est:
        near = [(abs(r - t), j) for j, r in enumerate(ref) if abs(r - t) < 0.05 and j not in used]
        if near:
            used.add(min(near)[1])
            hit += 1
    return hit, len(est), len(ref)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--set", required=True)
    p.add_argument("--shots", required=True)
    p.add_argument("--features", required=True)
    p.add_argument("--out", required=True)
    args = p.parse_args()
    rng = np.random.default_rng(3)
    data = {"train": [], "test": []}
    for path in sorted(glob.glob(os.path.join(args.set, "*.json"))):
        truth = json.load(open(path))
        if truth["kind"] == "metronome":
            continue
        x, _ = sf.read(path[:-5] + ".wav", dtype="float32")
        if truth["split"] == "train":
            x = x[: 44100 * 25]
        f = frames_of(args, x)
        hits = [(d + [0.8])[:3] for d in truth["drums"] if d[0] < len(f) / FPS]
        data[truth["split"]].append((f, hits, truth["kind"]))
    for held_out, split in ((False, "train"), (True, "test")):
        for x, hits in shot_loops(args, rng, held_out):
            data[split].append((frames_of(args, x), hits, "shots"))
    xs, ys, vs = [], [], []
    for f, hits, _ in data["train"]:
        y, vel = targets(len(f), hits)
        keep = (y != 0).any(1) | (f[:, 26] > 0.6) | (rng.random(len(f)) < 0.15)
        xs.append(f[keep]); ys.append(y[keep]); vs.append(vel[keep])
    x, y, vel = np.concatenate(xs), np.concatenate(ys), np.concatenate(vs)
    mean = x.mean(0)
    x = (x - mean).astype("float32")
    print("frames", x.shape, "positive", (y == 1).mean(0))
    w1 = rng.normal(0, 0.15, (x.shape[1], HIDDEN)); b1 = np.zeros(HIDDEN)
    w2 = rng.normal(0, 0.3, (HIDDEN, 3)); b2 = np.full(3, -2.0)
    params = [w1, b1, w2, b2]
    m = [np.zeros_like(q) for q in params]; s = [np.zeros_like(q) for q in params]
    steps, batch = 9000, 1024
    for step in range(1, steps + 1):
        i = rng.integers(0, len(x), batch)
        xb, yb = x[i], y[i]
        h = np.maximum(xb @ params[0] + params[1], 0)
        q = 1 / (1 + np.exp(-(h @ params[2] + params[3])))
        g = np.where(yb < 0, 0, q - (yb > 0)) / batch
        gh = (g @ params[2].T) * (h > 0)
        grads = [xb.T @ gh + 1e-5 * params[0], gh.sum(0), h.T @ g + 1e-5 * params[2], g.sum(0)]
        lr = 4e-3 * 0.5 * (1 + np.cos(np.pi * step / steps)) + 1e-5
        for k in range(4):
            m[k] = 0.9 * m[k] + 0.1 * grads[k]
            s[k] = 0.999 * s[k] + 0.001 * grads[k] ** 2
            params[k] -= lr * (m[k] / (1 - 0.9**step)) / (np.sqrt(s[k] / (1 - 0.999**step)) + 1e-8)
    prob = lambda f: 1 / (1 + np.exp(-(np.maximum((f - mean) @ params[0] + params[1], 0) @ params[2] + params[3])))
    velocity = []
    for v in range(3):
        mask = y[:, v] == 1
        a = np.concatenate([x[mask], np.ones((mask.sum(), 1))], 1)
        velocity.append(np.linalg.solve(a.T @ a + 10 * np.eye(a.shape[1]), a.T @ vel[mask, v]))
    best = []
    for v in range(3):
        scored = []
        for threshold in np.arange(0.25, 0.85, 0.05):
            n = np.sum([f_measure(prob(f), hits, threshold, v) for f, hits, _ in data["train"][::2]], axis=0)
            scored.append((2 * n[0] / max(1, n[1] + n[2]), threshold))
        best.append(max(scored)[1])
    for kind in sorted({d[2] for d in data["test"]}):
        line = kind.ljust(12)
        for v in range(3):
            n = np.sum([f_measure(prob(f), hits, best[v], v) for f, hits, k in data["test"] if k == kind], axis=0)
            line += f" {VOICES[v]} F={2 * n[0] / max(1, n[1] + n[2]):.3f} (found {n[1]}, true {n[2]})"
        print(line)
    print("thresholds", best)
    row = lambda name, values: name + " " + " ".join(f"{q:.5g}" for q in values)
    lines = [row("mean", mean)]
    lines += [row("hidden", np.append(params[0][:, h], params[1][h])) for h in range(HIDDEN)]
    lines += [row("prob", np.append(params[2][:, v], params[3][v])) for v in range(3)]
    lines += [row("velocity", velocity[v]) for v in range(3)]
    lines += [row("thresholds", best)]
    open(args.out, "w").write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
