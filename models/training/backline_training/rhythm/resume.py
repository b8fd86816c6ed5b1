"""Lets the stream's net learn on from the one in `--out`/rhythm_net: `WORK/last.pt`, from which `train` goes on."""

import json

from . import loop
from .net import RhythmNet

# What `loop.resume` and `loop.blend` ask for.
PARTS = (("heads",), ("gru1", "gru2", "gru3"))


def shipped(config, args):
    """(folder, a net of its size, how many bands it hears)."""
    folder = args.out / "rhythm_net"
    if not (folder / "net.json").exists():
        raise SystemExit(f"{folder} holds no net: --out is the folder of all models")
    bands = json.loads((folder / "net.json").read_text())["features"]
    return folder, RhythmNet(bands, config["channels"], config["hidden"], config["deep"]), bands


def run(config, args):
    """Step 0 of a new run, with the weights that ship."""
    folder, net, bands = shipped(config, args)
    loop.resume(folder, net, args.work, {"bands": bands}, *PARTS)
