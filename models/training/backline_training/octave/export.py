"""Writes each judge as text to `crates/listen/data_rhythm/octave_JUDGE.txt`, or to `--out`."""

import pathlib

import torch

OWN = pathlib.Path(__file__).resolve().parents[4] / "crates/listen/data_rhythm"


def run(config, args):
    """Exports `WORK/octave.pt`."""
    folder = args.out or OWN
    folder.mkdir(parents=True, exist_ok=True)
    for name, weights in torch.load(args.work / "octave.pt").items():
        rows = torch.cat([weights["hidden.weight"], weights["hidden.bias"][:, None]], 1).tolist()
        lines = [" ".join(["hidden", *(f"{v:.5g}" for v in row)]) for row in rows]
        lines.append(" ".join(["out", *(f"{v:.5g}" for v in weights["out.weight"][0].tolist())]))
        (folder / f"octave_{name}.txt").write_text("\n".join(lines) + "\n")
