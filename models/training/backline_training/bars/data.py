"""Beats as the nets meet them: near the true ones, now and then at half or twice their tempo, described by the product's code."""

import json
import pathlib
import subprocess
import tempfile

import numpy as np

from ..rhythm.data import DELAY_S, FPS
from ..rhythm.net import METRES

# How often the beats are taken at half and at twice the true tempo.
HALF, DOUBLE = 0.04, 0.03
UNKNOWN = -1
# Fewer beats than this are no music to learn bars from.
FEWEST = 6


def true_beats(piece):
    """Places of the beats that were heard, and which begin a bar."""
    at = (piece["beats"][:, 0] + DELAY_S) * FPS - 0.5
    heard = (at >= 0) & (at < len(piece["said"]) - 2)
    return at[heard], piece["beats"][heard, 1] == 1


def grid(piece, rng, jitter):
    """Places, which of them begin a bar, and the metre's number where it is still that of the piece."""
    at, first = true_beats(piece)
    metre, way = METRES.index(piece["metre"]), rng.random()
    if way < HALF and piece["beats_per_bar"] % 2 == 0:
        from_beat = int(np.flatnonzero(first)[0]) % 2 if first.any() else 0
        at, first = at[from_beat::2], first[from_beat::2]
        metre = METRES.index("2/4") if piece["metre"] == "4/4" else UNKNOWN
    elif way < HALF + DOUBLE:
        places = np.arange(0, 2 * len(at) - 1) / 2
        at, twice = np.interp(places, np.arange(len(at)), at), np.zeros(len(places), bool)
        twice[::2] = first
        first, metre = twice, UNKNOWN
    return at + rng.normal(0, jitter, len(at)) + rng.normal(0, jitter), first, metre


def describe(pieces, each, jitter, seed, program):
    """For each piece: features (grids, beats, k) and truth (grids, beats, 2: bar begins, metre), lists of arrays."""
    with tempfile.TemporaryDirectory() as folder:
        folder, lines, truths = pathlib.Path(folder), [], []
        for number, piece in enumerate(pieces):
            rng = np.random.default_rng([seed, number])
            rows = np.concatenate([piece["said"].astype("<f4"), piece["x"].astype("<f4") / 255], 1)
            rows.tofile(folder / f"{number}.rows")
            piece["chroma"].astype("<f4").tofile(folder / f"{number}.chroma")
            plain = [(*true_beats(piece), METRES.index(piece["metre"]))]
            grids = [g for g in ([grid(piece, rng, jitter) for _ in range(each)] or plain) if len(g[0]) >= FEWEST]
            truths.append([np.stack([first[:-1], np.full(len(first) - 1, metre)], 1) for _, first, metre in grids])
            files = {kind: str(folder / f"{number}.{kind}") for kind in ("rows", "chroma", "out")}
            lines.append(json.dumps({**files, "grids": [at.tolist() for at, _, _ in grids]}))
        done = subprocess.run([str(program)], input="\n".join(lines), capture_output=True, text=True, check=True)
        width, described = int(done.stdout), []
        for number, truth in enumerate(truths):
            x = np.fromfile(folder / f"{number}.out", "<f4").reshape(-1, width).astype(np.float16)
            ends = np.cumsum([len(t) for t in truth])
            described.append(np.split(x, ends[:-1]) if truth else [])
    return described, truths


def save(path, described, truths):
    """Writes all stretches of all pieces one after the other, with the lengths and whose they are."""
    stretches = [(p, x, t) for p, (xs, ts) in enumerate(zip(described, truths)) for x, t in zip(xs, ts)]
    np.savez(path, x=np.concatenate([x for _, x, _ in stretches]), truth=np.concatenate([t for _, _, t in stretches]).astype(np.int8),
             lengths=[len(t) for _, _, t in stretches], pieces=[p for p, _, _ in stretches])  # fmt: skip


def load(path):
    """Stretches (features, truth) by piece."""
    with np.load(path) as z:
        ends = np.cumsum(z["lengths"])
        xs, truths = np.split(z["x"], ends[:-1]), np.split(z["truth"], ends[:-1])
        by_piece = {}
        for piece, x, truth in zip(z["pieces"].tolist(), xs, truths):
            by_piece.setdefault(piece, []).append((x, truth))
    return list(by_piece.values())
