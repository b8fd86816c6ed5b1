"""Lets both nets learn on from those in `--out`: `WORK/bars_online/last.pt` and `WORK/bars_offline/last.pt`, from which `train` goes on."""

from ..rhythm import loop
from .train import build

NAMES = {"online": "bars_net", "offline": "bars_offline_net"}
# What `loop.resume` and `loop.blend` ask for.
PARTS = (("first", "heads"), ("gru1", "gru2"))


def shipped(config, args, which):
    """(folder, a net of its size, how many features it reads)."""
    folder = args.out / NAMES[which]
    features = loop.card(folder)["features"]
    return folder, build(config, features, which), features


def run(config, args):
    """Step 0 of new runs, with the weights that ship."""
    for which in config["variants"]:
        folder, net, features = shipped(config, args, which)
        loop.resume(folder, net, args.work / f"bars_{which}", {"features": features}, *PARTS)
