"""Scores the net and its decoder on prepared pieces: beats, bars, tempo, its probability, strokes.

Reads `WORK/valid` (`--set evaluate="test"` for the test pieces) and runs the example program `beats_of` of `--bin` on
the net's activations. Choose settings on `valid`; report `test`. With everything else that the listener does, `python -m
backline_training.hear WORK/test` scores the whole program on the test pieces' audio.
"""

import json
import subprocess

import mir_eval
import numpy as np
import torch

from ..hear import followed
from . import data
from .net import METRE, RhythmNet
from .pieces import VOICES

WINDOW_S = 0.05


def run(config, args):
    """Prints a line for each condition and one for all, online and offline."""
    torch.set_num_threads(config["threads"])
    pieces = data.Pieces(args.work / config["evaluate"])
    saved = torch.load(args.work / "last.pt", map_location="cpu")
    net = RhythmNet(saved["bands"], config["channels"], config["hidden"], config["deep"])
    net.load_state_dict(saved["mean"])
    net.eval()
    items = [pieces.items[n] for n in pieces.names]
    with torch.no_grad():
        told = [net.whole(torch.from_numpy(p["x"].astype(np.float32) / 255)[None])[0].numpy() for p in items]
    strokes(items, told)
    folder = args.work / "activations"
    folder.mkdir(exist_ok=True)
    names = []
    for name, y in zip(pieces.names, told):
        metres = np.exp(y[:, METRE] - y[:, METRE].max(1, keepdims=True))
        metres /= metres.sum(1, keepdims=True)
        np.concatenate([y[:, :8], metres], 1).astype("<f4").tofile(folder / f"{name}.said")
        onset = 1 / (1 + np.exp(-y[:, 7:8]))
        np.repeat(onset, 4, 1).astype("<f4").tofile(folder / f"{name}.f32")
        names.append(str(folder / f"{name}.f32"))
    for mode in ("online", "offline"):
        done = subprocess.run([str(args.bin / "beats_of"), mode, *names], capture_output=True, text=True, check=True)
        scores = [beats(p, json.loads(line)) for p, line in zip(items, done.stdout.splitlines())]
        report(mode, items, scores)


def hits_of(prob, threshold):
    """Frames that are peaks above the threshold."""
    peak = (prob[1:-1] > prob[:-2]) & (prob[1:-1] >= prob[2:]) & (prob[1:-1] > threshold)
    return np.flatnonzero(peak) + 1


def strokes(items, told):
    """Best threshold and onset F of each voice, over all pieces with drums."""
    drummed = [(p, y) for p, y in zip(items, told) if len(p["drums"])]
    for v, voice in enumerate(VOICES):
        best = (0.0, 0.0)
        for threshold in np.arange(0.15, 0.8, 0.05):
            found = right = true = 0
            for piece, y in drummed:
                ref = np.unique(piece["drums"][piece["drums"][:, 1] == v, 0])
                prob = 1 / (1 + np.exp(-y[:, 2 + v]))
                est = (hits_of(prob, threshold) + 0.5) / data.FPS - data.DELAY_S
                right += len(mir_eval.util.match_events(ref, est, WINDOW_S)) if len(ref) and len(est) else 0
                found, true = found + len(est), true + len(ref)
            best = max(best, (2 * right / max(1, found + true), threshold))
        print(f"{voice}: onset F {best[0]:.3f} at threshold {best[1]:.2f} ({true} strokes)")


def beats(piece, heard):
    """All figures of one piece."""
    ref, est = piece["beats"][:, 0], np.array([b["time_s"] for b in heard["beats"]])
    trimmed = mir_eval.beat.trim_beats(ref), mir_eval.beat.trim_beats(est)
    downs = piece["beats"][piece["beats"][:, 1] == 1, 0], np.array([b["time_s"] for b in heard["beats"] if b["beat"] == 1])
    continuity = mir_eval.beat.continuity(*trimmed) if len(trimmed[1]) > 1 else (0, 0, 0, 0)
    tempo = heard["tempo_bpm"] or {"value": 0.0, "prob": float("nan")}
    ratio = tempo["value"] / piece["bpm"]
    metre = heard["metre"] and "{numerator}/{denominator}".format(**heard["metre"]["value"])
    near = [np.abs(ref - t).min() < 0.07 for t in est]
    good = followed(near)
    return {
        "F": mir_eval.beat.f_measure(*trimmed) if len(est) else 0.0,
        "CMLt": continuity[1],
        "AMLt": continuity[3],
        "down": mir_eval.beat.f_measure(*(mir_eval.beat.trim_beats(d) for d in downs)) if len(downs[1]) else 0.0,
        "Acc1": float(abs(ratio - 1) < 0.04),
        "Acc2": float(any(abs(ratio / k - 1) < 0.04 for k in (1, 2, 3, 1 / 2, 1 / 3))),
        "metre": float(metre == piece["metre"]),
        "lock": heard["beats"][good[0]]["decided_s"] if good else float("nan"),
        "early": float(bool(good) and good[0] > 0),
        "prob": tempo["prob"],
    }


def report(mode, items, scores):
    """Means by condition and metre, and how well probabilities match."""
    groups = {"all": list(range(len(items)))}
    for i, piece in enumerate(items):
        groups.setdefault(piece["condition"], []).append(i)
        groups.setdefault(piece["metre"], []).append(i)
    print(f"{mode:12} {'n':>3} " + " ".join(f"{k:>6}" for k in scores[0]))
    for name, members in groups.items():
        means = [np.nanmean([scores[i][k] for i in members] or [np.nan]) for k in scores[0]]
        print(f"{name:12} {len(members):3} " + " ".join(f"{m:6.3f}" for m in means))
    told = [(s["prob"], s["Acc1"]) for s in scores if s["prob"] == s["prob"]]
    print(f"calibration of tempo: error {calibration_error(told):.3f} over {len(told)}")


def calibration_error(told, bins=5):
    """Expected calibration error of (probability, right), in bins of equal count; nan if nothing was told."""
    if not told:
        return float("nan")
    told = sorted(told)
    parts = [p for p in np.array_split(np.array(told), bins) if len(p)]
    return sum(len(p) * abs(p[:, 0].mean() - p[:, 1].mean()) for p in parts) / len(told)


