"""Writes the trained net to `--out`/bars_net: net.onnx, net.json, golden.json."""

import torch

from .. import onnx_file
from ..rhythm import loop
from .net import OUTPUTS
from .train import build


def run(config, args):
    """Exports the averaged weights of `WORK/bars/last.pt`."""
    saved = torch.load(args.work / "bars/last.pt", map_location="cpu")
    net = build(config, saved["features"])
    net.load_state_dict(saved["mean"])
    # Beats, not frames: as many a second as the music has.
    about = loop.new_card("bars", 2.0, 0, saved)
    folder = (args.out or args.work / "models") / "bars_net"
    onnx_file.write(net, [], config["beats"], saved["features"], OUTPUTS, about, folder, positive=True)
