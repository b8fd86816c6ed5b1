"""Scores the second look on prepared pieces: beats, bars, tempo and strokes with hindsight, before it and with it.

Reads `WORK/valid` (`--set evaluate="test"` for the test pieces) and runs the example program `beats_of` of `--bin`. With
everything else that the listener does, `python -m backline_training.hear WORK/test` scores the whole program.
"""

import json
import subprocess

import numpy as np
import torch

from ..rhythm.evaluate import beats, report, strokes
from . import data
from .net import HEADS, SAID
from .train import build


def run(config, args):
    """Prints a line for each condition and one for all."""
    torch.set_num_threads(config["threads"])
    # Where nothing is heard the states fade through numbers so small that they are slow to reckon with.
    torch.set_flush_denormal(True)
    pieces = data.Pieces(args.work / config["evaluate"])
    saved = torch.load(args.work / "last.pt")
    net = build(config, saved["features"])
    net.load_state_dict(saved["mean"])
    net.eval()
    items = [pieces.items[n] for n in pieces.names]
    seen = [data.whole(p) for p in items]
    before = [np.concatenate([4.0 * x[:, :HEADS], np.log(x[:, HEADS:SAID] + 1e-6)], 1) for x in seen]
    after = [listen(net, x, config["chunk"]) for x in seen]
    folder = args.work / "activations"
    folder.mkdir(exist_ok=True)
    for name, told in (("before", before), ("with it", after)):
        print(name)
        strokes(items, told)
        files = [write(folder / f"{n}.f32", y) for n, y in zip(pieces.names, told)]
        done = subprocess.run([str(args.bin / "beats_of"), "offline", *files], capture_output=True, text=True, check=True)
        report(name, items, [beats(p, json.loads(line)) for p, line in zip(items, done.stdout.splitlines())])


def listen(net, x, frames):
    """Logits of a whole piece, in chunks that are believed in their middle half, as the product hears."""
    edge, out = frames // 4, []
    padded = np.pad(x, ((edge, frames), (0, 0)))
    with torch.no_grad():
        for first in range(0, len(x), frames // 2):
            y = net(torch.from_numpy(padded[first : first + frames])[None])[0]
            out.append(y[edge : edge + frames // 2].numpy())
    return np.concatenate(out)[: len(x)]


def write(path, y):
    """Onset strengths and activations for the program, of logits."""
    metres = np.exp(y[:, HEADS:] - y[:, HEADS:].max(1, keepdims=True))
    metres /= metres.sum(1, keepdims=True)
    np.concatenate([y[:, :HEADS], metres], 1).astype("<f4").tofile(path.with_suffix(".said"))
    np.repeat(1 / (1 + np.exp(-y[:, 7:8])), 4, 1).astype("<f4").tofile(path)
    return str(path)
