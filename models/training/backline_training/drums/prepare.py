"""Reads performances, written grooves and the grooves by genre into one file of bars."""

import pathlib

import numpy as np

from backline_training.drums import genres, groove_midi, written

STYLES = pathlib.Path(__file__).resolve().parents[4] / "crates/play/styles"
SPLITS = ("train", "validation", "test")
ARRAYS = ("level", "late", "triplet", "fill", "after_fill", "chart", "charted", "before", "led", "bpm", "phrase")


def run(config, args):
    """Writes `bars.npz` into the work folder; `--data` is the folder that holds `groove/`."""
    rng = np.random.default_rng(config["seed"])
    names = config["styles"]
    groove = args.data / "groove"
    played = list(groove_midi.performances(groove, set(config["test_drummers"])))
    sets = [(p, 0) for p in played] + [(p, 1) for p in written.performances(STYLES, config["written_bars"], rng)]
    sets += [(p, 2) for p in genres.performances(STYLES, config, rng)]
    out = {key: np.concatenate([p[key] for p, _ in sets]) for key in ARRAYS}
    sizes = [len(p["bpm"]) for p, _ in sets]
    spread = lambda values: np.repeat(np.array(values), sizes)
    out["style"] = spread([names.index(p["style"]) for p, _ in sets])
    out["split"] = spread([SPLITS.index(p["split"]) for p, _ in sets])
    # 0: recorded drummers, 1: the style files, 2: the grooves by genre.
    out["source"] = spread([source for _, source in sets])
    out["performance"] = spread(range(len(sets)))
    # The kick of recorded drummers is taken to answer; that of written grooves as far as the style has it.
    out["kick_follow"] = spread([p.get("kick_follow", 1.0) for p, _ in sets]).astype(np.float32)
    out["energy"] = ranks(np.concatenate([p["loudness"] for p, _ in sets]), out["source"])
    struck = (out["level"] > 0).sum((1, 2))
    out["density"] = ranks(struck, out["style"] * 6 + out["source"] * 2 + out["triplet"])
    np.savez_compressed(args.work / "bars.npz", **out)
    for k, split in enumerate(SPLITS):
        for source, name in enumerate(("recorded", "style files", "genres")):
            here = (out["split"] == k) & (out["source"] == source)
            print(f"{split}, {name}: {here.sum()} bars of {len(set(out['performance'][here]))} performances")


def ranks(values, groups):
    """Where each value stands in its group, 0…1; equals share their mean."""
    out = np.full(len(values), 0.5, np.float32)
    for group in np.unique(groups):
        here = np.flatnonzero(groups == group)
        ordered = np.sort(values[here])
        below, upto = np.searchsorted(ordered, values[here], "left"), np.searchsorted(ordered, values[here], "right")
        out[here] = (below + upto) / (2 * len(here))
    return out
