"""The Groove MIDI Dataset (Gillick et al., ICML 2019; CC BY 4.0) as bars, with fills and what came before."""

import csv

import mido
import numpy as np

from backline_training.drums import bar

# Roland TD-11 notes to voices, as the data set's page lists them.
NOTES = {36: 0, 38: 1, 40: 1, 37: 1, 42: 2, 22: 2, 44: 2, 46: 3, 26: 3, 43: 4, 58: 4, 47: 5, 45: 5, 48: 6, 50: 6}
NOTES |= {49: 7, 55: 7, 57: 7, 52: 7, 51: 8, 59: 8, 53: 8}
# Bars of the past that make the chart, the least of them, and how many must agree.
PAST, LEAST, AGREE = 8, 2, 0.5
TIME_MS = 20.0
# Names of the data set's styles, the longest that fits counts, and ours. What is not named is `other`.
STYLES = {
    "rock": "rock", "rock/halftime": "other", "rock/shuffle": "blues_shuffle", "rock/rockabilly": "country",
    "rock/folk": "country", "rock/indie": "indie", "punk": "punk", "pop": "pop", "pop/soft": "ballad", "soul": "soul",
    "gospel": "soul", "funk": "funk", "neworleans": "funk", "hiphop": "hiphop", "jazz": "jazz", "jazz/linear": "other",
    "jazz/funk": "other", "jazz/march": "other", "jazz/klezmer": "other", "jazz/fusion": "other", "latin": "latin",
    "afrocuban": "latin", "latin/brazilian-bossa": "bossa", "dance/disco": "disco", "dance/breakbeat": "dnb",
    "reggae": "reggae", "country": "country", "blues": "blues_shuffle",
}  # fmt: skip


def style(name):
    """Our style for theirs."""
    fits = [k for k in STYLES if name == k or name.startswith(k + "/") or name.startswith(k + "-")]
    return STYLES[max(fits, key=len)] if fits else "other"


def performances(folder, held_out):
    """A dict of arrays for each performance in 4/4; `split`: train, validation or test (held-out drummers)."""
    for row in csv.DictReader((folder / "info.csv").open()):
        if row["time_signature"] != "4-4" or not (folder / row["midi_filename"]).exists():
            continue
        bars = read(folder / row["midi_filename"], float(row["bpm"]), row["beat_type"] == "fill")
        if bars is None:
            continue
        split = "test" if row["drummer"] in held_out else "validation" if row["split"] == "validation" else "train"
        yield {**bars, "style": style(row["style"]), "split": split, "name": row["id"]}


def read(file, bpm, is_fill):
    """The bars of one performance, or None where it has none."""
    song = mido.MidiFile(str(file))
    strokes, tick = [], 0
    for message in mido.merge_tracks(song.tracks):
        tick += message.time
        if message.type == "note_on" and message.velocity > 0 and message.note in NOTES:
            strokes.append((tick / song.ticks_per_beat, NOTES[message.note], message.velocity))
    if len(strokes) < 4:
        return None
    beat = np.array([s[0] for s in strokes])
    triplet = quantisation(beat, 3) < quantisation(beat, 4)
    per_beat, count = (3, bar.TRIPLETS) if triplet else (4, bar.STEPS)
    step = np.rint(beat * per_beat).astype(int)
    late_ms = (beat - step / per_beat) * 60_000 / bpm
    # What lies in all strokes alike is the recording's latency; what lies in a place of the beat is swing.
    late_ms -= np.median(late_ms)
    for place in range(1, per_beat):
        here = step % per_beat == place
        if here.sum() >= 4:
            late_ms[here] -= np.median(late_ms[here])
    n = step.max() // count + 1
    velocity = np.array([s[2] for s in strokes], float)
    loud = max(np.percentile(velocity, 95), 30.0)
    level = np.zeros((n, bar.STEPS, bar.N), np.float32)
    late = np.zeros_like(level)
    for s, (_, voice, _), v, ms in zip(step, strokes, velocity, late_ms):
        value = float(np.clip(v / loud, 0.05, 1))
        if value > level[s // count, s % count, voice]:
            level[s // count, s % count, voice] = value
            late[s // count, s % count, voice] = np.clip(ms / TIME_MS, -1.5, 1.5)
    hits = level > 0
    if not is_fill:
        # The last bar is cut off wherever the drummer stopped.
        n = n - 1 if hits[-1].sum() < 0.5 * np.median(hits.sum((1, 2))) else n
    if n < 1:
        return None
    level, late, hits = level[:n], late[:n], hits[:n]
    fill = np.ones((n, bar.STEPS), np.float32) if is_fill else fills(level, per_beat)
    full = [fill[i].any() for i in range(n)]
    charts = [chart(level[max(0, i - PAST) : i][[not f for f in full[max(0, i - PAST) : i]]]) for i in range(n)]
    total = [level[i][level[i] > 0].mean() if hits[i].any() else 0 for i in range(n)]
    return {
        "level": level,
        "late": late,
        "triplet": np.full(n, triplet),
        "fill": fill,
        "after_fill": np.array([0.0] + [float(fill[i, count - 1] > 0) for i in range(n - 1)], np.float32),
        "chart": np.array([c if c is not None else np.zeros_like(level[0]) for c in charts], np.float32),
        "charted": np.array([c is not None for c in charts], np.float32),
        "before": np.concatenate([np.zeros_like(level[:1]), level[:-1]]),
        "led": np.array([0.0] + [1.0] * (n - 1), np.float32),
        "bpm": np.full(n, bpm, np.float32),
        "phrase": np.arange(n) % 4,
        "loudness": np.array(total, np.float32) * loud,
    }


def quantisation(beat, per_beat):
    """Mean distance to a grid, as a share of what chance would give."""
    return np.abs(beat * per_beat - np.rint(beat * per_beat)).mean() / 0.25


def chart(past):
    """What most of the bars of the past agree on, with its mean level; None where there are too few."""
    if len(past) < LEAST:
        return None
    hits = past > 0
    often = hits.mean(0) >= AGREE
    return np.where(often, past.sum(0) / np.maximum(hits.sum(0), 1), 0)


def fills(level, per_beat):
    """Which steps are a fill: the last beats whose toms and snares all go beyond what is usual there."""
    strong = np.where(level > 0.3, 1.0, 0.0)
    strong = strong[:, :, 1] + strong[:, :, 4:7].sum(2)
    beats = strong[:, : 4 * per_beat].reshape(len(level), 4, per_beat).sum(2)
    beyond = beats - np.median(beats, 0) >= 2
    out = np.zeros(level.shape[:2], np.float32)
    for i, row in enumerate(beyond):
        from_beat = 4
        while from_beat > 0 and row[from_beat - 1]:
            from_beat -= 1
        out[i, from_beat * per_beat :] = 1
    return out
