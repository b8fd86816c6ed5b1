"""POP909's piano accompaniments as bars of states: `WORK/bars.npz`."""

import mido
import numpy as np

from backline_training.comping import bar
from backline_training.rhythm import material

# Below this the left hand plays what is the bass's in a band.
LOWEST = 48


def run(config, args):
    """Reads all bars in 4/4 of songs that are mostly so."""
    del config
    rows = {name: [] for name in ("state", "before", "led", "last", "changes", "bpm", "phrase", "song", "split", "register")}
    for folder in sorted(p for p in (args.data / "POP909").iterdir() if p.name.isdigit()):
        song(folder, rows)
    np.savez_compressed(args.work / "bars.npz", **{name: np.array(value) for name, value in rows.items()})
    print(f"{len(rows['song'])} bars of {len(set(rows['song']))} songs")


def song(folder, rows):
    """Adds the bars of one song."""
    try:
        beats = np.array([list(map(float, line.split())) for line in open(folder / "beat_midi.txt")])
        chords = [line.split() for line in open(folder / "chord_midi.txt")]
        midi = mido.MidiFile(folder / f"{folder.name}.mid")
    except (OSError, ValueError, EOFError):
        return
    downs = np.flatnonzero(beats[:, 2] == 1)
    if np.mean(np.diff(downs) == 4) < 0.5:
        return
    seconds = material.seconds_of(midi)
    step_of = lambda s: float(np.interp(s, beats[:, 0], np.arange(len(beats)))) * 4
    notes = []
    for track in midi.tracks:
        now, sounding = 0, {}
        for message in track if track.name == "PIANO" else ():
            now += message.time
            if message.type == "note_on" and message.velocity > 0:
                sounding[message.note] = now
            elif message.type in ("note_off", "note_on") and message.note in sounding:
                start = sounding.pop(message.note)
                if message.note >= LOWEST:
                    notes.append((step_of(seconds(start)), step_of(seconds(now)), message.note))
    starts = {round(step_of(float(c[0]))) for c, last in zip(chords, [None, *chords]) if last is None or c[2] != last[2]}
    bpm = 60 / float(np.median(np.diff(beats[:, 0])))
    split = ("train", "valid", "test").index(material.split_of(int(folder.name)))
    before = None
    for i in range(len(downs) - 1):
        if downs[i + 1] - downs[i] != 4:
            before = None
            continue
        at = 4 * int(downs[i])
        here = [(s - at, e - at, k) for s, e, k in notes if e > at and s < at + 16]
        state = bar.state_grid(here)
        silent = not (state >= bar.ALL).any()
        if not silent:
            rows["state"].append(state)
            rows["before"].append(before if before is not None else np.zeros(16, int))
            rows["led"].append(float(before is not None))
            rows["last"].append(before[-1] if before is not None else bar.REST)
            rows["changes"].append([int(at + s in starts) for s in range(16)])
            rows["bpm"].append(bpm)
            rows["phrase"].append(i % 4)
            rows["song"].append(int(folder.name))
            rows["split"].append(split)
            rows["register"].append(np.mean([k for s, _, k in here if s > -0.5]))
        before = None if silent else state
