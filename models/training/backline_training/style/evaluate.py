"""Scores what the listener takes rendered drummers and grooves for: right, among the first three, and how sure."""

import json

import numpy as np


def run(config, args):
    """A table by source and company, then the styles one by one."""
    del config
    rows = [json.loads(file.read_text()) for file in sorted((args.work / "heard").glob("*.json"))]
    styles = sorted({name for row in rows for name, _ in row["heard"]["style"]["top"]} | {row["style"] for row in rows})
    p = np.array([[dict(map(tuple, row["heard"]["style"]["top"])).get(s, 0.0) for s in styles] for row in rows])
    y = np.array([styles.index(row["style"]) for row in rows])
    known = p.max(0)[y] > 0
    of = lambda key, value: np.array([row[key] == value for row in rows])
    print("| | n | first | among three | mean over styles | nats | calibration error |\n|---|---|---|---|---|---|---|")
    for name, here in (
        ("drummers", of("source", "groove")),
        ("our own grooves", of("source", "written")),
        ("our own grooves, of styles that it can name", of("source", "written") & known),
        ("drums only", of("condition", "drums only")),
        ("with a band", of("condition", "full mix")),
    ):
        if here.any():
            print(f"| {name} | {figures(p[here], y[here])} |")
    for i in np.unique(y):
        here = y == i
        told = [styles[k] for k in np.argsort(-p[here].mean(0))[:3]]
        print(f"{styles[i]}: {np.mean(p[here].argmax(1) == i):.2f} of {here.sum()}; mean guess {', '.join(told)}")


def figures(p, y):
    """The figures of one row."""
    order = np.argsort(-p, 1)
    first, three, sure = order[:, 0] == y, (order[:, :3] == y[:, None]).any(1), p.max(1)
    classes = np.mean([first[y == c].mean() for c in np.unique(y)])
    bins = [(sure > low) & (sure <= low + 0.1) for low in np.arange(0, 1, 0.1)]
    error = sum(b.mean() * abs(sure[b].mean() - first[b].mean()) for b in bins if b.any())
    nats = -np.log(np.maximum(p[np.arange(len(y)), y], 1e-6)).mean()
    return f"{len(y)} | {first.mean():.3f} | {three.mean():.3f} | {classes:.3f} | {nats:.2f} | {error:.3f}"
