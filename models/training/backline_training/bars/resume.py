"""Lets both nets learn on from those in `--out`: `WORK/bars_online/last.pt` and `WORK/bars_offline/last.pt`, from which `train` goes on."""

import json

from ..rhythm import loop
from .train import build


def run(config, args):
    """Step 0 of new runs, with the weights that ship."""
    for which, name in (("online", "bars_net"), ("offline", "bars_offline_net")):
        if which not in config["variants"]:
            continue
        features = json.loads((args.out / name / "net.json").read_text())["features"]
        net = build(config, features, which)
        loop.resume(args.out / name, net, args.work / f"bars_{which}", {"features": features}, ("first", "heads"), ("gru1", "gru2"))
