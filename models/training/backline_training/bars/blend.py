"""The nets between those in `--out` and those that learnt on from them."""

from ..rhythm import loop
from .resume import PARTS, shipped


def run(config, args):
    """`WORK/bars_online/last.pt` and `WORK/bars_offline/last.pt`: `blend` of the way from what ships to what was learnt."""
    for which in config["variants"]:
        folder, net, _ = shipped(config, args, which)
        loop.blend(folder, net, args.work / f"bars_{which}", config["blend"], *PARTS)
