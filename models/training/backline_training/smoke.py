"""Runs the whole chain on tiny data: prepare, train, export, evaluate, for every net.

    python -m backline_training.smoke --bin FOLDER --work FOLDER

Shows that each command works and that what is exported is what was trained; what the nets learn is nothing. Without
mir_eval nothing is scored.
"""

import argparse
import importlib
import importlib.util
import json
import pathlib
import random
import shutil

import numpy as np
import torch

from backline_training import __main__ as verbs
from backline_training import tiny_data
from backline_training.harmony import prepare as harmony
from backline_training.progression.data import split_titles
from backline_training.rhythm import material, pieces

FONT = "/usr/share/sounds/sf2/TimGM6mb.sf2"
BRIEF_HARMONY = {"epochs": 1, "dense": 8, "hidden": 6, "top": 8}
# What is set to other values than the configuration's, to be quick. Nested tables are merged.
BRIEF = {
    "rhythm": {
        "fonts": [FONT], "test_font": FONT, "excerpt_s": 12.0, "batch_pieces": 3, "train_pieces": 3, "valid_pieces": 3,
        "test_pieces": 1, "channels": 8, "hidden": 8, "deep": 8, "batch": 2, "frames": 300, "steps": 2, "check_every": 1,
        "patches": 1.0, "hats": 1.0,
    },
    "rhythm_offline": {
        "fonts": [FONT], "test_font": FONT, "excerpt_s": 12.0, "batch_pieces": 3, "train_pieces": 3, "valid_pieces": 3,
        "test_pieces": 3, "chunk": 256, "dense": 8, "hidden": 8, "batch": 2, "steps": 2, "check_every": 1,
    },
    "octave": {"each": 2, "hidden": 4, "judges": 2, "batch": 4, "epochs": 1},
    "bars": {"grids": 2, "batch": 2, "check_every": 2, "dense": 8, "hidden": 8, "beats": 16, "steps": 2},
    "harmony": {
        "soundfonts": [FONT], "made": 1, "keyed": 1, "pop": 1, "drums": 1, "seconds": 12, "batch": 2, "piece": 60, "most_songs": 3, "most_batches": 2,
        "songs": 2,
        "online": BRIEF_HARMONY, "offline": BRIEF_HARMONY,
    },
    "drums": {"written_bars": 8, "genre_performances": 1, "genre_kept_apart": 1, "genre_bars": 8, "inner": 8, "hidden": 8, "batch": 8, "epochs": 1},
    "progression": {"test_titles": 1, "validation_titles": 1, "hidden": 8, "batch": 8, "epochs": 1},
    "style": {
        "styles": ["rock", "house"], "fonts": {"train": [FONT], "valid": [FONT], "test": [FONT]}, "each_style": 1, "each_style_kept_apart": 1,
        "each_band": 1, "each_band_kept_apart": 1, "each_family_kept_apart": 1, "excerpt_s": 12, "epochs": 1, "tries": 1,
    },
    "comping": {"inner": 8, "hidden": 8, "batch": 4, "epochs": 1},
}  # fmt: skip

# Nets that begin anew when they are trained again.
ANEW = ("drums", "progression", "comping")
# Whose prepared pieces another net learns from.
PIECES_OF = {"octave": "rhythm_offline", "bars": "rhythm_offline"}


def merged(config, brief):
    """`config` with what `brief` changes, tables within tables too."""
    return config | {k: merged(config[k], v) if isinstance(v, dict) else v for k, v in brief.items()}


def same_weights(trained, resumed):
    """What was exported and read again is what was trained, wherever both have a checkpoint."""
    found = list(resumed.rglob("last.pt"))
    if not found:
        raise SystemExit(f"{resumed} holds no net to go on from")
    for path in found:
        before, after = (torch.load(p, map_location="cpu")["mean"] for p in (trained / path.relative_to(resumed), path))
        if before.keys() != after.keys() or any(not torch.equal(before[k], after[k]) for k in before):
            raise SystemExit(f"{path} has other weights than were trained")


def truth_ends_with_the_music():
    """A drummer who stops after twelve beats leaves no beats to be found in the silence after them."""
    notes = [(beat, 0.1, "drums", 36, 100) for beat in range(12)]
    source = material.Material("short", "train", 4, False, 120.0, 12, notes)
    piece = pieces.perform(random.Random(1), "short", "train", source, {"drums": notes}, "drums only", 120.0, 0.5, 30.0, False, 1)
    if len(piece.beats) != 12 or abs(piece.beats[-1][0] - piece.onsets[-1]) > pieces.NEAR_S:
        raise SystemExit(f"{len(piece.beats)} beats of twelve, the last at {piece.beats[-1][0]:.2f} s")


def spellings_are_kept_apart():
    """What is in the test under one spelling is not learnt from under another."""
    titles = ["one|don't go", "two|stay", "one|don t go", "the two|stay", "three|stay"]
    split = split_titles(titles, {"test_titles": 1, "validation_titles": 1})
    if split != {"test": titles[:1], "validation": titles[1:2], "train": titles[4:]}:
        raise SystemExit(f"titles are split as {split}")


def what_was_cut_short_is_not_taken_for_done(folder):
    """A song that could not be written whole is not there under its name."""

    def cut(file, **_):
        file.write(b"half")
        raise KeyboardInterrupt

    whole, np.savez_compressed = np.savez_compressed, cut
    try:
        harmony.save(folder / "song.npz", chroma=np.zeros(1))
    except KeyboardInterrupt:
        pass
    finally:
        np.savez_compressed = whole
    if (folder / "song.npz").exists():
        raise SystemExit("half a song would be taken for done")
    harmony.save(folder / "song.npz", chroma=np.zeros(1))
    if not (folder / "song.npz").exists() or (folder / "song.part").exists():
        raise SystemExit("a song was not written")


def a_lone_last_beat_is_no_lock():
    """Four right beats have to follow."""
    from backline_training import hear

    for near, good in (("00001", []), ("01111", []), ("0111110", [1]), ("", [])):
        found = hear.followed(np.array([beat == "1" for beat in near]))
        if found != good:
            raise SystemExit(f"{near} is locked at {found}")


def a_stopped_run_leaves_no_net(net, words, work):
    """Training that is stopped in its second epoch has written nothing under the name that export reads."""
    module = importlib.import_module(f"backline_training.{net}.train")

    def stop(line):
        if line.startswith("epoch 1"):
            raise KeyboardInterrupt

    # It tells of each epoch, and so is stopped there.
    module.print = lambda line, **_: stop(line)
    try:
        verbs.main(["train", net, *words, "--set", "epochs=3"])
        raise SystemExit(f"{net} was not stopped")
    except KeyboardInterrupt:
        pass
    finally:
        del module.print
    if (work / "best.pt").exists():
        raise SystemExit(f"{net} was stopped, and left a net that would be exported")


def main():
    """Makes the data, then every verb of every net that is here."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder with the front end's programs")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder to work in; what it holds is removed")
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    truth_ends_with_the_music()
    spellings_are_kept_apart()
    what_was_cut_short_is_not_taken_for_done(args.work)
    data, models = args.work / "data", args.work / "models"
    tiny_data.write(data)
    scored = importlib.util.find_spec("mir_eval") is not None
    if scored:
        a_lone_last_beat_is_no_lock()
    from_shipped = verbs.SHIPPED if importlib.util.find_spec("onnx") is not None else {}
    for net, brief in BRIEF.items():
        config = args.work / f"{net}.json"
        config.write_text(json.dumps(merged(json.loads((verbs.CONFIGS / f"{net}.json").read_text()), brief)))
        for verb in ("prepare", "train", "export", *["evaluate"] * scored):
            print(f"== {verb} {net}", flush=True)
            places = {"work": args.work / PIECES_OF.get(net, net), "data": data, "bin": args.bin, "out": models, "config": config}
            words = [word for name, path in places.items() for word in (f"--{name}", str(path))]
            if verb == "train" and net in ANEW:
                a_stopped_run_leaves_no_net(net, words, places["work"])
            verbs.main([verb, net, *words])
        # What learnt on for no step is what ships, and so is all that lies between them.
        for verb in (verb for verb, nets in from_shipped.items() if net in nets):
            print(f"== {verb} {net}", flush=True)
            again = args.work / f"{net}_again"
            verbs.main([verb, net, "--work", str(again), "--out", str(models), "--config", str(config)])
            same_weights(args.work / PIECES_OF.get(net, net), again)
    print(f"the whole chain ran for {', '.join(BRIEF)}" + ("" if scored else "; nothing was scored: mir_eval is not installed"))


if __name__ == "__main__":
    main()
