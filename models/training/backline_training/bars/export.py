"""Writes the trained net to `--out`/bars_net: net.onnx, net.json, golden.json."""

import torch

from .. import onnx_file
from ..rhythm import loop
from ..rhythm.net import METRES
from .net import OUTPUTS
from .train import build


def run(config, args):
    """Exports the averaged weights of `WORK/bars/last.pt`."""
    saved = torch.load(args.work / "bars/last.pt", map_location="cpu")
    net = build(config, saved["features"])
    net.load_state_dict(saved["mean"])
    about = {
        "name": "bars",
        # Beats, not frames: as many a second as the music has.
        "frame_rate_hz": 2.0,
        "lookahead_frames": 0,
        "licence": "MIT OR Apache-2.0",
        "metres": METRES,
        "steps": loop.steps(saved),
    }
    folder = (args.out or args.work / "models") / "bars_net"
    onnx_file.write(net, net.states(), config["beats"], saved["features"], OUTPUTS, about, folder, positive=True)
