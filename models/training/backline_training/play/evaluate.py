"""Prints every table that decides what plays: the nets beside their baselines on what was kept apart, then the band.

`--work` holds the work folders of the nets (`drums`, `progression`, `comping`). A net that was trained there is scored; else
the one that ships, from `--out`, the folder of all models. What it is scored on is made ready first, where `--data` names
the data sets. `--bin` holds the example programs, which score the player itself and measure the bars that it plans.
"""

import argparse
import importlib
import pathlib
import subprocess

import torch

from backline_training import __main__ as verbs
from backline_training.comping.net import Comper
from backline_training.drums.train import make as drummer
from backline_training.play import shipped
from backline_training.progression.net import Progression

MODELS = pathlib.Path(__file__).resolve().parents[3]
MAKE = {
    "drums": drummer,
    "comping": lambda config: Comper(config["inner"], config["hidden"]),
    "progression": lambda config: Progression(config["hidden"]),
}


def run(config, args):
    """Each net's own table, then the player's anticipation, then the band's bars."""
    for net in config["nets"]:
        print(f"\n# {net}\n", flush=True)
        own = verbs.read_config(net)
        places = argparse.Namespace(**{**vars(args), "work": args.work / net})
        if not prepared(net, own, places):
            print(f"left out: {places.work} holds nothing to score it on; name the data sets by --data, the programs by --bin")
            continue
        if not trained(places.work):
            shipped.restore(MAKE[net](own), own, (args.out or MODELS) / f"{net}_net", places.work / "best.pt")
            print("the net that ships\n")
        importlib.import_module(f"backline_training.{net}.evaluate").run(own, places)
    if args.bin and args.data:
        kept_apart = args.work / "progression" / "test.txt"
        for rules in ([], ["rules"]):
            print(f"\n# anticipation by the player{', rules alone' * bool(rules)}\n", flush=True)
            subprocess.run([args.bin / "anticipate_billboard", args.data / "billboard", kept_apart, *rules], check=True)
    if args.bin:
        print("\n# the band\n", flush=True)
        subprocess.run([args.bin / "evaluate"], check=True)


def prepared(net, config, places):
    """Whether there are data to score the net on, made now if they can be."""
    places.work.mkdir(parents=True, exist_ok=True)
    there = any((places.work / file).exists() for file in ("bars.npz", "index.csv"))
    if not there and places.data and (net != "progression" or places.bin):
        importlib.import_module(f"backline_training.{net}.prepare").run(config, places)
        return True
    return there


def trained(work):
    """Whether a net was trained in `work`, rather than read from those that ship by an earlier run."""
    file = work / "best.pt"
    return file.exists() and not torch.load(file, map_location="cpu").get("shipped", False)
