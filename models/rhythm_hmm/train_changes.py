"""Learns how likely each level of change of the harmony is on downbeats, mid-bar, on other beats and between.

    train_changes.py --set DIR --features BINARY --out changes.txt [--songs 300]

The strength of change is that of `crates/listen/src/rhythm/changes.rs`; POP909 counts in full, generated
music with a weight of .15, drums alone not at all. Written out: thresholds of the levels, then for each spot
log P(level | spot) - log P(level) in nats.
"""
import argparse, glob, json, os, random, subprocess
import numpy as np, soundfile as sf

HOP_S, REACH, FAINT = 2048 / 44100, 8, 0.05
SHARES = (0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9)


def strengths(chroma):
    c = np.sqrt(np.maximum(chroma[:, :24], 0))
    sums = np.cumsum(np.vstack([np.zeros((1, 24)), c]), 0)
    i = np.arange(REACH, len(c) - REACH + 1)
    before, after = sums[i] - sums[i - REACH], sums[i + REACH] - sums[i]
    out = np.full(len(c), -1.0)
    out[i] = 0
    for s in (slice(0, 12), slice(12, 24)):
        norms = np.sqrt((before[:, s] ** 2).sum(1) * (after[:, s] ** 2).sum(1))
        out[i] += 1 - (before[:, s] * after[:, s]).sum(1) / (norms + FAINT * REACH)
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--set", required=True)
    p.add_argument("--features", required=True, help="the example chroma_features")
    p.add_argument("--out", required=True)
    p.add_argument("--songs", type=int, default=300)
    args = p.parse_args()
    paths = [q for q in sorted(glob.glob(os.path.join(args.set, "*_train_*.json"))) if "drums" not in q]
    random.Random(1).shuffle(paths)
    marked, anywhere = [], []
    for path in paths[: args.songs]:
        truth = json.load(open(path))
        x, rate = sf.read(path[:-5] + ".wav", dtype="int16")
        assert rate == 44100
        raw = subprocess.run([args.features], input=x.tobytes(), stdout=subprocess.PIPE, check=True).stdout
        v = strengths(np.frombuffer(raw, "<f4").reshape(-1, 25))
        weight = 1.0 if truth["source"] == "pop909" else 0.15
        beats, per_bar = np.array(truth["beats"]), truth["beats_per_bar"]
        parts = 3 if truth["compound"] else 2
        for b in range(len(beats) - 1):
            for part in range(parts):
                t = beats[b, 0] + (beats[b + 1, 0] - beats[b, 0]) * part / parts
                i = int(round(t / HOP_S + 0.5))
                if i < len(v) and v[i] >= 0:
                    middle = per_bar in (2, 4) and beats[b, 1] == per_bar // 2 + 1
                    spot = 3 if part else 0 if beats[b, 1] == 1 else 1 if middle else 2
                    marked.append((v[i], spot, weight))
        inside = v[int(beats[0, 0] / HOP_S) + 1 : int(beats[-1, 0] / HOP_S)]
        anywhere += [(q, weight) for q in inside[inside >= 0]]
    marked, anywhere = np.array(marked), np.array(anywhere)
    order = np.argsort(anywhere[:, 0])
    mass = np.cumsum(anywhere[order, 1])
    levels = [anywhere[order[np.searchsorted(mass, mass[-1] * q)], 0] for q in SHARES]
    prior = np.bincount(np.digitize(anywhere[:, 0], levels), anywhere[:, 1], len(levels) + 1)
    prior /= prior.sum()
    lines = ["levels " + " ".join("%.4f" % t for t in levels)]
    for spot, name in enumerate(("downbeat", "middle", "beat", "between")):
        at = marked[marked[:, 1] == spot]
        counts = np.bincount(np.digitize(at[:, 0], levels), at[:, 2], len(levels) + 1) + 5 * prior
        lines.append(name + " " + " ".join("%.3f" % q for q in np.log(counts / counts.sum() / prior)))
    open(args.out, "w").write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
