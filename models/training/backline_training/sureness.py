"""How well probabilities that were said fit what was right: bins, the expected calibration error, the line that would mend it."""

import numpy as np


def binned(said, right, bins):
    """Mean said, share right and share of all, of each bin of what was said that has any."""
    which = np.minimum((said * bins).astype(int), bins - 1)
    return [(said[which == b].mean(), right[which == b].mean(), (which == b).mean()) for b in range(bins) if (which == b).any()]


def error(rows):
    """Expected calibration error of `binned`."""
    return sum(abs(p - r) * n for p, r, n in rows)


def fitted(said, right):
    """Slope and offset of the line through the log odds of what was said that fits what was right (Newton's method)."""
    p = np.clip(said, 1e-6, 1 - 1e-6)
    x = np.stack([np.log(p / (1 - p)), np.ones(len(p))])
    w = np.array([0.3, 0.0])
    for _ in range(60):
        q = 1 / (1 + np.exp(-np.clip(w @ x, -30, 30)))
        h = (x * (q * (1 - q) + 1e-9)) @ x.T / len(p) + 1e-9 * np.eye(2)
        step = np.linalg.solve(h, x @ (q - right) / len(p))
        # Damped: far from the solution a whole step leads away from it.
        w -= step / max(1.0, 4 * np.linalg.norm(step))
    return w
