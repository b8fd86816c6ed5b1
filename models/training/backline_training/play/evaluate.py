"""Prints every table that decides what plays: the nets beside their baselines on what was kept apart, then the band.

`--work` holds the work folders of the nets (`drums`, `progression`, `comping`); one that is missing is left out, and said
to be. `--bin` holds the example program `evaluate`, which plans bars in all styles and measures them.
"""

import argparse
import importlib
import subprocess

from backline_training import __main__ as verbs


def run(config, args):
    """Each net's own table, then the band's."""
    for net in config["nets"]:
        work = args.work / net
        print(f"\n# {net}\n", flush=True)
        if not (work / "best.pt").exists():
            print(f"left out: there is no trained net in {work}")
            continue
        own = verbs.read_config(net)
        importlib.import_module(f"backline_training.{net}.evaluate").run(own, argparse.Namespace(**{**vars(args), "work": work}))
    if args.bin:
        print("\n# the band\n", flush=True)
        subprocess.run([str(args.bin / "evaluate")], check=True)
