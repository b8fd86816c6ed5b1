"""Prepared pieces as the net learns from them: frames, targets, and changes that cost no rendering."""

import pathlib

import numpy as np

from .net import METRES, VELOCITY, WIDTH
from .pieces import VOICES

FPS = 50.0
# Row i of the net's output speaks of what happened this long before the middle of frame i: 20 ms are the
# spectrum's own, 20 ms one frame of lookahead.
DELAY_S = 0.04
# Target one frame beside an event, for beats and for strokes.
BESIDE_BEAT, BESIDE_STROKE = 0.5, 0.3


class Pieces:
    """All prepared pieces of a folder; call `refresh` to take in new ones."""

    def __init__(self, folder):
        self.folder, self.items = pathlib.Path(folder), {}
        self.refresh()

    def refresh(self):
        """Reads what has been written since."""
        for path in sorted(self.folder.glob("*.npz")):
            if path.stem not in self.items:
                with np.load(path) as z:
                    self.items[path.stem] = {k: z[k] if z[k].ndim else z[k].item() for k in z.files}
        self.names = sorted(self.items)


def marks(times_s, frames, beside):
    """Targets with 1 where an event is and `beside` on both sides."""
    out = np.zeros(frames, np.float32)
    at = np.round((np.asarray(times_s) + DELAY_S) * FPS - 0.5).astype(int)
    for shift, value in ((-1, beside), (1, beside), (0, 1.0)):
        i = at + shift
        i = i[(i >= 0) & (i < frames)]
        out[i] = np.maximum(out[i], value)
    return out


def targets(piece, frames, stretch=1.0, from_s=0.0):
    """[frames, WIDTH]: as the net's output; velocities where nothing sounds are -1, the metre is a class."""
    y = np.zeros((frames, WIDTH), np.float32)
    when = lambda t: np.asarray(t) * stretch - from_s
    beats = piece["beats"]
    y[:, 0] = marks(when(beats[:, 0]), frames, BESIDE_BEAT)
    y[:, 1] = marks(when(beats[beats[:, 1] == 1, 0]), frames, BESIDE_BEAT)
    y[:, VELOCITY] = -1
    for v in range(len(VOICES)):
        hits = piece["drums"][piece["drums"][:, 1] == v]
        times = when(hits[:, 0])
        y[:, 2 + v] = marks(times, frames, BESIDE_STROKE)
        at = np.round((times + DELAY_S) * FPS - 0.5).astype(int)
        inside = (at >= 0) & (at < frames)
        y[at[inside], VELOCITY.start + v] = hits[inside, 2]
    y[:, 7] = marks(when(piece["onsets"]), frames, BESIDE_STROKE)
    y[:, VELOCITY.stop] = METRES.index(piece["metre"])
    return y


def example(piece, frames, rng, config):
    """A stretch of the piece at another tempo, pitch, level and tone: (x, y)."""
    x = piece["x"].astype(np.float32) / 255
    stretch = float(np.exp(rng.uniform(-1, 1) * config["stretch"])) if rng.random() < 0.7 else 1.0
    if stretch != 1.0:
        at = np.arange(int(len(x) * stretch)) / stretch
        low = np.minimum(at.astype(int), len(x) - 2)
        part = (at - low)[:, None].astype(np.float32)
        x = x[low] * (1 - part) + x[low + 1] * part
    first = int(rng.integers(0, max(1, len(x) - frames + 1)))
    if rng.random() < 0.4:
        first = 0
    x = x[first : first + frames]
    x = np.pad(x, ((0, frames - len(x)), (0, 0)))
    y = targets(piece, frames, stretch, first / FPS)
    shift = int(rng.integers(-3, 4))
    if shift:
        x = np.roll(x, shift, axis=1)
        x[:, : max(shift, 0)] = 0
        x[:, x.shape[1] + min(shift, 0) :] = 0
    # Tone and level: a smooth curve that is added to the logarithm.
    points = rng.normal(0, 0.04, 5)
    curve = np.interp(np.linspace(0, 4, x.shape[1]), np.arange(5), points).astype(np.float32)
    x = np.clip(x + (curve + rng.normal(0, 0.03)) * (x > 0.02), 0, 1)
    if rng.random() < 0.3:
        width = int(rng.integers(2, 12))
        at = int(rng.integers(0, x.shape[1] - width))
        x[:, at : at + width] = 0
    return x, y
