"""Lets the stream's net learn on from the one in `--out`/rhythm_net: `WORK/last.pt`, from which `train` goes on."""

from . import loop
from .net import RhythmNet

# What `loop.resume` and `loop.blend` ask for.
PARTS = (("heads",), ("gru1", "gru2", "gru3"))


def shipped(config, args):
    """(folder, a net of its size, how many bands it hears)."""
    folder = args.out / "rhythm_net"
    bands = loop.card(folder)["features"]
    return folder, RhythmNet(bands, config["channels"], config["hidden"], config["deep"]), bands


def run(config, args):
    """Step 0 of a new run, with the weights that ship."""
    folder, net, bands = shipped(config, args)
    loop.resume(folder, net, args.work, {"bands": bands}, *PARTS)
