"""What the net reads at a step of a bar, and how a bar of comping lies in memory.

`crates/play/src/comping/reading.rs` builds the same. A bar has 16 steps; at each of them there is one of seven states:
nothing sounds, what was struck goes on, or a stroke: of the whole chord (three notes or more), of two, or of one in the
low, middle or high third of the bar's notes.
"""

import numpy as np

STEPS = 16
REST, HOLD, ALL, TWO, LOW, MIDDLE, HIGH = range(7)
STATES = 7
WIDTH = STATES + 1 + STEPS + 2 * STATES + 1 + 3 + 3 + 1 + 4


def state_grid(notes):
    """States [16] of notes (start, end, key) with times in steps of the bar; what began before it may reach in."""
    out = np.full(STEPS, REST)
    inside = [n for n in notes if -0.5 <= n[0] < STEPS - 0.5]
    keys = np.array([n[2] for n in inside])
    low, high = (keys.min(), keys.max()) if len(keys) else (0, 0)
    for step in range(STEPS):
        struck = {n[2] for n in inside if step - 0.5 <= n[0] < step + 0.5}
        if struck:
            place = 0.5 if high == low else (max(struck) - low) / (high - low)
            one = LOW if place < 1 / 3 else HIGH if place > 2 / 3 else MIDDLE
            out[step] = ALL if len(struck) > 2 else TWO if len(struck) == 2 else one
        elif any(n[0] < step - 0.5 and n[1] > step + 0.5 for n in notes):
            out[step] = HOLD
    return out


def one_hot(state):
    """[..., 7]."""
    return np.eye(STATES, dtype=np.float32)[state]


def conditions(bars):
    """What is known before a step, but for the own last states: [n, 16, WIDTH - 8].

    bars: `before` [n, 16] states and `led` (whether it is known), `changes` [n, 16] (1 where a chord begins), `full` and
    `dense` in 0…1 and `told` (whether they are), `bpm`, `phrase` (0…3).
    """
    n = len(bars["bpm"])
    spread = lambda v: np.repeat(np.asarray(v, np.float32).reshape(n, 1, -1), STEPS, 1)
    position = np.repeat(np.eye(STEPS, dtype=np.float32)[None], n, 0)
    before = one_hot(bars["before"]) * bars["led"][:, None, None]
    changes = bars["changes"].astype(np.float32)
    until = np.ones((n, STEPS), np.float32)
    for step in range(STEPS - 2, -1, -1):
        until[:, step] = np.where(changes[:, step + 1] > 0, 1 / STEPS, np.minimum(1, until[:, step + 1] + 1 / STEPS))
    told = bars["told"][:, None]
    figures = [bars["dense"][:, None] * told, bars["full"][:, None] * told, told]
    parts = [position, before, shifted(before), spread(bars["led"]), changes[:, :, None], shifted(changes[:, :, None])]
    parts += [until[:, :, None], *map(spread, figures), spread(np.log2(bars["bpm"] / 100))]
    return np.concatenate([*parts, spread(np.eye(4, dtype=np.float32)[bars["phrase"]])], 2).astype(np.float32)


def shifted(values):
    """What lies a step later in the bar."""
    out = np.zeros_like(values)
    out[:, :-1] = values[:, 1:]
    return out


def own(state, last):
    """The own last state and how long ago the last stroke was, [n, 16, 8]. last: the state before the bar, [n]."""
    n = len(state)
    previous = np.concatenate([last[:, None], state[:, :-1]], 1)
    since = np.ones((n, STEPS), np.float32)
    for step in range(1, STEPS):
        since[:, step] = np.where(state[:, step - 1] >= ALL, 1 / STEPS, np.minimum(1, since[:, step - 1] + 1 / STEPS))
    return np.concatenate([one_hot(previous), since[:, :, None]], 2)
