"""Music in beats: what the sources give and what the generators make, before it has a tempo.

A `Material` is a list of notes placed in beats (tactus: the dotted quarter in compound metres). Parts are named
`drums`, `bass`, `chords` and `melody`, so that any of them can be left out.
"""

import csv
import dataclasses
import json
import pathlib
import re
import xml.etree.ElementTree
import zipfile

import numpy as np

# General MIDI keys of the Roland kit that the Groove MIDI Dataset was played on.
ROLAND = {22: 42, 26: 46, 58: 43, 40: 38, 55: 49, 52: 49, 59: 51}
TEST_DRUMMERS = {"drummer3", "drummer7", "drummer9", "drummer10"}
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclasses.dataclass
class Material:
    """Notes are (beat, length in beats, part, MIDI key, velocity); beat 0 is the `first`-th of its bar, from 0."""

    name: str
    split: str
    beats_per_bar: int
    compound: bool
    bpm: float
    beats: int
    notes: list
    first: int = 0
    chords: list = dataclasses.field(default_factory=list)

    @property
    def metre(self):
        """As it is written."""
        if self.compound:
            return f"{3 * self.beats_per_bar}/8"
        return f"{self.beats_per_bar}/{8 if self.beats_per_bar == 7 else 4}"


def split_of(number):
    """Songs whose number ends in 0 or 5 test, in 3 choose between trained nets (validation), others train."""
    return {0: "test", 5: "test", 3: "valid"}.get(number % 10, "train")


def groove_split(drummer):
    """The split of a drummer of the Groove MIDI Dataset."""
    return "test" if drummer in TEST_DRUMMERS else "valid" if drummer == "drummer8" else "train"


def groove(folder, wanted=lambda row: True):
    """The Groove MIDI Dataset, or those of its performances whose row in `info.csv` is wanted."""
    import mido

    folder = pathlib.Path(folder)
    for row in csv.DictReader(open(folder / "info.csv")):
        num, den = map(int, row["time_signature"].split("-"))
        if row["beat_type"] != "beat" or float(row["duration"]) < 12 or (den == 8 and num != 6) or not wanted(row):
            continue
        split = groove_split(row["drummer"])
        bpm = float(row["bpm"]) / (1.5 if den == 8 else 1)
        now, notes = 0.0, []
        try:
            for message in mido.MidiFile(folder / row["midi_filename"]):
                now += message.time
                if message.type == "note_on" and message.velocity > 0:
                    key = ROLAND.get(message.note, message.note)
                    notes.append((now * bpm / 60, 0.1, "drums", key, message.velocity))
        except (OSError, EOFError):
            continue
        beats = int(float(row["duration"]) * bpm / 60)
        per_bar = 2 if den == 8 else num
        yield Material("gmd_" + row["id"].replace("/", "_"), split, per_bar, den == 8, bpm, beats, notes)


def pop909(folder):
    """POP909 in 4/4 and 3/4: melody, bridge and piano, the piano's low notes as `bass`."""
    import mido

    for song in sorted(p for p in pathlib.Path(folder).iterdir() if p.name.isdigit()):
        try:
            lines = [list(map(float, line.split())) for line in open(song / "beat_midi.txt")]
            midi = mido.MidiFile(song / f"{song.name}.mid")
        except (OSError, ValueError, EOFError):
            continue
        downs = [i for i, line in enumerate(lines) if line[2] == 1.0]
        gaps = {b - a for a, b in zip(downs, downs[1:])}
        if len(downs) < 8 or len(gaps) != 1 or next(iter(gaps)) not in (3, 4):
            continue
        per_bar = gaps.pop()
        seconds = seconds_of(midi)
        at = np.array([line[0] for line in lines])
        beat_of = lambda s: float(np.interp(s, at, np.arange(len(at)))) - downs[0]
        notes, parts = [], {"MELODY": "melody", "BRIDGE": "bridge", "PIANO": "chords"}
        for track in midi.tracks:
            now, sounding = 0, {}
            for message in track if track.name in parts else ():
                now += message.time
                if message.type == "note_on" and message.velocity > 0:
                    sounding[message.note] = (now, message.velocity)
                elif message.type in ("note_off", "note_on") and message.note in sounding:
                    on, velocity = sounding.pop(message.note)
                    start = beat_of(seconds(on))
                    part = parts[track.name]
                    if part == "chords" and message.note < 50:
                        part = "bass"
                    if start >= 0:
                        notes.append((start, max(0.1, beat_of(seconds(now)) - start), part, message.note, velocity))
        bpm = 60 / float(np.median(np.diff(at)))
        beats = len(lines) - downs[0] - 1
        yield Material(f"pop_{song.name}", split_of(int(song.name)), per_bar, False, bpm, beats, sorted(notes))


def seconds_of(midi):
    """A function from ticks to seconds."""
    now, changes = 0, [(0, 500_000)]
    for message in midi.tracks[0]:
        now += message.time
        if message.type == "set_tempo":
            changes.append((now, message.tempo))
    ticks = np.array([c[0] for c in changes], float)
    rates = np.array([c[1] for c in changes]) / 1e6 / midi.ticks_per_beat
    starts = np.concatenate([[0], np.cumsum(np.diff(ticks) * rates[:-1])])

    def seconds(tick):
        i = int(np.searchsorted(ticks, tick, side="right")) - 1
        return starts[i] + (tick - ticks[i]) * rates[i]

    return seconds


def lead_sheets(folder):
    """OpenEWLD: melody and chord symbols, in the metre that is written."""
    for number, path in enumerate(sorted(pathlib.Path(folder).rglob("*.mxl"))):
        try:
            with zipfile.ZipFile(path) as archive:
                name = next(n for n in archive.namelist() if n.endswith(".xml") and not n.startswith("META"))
                text = archive.read(name).decode("utf8", "replace")
            root = xml.etree.ElementTree.fromstring(text)
        except (zipfile.BadZipFile, StopIteration, xml.etree.ElementTree.ParseError):
            continue
        metres = set(re.findall(r"<beats>(\d+)</beats>\s*<beat-type>(\d+)", text))
        if len(metres) != 1:
            continue
        num, den = map(int, metres.pop())
        if (num, den) not in ((4, 4), (2, 2), (3, 4), (2, 4), (6, 8), (12, 8)):
            continue
        yield sheet(root, f"ewld_{number:03d}", split_of(number), num, den)


def sheet(root, name, split, num, den):
    """One lead sheet; cut time is counted in half notes where it goes fast, which its readers do."""
    compound = den == 8
    quarters_per_beat = 1.5 if compound else 1.0
    per_bar = num // 3 if compound else 4 if (num, den) == (2, 2) else num
    notes, chords, bar_start, divisions, first_len = [], [], 0.0, 1.0, None
    bar_quarters = per_bar * quarters_per_beat
    for measure in root.find("part").findall("measure"):
        now, longest = 0.0, 0.0
        for element in measure:
            if element.tag == "attributes" and element.find("divisions") is not None:
                divisions = float(element.findtext("divisions"))
            elif element.tag == "harmony" and element.find("root") is not None:
                pitch = STEPS[element.findtext("root/root-step")] + int(float(element.findtext("root/root-alter") or 0))
                minor = (element.findtext("kind") or "").startswith(("minor", "half", "dim"))
                chords.append(((bar_start + now) / quarters_per_beat, pitch % 12, minor))
            elif element.tag in ("backup", "forward"):
                now += float(element.findtext("duration")) / divisions * (1 if element.tag == "forward" else -1)
            elif element.tag == "note" and element.find("grace") is None:
                length = float(element.findtext("duration") or 0) / divisions
                pitch = element.find("pitch")
                if pitch is not None and element.find("chord") is None:
                    key = STEPS[pitch.findtext("step")] + 12 * (int(pitch.findtext("octave")) + 1)
                    key += int(float(pitch.findtext("alter") or 0))
                    tied = any(t.get("type") == "stop" for t in element.findall("tie"))
                    start = (bar_start + now) / quarters_per_beat
                    if tied and notes:
                        b, d, *rest = notes[-1]
                        notes[-1] = (b, d + length / quarters_per_beat, *rest)
                    else:
                        notes.append((start, length / quarters_per_beat, "melody", key, 92))
                now += length
            longest = max(longest, now)
        first_len = longest if first_len is None else first_len
        # A pickup is shorter than a bar; later bars count whole.
        bar_start += longest if bar_start == 0 and longest < bar_quarters else bar_quarters
    pickup = first_len / quarters_per_beat if first_len and first_len < bar_quarters - 0.01 else 0.0
    shift = (per_bar - pickup) % per_bar
    notes = [(b + shift, *rest) for b, *rest in notes]
    chords = [(b + shift, *rest) for b, *rest in chords]
    return Material(name, split, per_bar, compound, 72.0 if compound else 116.0,
                    int(bar_start / quarters_per_beat + shift), notes, 0, chords)
