"""Writes the trained guess as the text that the listener is built with."""

import pathlib

import numpy as np
import torch

DATA = pathlib.Path(__file__).resolve().parents[4] / "crates" / "listen" / "data_style" / "style.txt"


def run(config, args):
    """Writes the listener's own file, or `style_net/style.txt` in `--out`."""
    saved = torch.load(args.work / "best.pt", map_location="cpu", weights_only=False)
    row = lambda values: " ".join(f"{float(v):.5g}" for v in values)
    lines = ["styles " + " ".join(saved["config"]["styles"]), f"mean {row(saved['mean'])}", f"scale {row(saved['scale'])}"]
    for what in ("style", "energy"):
        for name, layer in ((f"{what}_hidden", "hidden"), (what, "out")):
            weight, bias = saved[what][f"{layer}.weight"].numpy(), saved[what][f"{layer}.bias"].numpy()
            lines += [f"{name} {row(r)}" for r in np.concatenate([weight, bias[:, None]], 1)]
    file = args.out / "style_net" / "style.txt" if args.out else DATA
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")
    print(f"{file}: {file.stat().st_size / 1000:.0f} kB")
