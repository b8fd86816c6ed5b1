"""Bars made ready for the net: accents as a listener would hear them, and knowledge withheld at random."""

import numpy as np

from backline_training.drums import bar

ARRAYS = ("level", "late", "triplet", "fill", "after_fill", "chart", "charted", "before", "led", "bpm", "phrase")
ARRAYS += ("style", "energy", "density", "kick_follow", "source", "performance")


def load(work, split):
    """The bars of one split, a dict of arrays; `split` is train, validation or test."""
    with np.load(work / "bars.npz") as file:
        here = file["split"] == ("train", "validation", "test").index(split)
        return {key: file[key][here] for key in ARRAYS}


def take(bars, index):
    """Some of the bars."""
    return {key: value[index] for key, value in bars.items()}


def heard(bars, rng, known):
    """The same bars with `accents` and `accented`, known with that probability.

    A riff is what its kick answers: an accent at most kicks, a few at other strokes, a few at none; and, where the
    style's kick keeps its own pattern, accents that have nothing to do with it.
    """
    n = len(bars["style"])
    kick = bars["level"][:, :, 0]
    other = bars["level"][:, :, 1:].max(2)
    at = rng.random
    answered = np.where(kick > 0, rng.uniform(0.6, 1, kick.shape) * (at(kick.shape) < 0.85), 0)
    stray = np.where((kick == 0) & (other > 0), rng.uniform(0.3, 0.9, kick.shape) * (at(kick.shape) < 0.1), 0)
    stray += np.where((kick == 0) & (other == 0), rng.uniform(0.2, 0.7, kick.shape) * (at(kick.shape) < 0.06), 0)
    unrelated = np.where(at(kick.shape) < 0.3, rng.uniform(0.4, 1, kick.shape), 0)
    follows = at((n, 1)) < bars["kick_follow"][:, None]
    accents = np.where(follows, answered + stray, unrelated) + rng.uniform(0, 0.12, kick.shape)
    accents /= np.maximum(accents.max(1, keepdims=True), 1e-3)
    accented = (at(n) < known).astype(np.float32)
    return {**bars, "accents": accents.astype(np.float32), "accented": accented}


def withheld(bars, rng, config):
    """The same bars with charts, bars before and styles left out at random."""
    n = len(bars["style"])
    keep = lambda name: (rng.random(n) >= config[name]).astype(np.float32)
    style = np.where(rng.random(n) < config["drop_style"], 0, bars["style"])
    charted, led = bars["charted"] * keep("drop_chart"), bars["led"] * keep("drop_before")
    return {**bars, "charted": charted, "led": led, "style": style}


def inputs(bars, styles):
    """x [n, 16, features]: the own last step first, then what is known before the bar."""
    return np.concatenate([bar.own(bars["level"]), bar.conditions(bars, styles)], 2)
