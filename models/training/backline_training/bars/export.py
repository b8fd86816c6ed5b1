"""Writes the trained nets to `--out`/bars_net and `--out`/bars_offline_net: net.onnx, net.json, golden.json."""

import torch

from .. import onnx_file
from ..rhythm import loop
from ..rhythm.net import METRES
from .net import OUTPUTS
from .train import build


def run(config, args):
    """Exports both: a stream's takes one beat at a time, a recording's a stretch."""
    for which, name, beats in (("online", "bars", 1), ("offline", "bars_offline", config["offline"]["beats"])):
        saved = torch.load(args.work / f"bars_{which}" / "last.pt", map_location="cpu")
        net = build(config, saved["features"], which)
        net.load_state_dict(saved["mean"])
        about = {
            "name": name,
            # Beats, not frames: as many a second as the music has.
            "frame_rate_hz": 2.0,
            "lookahead_frames": 0,
            "licence": "MIT OR Apache-2.0",
            "metres": METRES,
            "steps": loop.steps(saved),
        }
        folder = (args.out or args.work / "models") / f"{name}_net"
        onnx_file.write(net, net.states(), beats, saved["features"], OUTPUTS, about, folder, positive=True)
