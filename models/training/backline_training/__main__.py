"""`python -m backline_training VERB NET --work DIR [--set KEY=VALUE …]`.

VERB is one of prepare, train, evaluate, export; NET is a subpackage (rhythm, harmony …). `evaluate play` scores all nets that
play and what the band makes of them. `resume` lets rhythm, rhythm_offline and bars learn on from the nets that ship in `--out`, and `blend`
makes those of rhythm and bars that lie between what ships and what learnt on. Everything a run makes
(features, checkpoints, logs) goes under `--work`. `prepare` of rhythm, rhythm_offline and harmony, and `train` of these and
of bars, take up what is already there, so that a run that was stopped goes on; the others begin anew. `configs/NET.json` holds
every number; `--set` changes one for this run.
"""

import argparse
import importlib
import json
import pathlib
import sys

NETS = ("rhythm", "rhythm_offline", "octave", "bars", "harmony", "drums", "progression", "comping", "style")
# What is no net, and what can be done with it: all that plays.
OTHERS = {"play": ("evaluate",)}
VERBS = ("prepare", "train", "evaluate", "export")
# Verbs that start from the net that ships, and the nets that have them.
SHIPPED = {"resume": ("rhythm", "rhythm_offline", "bars"), "blend": ("rhythm", "bars")}
CONFIGS = pathlib.Path(__file__).resolve().parent.parent / "configs"


def read_config(net):
    """Every number of a net."""
    return json.loads((CONFIGS / f"{net}.json").read_text())


def main(argv=None):
    """Parses the words and calls the net's verb."""
    parser = argparse.ArgumentParser(prog="backline_training", description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=(*VERBS, *SHIPPED))
    parser.add_argument("net", choices=(*NETS, *OTHERS))
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for everything this run makes")
    parser.add_argument("--data", type=pathlib.Path, help="folder with the unpacked data sets (prepare)")
    parser.add_argument("--bin", type=pathlib.Path, help="folder with the front end's programs (prepare, evaluate)")
    parser.add_argument("--out", type=pathlib.Path, help="folder of all models: NET_net goes there (export) or lies there (resume, blend)")
    parser.add_argument("--config", type=pathlib.Path, help="another configuration file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one number changed")
    args = parser.parse_args(argv)
    verbs = OTHERS.get(args.net, (*VERBS, *[verb for verb, nets in SHIPPED.items() if args.net in nets]))
    if args.verb not in verbs:
        parser.error(f"{args.net} goes with {', '.join(verbs)}")
    if args.verb in SHIPPED and args.out is None:
        parser.error(f"{args.verb} needs --out, the folder of all models")
    config = json.loads(args.config.read_text()) if args.config else read_config(args.net)
    for change in args.set:
        key, _, value = change.partition("=")
        if key not in config:
            sys.exit(f"{key} is no setting of {args.net}: there are {', '.join(sorted(config))}")
        config[key] = json.loads(value)
    args.work.mkdir(parents=True, exist_ok=True)
    importlib.import_module(f"backline_training.{args.net}.{args.verb}").run(config, args)


if __name__ == "__main__":
    main()
