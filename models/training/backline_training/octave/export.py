"""Writes the judge as text to `crates/listen/data_rhythm/octave.txt`, or to `--out`."""

import pathlib

import torch

OWN = pathlib.Path(__file__).resolve().parents[4] / "crates/listen/data_rhythm"


def run(config, args):
    """Exports `WORK/octave.pt`."""
    state = torch.load(args.work / "octave.pt")["judge"]
    rows = torch.cat([state["hidden.weight"], state["hidden.bias"][:, None]], 1).tolist()
    lines = [" ".join(["hidden", *(f"{v:.5g}" for v in row)]) for row in rows]
    lines.append(" ".join(["out", *(f"{v:.5g}" for v in state["out.weight"][0].tolist())]))
    folder = args.out or OWN
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "octave.txt").write_text("\n".join(lines) + "\n")
