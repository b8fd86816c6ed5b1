"""Makes the training, validation and test sets: pieces, rendered, as the front end hears them.

Needs `fluidsynth`, the SoundFonts that the configuration names, `--data` (folder with groove, POP909,
00sapo+OpenEWLD, sonic-pi-net+sonic-pi) and `--bin` (folder with the example program `log_bands`, and `rhythm_rows` where pieces are heard again).
`WORK/train/NNNNN.npz` hold `x` (frames x bands, uint8: 255 levels) and the truth; `WORK/test` also the audio.
"""

import json
import pathlib
import subprocess
import tempfile
import wave

import numpy as np

from . import pieces, sound

# Pitch classes of bass and treble, and the energy.
CHROMA = 25
TOLD_AS = {"kick": "kick", "snare": "snare", "hat": "closed_hat", "tom": "mid_tom", "cymbal": "crash"}


def run(config, args):
    """Renders what is not there yet."""
    sources, shots = pieces.Sources(args.data), sound.OneShots(args.data)
    fonts = {"train": config["fonts"], "valid": config["fonts"], "test": [*config["fonts"], config["test_font"]]}
    for split, count in [(s, config[f"{s}_pieces"]) for s in ("valid", "test", "train")]:
        folder = args.work / split
        folder.mkdir(parents=True, exist_ok=True)
        for first in range(0, count, config["batch_pieces"]):
            numbers = range(first, min(first + config["batch_pieces"], count))
            if all((folder / f"{n:05d}.npz").exists() for n in numbers):
                continue
            font = fonts[split][first // config["batch_pieces"] % len(fonts[split])]
            batch = [pieces.make(n, split, sources, config) for n in numbers]
            hear_again = config.get("hear_again", False)
            write(folder, numbers, batch, font, shots, args.bin, keep_audio=split == "test", hear_again=hear_again)


def write(folder, numbers, batch, font, shots, programs, keep_audio, hear_again):
    """One batch: audio, features, truth, and if it is to be heard again what the stream's net said."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        for number, piece, audio in zip(numbers, batch, sound.render(batch, font, scratch)):
            mixed = sound.mixed(piece, audio, shots)
            mixed.tofile(scratch / f"{number:05d}.raw")
            if keep_audio:
                write_audio(folder / f"{number:05d}", piece, mixed, font)
        names = [scratch / f"{n:05d}.raw" for n in numbers]
        width = features(names, programs, "log_bands")
        if hear_again:
            row = features(names, programs, "rhythm_rows")
        for number, piece, name in zip(numbers, batch, names):
            x = np.fromfile(name.with_suffix(".bands"), "<f4").reshape(-1, width)
            # Whole or not there at all: training takes in pieces while others are written.
            unfinished = folder / f"{number:05d}.part"
            with unfinished.open("wb") as file:
                said = {}
                if hear_again:
                    rows = np.fromfile(name.with_suffix(".rows"), "<f4").reshape(-1, row)
                    chroma = np.fromfile(name.with_suffix(".chroma"), "<f4").reshape(-1, CHROMA)
                    said = {"said": rows[:, : row - width].astype(np.float16), "chroma": chroma.astype(np.float16)}
                    x = x[: len(rows)]
                np.savez_compressed(
                    file,
                    **said,
                    x=np.round(np.clip(x, 0, 1) * 255).astype(np.uint8),
                    beats=np.array(piece.beats),
                    drums=np.array([(t, pieces.VOICES.index(v), g) for t, v, g in piece.drums]).reshape(-1, 3),
                    onsets=np.array(piece.onsets),
                    beats_per_bar=piece.beats_per_bar,
                    metre=piece.metre,
                    bpm=piece.bpm,
                    condition=piece.condition,
                    name=piece.name,
                )
            unfinished.rename(folder / f"{number:05d}.npz")


def features(names, programs, program):
    """Runs a program of the front end over raw files; gives the number of values in a frame."""
    lines = "".join(f"{n}\n" for n in names)
    done = subprocess.run([str(programs / program)], input=lines, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])


def write_audio(path, piece, mixed, font):
    """The recording and its truth, in the shape that `backline_training.hear` scores."""
    with wave.open(str(path) + ".wav", "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.RATE)
        file.writeframes(mixed.tobytes())
    truth = {
        "name": piece.name,
        "condition": piece.condition,
        "font": pathlib.Path(font).name,
        "tempo_bpm": piece.bpm,
        "metre": piece.metre,
        "beats_s": [round(t, 5) for t, _ in piece.beats],
        "downbeats_s": [round(t, 5) for t, beat in piece.beats if beat == 1],
        "drums": [{"time_s": round(t, 5), "voice": TOLD_AS[v]} for t, v, _ in piece.drums],
    }
    path.with_suffix(".json").write_text(json.dumps(truth))
