"""Renders drummers and our own grooves, with and without a band, and keeps what the listener hears of them.

Needs `fluidsynth`, `--data` (folder with groove and sonic-pi-net+sonic-pi) and `--bin` (folder with the example
program `hear`). `WORK/heard/NAME.json` holds style, source and what was heard. All kits, bands, rooms and desks are
drawn alike for all styles, so that no sound gives a style away: only what is played and how fast.
"""

import csv
import json
import pathlib
import random
import subprocess
import tempfile

import numpy as np

from backline_training.drums import groove_midi, written
from backline_training.rhythm import arrange, material, pieces, sound

STYLES = pathlib.Path(__file__).resolve().parents[4] / "crates" / "play" / "styles"
KEYS = {"kick": 36, "snare": 38, "rim": 37, "clap": 39, "closed_hat": 42, "open_hat": 46, "pedal_hat": 44, "low_tom": 45,
        "mid_tom": 47, "high_tom": 50, "crash": 49, "ride": 51}  # fmt: skip
# The listener's answer; the rest is left out of the files.
KEPT = ("time_s", "tempo_bpm", "metre", "style")


def run(config, args):
    """Renders and hears what is not there yet."""
    folder = args.work / "heard"
    folder.mkdir(parents=True, exist_ok=True)
    shots, todo = sound.OneShots(args.data), list(excerpts(config, args.data))
    size = config["batch_pieces"]
    for number, first in enumerate(range(0, len(todo), size)):
        batch = [e for e in todo[first : first + size] if not (folder / f"{e[0].name}.json").exists()]
        if not batch:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            font = config["fonts"][number % len(config["fonts"])]
            for (piece, about), audio in zip(batch, sound.render([p for p, _ in batch], font, scratch)):
                heard = hear(sound.mixed(piece, audio, shots), args.bin)
                about |= {"heard": {key: heard[key] for key in KEPT}, "condition": piece.condition, "bpm": piece.bpm}
                (folder / f"{piece.name}.json").write_text(json.dumps(about))
        print(f"{first + len(batch)} of {len(todo)}", flush=True)


def hear(raw, programs):
    """What the product hears in 16-bit samples, with hindsight."""
    words = [str(programs / "hear"), str(sound.RATE), "offline"]
    return json.loads(subprocess.run(words, input=raw.tobytes(), capture_output=True, check=True).stdout)


def excerpts(config, data):
    """(piece, what is known of it), in an order that mixes styles; always the same."""
    all_of_them = [*recorded(config, data), *ours(config)]
    random.Random(config["seed"]).shuffle(all_of_them)
    return all_of_them


def recorded(config, data):
    """Drummers, by performance; rare styles give more excerpts of each."""
    known = {m.name: m for m in material.groove(data / "groove")}
    rows = []
    for row in csv.DictReader((data / "groove" / "info.csv").open()):
        label = groove_midi.style(row["style"])
        source = known.get("gmd_" + row["id"].replace("/", "_"))
        if source and label in config["styles"] and row["beat_type"] == "beat" and float(row["duration"]) > 12:
            rows.append((row, label, source))
    count = {label: sum(r[1] == label for r in rows) for _, label, _ in rows}
    for row, label, source in rows:
        for k in range(int(np.clip(config["each_style"] / count[label], 1, config["most_each"]))):
            rng = random.Random(f"{config['seed']} {row['id']} {k}")
            bpm = source.bpm * rng.uniform(0.94, 1.06)
            yield perform(rng, f"{source.name}_{k}", source, bpm, config), {"style": label, "source": "groove"}


def ours(config):
    """Our own grooves."""
    for file in sorted(STYLES.glob("*.json")):
        style = json.loads(file.read_text())
        if style["id"] not in config["styles"]:
            continue
        metre = style["metres"][0]
        grooves = [g for g in style["grooves"] if g.get("metre", metre) == metre]
        for k in range(config["each_written"]):
            rng = random.Random(f"{config['seed']} {style['id']} {k}")
            source = play(style, rng.choice(grooves), metre, rng, f"ours_{style['id']}_{k}")
            yield perform(rng, source.name, source, source.bpm, config), {"style": style["id"], "source": "written"}


def play(style, groove, metre, rng, name):
    """Two minutes of a written groove, with its fills, as chance and a hand that is not quite even have it."""
    numerator, denominator = map(int, metre.split("/"))
    per_quarter, compound = style["steps_per_quarter"], denominator == 8 and numerator % 3 == 0
    quarters = numerator * 4 / denominator
    steps, beat_quarters = int(quarters * per_quarter), 1.5 if compound else 1.0
    per_bar = round(quarters / beat_quarters)
    low, high = style["tempo_bpm"]
    bpm = rng.uniform(low, high) / beat_quarters
    bars, notes = int(110 * bpm / 60 / per_bar) + 1, []
    for bar in range(bars):
        fill = rng.choice(style["fills"]) if style["fills"] and bar % 4 == 3 and rng.random() < 0.6 else None
        start = steps - (fill["quarters"] * per_quarter if fill else 0)
        start = start if start > 0 else steps
        for lane, text in groove["drums"].items():
            level = written.pattern(text, steps)
            chance = groove.get("prob", {}).get(lane)
            chance = written.pattern(chance, steps) if chance else np.ones_like(level)
            for i in range(start if lane != "kick" or fill and "kick" in fill["drums"] else steps):
                value = level[bar % len(level), i]
                if value > 0 and rng.random() < (chance[bar % len(chance), i] or 1):
                    strike(notes, style, bar * quarters, i, lane, value, beat_quarters, rng)
        if fill and start < steps:
            for lane, text in fill["drums"].items():
                for i, value in enumerate(written.pattern(text, steps - start)[0]):
                    if value > 0:
                        strike(notes, style, bar * quarters, start + i, lane, value, beat_quarters, rng)
    return material.Material(name, "test", per_bar, compound, bpm, bars * per_bar, sorted(notes))


def strike(notes, style, bar_quarters, step, lane, level, beat_quarters, rng):
    """One stroke, swung as the style swings."""
    at, swing = step / style["steps_per_quarter"], style["swing"] / 6
    span = 0.5 if style["swing_unit"] == "sixteenth" else 1.0
    if style["steps_per_quarter"] == 4 and beat_quarters == 1:
        whole, part = divmod(at / span, 1.0)
        at = span * (whole + (part * (1 + 2 * swing) if part < 0.5 else part + 2 * swing * (1 - part)))
    velocity = int(np.clip(127 * level * rng.gauss(1, 0.06), 8, 127))
    notes.append(((bar_quarters + at) / beat_quarters, 0.1, "drums", KEYS[lane], velocity))


def perform(rng, name, source, bpm, config):
    """The drums, alone or with a made-up band, as a piece to render."""
    parts, condition = {"drums": source.notes}, "drums only"
    if rng.random() < config["with_band"]:
        condition = "full mix"
        chords = arrange.progression(rng, source.beats_per_bar, source.beats)
        words = (rng, source.beats_per_bar, source.compound, source.beats, chords)
        parts["bass"] = arrange.bass(*words)
        if rng.random() < 0.7:
            parts["chords"] = arrange.comp(*words)
    one_shots = rng.random() < 0.25
    return pieces.perform(rng, name, "test", source, parts, condition, bpm, 0.5, config["excerpt_s"], one_shots,
                          rng.getrandbits(32))  # fmt: skip
