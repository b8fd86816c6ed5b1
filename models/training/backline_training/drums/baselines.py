"""What the net must beat: the written grooves, and a Markov chain over the same context."""

import json

import numpy as np

from backline_training.drums import bar, written


class Written:
    """The style file's groove of the nearest energy; how far those of `train` keep to it is counted, by voice."""

    def __init__(self, folder, styles, train):
        self.grooves = {}
        for file in sorted(folder.glob("*.json")):
            style = json.loads(file.read_text())
            if style["metres"][0] == "4/4" and style["steps_per_quarter"] in (3, 4) and style["id"] in styles:
                count = 4 * style["steps_per_quarter"]
                for groove in style["grooves"]:
                    if groove.get("metre", "4/4") == "4/4":
                        level, prob = written.lanes(groove, count)
                        key = (styles.index(style["id"]), count == bar.TRIPLETS)
                        self.grooves.setdefault(key, []).append((groove["energy"], level, prob))
        chance, struck = self.chances(train), train["level"] > 0
        known = bar.mask(train["triplet"])[:, :, None]
        bins = np.digitize(chance, (0.01, 0.5))
        self.kept = np.array(
            [[(struck & known & (bins == b))[..., v].sum() + 1 for v in range(bar.N)] for b in range(3)], float
        ) / [[(known & (bins == b))[..., v].sum() + 10 for v in range(bar.N)] for b in range(3)]

    def pick(self, bars, i):
        """(levels, probabilities) [steps, voices] of the groove that bar `i` would be played from; None without one."""
        pool = self.grooves.get((int(bars["style"][i]), bool(bars["triplet"][i])))
        if pool is None:
            return None
        _, level, prob = min(pool, key=lambda g: abs(g[0] - bars["energy"][i]))
        return level[bars["phrase"][i] % 2], prob[bars["phrase"][i] % 2]

    def chances(self, bars):
        """Written probabilities [n, 16, N]."""
        out = np.zeros(bars["level"].shape)
        for i in range(len(out)):
            groove = self.pick(bars, i)
            if groove is not None:
                out[i, : len(groove[1])] = groove[1]
        return out

    def probabilities(self, bars):
        """How likely each stroke is, [n, 16, N]."""
        bins = np.digitize(self.chances(bars), (0.01, 0.5))
        return np.clip(self.kept[bins, np.arange(bar.N)], 1e-4, 1 - 1e-4)


class Markov:
    """A stroke given voice, style, step, chart, the bar and the step before; counts shrink to shorter contexts."""

    SHRINK = 4.0

    def __init__(self, train):
        self.tables = []
        keys, struck = self.keys(train), (train["level"] > 0)[bar.mask(train["triplet"])]
        parent = np.full(struck.shape, struck.mean())
        for key, size in keys:
            hits = np.bincount(key.ravel(), struck.ravel(), size)
            count = np.bincount(key.ravel(), minlength=size)
            table = hits, count
            self.tables.append(table)
            parent = self.shrunk(table, key, parent)
        self.mean = struck.mean()

    def shrunk(self, table, key, parent):
        """Counts of a context drawn towards what a shorter one says."""
        hits, count = table
        return (hits[key] + self.SHRINK * parent) / (count[key] + self.SHRINK)

    def keys(self, bars):
        """Contexts from short to long: (index [steps, N], how many there are)."""
        known = bar.mask(bars["triplet"])
        level = bars["level"] > 0
        last = np.zeros_like(level)
        last[:, 1:] = level[:, :-1]
        told = lambda name, flag: np.where(bars[flag][:, None, None] > 0, bars[name] > 0, 2)
        voice = np.broadcast_to(np.arange(bar.N), level.shape)
        place = np.arange(bar.STEPS)[None, :, None] + bar.STEPS * bars["triplet"][:, None, None].astype(int)
        style = bars["style"][:, None, None]
        one = voice
        two = one * 3 + told("chart", "charted")
        three = two * 3 + told("before", "led")
        four = three * 2 + last
        five = four * 2 * bar.STEPS + place
        six = five * 32 + style
        sizes = [9, 27, 81, 162, 162 * 32, 162 * 32 * 32]
        return [(np.broadcast_to(k, level.shape)[known], s) for k, s in zip((one, two, three, four, five, six), sizes)]

    def probabilities(self, bars):
        """How likely each stroke is, for the steps that count: [steps, N]."""
        out = self.mean
        for table, (key, _) in zip(self.tables, self.keys(bars)):
            out = self.shrunk(table, key, out)
        return np.clip(out, 1e-4, 1 - 1e-4)

    def play(self, bars, rng):
        """Strokes [n, 16, N] drawn step by step."""
        drawn = {**bars, "level": np.zeros_like(bars["level"])}
        known = bar.mask(bars["triplet"])
        for step in range(bar.STEPS):
            full = np.zeros(bars["level"].shape)
            full[known] = self.probabilities(drawn)
            drawn["level"][:, step] = rng.random(full[:, step].shape) < full[:, step]
        return drawn["level"] > 0


def nll(probability, struck):
    """Negative log-likelihood in nats."""
    return -np.where(struck, np.log(probability), np.log(1 - probability))
