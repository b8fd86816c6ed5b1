"""Writes the trained chord net for the player."""

from backline_training import onnx_file
from backline_training.progression import data, evaluate, train


def run(config, args):
    """Writes `net.onnx`, `net.json` and `golden.json` into `--out`/progression_net."""
    model, config = train.load(args.work)
    temperature = evaluate.calibrate(model, data.load(args.work, config)["validation"])
    about = {
        "name": "progression",
        "frame_rate_hz": 0.5,
        "lookahead_frames": 0,
        "licence": "MIT OR Apache-2.0; trained on McGill Billboard (CC0) and POP909 (MIT)",
        "temperature": {"chord": temperature},
    }
    onnx_file.write(model, [], 1, data.FEATURES, [("chord", data.CLASSES)], about, (args.out or args.work / "models") / "progression_net", positive=True)
