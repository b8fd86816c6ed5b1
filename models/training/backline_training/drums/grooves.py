"""Statistics of grooves, and how far two sets of them overlap (Yang & Lerch, "On the evaluation of generative models in
music", Neural Computing and Applications 32, 2020)."""

import numpy as np
from scipy.stats import gaussian_kde

from backline_training.drums import bar

# Metrical weights of the sixteenths and of the triplets of a bar (Longuet-Higgins & Lee 1984).
WEIGHTS = {16: [0, -4, -3, -4, -2, -4, -3, -4, -1, -4, -3, -4, -2, -4, -3, -4]}
WEIGHTS[12] = [0, -3, -3, -2, -3, -3, -1, -3, -3, -2, -3, -3]
FEATURES = ("strokes", "syncopation", "mean level", "spread of level", "mean lateness", "spread of lateness")


def syncopation(onsets, weights):
    """Longuet-Higgins & Lee: an onset counts by how much stronger the strongest silent place before the next is."""
    total, n = 0, len(onsets)
    for i in np.flatnonzero(onsets):
        strongest = weights[i]
        for k in range(1, n):
            j = (i + k) % n
            if onsets[j]:
                break
            strongest = max(strongest, weights[j])
        total += strongest - weights[i]
    return total


def statistics(level, late, triplet):
    """One row a bar of FEATURES; bars without a stroke are left out. Lateness in units of 20 ms."""
    rows = []
    for bar_level, bar_late, is_triplet in zip(level, late, triplet):
        steps = bar.steps(is_triplet)
        struck = bar_level[:steps] > 0
        if struck.any():
            levels, lates = bar_level[:steps][struck], bar_late[:steps][struck]
            drive = syncopation(struck[:, :2].any(1), WEIGHTS[steps])
            rows.append((struck.sum(), drive, levels.mean(), levels.std(), lates.mean(), lates.std()))
    return np.array(rows, float)


def overlap(reference, other, rng, bars=400):
    """(overlapping area, KL divergence) of distances inside the reference and between the sets, by feature."""
    some = lambda rows: rows[rng.permutation(len(rows))[:bars]]
    reference, other = some(reference), some(other)
    out = []
    for k in range(reference.shape[1]):
        a, b = reference[:, k], other[:, k]
        intra = np.abs(a[:, None] - a[None])[np.triu_indices(len(a), 1)]
        inter = np.abs(a[:, None] - b[None]).ravel()
        top = max(intra.max(), inter.max()) + 1e-6
        grid = np.linspace(0, top, 200)
        p, q = (density(rng.permutation(x)[:4000], grid) for x in (intra, inter))
        step = grid[1] - grid[0]
        divergence = float((p * np.log((p + 1e-9) / (q + 1e-9))).sum() * step)
        out.append((float(np.minimum(p, q).sum() * step), divergence))
    return out


def density(values, grid):
    """Kernel density estimate on a grid, of area 1."""
    if np.ptp(values) < 1e-9:
        values = values + np.linspace(-1e-3, 1e-3, len(values))
    p = gaussian_kde(values)(grid)
    return p / (p.sum() * (grid[1] - grid[0]))
