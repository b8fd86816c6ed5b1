"""Writes the trained comper for the player, and one bar read in Python to compare with."""

import json

import numpy as np

from backline_training import onnx_file
from backline_training.comping import bar, net, train


def run(config, args):
    """Writes `net.onnx`, `net.json`, `golden.json` and `bar.json` into `--out`/comping_net."""
    model, trained = train.trained(args.work)
    about = {
        "name": "comping",
        "frame_rate_hz": 8.0,
        "lookahead_frames": 0,
        "licence": "MIT OR Apache-2.0; trained on POP909 (MIT)",
        "styles": config["styles"],
    }
    folder = (args.out or args.work / "models") / "comping_net"
    onnx_file.write(model, [[1, 1, trained["hidden"]]], 1, bar.WIDTH, net.OUTPUTS, about, folder)
    (folder / "bar.json").write_text(json.dumps(example()))


def example():
    """A bar with everything known, and what the net reads at each step."""
    rng = np.random.default_rng(5)
    state, before = rng.integers(0, bar.STATES, (2, 1, bar.STEPS))
    changes = (rng.random((1, bar.STEPS)) < 0.2).astype(int)
    one = lambda value: np.array([value], np.float32)
    bars = {"state": state, "before": before, "led": one(1), "last": before[:, -1], "changes": changes, "dense": one(0.25)}
    bars |= {"full": one(0.625), "told": one(1), "bpm": one(90), "phrase": np.array([2])}
    x = train.inputs(bars)[0]
    lists = {"state": state[0].tolist(), "before": before[0].tolist(), "changes": changes[0].tolist()}
    return lists | {"x": onnx_file.rounded(x)}
