"""Imitates what the listener hears of a piece, mistakes and all: hours of hearing in seconds.

The rates are those that were counted on rendered pieces (`MISTAKES`); they differ from piece to piece as much as sounds do. Timbre and
loudness are not imitated, so the nets go without them.
"""

import numpy as np

VOICES = {"kick": "kick", "snare": "snare", "hat": "closed_hat", "tom": "low_tom", "cymbal": "crash"}
# Counted on 146 pieces, 138 of them with drums. Tempo heard, as a multiple of the true one; beat of the bar that is taken for
# the one; share of strokes that are heard, and false strokes a beat, by voice.
MISTAKES = {
    "tempo": ((1.0, 0.87), (0.5, 0.05), (2.0, 0.04), (1.5, 0.04)),
    "one": (0.77, 0.06, 0.14, 0.03),
    "heard": {"kick": 0.83, "snare": 0.78, "hat": 0.73, "tom": 0.26, "cymbal": 0.65},
    "false": {"kick": 0.1, "snare": 0.26, "hat": 0.24, "tom": 0.04, "cymbal": 0.17},
    "metre": 0.7,
}
LATE_S, ONSET_HEARD, FALSE_ONSETS = 0.012, 0.85, 0.15
# Strokes at this level are heard half as well as loud ones.
SOFT = 0.25


def heard(piece, rng):
    """What is heard of `piece`, as the product tells it."""
    ratios, odds = zip(*MISTAKES["tempo"])
    ratio = ratios[rng.choice(len(ratios), p=odds)]
    beats, bpm, length = grid(piece, ratio, rng), piece.bpm * ratio, piece.length_s
    drums = strokes(piece, rng)
    return {
        "time_s": length,
        "tempo_bpm": {"value": bpm * rng.uniform(0.995, 1.005), "prob": 0.9, "runner_up": None},
        "tempo_candidates": [],
        "metre": {"value": metre(piece, beats), "prob": 1.0, "runner_up": None},
        "key": None,
        "next_beat": None,
        "beats": beats,
        "drums": drums,
        "onsets": onsets(piece, rng),
        **{name: [] for name in ("keys", "chords", "melody", "loudness", "timbre", "notices")},
        "style": {"top": [], "energy": 0.5, "valence": 0.5},
    }


def grid(piece, ratio, rng):
    """Beats at the tempo that is heard, counted from the beat that is taken for the one."""
    times = np.array([t for t, _ in piece.beats])
    number = np.array([b for _, b in piece.beats]) - 1
    per_bar = piece.beats_per_bar
    if per_bar != 4 and rng.random() > MISTAKES["metre"]:
        number, per_bar = np.arange(len(times)) + rng.integers(4), 4
    shift = rng.choice(4, p=MISTAKES["one"]) if per_bar == 4 else rng.integers(per_bar) * (rng.random() < 0.3)
    if ratio == 2.0:
        times = np.interp(np.arange(2 * len(times) - 1) / 2, np.arange(len(times)), times)
        number = np.arange(len(times)) + 2 * (number[0] % per_bar)
    elif ratio != 1.0:
        step = 1 / ratio
        at = np.arange(rng.integers(2) if ratio == 0.5 else 0, len(times) - 1e-6, step)
        times, number = np.interp(at, np.arange(len(times)), times), np.arange(len(at))
    times = times + 0.006 * rng.standard_normal(len(times))
    beat = (number + shift) % per_bar
    bar = np.cumsum(beat == 0)
    keys = ("time_s", "bar", "beat", "prob", "decided_s")
    return [dict(zip(keys, (float(t), int(b), int(n) + 1, 0.9, float(t)))) for t, b, n in zip(times, bar, beat)]


def metre(piece, beats):
    """As the beats are counted."""
    most = max(b["beat"] for b in beats)
    compound = piece.metre.endswith("/8") and most == piece.beats_per_bar and most in (2, 4)
    return {"numerator": 3 * most if compound else most, "denominator": 8 if compound else 4}


def strokes(piece, rng):
    """The strokes that are heard, with what was not there among them."""
    out, beats = [], len(piece.beats)
    gain = rng.uniform(0.7, 1.2)
    for voice, name in VOICES.items():
        own = [(t, level) for t, v, level in piece.drums if v == voice]
        rate = 1 / (1 + np.exp(-(np.log(MISTAKES["heard"][voice] / (1 - MISTAKES["heard"][voice])) + 1.2 * rng.standard_normal())))
        for t, level in own:
            if rng.random() < rate * (1 - 0.5 * np.exp(-level / SOFT)) / (1 - 0.5 * np.exp(-0.7 / SOFT)):
                out.append((t + LATE_S * rng.standard_normal(), name, np.clip(gain * level + 0.1 * rng.standard_normal(), 0.05, 1)))
        # False strokes are on other sounds, mostly.
        other = [t for t, v, _ in piece.drums if v != voice] or [t for t in piece.onsets] or [0.0]
        for _ in range(rng.poisson(rng.gamma(1.5, MISTAKES["false"][voice] / 1.5) * beats)):
            out.append((other[rng.integers(len(other))] + LATE_S * rng.standard_normal(), name, rng.uniform(0.1, 0.5)))
    out.sort()
    end = piece.length_s
    keys = ("time_s", "voice", "velocity", "prob", "decided_s")
    return [dict(zip(keys, (float(t), v, float(x), 0.7, float(t)))) for t, v, x in out if 0 <= t < end]


def onsets(piece, rng):
    """Onsets of any sound; those that lie together are one."""
    found = sorted(t + 0.006 * rng.standard_normal() for t in piece.onsets if rng.random() < ONSET_HEARD)
    found += list(rng.uniform(0, piece.length_s, rng.poisson(FALSE_ONSETS * len(piece.beats))))
    out, last = [], -1.0
    for t in sorted(found):
        if t - last > 0.05 and t >= 0:
            out.append({"time_s": float(t), "strength": float(rng.beta(2, 2))})
            last = t
    return out
