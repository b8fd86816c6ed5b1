"""Describes the pieces that `rhythm_offline` prepared in `--work`, beat by beat, by the example program `bar_features` of `--bin`."""

from ..rhythm.data import Pieces
from . import data


def run(config, args):
    """Writes `WORK/bars_SPLIT.npz`; the true beats of what is kept apart, several ways of beating of what is learnt from."""
    for split, seed in (("train", 1), ("valid", 2), ("test", 3)):
        pieces = Pieces(args.work / split)
        items = [pieces.items[n] for n in pieces.names]
        each = config["grids"] if split == "train" else 0
        described, truths = data.describe(items, each, config["jitter"], config["seed"] + seed, args.bin / "bar_features")
        data.save(args.work / f"bars_{split}.npz", described, truths)
        print(f"{split}: {sum(len(t) for truth in truths for t in truth)} beats of {len(items)} pieces")
