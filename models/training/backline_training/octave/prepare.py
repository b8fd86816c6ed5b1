"""Describes grids of the pieces that `rhythm_offline` prepared in `--work`, by the example program `octave_features` of `--bin`."""

import numpy as np

from ..rhythm.data import Pieces
from . import data


def run(config, args):
    """Writes `WORK/octave_JUDGE_SPLIT.npz`."""
    for split, seed in (("train", 1), ("valid", 2), ("test", 3)):
        pieces = Pieces(args.work / split)
        items = [pieces.items[n] for n in pieces.names]
        for judge, seconds in config["seconds"].items():
            x, there, right = data.describe(items, config["each"], seconds, config["seed"] + seed, args.bin / "octave_features")
            np.savez_compressed(args.work / f"octave_{judge}_{split}.npz", x=x, there=there, right=right)
            print(f"{judge}, {split}: {len(x)} grids of {len(items)} pieces")
