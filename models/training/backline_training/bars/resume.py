"""Lets the net learn on from the one in `--out`: `WORK/bars/last.pt`, from which `train` goes on."""

from ..rhythm import loop
from .train import build

# What `loop.resume` and `loop.blend` ask for.
PARTS = (("first", "heads"), ("gru1", "gru2"))


def shipped(config, args):
    """(folder, a net of its size, how many features it reads)."""
    folder = args.out / "bars_net"
    features = loop.card(folder)["features"]
    return folder, build(config, features), features


def run(config, args):
    """Step 0 of a new run, with the weights that ship."""
    folder, net, features = shipped(config, args)
    loop.resume(folder, net, args.work / "bars", {"features": features}, *PARTS)
