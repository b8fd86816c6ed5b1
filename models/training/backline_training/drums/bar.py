"""What the net reads at a step of a bar, and how a bar lies in memory.

`crates/play/src/drums/reading.rs` builds the same.

A bar has 16 steps (straight) or 12 (triplets) and nine voices. Strokes are levels 0…1, relative to how loud the
drummer plays at all; 0 is no stroke. What was not there (no chart, no bar before) is all zero with its flag off.
"""

import numpy as np

VOICES = ("kick", "snare", "closed_hat", "open_hat", "low_tom", "mid_tom", "high_tom", "crash", "ride")
N = len(VOICES)
STEPS, TRIPLETS = 16, 12
# Accents at these steps from the present one are read.
REACH = (-1, 0, 1, 2)
# Positions, own last step, chart, bar before, (styles), energy/density/tempo, phrase, after a fill, fill, accents.
FIXED = (STEPS + TRIPLETS) + 2 * N + (3 * N + 1) + (3 * N + 1) + 3 + 4 + 1 + 2 + (1 + len(REACH))


def width(styles):
    """Features of a step, for so many styles."""
    return FIXED + styles


def steps(triplet):
    """Steps of a bar."""
    return TRIPLETS if triplet else STEPS


def conditions(bars, styles):
    """What is known before the bar is played: [n, 16, width - 2 N], all but the own last step.

    bars: a dict of arrays, the first axis the bars: `triplet`, `chart` and `before` [n, 16, N] (levels), `charted`,
    `led` (whether these two are there), `style` (index), `energy`, `density` (0…1), `bpm`, `phrase` (0…3),
    `after_fill`, `fill` [n, 16], `accented`, `accents` [n, 16] (0…1).
    """
    n = len(bars["style"])
    triplet = bars["triplet"].astype(bool)
    places = np.stack([np.eye(STEPS, STEPS + TRIPLETS, k) for k in (0, STEPS)])
    position = places[triplet.astype(int)]
    parts = [position]
    for name, flag in (("chart", "charted"), ("before", "led")):
        level = bars[name] * bars[flag][:, None, None]
        parts += [level > 0, level, after(level > 0, 1, triplet), spread(bars[flag])]
    style = np.zeros((n, styles), np.float32)
    style[np.arange(n), bars["style"]] = 1
    parts += [spread(style), spread(bars["energy"]), spread(bars["density"]), spread(np.log2(bars["bpm"] / 120))]
    parts += [spread(np.eye(4, dtype=np.float32)[bars["phrase"]]), spread(bars["after_fill"])]
    fill = bars["fill"][:, :, None]
    parts += [fill, after(fill, 1, triplet), spread(bars["accented"])]
    heard = (bars["accents"] * bars["accented"][:, None])[:, :, None]
    parts += [after(heard, k, triplet) for k in REACH]
    return np.concatenate([np.asarray(p, np.float32) for p in parts], 2)


def spread(value):
    """A figure of the bar at each of its steps."""
    value = np.asarray(value, np.float32).reshape(len(value), 1, -1)
    return np.repeat(value, STEPS, 1)


def after(values, k, triplet):
    """What lies `k` steps later in the same bar; nothing beyond its ends."""
    out = np.zeros(values.shape, np.float32)
    if k < 0:
        out[:, -k:] = values[:, :k]
    else:
        out[:, : STEPS - k] = values[:, k:]
    out[np.asarray(triplet, bool), max(0, TRIPLETS - k) if k > 0 else TRIPLETS :] = 0
    return out


def own(level):
    """The own last step, [n, 16, 2 N]: struck and how strongly; nothing before the first."""
    last = np.zeros_like(level)
    last[:, 1:] = level[:, :-1]
    return np.concatenate([last > 0, last], 2).astype(np.float32)


def mask(triplet):
    """Which steps belong to the bar, [n, 16]."""
    return np.arange(STEPS)[None] < np.where(np.asarray(triplet, bool), TRIPLETS, STEPS)[:, None]
