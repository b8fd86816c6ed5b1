"""Lets the stream's net learn on from the one in `--out`/rhythm_net: `WORK/last.pt`, from which `train` goes on."""

import json

from . import loop
from .net import RhythmNet


def run(config, args):
    """Step 0 of a new run, with the weights that ship."""
    folder = args.out / "rhythm_net"
    bands = json.loads((folder / "net.json").read_text())["features"]
    net = RhythmNet(bands, config["channels"], config["hidden"], config["deep"])
    loop.resume(folder, net, args.work, {"bands": bands}, ("heads",), ("gru1", "gru2", "gru3"))
