"""Writes the trained net (averaged weights) to `--out`/rhythm_net: net.onnx, net.json, golden.json."""

import torch

from .. import onnx_file
from . import loop
from .net import OUTPUTS, PAIR, RhythmNet


def run(config, args):
    """Exports `WORK/last.pt`."""
    saved = torch.load(args.work / "last.pt", map_location="cpu")
    net = RhythmNet(saved["bands"], config["channels"], config["hidden"], config["deep"])
    net.load_state_dict(saved["mean"])
    about = loop.new_card("rhythm", 50.0, 1, saved) | {"temperature": config["temperature"]}
    onnx_file.write(net, net.states(), PAIR, saved["bands"], OUTPUTS, about, (args.out or args.work / "models") / "rhythm_net")
