"""Scores the net on the true beats of songs kept apart: how often a beat is rightly said to begin a bar or not, before any decoding.

The bars that the product makes of it are scored by `python -m backline_training.hear`.
"""

import numpy as np
import torch

from . import data
from .train import build, check


def run(config, args):
    """Prints shares of `WORK/bars_test.npz` (`--set evaluate="valid"`: the validation's)."""
    songs = data.load(args.work / f"bars_{config['evaluate']}.npz")
    saved = torch.load(args.work / "bars/last.pt", map_location="cpu")
    net = build(config, saved["features"])
    net.load_state_dict(saved["mean"])
    net.eval()
    f, metres = [], []
    with torch.no_grad():
        for (x, truth), *_ in songs:
            y = net(torch.from_numpy(x.astype(np.float32))[None])[0][0].numpy()
            told, true = y[:, 0] > 0, truth[:, 0] == 1
            f.append(2 * (told & true).sum() / max(1, told.sum() + true.sum()))
            metres.append(y[:, 1:].mean(0).argmax() == truth[0, 1])
    loss = check(config, saved["mean"], songs)
    print(f"{len(songs)} songs: {loss:.3f} nats a beat, first beats F {np.mean(f):.3f}, metre {np.mean(metres):.3f}")
