"""Prints next-chord accuracy and perplexity beside copying, holding and n-grams, on songs kept apart."""

import numpy as np
import torch

from backline_training.progression import data, train

ORDER = 4


def run(config, args):
    """One table: the class (root and mode) of the chord that the next bar begins with."""
    model, config = train.load(args.work)
    sets = data.load(args.work, config)
    classes, figures, truth, billboard, _ = sets["train"]
    grams = Grams(classes[billboard], truth[billboard])
    temperature = calibrate(model, sets["validation"])
    c, f, t, real, names = sets["test"]
    # For `crates/play/examples/anticipate_billboard.rs`, which scores the player itself.
    (args.work / "test.txt").write_text("\n".join(sorted(set(names[real]))) + "\n")
    for what, here in (("Billboard", real), ("POP909", ~real)):
        c_, f_, t_ = c[here], f[here], t[here]
        shares = f_[:, : data.CLASSES] + 0.02
        hold = np.eye(data.CLASSES + 1)[c_[:, 1]][:, : data.CLASSES] + 0.02
        rows = {
            "hold": hold,
            f"{ORDER + 1}-gram, backing off": grams.probabilities(c_),
            "copy after the longest match": shares,
            "net": torch.softmax(train.logits(model, c_, f_) / temperature, 1).numpy(),
        }
        print(f"\n{what}: {len(t_)} bars of {len(set(names[here]))} songs; temperature {temperature:.2f}")
        print("| | right | perplexity | calibration error |\n|---|---|---|---|")
        for name, p in rows.items():
            p = p / p.sum(1, keepdims=True)
            told = p[np.arange(len(t_)), t_]
            right, perplexity = (p.argmax(1) == t_).mean(), np.exp(-np.log(told).mean())
            print(f"| {name} | {right:.3f} | {perplexity:.2f} | {error(p, t_):.3f} |")


def calibrate(model, validation):
    """The temperature at which the validation songs are likeliest."""
    c, f, t, real, _ = validation
    y, wanted = train.logits(model, c[real], f[real]), torch.from_numpy(t[real])
    scores = {k: float(torch.nn.functional.cross_entropy(y / k, wanted)) for k in np.arange(0.7, 1.6, 0.05)}
    return float(min(scores, key=scores.get))


def error(p, truth):
    """Expected calibration error of the likeliest class, ten bins."""
    sure, right = p.max(1), p.argmax(1) == truth
    bins = np.minimum((sure * 10).astype(int), 9)
    return sum(abs(sure[bins == b].sum() - right[bins == b].sum()) for b in range(10)) / len(truth)


class Grams:
    """Chords counted after the last ORDER ones, shrunk towards shorter contexts."""

    SHRINK = 3.0

    def __init__(self, classes, truth):
        self.tables = []
        for order in range(ORDER + 1):
            table = {}
            for key, t in zip(map(tuple, self.context(classes, order)), truth):
                table.setdefault(key, np.zeros(data.CLASSES))[t] += 1
            self.tables.append(table)

    @staticmethod
    def context(classes, order):
        """The last chord of the bar before, and the first chords of the bars before."""
        return classes[:, [1, 0, 2, 4, 6][:order]]

    def probabilities(self, classes):
        """[n, CLASSES]."""
        out = np.full((len(classes), data.CLASSES), 1 / data.CLASSES)
        for order, table in enumerate(self.tables):
            for i, key in enumerate(map(tuple, self.context(classes, order))):
                counts = table.get(key)
                if counts is not None:
                    out[i] = (counts + self.SHRINK * out[i]) / (counts.sum() + self.SHRINK)
        return out
