"""Gathers what the harmony net learns from: recordings' chroma with chords and keys, and rendered songs heard by our front end.

`--data` holds billboard/ (or billboard_nnls/) and POP909/; `--bin` the built example chroma_dump of backline-listen."""

import subprocess
import tempfile
import pathlib

import numpy as np

from . import render, songs


def run(config, args):
    """Renders what is not rendered yet into WORK/rendered; the recordings are read where they are."""
    out = args.work / "rendered"
    out.mkdir(exist_ok=True)
    pop = pop_songs(args.data, config)
    kinds = (["made"] * config["made"] + ["keyed"] * config["keyed"] + ["pop"] * len(pop) + ["drums"] * config["drums"])
    # Interleaved, so that a part of the set is of every kind.
    order = np.random.default_rng(config["seed"]).permutation(len(kinds))
    for done, i in enumerate(order):
        path = out / f"{kinds[i]}_{i:04}.npz"
        if path.exists():
            continue
        rng = np.random.default_rng([config["seed"], int(i)])
        key = -1
        if kinds[i] == "made":
            midi, rows = render.made_up(rng)
        elif kinds[i] == "keyed":
            midi, rows, key = render.in_key(rng, config["seconds"])
        elif kinds[i] == "drums":
            midi, rows = render.drums_alone(rng, config["seconds"])
        else:
            song = pop[i - config["made"] - config["keyed"]]
            midi, rows = render.varied(song, rng)
            key = pop_key(song)
        font = config["soundfonts"][int(rng.integers(len(config["soundfonts"])))]
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "song.mid"
            file.write_bytes(midi)
            try:
                chroma = render.hear(file, font, config["seconds"], str(args.bin / "chroma_dump"))
            except subprocess.CalledProcessError as problem:
                print(f"{path.stem}: left out, {problem}", flush=True)
                continue
        save(path, chroma=chroma.astype(np.float16), key=key, start=[r[0] for r in rows],
             end=[r[1] for r in rows], label=[r[2] for r in rows])
        if done % 10 == 0:
            print(f"{done} of {len(order)}: {path.stem}, {len(chroma)} frames", flush=True)


def save(path, **arrays):
    """Whole or not there at all: a run that goes on takes what is there for done."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez_compressed(file, **arrays)
    unfinished.rename(path)


def pop_songs(data, config):
    """POP909's songs that are learnt from: every tenth is left for tests."""
    all_songs = [d for d in sorted((data / "POP909").iterdir()) if d.is_dir() and d.name.isdigit() and int(d.name) % 10]
    pick = np.random.default_rng(909).permutation(len(all_songs))[:config["pop"]]
    return [all_songs[i] for i in pick]


def pop_key(song):
    """0..23, or -1 where the song changes key."""
    rows = songs.read_lab(song / "key_audio.txt")
    keys = {r[2] for r in rows}
    if len(keys) != 1:
        return -1
    tonic, _, mode = keys.pop().partition(":")
    return songs.pitch_class(tonic) + 12 * (mode == "min")
