"""Writes the trained drummer for the player, and one bar read in Python to compare with."""

import json

import numpy as np

from backline_training import onnx_file
from backline_training.drums import bar, net, train


def run(config, args):
    """Writes `net.onnx`, `net.json`, `golden.json` and `bar.json` into `--out`/drums_net."""
    plays = config["plays"]
    model, config = train.load(args.work)
    features = bar.width(len(config["styles"]))
    about = {
        "name": "drums",
        "frame_rate_hz": 8.0,
        "lookahead_frames": 0,
        "licence": "MIT OR Apache-2.0; trained on the Groove MIDI Dataset (CC BY 4.0) and Backline's own grooves",
        "styles": config["styles"],
        "plays": plays,
    }
    states = [[1, 1, config["hidden"]]]
    folder = (args.out or args.work / "models") / "drums_net"
    onnx_file.write(model, states, 1, features, net.OUTPUTS, about, folder)
    (folder / "bar.json").write_text(json.dumps(example(config["styles"])))


def example(styles):
    """A bar with everything known, and what the net reads at each step."""
    rng = np.random.default_rng(5)
    draw = lambda: np.where(rng.random((1, bar.STEPS, bar.N)) < 0.2, rng.integers(1, 10, (1, bar.STEPS, bar.N)) / 10, 0)
    bars = {name: draw().astype(np.float32) for name in ("level", "chart", "before")}
    one = lambda value: np.array([value], np.float32)
    bars |= {"triplet": np.array([False]), "charted": one(1), "led": one(1), "style": np.array([3])}
    bars |= {"energy": one(0.625), "density": one(0.25), "bpm": one(90), "phrase": np.array([2]), "after_fill": one(1), "accented": one(1)}
    bars["fill"] = (np.arange(bar.STEPS) >= 12)[None].astype(np.float32)
    bars["accents"] = (rng.integers(0, 9, (1, bar.STEPS)) / 8).astype(np.float32)
    x = np.concatenate([bar.own(bars["level"]), bar.conditions(bars, len(styles))], 2)[0]
    lists = {name: onnx_file.rounded(bars[name][0]) for name in ("level", "chart", "before")}
    accents = onnx_file.rounded(bars["accents"])[0]
    return {"style": styles[3], **lists, "accents": accents, "x": onnx_file.rounded(x)}
