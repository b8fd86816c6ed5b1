"""Performances of the grooves in `genres/`: families of the styles that no drummer recorded for us, played phrase by phrase.

Four bars are a phrase: two as they are, one with a small change now and then, one with a change or, at the end of eight, a fill.
What is a matter of taste is decided once a performance and seldom anew. Families that are kept apart share nothing with the others but
the genre's moves and fills.
"""

import dataclasses
import json
import pathlib

import numpy as np

from backline_training.drums import bar, groove_midi, written

FOLDER = pathlib.Path(__file__).resolve().parent / "genres"
SPLITS = {"family": "train", "valid": "validation", "test": "test"}
REMOVED = -1.0
# Programmed strokes lie within 1.5 ms, players' within 7; in units of `groove_midi.TIME_MS`.
TIGHT, LOOSE = 1.5 / groove_midi.TIME_MS, 7 / groove_midi.TIME_MS
BY_HAND = ("reggae", "disco")


@dataclasses.dataclass
class Genre:
    """families: (name, split, layers); a layer is (low, high, voice, levels [bars, 16], is a matter of taste [bars, 16])."""

    style: str
    families: list = dataclasses.field(default_factory=list)
    moves: list = dataclasses.field(default_factory=list)
    fills: list = dataclasses.field(default_factory=list)
    crash: float = 0.0


def marks(text, steps):
    """(levels, is a matter of taste), [bars, steps]."""
    signs = [c for c in text if c not in " |"]
    level = [REMOVED if c == "-" else 0.0 if c == "." else int(c) / 9 if c.isdigit() else (ord(c) - 96) / 9 for c in signs]
    shape = lambda values: np.array(values).reshape(-1, steps)
    return shape(level), shape([c.isalpha() for c in signs])


def lanes(text, steps):
    """[(voice, levels [bars, steps])] of `lane pattern; lane pattern`."""
    parts = [part.split(None, 1) for part in text.split(";")]
    return [(written.LANES[lane], marks(pattern, steps)[0]) for lane, pattern in parts]


def read(file):
    """The genre of one file."""
    genre = Genre(file.stem)
    for line in filter(None, file.read_text().splitlines()):
        word, rest = line.split(None, 1)
        if word in SPLITS:
            genre.families.append((rest, SPLITS[word], []))
        elif word == "move":
            genre.moves.append(lanes(rest, bar.STEPS))
        elif word == "fill":
            quarters, rest = rest.split(None, 1)
            genre.fills.append((int(quarters), lanes(rest, 4 * int(quarters))))
        elif word == "crash":
            genre.crash = float(rest)
        else:
            low, high = map(float, word.split("-"))
            lane, pattern = rest.split(None, 1)
            genre.families[-1][2].append((low, high, written.LANES[lane], *marks(pattern, bar.STEPS)))
    # The longer, the louder.
    genre.fills.sort(key=lambda f: f[0])
    return genre


def performances(styles, config, rng):
    """A dict of arrays a performance, as `groove_midi.performances` gives them."""
    for file in sorted(FOLDER.glob("*.txt")):
        genre, about = read(file), json.loads((styles / f"{file.stem}.json").read_text())
        for name, split, layers in genre.families:
            count = config["genre_performances"] if split == "train" else config["genre_kept_apart"]
            for k in range(count):
                bpm = rng.uniform(*about["tempo_bpm"])
                # Every energy and density as often.
                energy, density = (k + rng.random()) / count, rng.uniform(-1, 1)
                bars = performance(genre, layers, energy, density, config["genre_bars"], rng)
                yield {
                    **bars,
                    "bpm": np.full(len(bars["level"]), bpm, np.float32),
                    "style": genre.style,
                    "split": split,
                    "name": f"genres/{genre.style}/{name}/{k}",
                    "kick_follow": about["kick_follow"],
                }


def performance(genre, layers, energy, density, count, rng):
    """`count` bars of one family."""
    playing = [layer for layer in layers if layer[0] <= energy <= layer[1]]
    chance = 0.5 + 0.4 * density
    tastes = [rng.random((2, bar.STEPS)) for _ in playing]
    gain = rng.uniform(0.88, 1.0, bar.N)
    levels, filled = [], np.zeros((count, bar.STEPS), np.float32)
    own_moves = rng.permutation(len(genre.moves))[: rng.integers(2, 5)]
    for i in range(count):
        place = i % 4
        anew = (0.03, 0.05, 0.25, 0.3)[place]
        level = np.zeros((bar.STEPS, bar.N))
        for (_, _, voice, struck, optional), taste in zip(playing, tastes):
            here, free = struck[i % len(struck)], optional[i % len(struck)]
            draw = np.where(rng.random(bar.STEPS) < anew, rng.random(bar.STEPS), taste[i % len(struck)])
            here = np.where(free & (draw >= chance), 0, here)
            level[:, voice] = np.maximum(level[:, voice], here)
        if place >= 2 and rng.random() < (0.4, 0.65)[place - 2]:
            lay(level, genre.moves[rng.choice(own_moves)], 0)
        if place == 3 and rng.random() < (0.85 if i % 8 == 7 else 0.2):
            start = fill(level, genre, energy if i % 8 == 7 else 0.5 * energy, rng)
            filled[i, start:] = 1
        if i > 0 and filled[i - 1, -1] and rng.random() < genre.crash * (0.3 + 0.7 * energy):
            level[0, [2, 3, 8]] = 0
            level[0, 7] = 0.95
        uneven = 1 + 0.04 * rng.standard_normal(level.shape)
        levels.append(np.where(level > 0, np.clip(level * gain * uneven, 0.05, 1), 0))
    level = np.array(levels, np.float32)
    usual = [not f.any() for f in filled]
    past = lambda i: slice(max(0, i - groove_midi.PAST), i)
    charts = [groove_midi.chart(level[past(i)][usual[past(i)]]) for i in range(count)]
    loose = LOOSE if genre.style in BY_HAND else TIGHT
    return {
        "level": level,
        "late": (loose * rng.standard_normal(level.shape) * (level > 0)).astype(np.float32),
        "triplet": np.zeros(count, bool),
        "fill": filled,
        "after_fill": np.concatenate([[0.0], filled[:-1, -1]]).astype(np.float32),
        "chart": np.array([np.zeros_like(level[0]) if c is None else c for c in charts], np.float32),
        "charted": np.array([c is not None for c in charts], np.float32),
        "before": np.concatenate([np.zeros_like(level[:1]), level[:-1]]),
        "led": np.array([0.0] + [1.0] * (count - 1), np.float32),
        "phrase": np.arange(count) % 4,
        "loudness": np.full(count, energy, np.float32),
    }


def lay(level, change, start):
    """Lays a move or a fill over the bar, from step `start` on."""
    for voice, pattern in change:
        row, here = pattern[0], level[start:, voice]
        here[row > 0] = row[row > 0]
        here[row == REMOVED] = 0


def fill(level, genre, energy, rng):
    """Ends the bar in a fill that suits the energy; the step that it begins at."""
    order = np.arange(len(genre.fills)) / max(1, len(genre.fills) - 1)
    quarters, change = genre.fills[int(np.argmin(np.abs(order - energy) + 0.5 * rng.random(len(order))))]
    start = bar.STEPS - 4 * quarters
    kick = level[start:, 0].copy()
    level[start:] = 0
    if all(voice != 0 for voice, _ in change):
        level[start:, 0] = kick
    lay(level, change, start)
    return start
