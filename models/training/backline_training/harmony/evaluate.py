"""Scores chords and keys on songs kept apart, through the product's own decoder, nets and rules side by side.

`--bin` holds the built example chords_of_chroma of backline-listen; `--out` the folder with the nets (else WORK/models).
config["part"] is "test" or "validation", config["songs"] how many recordings. Chords by mir_eval, pooled by duration.
Segmentation is mir_eval's own (`seg`), where neighbours of one root, notes and bass are one chord, and that where those of one root and quality are (`seg_class`). Online is what was said 0.464 s after its time, never what was revised later; shown at once is what is said without any delay."""

import json
import subprocess

import mir_eval
import numpy as np

from ..sureness import binned, error, fitted
from . import corpus, songs

VOCABULARIES = ("root", "majmin", "sevenths", "majmin_inv")
# Since when the music has been going on, in seconds.
SINCE = (0, 4, 8, 16, 32, 64, 1e9)
BINS = 10


def run(config, args):
    """Prints a table of scores, then what each quality's recall is, and the worst songs."""
    nets = str(args.out or args.work / "models")
    parts = dict(zip(("learnt", "validation", "test"), corpus.recordings(args.data)))
    picked = parts[config["part"]][:config["songs"]]
    print(f"{len(picked)} recordings of the {config['part']} part")
    for mode in config["modes"]:
        for models in ("rules", nets) if config["rules"] else (nets,):
            told = [hear(args.bin / "chords_of_chroma", mode, models, s) for s in picked]
            report(f"{mode} {'rules' if models == 'rules' else 'net'}", picked, told)
            if mode == "online":
                at_once(picked, told)


def hear(program, mode, models, song):
    """What the product hears in a song's chroma; times are the annotators'."""
    done = subprocess.run([program, mode, models], input=song.chroma.astype("<f4").tobytes(), capture_output=True, check=True)
    told = json.loads(done.stdout)
    for name in ("chords", "now", "revised", "keys"):
        told[name] = [(a + song.shift_s, b + song.shift_s, c, p) for a, b, c, p in told.get(name, [])]
    return told


def merged(spans):
    """Intervals and labels with neighbours of one label joined."""
    out = []
    for a, b, label in (s[:3] for s in spans):
        if out and out[-1][2] == label:
            out[-1][1] = b
        elif b - a > 1e-6:
            out.append([out[-1][1] if out else a, b, label])
    return np.array([s[:2] for s in out]), [s[2] for s in out]


def report(title, picked, told):
    """All figures of one way of hearing."""
    rows = [score(s, t["chords"]) for s, t in zip(picked, told)]
    pooled = pool(rows)
    pooled |= {n: float(np.nanmean([r[n] for r in rows])) for n in ("seg", "seg_class", "change_ms")}
    pooled["ece"], bins, line = calibration(picked, told)
    of_keys, key_line = keys(picked, told)
    pooled |= of_keys
    print(title + ": " + ", ".join(f"{n} {v:.4f}" for n, v in pooled.items()))
    # What crates/listen/src/harmony/sureness.rs has yet to do; slope 1 and offset 0 once it has.
    print("  to calibrate: chord slope {:.2f} offset {:.2f}, key slope {:.2f} offset {:.2f}".format(*line, *key_line))
    print("  said, right, share: " + "; ".join(f"{a:.2f} {b:.2f} {c:.2f}" for a, b, c in bins))
    since = {}
    for r in rows:
        for n, (right, of) in r["since"].items():
            since[n] = np.add(since.get(n, 0), (right, of))
    print("  majmin since the music began: " + ", ".join(f"{n} {r / o:.3f}" for n, (r, o) in sorted(since.items())))
    recall = {}
    for r in rows:
        for q, (right, of) in r["recall"].items():
            recall[q] = np.add(recall.get(q, 0), (right, of))
    print("  recall: " + ", ".join(f"{q} {r / o:.2f} ({o / 60:.0f} min)" for q, (r, o) in sorted(recall.items(), key=lambda x: -x[1][1])))
    worst = sorted(range(len(rows)), key=lambda i: rows[i]["majmin"])[:5]
    print("  worst: " + "; ".join(f"{picked[i].name} {picked[i].title} {rows[i]['majmin']:.2f}" for i in worst), flush=True)


def pool(rows):
    """Each vocabulary's score over all songs, by duration."""
    return {v: sum(r[v] * r[v + "_s"] for r in rows) / sum(r[v + "_s"] for r in rows) for v in VOCABULARIES}


def at_once(picked, told):
    """Scores of what is shown at each moment of that very moment."""
    now = [{"chords": t["now"]} for t in told]
    rows = [score(s, t["chords"]) for s, t in zip(picked, now)]
    pooled = pool(rows)
    error_of, bins, line = calibration(picked, now)
    minutes = sum(t["now"][-1][1] for t in told) / 60
    changes = {name: sum(len(merged(t[name])[1]) for t in told) / minutes for name in ("now", "chords")}
    print("  shown at once: " + ", ".join(f"{n} {v:.4f}" for n, v in pooled.items()) + f", ece {error_of:.4f}, changes a minute "
          "{now:.1f} (said later {chords:.1f}); to calibrate all: slope ".format(**changes) + "{:.2f} offset {:.2f}".format(*line))
    print("  said, right, share: " + "; ".join(f"{a:.2f} {b:.2f} {c:.2f}" for a, b, c in bins), flush=True)


def score(song, spans):
    """Figures of one song, with the durations they were measured over."""
    ref = merged(song.rows)
    est = mir_eval.util.adjust_intervals(*merged(spans), ref[0].min(), ref[0].max(), "N", "N")
    cut, a, b = mir_eval.util.merge_labeled_intervals(*ref, *est)
    length = mir_eval.util.intervals_to_durations(cut)
    out = {}
    for v in VOCABULARIES:
        right = getattr(mir_eval.chord, v)(a, b)
        out[v + "_s"] = length[right >= 0].sum()
        out[v] = (length * (right == 1)).sum() / max(out[v + "_s"], 1e-9)
        if v == "majmin":
            first = next((r[0] for r in song.rows if r[2] != "N"), 0.0)
            out["since"] = {}
            for i, (lo, hi) in enumerate(zip(SINCE, SINCE[1:])):
                use = (right >= 0) & (cut[:, 0] - first >= lo) & (cut[:, 0] - first < hi)
                out["since"][f"{i}: from {lo:g} s"] = ((length * (right == 1))[use].sum(), length[use].sum())
    out["seg"] = mir_eval.chord.seg(*(mir_eval.chord.merge_chord_intervals(*x) for x in (ref, est)))
    out["seg_class"] = mir_eval.chord.seg(*(merged([(a, b, songs.parse(n)[0]) for (a, b), n in zip(*x)])[0] for x in (ref, est)))
    changes = [[s for s, x, y in zip(i[1:, 0], n, n[1:]) if x != y] for i, n in (ref, est)]
    off = np.abs(np.subtract.outer(*changes)).min(1) if all(changes) else np.zeros(0)
    out["change_ms"] = 1000 * float(np.median(off[off < 1])) if (off < 1).any() else float("nan")
    out["recall"] = {}
    for x, y, s in zip(a, b, length):
        true, heard = songs.parse(x)[0], songs.parse(y)[0]
        if true >= 0:
            name = "N" if true == songs.N_CLASS else songs.QUALITIES[true % 11]
            had = out["recall"].get(name, (0, 0))
            out["recall"][name] = (had[0] + s * (true == heard), had[1] + s)
    return out


def calibration(picked, told):
    """Expected calibration error in ten bins by time, and the bins: mean probability said, share right, share of time. Right is
    the class of root and quality, and the bass where an inversion is said."""
    said, right = [], []
    for song, t in zip(picked, told):
        spans = t["chords"]
        times = np.arange(0.2, len(song.chroma) * songs.HOP_S, 0.1)
        index = np.clip(np.searchsorted([s[0] for s in spans], times, side="right") - 1, 0, len(spans) - 1)
        label, bass = song.at(times)
        parsed = [songs.parse(s[2]) for s in spans]
        c, b = np.array([p[0] for p in parsed])[index], np.array([p[1] for p in parsed])[index]
        use = label >= 0
        said.append(np.array([s[3] for s in spans])[index][use])
        right.append(((c == label) & ((b == 0) | (b == bass)))[use])
    said, right = np.concatenate(said), np.concatenate(right)
    rows = binned(said, right, BINS)
    return error(rows), rows, fitted(said, right)


def keys(picked, told):
    """The key of the whole song: tonic, MIREX weight; the share of time in which the tonic was right; and how well the
    probabilities said over time are calibrated, with the line that would do it."""
    tonic, whole, mirex, said, hits, held, of = [], [], [], [], [], 0.0, 0.0
    for song, t in zip(picked, told):
        frames = corpus.real_keys(song)
        known = frames[frames >= 0]
        times = np.arange(len(frames)) * songs.HOP_S + song.shift_s
        true = np.full(len(frames), -1)
        for start, end, pc in song.tonics:
            true[(times >= start) & (times < end)] = pc
        if not (true >= 0).any() or not t["key"]:
            continue
        heard = key_class(t["key"][0])
        main = np.bincount(true[true >= 0]).argmax()
        tonic.append(heard % 12 == main)
        whole.append(t["key"][1])
        if len(known):
            mirex.append(mirex_weight(int(np.bincount(known).argmax()), heard))
        over = [(a + song.shift_s, *k) for a, k in t.get("key_over_time", ()) if k] or [(a, k, p) for a, _, k, p in t["keys"]]
        now, sure = np.full(len(frames), -1), np.zeros(len(frames))
        for a, k, p in over:
            now[times >= a], sure[times >= a] = key_class(k), p
        tested = (true >= 0) & (now >= 0)
        held, of = held + (now % 12 == true)[tested].sum(), of + (true >= 0).sum()
        known = tested & (frames >= 0)
        said.append(sure[known][::10])
        hits.append((now == frames)[known][::10])
    if not tonic:
        return {}, (1.0, 0.0)
    said, right = np.concatenate(said), np.concatenate(hits)
    scores = {"tonic": np.mean(tonic), "tonic_over_time": held / of, "key_mirex": np.mean(mirex)}
    if not len(said):
        return scores, (1.0, 0.0)
    scores |= {"key_ece": error(binned(said, right, BINS)), "whole_key_ece": error(binned(np.array(whole), np.array(tonic), 5))}
    return scores, fitted(said, right)


def key_class(name):
    """0..23 of "A minor"."""
    tonic, mode = name.split()
    return songs.pitch_class(tonic) + 12 * (mode == "minor")


def mirex_weight(true, told):
    """1 right, 0.5 a fifth off, 0.3 relative, 0.2 parallel."""
    (t, m), (u, n) = divmod(true, 12)[::-1], divmod(told, 12)[::-1]
    if true == told:
        return 1.0
    if m == n and (u - t) % 12 in (5, 7):
        return 0.5
    if m != n and (u - t) % 12 == (9 if m == 0 else 3):
        return 0.3
    return 0.2 if m != n and t == u else 0.0
