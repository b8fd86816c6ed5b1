"""What the listener's guess at the style learns from and is scored on, before it has a sound: drummers, the band, grooves by genre."""

import collections
import csv
import json
import pathlib
import random
import subprocess

import numpy as np

from backline_training.drums import bar, genres, groove_midi
from backline_training.rhythm import arrange, material

STYLES = pathlib.Path(__file__).resolve().parents[4] / "crates" / "play" / "styles"
# The keys of the nine voices.
KEYS = (36, 38, 42, 46, 45, 47, 50, 49, 51)
SPLITS = ("train", "valid", "test")


def recorded(config, data):
    """Drummers, (name, material, about): the split is that of the drummer; of common styles some, of rare ones several excerpts."""
    rows = [r for r in csv.DictReader((data / "groove" / "info.csv").open()) if r["beat_type"] == "beat" and float(r["duration"]) > 12]
    of = lambda row: (groove_midi.style(row["style"]), material.groove_split(row["drummer"]))
    count, copies = collections.Counter(map(of, rows)), {}
    for row in rows:
        style, split = of(row)
        if style in config["styles"]:
            wanted = config["each_style"] if split == "train" else config["each_style_kept_apart"]
            rng = random.Random(f"{config['seed']} {row['id']}")
            copies[row["id"]] = int(min(config["most_each"], wanted / count[style, split] + rng.random())), style
    for source in material.groove(data / "groove", lambda row: copies.get(row["id"], (0,))[0]):
        many, style = copies[source.name.removeprefix("gmd_").replace("_", "/", 2)]
        for k in range(many):
            yield f"{source.name}_{k}", source, {"style": style, "source": "groove"}


def band(config, program):
    """The band in all its styles, at all energies: (name, material, about)."""
    wishes, all_about = [], []
    for file in sorted(STYLES.glob("*.json")):
        style = json.loads(file.read_text())
        if style["id"] not in config["styles"]:
            continue
        for split, each in zip(SPLITS, (config["each_band"], config["each_band_kept_apart"], config["each_band_kept_apart"])):
            for k in range(each):
                wish = ask(style, random.Random(f"{config['seed']} {style['id']} {split} {k}"), (k + 0.5) / each)
                wishes.append(wish)
                about = {"style": style["id"], "source": "band", "energy": wish["energy"], "brightness": wish["brightness"]}
                all_about.append((f"band_{style['id']}_{split}_{k}", split, about))
    lines = "\n".join(map(json.dumps, wishes))
    played = subprocess.run([str(program)], input=lines, text=True, capture_output=True, check=True).stdout.splitlines()
    for wish, (name, split, about), line in zip(wishes, all_about, played):
        numerator, denominator = map(int, wish["metre"].split("/"))
        compound = denominator == 8 and numerator % 3 == 0
        beat = 1.5 if compound else 0.5 if denominator == 8 else 1.0
        per_bar = round(numerator * 4 / denominator / beat)
        notes = [(at / beat, length / beat, part, key, velocity) for at, length, part, key, velocity in json.loads(line)]
        bpm = wish["tempo_bpm"] / beat
        yield name, material.Material(name, split, per_bar, compound, bpm, wish["bars"] * per_bar, sorted(notes)), about


def ask(style, rng, energy):
    """A wish for `perform`."""
    low, high = style["tempo_bpm"]
    bpm = rng.uniform(low, high) * 2 ** rng.gauss(0, 0.03)
    own = style["metres"][0]
    numerator, denominator = map(int, own.split("/"))
    root, name = rng.randrange(12), ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    loop = [f"{name[(root + r) % 12]}:{'min' if minor else 'maj'}" for r, minor in rng.choice(arrange.PROGRESSIONS)]
    return {
        "style": style["id"],
        "metre": own,
        "tempo_bpm": bpm,
        "bars": int(60 * bpm / 60 / (numerator * 4 / denominator)) + 1,
        "phrase_bars": rng.choice([4, 8]),
        "chords": loop,
        "seed": rng.getrandbits(31),
        "energy": energy,
        "brightness": rng.random(),
        "density": rng.uniform(-0.4, 0.4),
        "temperature": rng.uniform(0.2, 0.8),
    }


def by_genre(config):
    """The grooves by genre, their families kept apart as the drummer's are."""
    own = {"genre_performances": config["each_family"], "genre_kept_apart": config["each_family_kept_apart"], "genre_bars": 32}
    for p in genres.performances(STYLES, own, np.random.default_rng(config["seed"] + 1)):
        if p["style"] not in config["styles"]:
            continue
        name, split = "genre_" + p["name"].replace("/", "_"), {"validation": "valid"}.get(p["split"], p["split"])
        swing = json.loads((STYLES / f"{p['style']}.json").read_text())["swing"]
        notes = []
        for i, step, voice in zip(*np.nonzero(p["level"])):
            # The swing of the style: the second sixteenth of each pair comes late.
            late = swing / 12 if step % 2 else 0.0
            velocity = int(round(127 * float(p["level"][i, step, voice])))
            notes.append((4 * i + step / 4 + late, 0.1, "drums", KEYS[voice], max(1, velocity)))
        bpm, energy = float(p["bpm"][0]), float(p["loudness"][0])
        bars = len(p["level"])
        about = {"style": p["style"], "source": "genres", "energy": energy}
        yield name, material.Material(name, split, 4, False, bpm, 4 * bars, sorted(notes)), about


assert len(KEYS) == bar.N
