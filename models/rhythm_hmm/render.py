"""Renders drum performances, songs and generated odd-metre music to WAV with exact beats beside them.

    render.py --gmd DIR --pop909 DIR --out DIR [--seed N] [--scale X]

Splits: Groove MIDI by drummer (3, 7, 9, 10 are test), POP909 by song number (multiples of 5 are test),
generated music by seed. Each item gives NAME.wav (mono, 44.1 kHz) and NAME.json: split, kind, bpm,
beats_per_bar, beats [[time_s, beat_in_bar]], drums [[time_s, voice]].
"""
import argparse, csv, json, os, random, subprocess, sys
import mido, numpy as np, soundfile as sf

FONTS = ["/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/sounds/sf2/TimGM6mb.sf2"]
ROLAND = {22: 42, 26: 46, 58: 43, 40: 38, 37: 37, 50: 50, 48: 48, 47: 47, 45: 45, 43: 43, 55: 49, 52: 49, 59: 51}
VOICE = {35: "kick", 36: "kick", 37: "snare", 38: "snare", 39: "snare", 40: "snare", 22: "hat", 42: "hat", 44: "hat"}
TEST_DRUMMERS = {"drummer3", "drummer7", "drummer9", "drummer10"}
COMP = [0, 4, 5, 16, 19, 24, 25, 26, 27, 29, 48, 50, 89]
BASS = [32, 33, 34, 35, 38, 39]


def write_midi(path, notes, programs):
    """notes: (time_s, duration_s, channel, key, velocity)."""
    mid = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    mid.tracks.append(track)
    events = [(0, 0, mido.Message("program_change", channel=c, program=p)) for c, p in programs.items()]
    for t, d, c, k, v in notes:
        on = max(0, round(t * 960))
        events.append((on, 2, mido.Message("note_on", channel=c, note=int(k), velocity=int(max(1, min(127, v))))))
        events.append((max(on + 1, round((t + d) * 960)), 1, mido.Message("note_off", channel=c, note=int(k))))
    events.sort(key=lambda e: (e[0], e[1]))
    now = 0
    for tick, _, message in events:
        track.append(message.copy(time=tick - now))
        now = tick
    mid.save(path)


def render(out, name, notes, programs, truth, rng, length_s):
    path = os.path.join(out, name)
    if os.path.exists(path + ".json"):
        return
    notes = [n for n in notes if n[0] < length_s]
    write_midi(path + ".mid", notes, programs)
    font = rng.choice(FONTS)
    subprocess.run(["nice", "fluidsynth", "-ni", "-q", "-r", "44100", "-g", "0.5", "-F", path + ".tmp.wav", font, path + ".mid"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    x, _ = sf.read(path + ".tmp.wav", dtype="float32")
    os.remove(path + ".tmp.wav")
    x = x.mean(axis=1)[: int(length_s * 44100)]
    peak = float(np.abs(x).max()) or 1.0
    x = x / peak * 10 ** (rng.uniform(-20, -1) / 20)
    if rng.random() < 0.3:  # a little room noise
        x = x + np.random.default_rng(rng.getrandbits(32)).normal(0, 10 ** (rng.uniform(-70, -45) / 20), len(x)).astype("float32")
    sf.write(path + ".wav", x, 44100, subtype="PCM_16")
    truth["beats"] = [b for b in truth["beats"] if b[0] < length_s]
    truth["drums"] = [d for d in truth.get("drums", []) if d[0] < length_s]
    truth["duration_s"] = length_s
    with open(path + ".json", "w") as f:
        json.dump(truth, f)


PROGRESSIONS = [[0, 5, 3, 4], [0, 3, 4, 3], [0, 4, 5, 3], [5, 3, 0, 4], [1, 4, 0, 0], [0, 0, 3, 4], [0, 5, 1, 4], [0, 6, 3, 0]]
SCALE = [0, 2, 4, 5, 7, 9, 11]


def backing(rng, bars, beats_per_bar, compound):
    """Bass and chords for bars [(start_s, length_s)]; the harmony changes on downbeats mostly."""
    notes = []
    key = rng.randrange(12)
    progression = rng.choice(PROGRESSIONS)
    per_chord = rng.choice([1, 1, 1, 2])
    bass_style = rng.choice(["root", "beats", "eighths", "kickish", "root", "octave"])
    comp_style = rng.choice(["pad", "beats", "offbeat", "eighths", "arpeggio", "charleston", "downbeat", "waltz" if beats_per_bar == 3 else "beats"])
    level = rng.uniform(0.5, 1.0)
    for i, (start, length) in enumerate(bars):
        degree = progression[(i // per_chord) % len(progression)]
        root = SCALE[degree] + key
        tones = [root, SCALE[(degree + 2) % 7] + key, SCALE[(degree + 4) % 7] + key]
        beat = length / beats_per_bar
        sub = 3 if compound else 2
        v = lambda base: base * level + rng.uniform(-8, 8)
        low = 36 + root % 12 - (12 if root % 12 > 7 else 0)
        if bass_style == "root":
            notes.append((start, length * 0.95, 1, low, v(95)))
        elif bass_style == "beats":
            notes += [(start + b * beat, beat * 0.9, 1, low if b % 2 == 0 else low + 7, v(95)) for b in range(beats_per_bar)]
        elif bass_style == "eighths":
            notes += [(start + b * beat / sub, beat / sub * 0.9, 1, low, v(92)) for b in range(beats_per_bar * sub)]
        elif bass_style == "octave":
            notes += [(start + b * beat / sub, beat / sub * 0.8, 1, low + (12 if b % sub else 0), v(92)) for b in range(beats_per_bar * sub)]
        else:
            spots = [0, 1.5, 2] if not compound and beats_per_bar >= 3 else [0, 1]
            notes += [(start + b * beat, beat * 0.7, 1, low, v(95)) for b in spots]
        chord = [55 + (t - 55) % 12 for t in tones]
        if comp_style == "pad":
            spots, dur = [0], beats_per_bar * 0.98
        elif comp_style == "downbeat":
            spots, dur = [0, beats_per_bar / 2] if beats_per_bar % 2 == 0 else [0], 0.9
        elif comp_style == "beats":
            spots, dur = list(range(beats_per_bar)), 0.8
        elif comp_style == "waltz":
            spots, dur = list(range(1, beats_per_bar)), 0.6
        elif comp_style == "offbeat":
            spots, dur = [b + (2 / 3 if compound else 0.5) for b in range(beats_per_bar)], 0.35
        elif comp_style == "charleston":
            spots, dur = [0, 1.5] if beats_per_bar >= 3 else [0, 1 + 1 / 3], 0.6
        else:
            spots, dur = [b / sub for b in range(beats_per_bar * sub)], 0.9 / sub
        for k, s in enumerate(spots):
            t = start + s * beat + rng.gauss(0, 0.006)
            if comp_style == "arpeggio":
                notes.append((t, dur * beat * 1.5, 0, chord[[0, 1, 2, 1][k % 4]] + (12 if k % 4 == 3 else 0), v(80)))
            else:
                notes += [(t, dur * beat, 0, c, v(78)) for c in chord]
    return notes


def gmd(args, rng):
    rows = [r for r in csv.DictReader(open(os.path.join(args.gmd, "info.csv"))) if r["beat_type"] == "beat" and float(r["duration"]) > 12]
    rng.shuffle(rows)
    budget = {"train": int(130 * args.scale), "test": int(40 * args.scale)}
    count = {"train": 0, "test": 0}
    for row in rows:
        split = "test" if row["drummer"] in TEST_DRUMMERS else "train"
        num, den = map(int, row["time_signature"].split("-"))
        odd = (num, den) != (4, 4)
        if count[split] >= budget[split] and not odd:
            continue
        if den == 8 and num != 6:
            continue
        count[split] += 1
        bpm = float(row["bpm"])
        beat, per_bar = 60 / bpm, num
        if (num, den) == (6, 8):
            per_bar, beat = 2, 60 / bpm * 1.5
        mid = mido.MidiFile(os.path.join(args.gmd, row["midi_filename"]))
        now, hits = 0.0, []
        for m in mid:
            now += m.time
            if m.type == "note_on" and m.velocity > 0:
                hits.append((now, m.note, m.velocity))
        length = min(float(row["duration"]), 45.0)
        offset = rng.uniform(0, 1.0)
        notes = [(t + offset, 0.1, 9, ROLAND.get(k, k), v) for t, k, v in hits]
        drums = [[t + offset, VOICE[k], v / 127] for t, k, v in hits if k in VOICE]
        n = int((length + 5) / beat)
        beats = [[offset + i * beat, i % per_bar + 1] for i in range(n)]
        bars = [(offset + i * beat * per_bar, beat * per_bar) for i in range(n // per_bar)]
        truth = dict(split=split, source="gmd", bpm=60 / beat, beats_per_bar=per_bar, compound=den == 8, style=row["style"], beats=beats, drums=drums)
        name = f"gmd_{split}_{count[split]:03d}"
        if count[split] % 2 == 0 or split == "test":
            render(args.out, name + "_drums", notes, {}, dict(truth, kind="drums"), rng, length + offset)
        if count[split] % 2 == 1 or split == "test":
            both = notes + backing(rng, bars, per_bar, den == 8)
            render(args.out, name + "_band", both, {0: rng.choice(COMP), 1: rng.choice(BASS)}, dict(truth, kind="band"), rng, length + offset)


def pop909(args, rng):
    songs = [s for s in sorted(os.listdir(args.pop909)) if s.isdigit()]
    rng.shuffle(songs)
    budget = {"train": int(40 * args.scale), "test": int(16 * args.scale)}
    count = {"train": 0, "test": 0}
    for song in songs:
        split = "test" if int(song) % 5 == 0 else "train"
        if count[split] >= budget[split]:
            continue
        folder = os.path.join(args.pop909, song)
        try:
            lines = [list(map(float, l.split())) for l in open(os.path.join(folder, "beat_midi.txt"))]
            mid = mido.MidiFile(os.path.join(folder, song + ".mid"))
        except (OSError, ValueError, EOFError):
            continue
        downs = [i for i, l in enumerate(lines) if l[2] == 1.0]
        gaps = {b - a for a, b in zip(downs, downs[1:])}
        if len(downs) < 8 or len(gaps) != 1 or next(iter(gaps)) not in (3, 4):
            continue
        per_bar = gaps.pop()
        count[split] += 1
        programs, notes = {}, []
        names = {}
        for i, track in enumerate(mid.tracks):
            names[i] = track.name
        tempo_map = []
        now = 0
        for m in mid.tracks[0]:
            now += m.time
            if m.type == "set_tempo":
                tempo_map.append((now, m.tempo))
        def seconds(tick):
            s, last, tempo = 0.0, 0, 500000
            for t, tp in tempo_map:
                if t >= tick:
                    break
                s += (t - last) * tempo / 1e6 / mid.ticks_per_beat
                last, tempo = t, tp
            return s + (tick - last) * tempo / 1e6 / mid.ticks_per_beat
        parts = {"MELODY": 2, "BRIDGE": 3, "PIANO": 0}
        for track in mid.tracks:
            if track.name not in parts:
                continue
            channel, now, open_notes = parts[track.name], 0, {}
            for m in track:
                now += m.time
                if m.type == "note_on" and m.velocity > 0:
                    open_notes[m.note] = (now, m.velocity)
                elif m.type in ("note_off", "note_on") and m.note in open_notes:
                    on, vel = open_notes.pop(m.note)
                    notes.append((seconds(on), seconds(now) - seconds(on), channel, m.note, vel))
        start = lines[downs[2]][0] - rng.uniform(0, 1)
        length = 50.0
        notes = [(t - start, d, c, k, v) for t, d, c, k, v in notes if start <= t < start + length]
        beats = [[l[0] - start, (i - downs[0]) % per_bar + 1] for i, l in enumerate(lines) if l[0] >= start]
        bpm = 60 / float(np.median(np.diff([b[0] for b in beats])))
        truth = dict(split=split, source="pop909", bpm=bpm, beats_per_bar=per_bar, compound=False, beats=beats, drums=[])
        name = f"pop_{split}_{song}"
        if count[split] % 2 == 0 or split == "test":
            programs = {0: rng.choice([0, 1, 4, 24, 25, 27]), 2: rng.choice([40, 65, 73, 56, 53, 80]), 3: rng.choice([48, 11, 25])}
            render(args.out, name + "_full", notes, programs, dict(truth, kind="full"), rng, length)
        if count[split] % 2 == 1 or split == "test":
            render(args.out, name + "_piano", [n for n in notes if n[2] == 0], {0: 0}, dict(truth, kind="piano"), rng, length)


def generated(args, rng):
    """Pop, waltz, 6/8, 2/4, 5/4 with simple drum patterns, so that metres beyond 4/4 are known at all."""
    kinds = [(4, False)] * 24 + [(3, False)] * 36 + [(2, True)] * 36 + [(5, False)] * 8
    kinds = [k for k in kinds for _ in range(max(1, int(args.scale)))]
    for i, (per_bar, compound) in enumerate(kinds):
        r = random.Random(args.seed * 1000 + i)
        split = "test" if i % 4 == 0 and i < 104 else "train"
        bpm = r.uniform(42, 110) if compound else r.uniform(60, 200)
        beat, offset, length = 60 / bpm, r.uniform(0, 1), 35.0 if i < 104 else 20.0
        n = int((length + 5) / beat)
        bars = [(offset + b * beat * per_bar, beat * per_bar) for b in range(n // per_bar)]
        beats = [[offset + b * beat, b % per_bar + 1] for b in range(n)]
        notes, drums = [], []
        with_drums = r.random() < 0.65
        sub = 3 if compound else 2
        swing = r.choice([0, 0, 0, 1 / 6]) if not compound else 0
        hat_each = r.choice([1, sub, sub])
        if compound:
            kicks = r.choice([[0], [0], [0, 5 / 3], [0, 2 / 3]])
            snares = r.choice([[1], [1], [1, 5 / 3]])
        elif per_bar == 3:
            kicks = r.choice([[0], [0], [0, 1.5], [0, 2.5]])
            snares = r.choice([[1, 2], [2], [1], [1, 2]])
        elif per_bar == 5:
            kicks, snares = r.choice([[0, 3], [0, 1.5, 3]]), r.choice([[2, 4], [1, 4], [2]])
        else:
            kicks = r.choice([[0, 2], [0, 1, 2, 3], [0, 2.5], [0, 1.5, 2], [0, 0.5, 2, 2.5]])
            snares = r.choice([[1, 3], [1, 3], [2], [1, 3]])
        hat_offbeat = r.random() < 0.15
        for start, _ in bars if with_drums else []:
            def hit(pos, key, vel):
                t = start + pos * beat + r.gauss(0, 0.006)
                notes.append((max(t, 0), 0.1, 9, key, vel + r.uniform(-12, 12)))
                if key in VOICE:
                    drums.append([max(t, 0), VOICE[key], vel / 127])
            for k in kicks:
                hit(k, 36, 105)
            for s in snares:
                hit(s, 38, 100)
            for h in range(per_bar * hat_each):
                pos = h / hat_each
                if hat_each == 2 and h % 2 == 1:
                    pos += swing
                if not (hat_offbeat and pos % 1 == 0):
                    hit(pos, 42, 85 if pos % 1 == 0 else 65)
        if not with_drums or r.random() < 0.7:
            notes += backing(r, bars, per_bar, compound)
        truth = dict(split=split, source="gen", kind="gen_drums" if with_drums else "gen_pitched", bpm=bpm, beats_per_bar=per_bar, compound=compound, beats=beats, drums=drums)
        render(args.out, f"gen_{split}_{i:03d}_{per_bar}{'c' if compound else ''}", notes, {0: r.choice(COMP), 1: r.choice(BASS)}, truth, r, length)


def metronomes(args):
    """Bare clicks at every tempo, accented or not: the least that a beat can be."""
    for i in range(28):
        r = random.Random(args.seed * 7000 + i)
        per_bar = 3 if i % 4 == 3 else 4
        bpm, offset, length = 45 * (220 / 45) ** (i / 27), r.uniform(0, 1), 30.0
        key = r.choice([76, 37, 42, 75, 36])
        accent = r.random() < 0.7
        n = int(length * bpm / 60)
        notes = [(offset + k * 60 / bpm, 0.1, 9, key + (1 if accent and k % per_bar == 0 and key == 76 else 0),
                  115 if accent and k % per_bar == 0 else 85) for k in range(n)]
        beats = [[offset + k * 60 / bpm, k % per_bar + 1] for k in range(n)]
        truth = dict(split="test" if i % 5 == 0 else "train", source="gen", kind="metronome", bpm=bpm, beats_per_bar=per_bar, compound=False, beats=beats, drums=[])
        render(args.out, f"click_{i:02d}_{per_bar}", notes, {}, truth, r, length)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gmd", required=True)
    p.add_argument("--pop909", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--scale", type=float, default=1.0)
    args = p.parse_args()
    os.makedirs(args.out, exist_ok=True)
    generated(args, random.Random(args.seed))
    metronomes(args)
    gmd(args, random.Random(args.seed))
    pop909(args, random.Random(args.seed))


if __name__ == "__main__":
    sys.exit(main())
