"""Grids around true beats, as the judge meets them: from the tempo that a tracker may have taken, all that go with it."""

import json
import pathlib
import subprocess
import tempfile

import numpy as np

from ..rhythm.data import DELAY_S, FPS

# As in `crates/listen/src/rhythm/octave.rs`: ratio of tempi, and shift in beats of the new grid.
RELATIVES = [(1, 0), (1, 1 / 2), (2, 0), (1 / 2, 0), (1 / 2, 1 / 2), (3, 0), (1 / 3, 0), (1 / 3, 1 / 3), (1 / 3, 2 / 3),
             (3 / 2, 0), (3 / 2, 1 / 2), (2 / 3, 0), (2 / 3, 1 / 3), (2 / 3, 2 / 3)]  # fmt: skip
# What a tracker takes instead of the beat, and how often.
TAKEN = [0, 2, 3, 4, 9, 11, 12, 13, 5, 6]
TAKEN_SHARE = np.array([0.4, 0.2, 0.1, 0.1, 0.06, 0.02, 0.02, 0.02, 0.05, 0.03])

# The least beats of a grid, as there.
FEWEST_BEATS = 4


def relative(beats, ratio, shift):
    """The grid at `ratio` times the tempo of `beats`, shifted by `shift` of its own beats."""
    places = np.arange(shift / ratio, len(beats) - 1 + 1e-9, 1 / ratio)
    return np.interp(places, np.arange(len(beats)), beats)


def same(a, b):
    """Whether two grids have the same beats, but for the ends."""
    if len(a) < FEWEST_BEATS or len(b) < FEWEST_BEATS:
        return False
    off = np.abs(np.subtract.outer(b, a)).min(0)
    period = np.median(np.diff(a))
    return abs(np.median(np.diff(b)) / period - 1) < 0.02 and np.median(off) < 0.05 * period


def grids(piece, rng, each, seconds):
    """`each` grids of random stretches, from the least to the most of `seconds` long, and which of their relatives is the beat."""
    at = (piece["beats"][:, 0] + DELAY_S) * FPS - 0.5
    at = at[(at >= 0) & (at < len(piece["said"]) - 1)]
    found, right = [], []
    while len(found) < each:
        frames = np.exp(rng.uniform(*np.log(seconds))) * FPS
        first = rng.uniform(at[0], max(at[0] + 1, at[-1] - frames))
        part = at[(at >= first) & (at <= first + frames)]
        if len(part) < FEWEST_BEATS:
            part = at
        grid = relative(part, *RELATIVES[rng.choice(TAKEN, p=TAKEN_SHARE)])
        if len(grid) < FEWEST_BEATS:
            continue
        found.append(grid)
        right.append([same(part, relative(grid, *r)) for r in RELATIVES])
    return found, right


def describe(pieces, each, seconds, seed, program):
    """Features (n, relatives, k), which relatives can be judged (n, relatives), and which are the beat (n, relatives)."""
    x, there, right = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        lines, truths = [], []
        for number, piece in enumerate(pieces):
            rng = np.random.default_rng([seed, number])
            said = piece["said"].astype("<f4")
            said[:, :8] *= 4
            path = pathlib.Path(folder) / f"{number}.said"
            said.tofile(path)
            found, truth = grids(piece, rng, each, seconds)
            lines.append(json.dumps({"said": str(path), "grids": [g.tolist() for g in found]}))
            truths.append(truth)
        done = subprocess.run([str(program)], input="\n".join(lines), capture_output=True, text=True, check=True)
    for line, truth in zip(done.stdout.splitlines(), truths):
        for described, true in zip(json.loads(line), truth):
            can = np.array([d is not None for d in described])
            # What is the beat cannot always be judged: too few beats, or too fast.
            if not (can & true).any():
                continue
            width = len(next(d for d in described if d is not None))
            x.append([d or [0.0] * width for d in described])
            there.append(can)
            right.append(np.array(true) & can)
    return np.array(x, np.float32), np.array(there), np.array(right)
