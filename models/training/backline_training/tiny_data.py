"""Writes a tiny stand-in for each data set, in its own layout: for trying the whole chain out, not for learning music.

    python -m backline_training.tiny_data FOLDER

Needs mido and soundfile.
"""

import csv
import pathlib
import sys
import zipfile

import mido
import numpy as np
import soundfile

TICKS = 480
HOP_S = 2048 / 44100
LOOP = (("C:maj", (0, 4, 7)), ("A:min", (9, 0, 4)), ("F:maj", (5, 9, 0)), ("G:7", (7, 11, 2, 5)))
# Titles that the harmony net's split needs before anything is left to learn from, and a few more.
RECORDINGS = 168
# One piece a split: learnt from, validation, test.
DRUMMERS = (("drummer1", "train"), ("drummer8", "validation"), ("drummer3", "test"))
SONGS = ("001", "003", "005")
SHEETS = 6


def midi(path, tracks, bpm):
    """A file of (name, [(start beat, length, channel, key)]) tracks."""
    song = mido.MidiFile(ticks_per_beat=TICKS)
    song.tracks.append(mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))]))
    for name, notes in tracks:
        events = [(round(b * TICKS), "note_on", c, k) for b, _, c, k in notes]
        events += [(round((b + d) * TICKS), "note_off", c, k) for b, d, c, k in notes]
        track, now = mido.MidiTrack([mido.MetaMessage("track_name", name=name)]), 0
        for tick, kind, channel, key in sorted(events):
            track.append(mido.Message(kind, channel=channel, note=key, velocity=80, time=tick - now))
            now = tick
        song.tracks.append(track)
    path.parent.mkdir(parents=True, exist_ok=True)
    song.save(path)


def groove(folder):
    """The Groove MIDI Dataset: a drummer a split, 32 beats of rock each."""
    fields = "drummer session id style bpm beat_type time_signature midi_filename audio_filename duration split".split()
    folder.mkdir(parents=True)
    with (folder / "info.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, fields)
        table.writeheader()
        for drummer, split in DRUMMERS:
            name = f"{drummer}/session1/1_rock_100_beat_4-4.mid"
            strokes = [(b / 2, 0.1, 9, 42) for b in range(64)] + [(b, 0.1, 9, 36 if b % 2 == 0 else 38) for b in range(32)]
            midi(folder / name, [("drums", strokes)], 100)
            row = (drummer, "session1", f"{drummer}/session1/1", "rock", 100, "beat", "4-4", name, "", 19.2, split)
            table.writerow(dict(zip(fields, row)))


def pop909(folder):
    """POP909: a song a split, 64 beats at 120."""
    for number in SONGS:
        song = folder / number
        chords = [LOOP[b // 4 % 4] for b in range(64)]
        piano = [(b, 0.9, 2, 48 + tone + 12 * (i > 0)) for b, (_, tones) in enumerate(chords) for i, tone in enumerate(tones)]
        melody = [(b + s, 0.4, 0, 72 + tones[b % len(tones)]) for b, (_, tones) in enumerate(chords) for s in (0, 0.5)]
        bridge = [(b, 2, 1, 67) for b in range(0, 64, 4)]
        midi(song / f"{number}.mid", [("MELODY", melody), ("BRIDGE", bridge), ("PIANO", piano)], 120)
        beats = "".join(f"{b / 2:.4f} {float(b % 2 == 0)} {float(b % 4 == 0)}\n" for b in range(64))
        lines = "".join(f"{2 * i:.3f}\t{2 * i + 2:.3f}\t{LOOP[i % 4][0]}\n" for i in range(16))
        for kind in ("midi", "audio"):
            (song / f"beat_{kind}.txt").write_text(beats)
            (song / f"chord_{kind}.txt").write_text(lines)
        (song / "key_audio.txt").write_text("0.0\t32.0\tC:maj\n")


def lead_sheets(folder):
    """OpenEWLD: tunes in 3/4 and 4/4 by turns."""
    folder.mkdir(parents=True)
    for number in range(SHEETS):
        beats = 4 if number == 2 else 3
        bar = "".join(
            f"<note><pitch><step>{'CEGE'[b]}</step><octave>5</octave></pitch><duration>1</duration></note>" for b in range(beats)
        )
        bars = "".join(
            "<measure>"
            + f"<attributes><divisions>1</divisions><time><beats>{beats}</beats><beat-type>4</beat-type></time></attributes>" * (i == 0)
            + f"<harmony><root><root-step>{'CAFG'[i % 4]}</root-step></root><kind>major</kind></harmony>{bar}</measure>"
            for i in range(24)
        )
        text = f"<score-partwise><part-list/><part id='P1'>{bars}</part></score-partwise>"
        with zipfile.ZipFile(folder / f"{number}.mxl", "w") as archive:
            archive.writestr("score.xml", text)


def one_shots(folder, names):
    """Sonic Pi's samples: a click for each."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for name in names:
        click = rng.standard_normal(4410) * np.exp(-np.arange(4410) / 400) * 0.5
        soundfile.write(folder / f"{name}.flac", np.clip(click, -1, 1), 44100)


def billboard(folder):
    """Billboard: ten seconds of a loop a title, as chroma that fits its chords."""
    rng = np.random.default_rng(2)
    folder.mkdir(parents=True)
    rows = ["id,chart_date,target_rank,actual_rank,title,artist,peak_rank,weeks_on_chart"]
    lab = [(i * 1.25, i * 1.25 + 1.25, LOOP[i % 4][0]) for i in range(8)]
    sung = " | ".join(f"{name} |" for *_, name in lab)
    for number in range(1, RECORDINGS + 1):
        rows.append(f"{number},1970-01-01,1,1,Title {number},Artist {number},1,1")
        song = folder / f"{number:04d}"
        song.mkdir()
        chroma = rng.random((216, 24)) * 0.1
        for i in range(len(chroma)):
            tones = LOOP[int((i * HOP_S + 0.12) / 1.25) % 4][1]
            # The file's bins begin at A.
            chroma[i, [(t + 3) % 12 for t in tones[:1]]] += 1
            chroma[i, [12 + (t + 3) % 12 for t in tones]] += 1
        level = np.round(255 * np.sqrt(chroma / chroma.max())).astype(np.uint8)
        np.savez_compressed(song / "chroma.npz", chroma_u8=level, scale=chroma.max(), hop=HOP_S, t0=0.0)
        text = "".join(f"{a:.3f}\t{b:.3f}\t{name}\n" for a, b, name in lab)
        (song / "full.lab").write_text(text)
        (song / "majmin7inv.lab").write_text(text)
        (song / "salami_chords.txt").write_text(
            f"# title: Title {number}\n# artist: Artist {number}\n# metre: 4/4\n# tonic: C\n\n0.0\tA, verse, | {sung}\n10.0\tend\n"
        )
    (folder / "index.csv").write_text("\n".join(rows) + "\n")


def write(folder):
    """All of them, below `folder`, which must not hold them yet."""
    from backline_training.rhythm.sound import SHOTS

    folder = pathlib.Path(folder)
    groove(folder / "groove")
    pop909(folder / "POP909")
    lead_sheets(folder / "00sapo+OpenEWLD")
    one_shots(folder / "sonic-pi-net+sonic-pi" / "etc" / "samples", [n for names in SHOTS.values() for n in names])
    billboard(folder / "billboard")


if __name__ == "__main__":
    write(sys.argv[1])
