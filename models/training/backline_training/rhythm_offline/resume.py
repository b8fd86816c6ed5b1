"""Lets the second look learn on from the one in `--out`/rhythm_offline_net: `WORK/last.pt`, from which `train` goes on."""

from ..rhythm import loop
from .train import build


def run(config, args):
    """Step 0 of a new run, with the weights that ship."""
    folder = args.out / "rhythm_offline_net"
    features = loop.card(folder)["features"]
    net = build(config, features)
    loop.resume(folder, net, args.work, {"features": features}, ("first", "heads"), ("gru1", "gru2"), inside="net.")
