"""Writes the trained net (averaged weights) to `--out`/rhythm_offline_net: net.onnx, net.json, golden.json."""

import torch

from .. import onnx_file
from ..rhythm import loop
from .net import OUTPUTS
from .train import build


class WholeChunk(torch.nn.Module):
    """A chunk on its own: no state goes in or out."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return (self.net(x),)


def run(config, args):
    """Exports `WORK/last.pt`."""
    saved = torch.load(args.work / "last.pt", map_location="cpu")
    net = build(config, saved["features"])
    net.load_state_dict(saved["mean"])
    net.eval()
    about = loop.new_card("rhythm_offline", 50.0, 0, saved)
    folder = (args.out or args.work / "models") / "rhythm_offline_net"
    onnx_file.write(WholeChunk(net), [], config["chunk"], saved["features"], OUTPUTS, about, folder)
