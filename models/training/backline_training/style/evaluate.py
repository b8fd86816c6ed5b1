"""Scores the guess at style and energy on drummers, families and a SoundFont that were kept apart, beside what was told then."""

import numpy as np
import torch
from scipy.stats import spearmanr

from backline_training.style import data, train


def run(config, args):
    """Tables by source and company, the styles one by one, and how the energy that is told goes with the one played."""
    saved = torch.load(args.work / "best.pt", map_location="cpu", weights_only=False)
    styles = saved["config"]["styles"]
    rows, x, told = data.load(args.work, args.bin)
    p, energy = train.judge(saved, x)
    p[~told], energy[~told] = 1 / len(styles), 0.5
    of = lambda key, value: np.array([row.get(key) == value for row in rows])
    y = np.array([styles.index(row["style"]) for row in rows])
    test = of("split", "test")
    before = {"style": [dict(map(tuple, row["rules"]["top"])) for row in rows]}
    rules = np.array([[b.get(s, 0.0) for s in styles] for b in before["style"]])
    print("| | n | first | among three | mean over styles | nats | calibration error | as told when heard: first | among three |")
    print("|---|---|---|---|---|---|---|---|---|")
    for how in ("online", "early", "offline"):
        for name, here in (
            ("drummers never heard", of("source", "groove")),
            ("the band", of("source", "band")),
            ("grooves by genre, families never heard", of("source", "genres")),
            ("drums only", of("condition", "drums only")),
            ("with a band", of("condition", "full mix")),
            ("no drums", of("condition", "no drums")),
        ):
            here = here & test & of("how", how)
            if here.any():
                first, three = ranked(rules[here], y[here])
                print(f"| {how}: {name} | {figures(p[here], y[here])} | {first:.2f} | {three:.2f} |")
    for i in np.unique(y[test]):
        here = test & (y == i) & of("how", "online")
        likely = [styles[k] for k in np.argsort(-p[here].mean(0))[:3]]
        print(f"{styles[i]}: {np.mean(p[here].argmax(1) == i):.2f} of {here.sum()}; mean guess {', '.join(likely)}")
    moods(rows, energy, y, test & of("how", "online"))


def moods(rows, energy, y, test):
    """How the told energy goes with the one that was played: rank correlation over all, pairs in the right order inside the styles."""
    played = np.array([row.get("energy", np.nan) for row in rows])
    test = test & ~np.isnan(played)
    for name, told in (("now", energy), ("as told when heard", np.array([row["rules"]["energy"] for row in rows]))):
        pairs = [(i, k) for i in np.flatnonzero(test) for k in np.flatnonzero(test & (y == y[i])) if played[i] < played[k]]
        right = np.mean([told[i] < told[k] for i, k in pairs])
        over = spearmanr(played[test], told[test])[0]
        print(f"energy, {name}: rank correlation {over:.2f} of {test.sum()}; of {len(pairs)} pairs of one style {right:.2f} in order")


def ranked(p, y):
    """(right at first, right among three), shares."""
    order = np.argsort(-p, 1, kind="stable")
    return float((order[:, 0] == y).mean()), float((order[:, :3] == y[:, None]).any(1).mean())


def figures(p, y):
    """The figures of one row."""
    first, three = ranked(p, y)
    right, sure = p.argmax(1) == y, p.max(1)
    classes = np.mean([right[y == c].mean() for c in np.unique(y)])
    bins = [(sure > low) & (sure <= low + 0.1) for low in np.arange(0, 1, 0.1)]
    error = sum(b.mean() * abs(sure[b].mean() - right[b].mean()) for b in bins if b.any())
    nats = -np.log(np.maximum(p[np.arange(len(y)), y], 1e-6)).mean()
    return f"{len(y)} | {first:.2f} | {three:.2f} | {classes:.2f} | {nats:.2f} | {error:.2f}"
