"""The net between the one in `--out` and the one that learnt on from it."""

from ..rhythm import loop
from .resume import PARTS, shipped


def run(config, args):
    """`WORK/bars/last.pt`: `blend` of the way from what ships to what was learnt."""
    folder, net, _ = shipped(config, args)
    loop.blend(folder, net, args.work / "bars", config["blend"], *PARTS)
