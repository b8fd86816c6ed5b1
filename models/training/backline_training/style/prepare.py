"""Renders drummers, the band and grooves by genre, with and without company, and keeps what the listener hears of them; imitates the
hearing of many more.

Needs `fluidsynth`, `--data` (folder with groove and sonic-pi-net+sonic-pi) and `--bin` (folder with the example programs
`hear` and `perform`). `WORK/heard/NAME.json` holds style, source, split and what was heard. Instruments, kits, rooms and desks are
drawn alike for all styles, so that no sound gives a style away; pieces of the test sound from a SoundFont that no other does.
"""

import json
import pathlib
import random
import subprocess
import tempfile

import numpy as np

from backline_training.rhythm import arrange, pieces, sound
from backline_training.style import imitate, material

# The listener's answer; the rest is left out of the files.
LEFT_OUT = ("melody", "chords", "keys", "tempo_candidates", "next_beat", "notices")


def run(config, args):
    """Renders and hears what is not there yet."""
    imitated(config, args)
    folder = args.work / "heard"
    folder.mkdir(parents=True, exist_ok=True)
    shots, jobs = sound.OneShots(args.data), []
    todo, there = excerpts(config, args), lambda piece: (folder / f"{piece.name}.json").exists()
    for split, fonts in config["fonts"].items():
        here, size = [e for e in todo if e[0].split == split], config["batch_pieces"]
        # The splits take turns, so that a run that is stopped has some of each.
        jobs += [(first / len(here), fonts[first // size % len(fonts)], here[first : first + size]) for first in range(0, len(here), size)]
    for _, font, batch in sorted(jobs, key=lambda job: job[0], reverse=config["backward"]):
        batch = [e for e in batch if not there(e[0])]
        if not batch:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            for (piece, about), audio in zip(batch, sound.render([p for p, _ in batch], font, scratch)):
                ways = ("online", "offline") if piece.split == "test" and config["hindsight"] else ("online",)
                heard = hear(sound.mixed(piece, audio, shots), args.bin, ways)
                about |= {"heard": heard, "condition": piece.condition, "bpm": piece.bpm, "split": piece.split}
                about |= {"font": pathlib.Path(font).stem, "one_shots": piece.one_shots}
                (folder / f"{piece.name}.json").write_text(json.dumps(about))
        print(f"{len(list(folder.glob('*.json')))} of {len(todo)}", flush=True)


def imitated(config, args):
    """Writes `imitated.jsonl`: pieces of the training split, each as several listeners might hear it."""
    if (args.work / "imitated.jsonl").exists():
        return
    more, rng = config | config["imitated"], np.random.default_rng(config["seed"])
    with (args.work / "imitated.jsonl").open("w") as file:
        for piece, about in excerpts(more, args):
            for _ in range(config["imitations"] if piece.split == "train" else 0):
                known = about | {"split": piece.split, "condition": piece.condition, "heard": imitate.heard(piece, rng)}
                file.write(json.dumps(known) + "\n")


def hear(raw, programs, ways):
    """What the product hears in 16-bit samples, as it comes and, for the test, with hindsight."""
    out = {}
    for how in ways:
        words = [str(programs / "hear"), str(sound.RATE), how]
        answer = json.loads(subprocess.run(words, input=raw.tobytes(), capture_output=True, check=True).stdout)
        out[how] = answer | {key: None if key == "next_beat" else [] for key in LEFT_OUT}
    return out


def excerpts(config, args):
    """(piece, what is known of it), in an order that mixes styles; always the same."""
    sources = [*material.recorded(config, args.data), *material.by_genre(config)]
    sources += material.band(config, args.bin / "perform")
    out = [(perform(name, source, config), about) for name, source, about in sources]
    random.Random(config["seed"]).shuffle(out)
    return out


def perform(name, source, config):
    """The piece to render: drummers alone or with a made-up band; of the band all, or some."""
    rng = random.Random(f"{config['seed']} {name}")
    parts = {}
    for note in source.notes:
        parts.setdefault(note[2], []).append(note)
    condition = "full mix"
    if len(parts) > 1:
        kept = rng.choices(("drums chords bass", "drums bass", "drums chords", "drums", "chords bass"), (4, 2, 1, 2, 1))[0]
        parts = {part: notes for part, notes in parts.items() if part in kept}
        condition = {"drums": "drums only", "chords bass": "no drums"}.get(kept, condition)
    elif rng.random() < config["with_band"]:
        chords = arrange.progression(rng, source.beats_per_bar, source.beats)
        words = (rng, source.beats_per_bar, source.compound, source.beats, chords)
        parts["bass"] = arrange.bass(*words)
        if rng.random() < 0.7:
            parts["chords"] = arrange.comp(*words)
    else:
        condition = "drums only"
    one_shots = "drums" in parts and rng.random() < 0.25
    bpm = source.bpm * rng.uniform(0.96, 1.04)
    # A hair beside the half: what swings, swings already.
    return pieces.perform(rng, name, source.split, source, parts, condition, bpm, 0.5 + 1e-9, config["excerpt_s"], one_shots,
                          rng.getrandbits(32))  # fmt: skip
