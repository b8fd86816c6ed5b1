"""Bars from the grooves that Backline's own style files hold: the styles that no drummer recorded for us."""

import json

import numpy as np

from backline_training.drums import bar

LANES = {"rim": 1, "clap": 1, "pedal_hat": 2, **{v: i for i, v in enumerate(bar.VOICES)}}


def pattern(text, steps):
    """Levels of one or two bars, [bars, steps]."""
    marks = [c for c in text if c not in " |"]
    values = [0.0 if c == "." else 0.6 if c in "dt" else int(c) / 9 for c in marks]
    return np.array(values).reshape(-1, steps)


def lanes(part, steps):
    """(levels, probabilities) [2, steps, voices] of a groove or a fill."""
    level, prob = np.zeros((2, steps, bar.N)), np.zeros((2, steps, bar.N))
    for lane, text in part["drums"].items():
        written = pattern(text, steps)
        chance = (written > 0).astype(float)
        if lane in part.get("prob", {}):
            told = pattern(part["prob"][lane], steps)
            chance *= np.where(np.resize(told, written.shape) > 0, np.resize(told, written.shape), 1)
        for k in range(2):
            row, p = written[k % len(written)], chance[k % len(chance)]
            louder = row > level[k, :, LANES[lane]]
            level[k, louder, LANES[lane]], prob[k, louder, LANES[lane]] = row[louder], p[louder]
    return level, prob


def performances(folder, each, rng):
    """A dict of arrays a style file in 4/4, of about `each` bars: grooves as written and as their chances fall."""
    for file in sorted(folder.glob("*.json")):
        style = json.loads(file.read_text())
        if style["metres"][0] != "4/4" or style["steps_per_quarter"] not in (3, 4):
            continue
        yield performance(style, each, rng)


def performance(style, each, rng):
    """The bars of one style."""
    per_beat = style["steps_per_quarter"]
    count = 4 * per_beat
    grooves = [g for g in style["grooves"] if g.get("metre", "4/4") == "4/4"]
    rows = []
    for i in range(each):
        groove = grooves[rng.integers(len(grooves))]
        level, prob = lanes(groove, count)
        k = int(rng.integers(2))
        played, before = (cast(level[j], prob[j], rng) for j in (k, 1 - k))
        fill = np.zeros(count)
        energy = groove["energy"]
        if style["fills"] and rng.random() < 0.2:
            part = min(style["fills"], key=lambda f: abs(f["energy"] - energy) + 0.3 * rng.random())
            length = part["quarters"] * per_beat
            new = cast(*(x[0] for x in lanes(part, length)), rng)
            start = max(0, count - length)
            keep = played[start:, 0] if "kick" not in part["drums"] else new[length - (count - start) :, 0]
            played[start:] = new[length - (count - start) :]
            played[start:, 0] = keep
            fill[start:] = 1
        chart = np.where(prob[k] >= 0.5, level[k], 0)
        after_fill = rng.random() < 0.1
        if after_fill and style["crash"] > 0.4:
            played[0, [2, 3, 8]] = 0
            played[0, [0, 7]] = 0.95
        rows.append((played, chart, before, fill, after_fill, energy))
    pad = lambda x: np.concatenate([x, np.zeros((bar.STEPS - count, *x.shape[1:]))]).astype(np.float32)
    level = np.stack([pad(r[0]) for r in rows])
    struck = np.where(level > 0, level, np.nan)
    low, high = style["tempo_bpm"]
    return {
        "level": level,
        "late": np.zeros_like(level),
        "triplet": np.full(each, per_beat == 3),
        "fill": np.stack([pad(r[3]) for r in rows]),
        "after_fill": np.array([r[4] for r in rows], np.float32),
        "chart": np.stack([pad(r[1]) for r in rows]),
        "charted": np.ones(each, np.float32),
        "before": np.stack([pad(r[2]) for r in rows]),
        "led": np.array([float(rng.random() < 0.8) for _ in rows], np.float32),
        "bpm": rng.uniform(low, high, each).astype(np.float32),
        "phrase": rng.integers(0, 4, each),
        "loudness": np.nanmean(struck, (1, 2)).astype(np.float32) + np.array([r[5] for r in rows], np.float32),
        "style": style["id"],
        "split": "train",
        "name": f"written/{style['id']}",
        "kick_follow": style["kick_follow"],
    }


def cast(level, prob, rng):
    """One bar as chance has it, its strokes a little uneven."""
    uneven = np.clip(level * (1 + 0.08 * rng.standard_normal(level.shape)), 0.05, 1)
    return np.where(rng.random(level.shape) < prob, uneven, 0)
