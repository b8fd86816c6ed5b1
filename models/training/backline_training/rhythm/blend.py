"""The net between the one in `--out`/rhythm_net and the one that learnt on from it."""

from . import loop
from .resume import PARTS, shipped


def run(config, args):
    """`WORK/last.pt`: `blend` of the way from what ships to what was learnt."""
    folder, net, _ = shipped(config, args)
    loop.blend(folder, net, args.work, config["blend"], *PARTS)
