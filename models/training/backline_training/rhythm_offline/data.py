"""Prepared pieces as the second net learns from them: chunks of what the stream's net said, with nothing before and after."""

import numpy as np

from ..rhythm import data
from ..rhythm.data import Pieces
from .net import HEADS, SAID

__all__ = ["Pieces", "chunk", "targets", "whole"]


def whole(piece):
    """[frames, SAID + bands]: what the product's own code writes (`crates/listen/src/rhythm/hindsight.rs`)."""
    return np.concatenate([piece["said"].astype(np.float32), piece["x"].astype(np.float32) / 255], 1)


def targets(piece, frames, stretch=1.0, from_s=0.0):
    """[frames, HEADS + 1]: heads, and the metre as a class."""
    y = data.targets(piece, frames, stretch, from_s)
    return np.concatenate([y[:, :HEADS], y[:, -1:]], 1)


def chunk(piece, frames, rng, config):
    """A chunk of the piece at another tempo and level: (x, y, weight). Frames that are not there weigh nothing, those
    near the ends less, since the product believes a chunk in its middle half."""
    x, stretch = whole(piece), 1.0
    if rng.random() < 0.6:
        stretch = float(np.exp(rng.uniform(-1, 1) * config["stretch"]))
        at = np.arange(int(len(x) * stretch)) / stretch
        low = np.minimum(at.astype(int), len(x) - 2)
        part = (at - low)[:, None].astype(np.float32)
        x = x[low] * (1 - part) + x[low + 1] * part
    edge = frames // 4
    # Where the chunk begins; before the piece and after it there is nothing.
    first = int(rng.integers(-edge, max(1, len(x) - frames + edge)))
    if rng.random() < 0.2:
        first = -edge
    y, weight = targets(piece, len(x), stretch), np.full(frames, 0.3, np.float32)
    weight[edge : frames - edge] = 1.0
    here = np.arange(first, first + frames)
    there = (here >= 0) & (here < len(x))
    weight[~there] = 0.0
    out = np.zeros((frames, x.shape[1]), np.float32), np.zeros((frames, y.shape[1]), np.float32)
    out[0][there], out[1][there] = x[here[there]], y[here[there]]
    # A net that has heard none of these pieces is this unsure on others as well; a little more so.
    out[0][there, :HEADS] += rng.normal(0, config["noise"], (int(there.sum()), HEADS)).astype(np.float32)
    out[0][there, SAID:] = np.clip(out[0][there, SAID:] + rng.normal(0, 0.03), 0, 1)
    if rng.random() < 0.15:
        out[0][:, SAID:] = 0
    return *out, weight
