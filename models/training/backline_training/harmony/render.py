"""Songs with exactly known chords, rendered with General MIDI instruments and heard by the product's own front end.

Three kinds: loops of any chords (`made_up`), progressions in a key (`in_key`), and POP909's songs with other instruments
(`varied`). The recordings teach too few sevenths and bare instruments."""

import struct
import subprocess

import numpy as np

from . import songs

# Instruments that play chords: pianos, electric pianos, organs, guitars, strings, pads.
COMP = [0, 1, 2, 4, 4, 4, 5, 5, 5, 6, 7, 11, 16, 17, 18, 19, 21, 24, 24, 25, 25, 26, 27, 28, 29, 30, 46, 48, 50, 52, 61,
        81, 88, 89, 90]
BASS = [32, 33, 33, 34, 35, 36, 38, 39]
LEAD = [0, 4, 11, 22, 24, 26, 40, 52, 56, 65, 66, 68, 71, 73, 75, 80, 81]
# Share of each quality, in the order of songs.QUALITIES, and root motions with theirs.
QUALITY = np.array([26, 18, 15, 12, 15, 2, 2, 3, 4, 2, 1]) / 100
MOTION = {5: 0.32, 7: 0.2, 2: 0.12, 10: 0.1, 9: 0.08, 3: 0.05, 8: 0.05, 4: 0.04, 1: 0.02, 11: 0.02}
TICKS = 480


def midi_file(notes, programs, tempo_bpm):
    """Bytes of a MIDI file: notes are (start_beat, end_beat, channel, key, velocity)."""
    events = [(0, bytes([0xC0 | c, p])) for c, p in programs.items()]
    for start, end, channel, key, velocity in notes:
        events.append((round(start * TICKS), bytes([0x90 | channel, key, velocity])))
        events.append((max(round(end * TICKS), round(start * TICKS) + 1), bytes([0x80 | channel, key, 0])))
    events.sort(key=lambda e: (e[0], e[1][0] & 0xF0))
    track = b"\0\xff\x51\x03" + struct.pack(">I", round(60e6 / tempo_bpm))[1:]
    now = 0
    for time, message in events:
        delta, now = time - now, time
        size = [delta & 0x7F]
        while delta := delta >> 7:
            size.append(0x80 | delta & 0x7F)
        track += bytes(reversed(size)) + message
    track += b"\0\xff\x2f\0"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS) + b"MTrk" + struct.pack(">I", len(track)) + track


def made_up(rng, beats=160):
    """(MIDI file, label rows) of a loop of any chords with a random band."""
    bpm = rng.uniform(70, 160)
    per_bar = int(rng.choice([4, 4, 4, 3]))
    loop, root = [], int(rng.integers(12))
    plain = rng.random() < 0.3
    for _ in range(int(rng.choice([4, 4, 8]))):
        quality = int(rng.choice([0, 1], p=[0.6, 0.4]) if plain else rng.choice(11, p=QUALITY))
        loop.append((root, quality, per_bar if rng.random() < 0.8 else per_bar // 2))
        root = (root + int(rng.choice(list(MOTION), p=list(MOTION.values())))) % 12
    return band(rng, loop, bpm, per_bar, beats)


# Phrases in a key: (degree in semitones above the tonic, triad, seventh), by mode. Qualities as in songs.QUALITIES.
MAJ, MIN, DOM7, MAJ7, MIN7, DIM, AUG, SUS2, SUS4, HDIM7, DIM7 = range(11)
I, IV, V = (0, MAJ, MAJ7), (5, MAJ, MAJ7), (7, MAJ, DOM7)
II, III, VI = (2, MIN, MIN7), (4, MIN, MIN7), (9, MIN, MIN7)
MINOR_I, MINOR_IV, MINOR_V = (0, MIN, MIN7), (5, MIN, MIN7), (7, MIN, MIN7)
FLAT_III, FLAT_VI, FLAT_VII = (3, MAJ, MAJ7), (8, MAJ, MAJ7), (10, MAJ, DOM7)
PHRASES = [
    [[I, V, VI, IV], [I, VI, IV, V], [I, IV, V, I], [I, IV, I, V], [II, V, I, I], [I, VI, II, V], [VI, IV, I, V],
     [I, III, IV, V], [I, (10, MAJ, DOM7), IV, I], [IV, V, III, VI], [I, (9, MAJ, DOM7), II, V], [I, IV, MINOR_IV, I],
     [IV, I, V, I], [I, (2, MAJ, DOM7), IV, I], [I, (11, DIM, HDIM7), VI, V], [I, (1, DIM, DIM7), II, V],
     [I, (4, MAJ, DOM7), VI, IV], [I, (0, AUG, AUG), IV, V], [I, I, IV, IV, I, V, IV, I], [I, V, VI, III, IV, I, IV, V]],
    [[MINOR_I, FLAT_VI, FLAT_III, FLAT_VII], [MINOR_I, MINOR_IV, V, MINOR_I], [MINOR_I, FLAT_VII, FLAT_VI, V],
     [MINOR_I, (2, DIM, HDIM7), V, MINOR_I], [MINOR_I, MINOR_IV, MINOR_I, MINOR_V], [MINOR_I, FLAT_VI, MINOR_IV, V],
     [MINOR_I, FLAT_III, FLAT_VII, MINOR_IV], [MINOR_I, FLAT_VII, MINOR_I, FLAT_VII], [MINOR_I, MINOR_I, (5, MAJ, DOM7), (5, MAJ, DOM7)],
     [MINOR_I, FLAT_VI, FLAT_VII, MINOR_I], [MINOR_I, MINOR_V, FLAT_VI, FLAT_VII], [MINOR_I, (11, DIM, DIM7), MINOR_I, V],
     [MINOR_I, MINOR_IV, FLAT_VII, FLAT_III, FLAT_VI, (2, DIM, HDIM7), V, MINOR_I]],
]


def in_key(rng, seconds):
    """(MIDI file, label rows, key as 0..23) of one or two phrases of a key, twice each in turn, that ends on the tonic."""
    bpm, per_bar = rng.uniform(65, 160), int(rng.choice([4, 4, 4, 3]))
    tonic, mode = int(rng.integers(12)), int(rng.random() < 0.45)
    rich = rng.choice([0.0, 0.3, 0.7, 1.0])
    loop = []
    for phrase in rng.choice(len(PHRASES[mode]), int(rng.integers(1, 3)), replace=False):
        chords = []
        for degree, triad, seventh in PHRASES[mode][phrase]:
            quality = seventh if rng.random() < rich else triad
            root = (tonic + degree) % 12
            if quality in (MAJ, DOM7) and degree == 7 and rng.random() < 0.15:
                chords += [(root, SUS4, per_bar // 2), (root, quality, per_bar - per_bar // 2)]
            elif quality == MAJ and rng.random() < 0.04:
                chords.append((root, SUS2, per_bar))
            else:
                chords.append((root, quality, per_bar))
        loop += chords * 2
    home = (tonic, MAJ if mode == 0 else MIN, per_bar)
    midi, rows = band(rng, loop, bpm, per_bar, seconds * bpm / 60 - 2 * per_bar, home)
    return midi, rows, tonic + 12 * mode


def band(rng, loop, bpm, per_bar, beats, last=None):
    """(MIDI file, label rows) of a loop of (root, quality, beats) with a random band; `last` is its last chord."""
    s = 60 / bpm
    programs = {0: int(rng.choice(COMP)), 1: int(rng.choice(BASS)), 2: int(rng.choice(LEAD)), 3: int(rng.choice(COMP))}
    has_bass, has_drums = rng.random() < 0.7, rng.random() < 0.55
    has_lead, has_second = rng.random() < 0.6, rng.random() < 0.3
    low, style = int(rng.integers(46, 62)), int(rng.integers(4))
    rooted = rng.random() < 0.5 or not has_bass
    hits = [h * 0.5 for h in range(per_bar * 2) if h == 0 or rng.random() < rng.choice([0.15, 0.4, 0.6])]
    walk = rng.random() < 0.3
    notes, rows, at = [], [], 4.0 if has_drums and rng.random() < 0.5 else 0.0
    if at:
        rows.append((0.0, at * s, "N"))
    names = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"]
    played, end = [], at
    while end < beats:
        played.append(loop[len(played) % len(loop)])
        end += played[-1][2]
    for root, quality, length in played + ([last] if last else []):
        tones = [(root + i) % 12 for i in songs.INTERVALS[quality]]
        inverted = len(tones) > 2 and rng.random() < 0.08
        under = tones[int(rng.integers(1, 3))] if inverted else root
        degree = ["1", "b2", "2", "b3", "3", "4", "b5", "5", "#5", "6", "b7", "7"][(under - root) % 12]
        rows.append((at * s, (at + length) * s, f"{names[root]}:{songs.QUALITIES[quality]}" + (f"/{degree}" if inverted else "")))
        keys = sorted(low + (t - low) % 12 for t in tones)
        for hit in [h for h in hits if h < length]:
            level = int(rng.integers(60, 105))
            hold = length - hit if style == 0 else 0.45 if style == 1 else 1.0
            for i, key in enumerate(keys):
                late = hit + (i * 0.5 if style == 3 and len(hits) < 4 else 0)
                if late < length:
                    notes.append((at + late, at + min(late + hold, length), 0, key, level))
        if rooted:
            notes.append((at, at + length, 0, 36 + (under - 36) % 12, 80))
        if has_second:
            notes += [(at, at + length, 3, key, 60) for key in keys]
        if has_bass:
            for b in range(length):
                tone = under if b == 0 or not walk and rng.random() < 0.8 else int(rng.choice(tones))
                if b == 0 or rng.random() < 0.6 or walk:
                    notes.append((at + b, at + b + 0.9, 1, 28 + (tone - 28) % 12, 95))
        if has_lead:
            b = 0.0
            while b < length:
                step = float(rng.choice([0.5, 0.5, 1, 1.5]))
                near = [t for t in range(12) if t in tones or rng.random() < 0.12]
                if rng.random() < 0.75:
                    key = 67 + (int(rng.choice(near)) - 67) % 12 + 12 * int(rng.random() < 0.2)
                    notes.append((at + b, at + min(b + step, length), 2, key, int(rng.integers(70, 110))))
                b += step
        at += length
    rows.append((at * s, at * s + 0.4, "N"))
    if has_drums:
        for b in range(int(at)):
            drum = 36 if b % per_bar in (0, 2) else 38
            notes += [(b, b + 0.1, 9, drum, 105), (b, b + 0.1, 9, 42, 70), (b + 0.5, b + 0.6, 9, 42, 55)]
    return midi_file(notes, programs, bpm), rows


# Kits of General MIDI, and what else than kick, snare and hat may be struck.
KITS = [0, 0, 8, 16, 24, 25, 32, 40]
BESIDES = [37, 39, 41, 43, 45, 46, 47, 49, 50, 51, 54, 56, 57, 62, 63, 64, 70, 75]


def drums_alone(rng, seconds):
    """(MIDI file, label rows) of drums without anything else: no chord, however their skins and cymbals ring."""
    bpm, steps = rng.uniform(65, 175), int(rng.choice([16, 16, 16, 12]))
    bars = []
    for _ in range(2):
        chance = {36: rng.uniform(0.1, 0.35), 38: rng.uniform(0.05, 0.25), 42: rng.choice([0.25, 0.5, 0.9, 0.0])}
        chance |= {int(key): rng.uniform(0.03, 0.2) for key in rng.choice(BESIDES, int(rng.integers(0, 4)), replace=False)}
        bars.append([(step, key) for step in range(steps) for key, p in chance.items()
                     if rng.random() < p or (key, step) == (36, 0) or (key, step) == (38, steps // 4)])
    notes, beat = [], 0.0
    while beat * 60 / bpm < seconds:
        for step, key in bars[int(rng.random() < 0.3)]:
            at = beat + step / 4
            notes.append((at, at + 0.1, 9, key, int(rng.integers(40, 120))))
        beat += steps / 4
    return midi_file(notes, {9: int(rng.choice(KITS))}, bpm), [(0.0, beat * 60 / bpm, "N")]


def varied(song, rng):
    """(MIDI file, label rows) of a POP909 song with other programs: every program change is overwritten, and one is put
    before the first note of each channel that has none."""
    programs = {c: int(rng.choice(LEAD if c == 0 else COMP)) for c in range(16)}
    raw = (song / f"{song.name}.mid").read_bytes()
    out, at = raw[:14], 14
    while at + 8 <= len(raw):
        size = struct.unpack(">I", raw[at + 4:at + 8])[0]
        body = raw[at + 8:at + 8 + size]
        lead = b"".join(bytes([0, 0xC0 | c, p]) for c, p in programs.items() if c != 9)
        # POP909 writes no running status across meta events; a program change is always its own status byte.
        changed, i = bytearray(lead), 0
        status = 0
        while i < len(body):
            begin = i
            while body[i] & 0x80:
                i += 1
            i += 1
            if body[i] & 0x80:
                status = body[i]
                i += 1
            if status in (0xFF, 0xF0, 0xF7):
                i += status == 0xFF
                length = 0
                while body[i] & 0x80:
                    length = length << 7 | body[i] & 0x7F
                    i += 1
                length = length << 7 | body[i]
                i += 1 + length
            else:
                i += 1 if status & 0xE0 == 0xC0 else 2
            event = bytearray(body[begin:i])
            if status & 0xF0 == 0xC0:
                event[-1] = programs[status & 15]
            changed += event
        out += b"MTrk" + struct.pack(">I", len(changed)) + changed
        at += 8 + size
    return out, songs.read_lab(song / "chord_midi.txt")


def hear(midi, soundfont, seconds, dump):
    """Chroma of the rendered file, frames × 24, from C."""
    args = ["fluidsynth", "-q", "-n", "-i", "-g", "0.5", "-r", "44100", "-T", "raw", "-O", "s16", "-F", "-", soundfont]
    raw = subprocess.run([*args, str(midi)], capture_output=True, check=True).stdout
    stereo = np.frombuffer(raw[:len(raw) // 4 * 4], "<i2").reshape(-1, 2)[:int(seconds * 44100)]
    mono = stereo.astype(np.int32).sum(1) // 2
    heard = subprocess.run([dump], input=mono.astype("<i2").tobytes(), capture_output=True, check=True).stdout
    return np.frombuffer(heard, "<f4").reshape(-1, 24)
