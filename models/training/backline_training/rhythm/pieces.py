"""From material to a piece that can be rendered: who plays, how fast, how strictly, from where on."""

import dataclasses
import random

from . import arrange, material

VOICES = ("kick", "snare", "hat", "tom", "cymbal")
VOICE_OF = {k: "kick" for k in (35, 36)} | {k: "snare" for k in (37, 38, 39, 40)} | {k: "hat" for k in (42, 44, 46)}
VOICE_OF |= {k: "tom" for k in (41, 43, 45, 47, 48, 50)} | {k: "cymbal" for k in (49, 51, 52, 53, 55, 57, 59)}
CHANNELS = {"chords": 0, "bass": 1, "melody": 2, "bridge": 3, "drums": 9}
PROGRAMS = {
    "keys": [0, 1, 2, 4, 5, 7, 11, 16, 19, 21],
    "guitar": [24, 25, 26, 27, 28, 29, 30],
    "pad": [48, 49, 50, 52, 54, 88, 89, 90, 91, 92, 94, 95],
    "synth": [62, 80, 81, 83, 38, 90],
    "bass": [32, 33, 34, 35, 36, 37, 38, 39],
    "melody": [0, 4, 11, 22, 24, 40, 56, 61, 65, 66, 68, 71, 73, 75, 80, 81, 105],
    "voice": [52, 53, 54, 85],
    "kits": [0, 0, 8, 16, 24, 25, 32, 40],
}
# By beats in a bar and compound or not: the slowest, the fastest and the middle tempo.
USUAL_BPM = {(4, False): (42, 230, 112), (3, False): (55, 220, 122), (2, True): (36, 140, 66), (4, True): (42, 110, 66),
             (2, False): (60, 160, 108), (5, False): (70, 200, 125), (7, False): (140, 240, 200)}  # fmt: skip
# Strokes quieter than this are not heard in a mix, and no one can be asked to hear them.
AUDIBLE = 22
# How far after the last onset a beat may still lie: players are not that strict.
NEAR_S = 0.07


@dataclasses.dataclass
class Piece:
    """Notes are (time s, length s, channel, key, velocity); beats (time s, beat in the bar from 1)."""

    name: str
    split: str
    condition: str
    metre: str
    beats_per_bar: int
    bpm: float
    length_s: float
    beats: list
    drums: list
    onsets: list
    notes: list
    programs: dict
    volumes: dict
    seed: int
    one_shots: bool = False
    # Channels that play on instruments of `patches`: (role, seed).
    patches: dict = dataclasses.field(default_factory=dict)


class Sources:
    """Everything pieces are made from, read once."""

    def __init__(self, data):
        self.groove = list(material.groove(data / "groove"))
        self.pop = list(material.pop909(data / "POP909"))
        self.sheets = list(material.lead_sheets(data / "00sapo+OpenEWLD"))

    def of(self, split, pool):
        """Material of a split; what is rare in the pool comes as often as it is asked for."""
        return [m for m in getattr(self, pool) if m.split == split]


def make(number, split, sources, config):
    """The `number`-th piece of a split, always the same."""
    rng = random.Random(f"{config['seed']} {split} {number}")
    kind = rng.choices(("groove", "pop", "sheets", "made", "alone"), config["mixture"])[0]
    build = {"groove": with_groove, "pop": with_pop, "sheets": with_sheet, "made": made_up, "alone": alone}[kind]
    length_s = config["excerpt_s"]
    source, parts, condition, bpm, swing, one_shots = build(rng, split, sources)
    if split == "train" and random.Random(f"{config['seed']} {split} {number} hats").random() < config["hats"]:
        parts = hats_for_shakers(parts)
    piece = perform(rng, f"{split}_{number:05d}_{source.name}", split, source, parts, condition, bpm, swing, length_s,
                    one_shots, rng.getrandbits(32))  # fmt: skip
    if split == "train":
        patch(piece, random.Random(f"{config['seed']} {split} {number} patches"), config["patches"])
    return piece


def patch(piece, rng, share):
    """Gives a `share` of pieces instruments that were made up, drawn apart from all else so that the others stay as they are."""
    if rng.random() >= share:
        return
    role_of = {"chords": "chords", "bass": "bass", "melody": "melody", "bridge": "melody"}
    for part, role in role_of.items():
        if CHANNELS[part] in piece.programs and rng.random() < 0.8:
            role = {"pad": "pad", "voice": "voice"}.get(piece.condition, role)
            piece.patches[CHANNELS[part]] = ("voice" if role == "melody" and rng.random() < 0.3 else role, rng.getrandbits(32))
    if piece.drums and rng.random() < 0.6:
        piece.patches[CHANNELS["drums"]] = ("drums", rng.getrandbits(32))
        piece.one_shots = True


def hats_for_shakers(parts):
    """The same parts; who shakes the time plays the closed hat instead.

    The generators give the quick time to shakers, tambourines and cabasas, of which no truth speaks, as often as to hats. A
    net that learns from them alone takes a tick that it has never heard for one of those; in music it is mostly a hat.
    """
    shaken = (arrange.SHAKER, arrange.TAMBOURINE, arrange.CABASA)
    drums = [(*before, arrange.HAT if key in shaken else key, velocity) for *before, key, velocity in parts.get("drums", ())]
    return parts | ({"drums": drums} if drums else {})


def pitched(rng, source):
    """Generated bass, chords and tune to go with drums."""
    chords = arrange.progression(rng, source.beats_per_bar, source.beats)
    args = (rng, source.beats_per_bar, source.compound, source.beats, chords)
    return {"bass": arrange.bass(*args), "chords": arrange.comp(*args), "melody": arrange.tune(*args)}


def with_groove(rng, split, sources):
    """A human drummer, alone or with a band that was made up."""
    pool = sources.of(split, "groove")
    odd = [m for m in pool if m.beats_per_bar != 4 or m.compound]
    source = rng.choice(odd if odd and rng.random() < 0.15 else pool)
    parts = {"drums": source.notes}
    if rng.random() < 0.45:
        condition = "drums only"
    else:
        condition = "full mix"
        band = pitched(rng, source)
        for name in rng.choice([("bass",), ("bass", "chords"), ("bass", "chords", "melody"), ("chords",)]):
            parts[name] = band[name]
    return source, parts, condition, source.bpm * rng.uniform(0.85, 1.18), 0.5, rng.random() < 0.25


def with_pop(rng, split, sources):
    """A pop song's own parts, or some of them, with drums or without."""
    pool = sources.of(split, "pop")
    three = [m for m in pool if m.beats_per_bar == 3]
    source = rng.choice(three if three and rng.random() < 0.2 else pool)
    own = {}
    for note in source.notes:
        own.setdefault(note[2], []).append(note)
    condition = rng.choices(
        ("full mix", "no drums", "piano", "guitar", "bass", "voice"), (0.36, 0.2, 0.22, 0.08, 0.06, 0.08)
    )[0]
    if condition in ("piano", "guitar"):
        low = by_chords(own.get("bass", []))
        parts = {"chords": sorted(own.get("chords", []) + low)}
    elif condition in ("bass", "voice"):
        part = {"bass": "bass", "voice": "melody"}[condition]
        parts = {part: own.get(part, [])}
    else:
        parts = own
    bpm = source.bpm * rng.uniform(0.8, 1.25)
    if condition == "full mix":
        groove = arrange.groove_for(rng, (source.beats_per_bar, False), bpm)
        parts = parts | {"drums": arrange.drums(rng, source.beats_per_bar, False, source.beats, groove)}
    return source, parts, condition, bpm, 0.5, rng.random() < 0.3


def with_sheet(rng, split, sources):
    """A lead sheet's tune and chords, accompanied."""
    pool = sources.of(split, "sheets")
    odd = [m for m in pool if m.beats_per_bar != 4]
    source = rng.choice(odd if rng.random() < 0.4 else pool)
    bpm = usual_bpm(rng, source.beats_per_bar, source.compound)
    chords = source.chords or arrange.progression(rng, source.beats_per_bar, source.beats)
    args = (rng, source.beats_per_bar, source.compound, source.beats, chords)
    swing = rng.choice([0.5, 0.5, 0.5, 0.6, 2 / 3]) if not source.compound else 0.5
    return source, *ensemble(rng, args, bpm, source.notes), bpm, swing, rng.random() < 0.2


def usual_bpm(rng, per_bar, compound):
    """A tempo as such music has it: most near the middle, some anywhere that it can be played."""
    low, high, middle = USUAL_BPM[per_bar, compound]
    if rng.random() < 0.1:
        return rng.uniform(low, high)
    return min(max(middle * 2 ** rng.gauss(0, 0.38), low), high)


def by_chords(notes):
    """Notes of another part, played by whoever plays the chords."""
    return [(beat, length, "chords", key, velocity) for beat, length, _, key, velocity in notes]


def unplayed(rng, name, split, key, bpm):
    """Nearly two minutes of a metre and chords for them: the material, without notes, and what the generators ask for."""
    per_bar, compound = key
    beats = int(110 * bpm / 60) // per_bar * per_bar
    source = material.Material(f"{name}_{per_bar}{'c' if compound else ''}", split, per_bar, compound, bpm, beats, [])
    return source, (rng, per_bar, compound, beats, arrange.progression(rng, per_bar, beats))


def made_up(rng, split, sources):
    """All made up: every metre and style of groove."""
    del sources
    keys = list(arrange.GROOVES)
    per_bar, compound = key = rng.choices(keys, [0.6, 0.12, 0.12, 0.03, 0.03, 0.05, 0.05])[0]
    if rng.random() < 0.6:
        groove = arrange.groove_for(rng, key)
        bpm = rng.uniform(groove[1], groove[2])
    else:
        bpm = usual_bpm(rng, per_bar, compound)
    source, args = unplayed(rng, "made", split, key, bpm)
    swing = rng.choice([0.5] * 7 + [0.56, 0.6, 2 / 3]) if not compound and per_bar != 7 else 0.5
    return source, *ensemble(rng, args, bpm, None), bpm, swing, rng.random() < 0.5


def alone(rng, split, sources):
    """One player's bass and chords, sometimes with a tune or a bass beside them: much of it in three."""
    del sources
    key = rng.choices(list(arrange.HANDS), [0.42, 0.28, 0.2, 0.03, 0.03, 0.02, 0.02])[0]
    bpm = usual_bpm(rng, *key)
    source, args = unplayed(rng, "hands", split, key, bpm)
    parts, condition = {"chords": arrange.hands(*args)}, rng.choice(("piano", "guitar"))
    with_it = rng.random()
    if with_it < 0.4:
        parts["chords"] += by_chords(arrange.tune(*args))
    elif with_it < 0.6:
        parts["melody"], condition = arrange.tune(*args), "no drums"
    elif with_it < 0.7:
        parts["bass"], condition = arrange.bass(*args), "no drums"
    return source, parts, condition, bpm, 0.5, rng.random() < 0.1


def ensemble(rng, args, bpm, tune):
    """Who plays with whom: (parts, condition)."""
    _, per_bar, compound, beats, _ = args
    condition = rng.choices(
        ("full mix", "drums only", "no drums", "piano", "guitar", "bass", "voice", "pad"),
        (0.4, 0.14 if tune is None else 0.0, 0.15, 0.08, 0.12, 0.06, 0.05 if tune is None else 0.12, 0.02),
    )[0]
    parts = {}
    if condition in ("full mix", "drums only"):
        groove = arrange.groove_for(rng, (per_bar, compound), bpm)
        parts["drums"] = arrange.drums(rng, per_bar, compound, beats, groove)
    if condition in ("full mix", "no drums", "bass"):
        parts["bass"] = arrange.bass(*args)
    if condition in ("full mix", "no drums", "piano", "guitar", "pad"):
        parts["chords"] = arrange.comp(*args)
    if condition == "voice" or condition in ("full mix", "no drums") and rng.random() < 0.6:
        parts["melody"] = tune or arrange.tune(*args)
    elif condition in ("piano", "guitar") and rng.random() < 0.5:
        parts["chords"] += by_chords(tune or arrange.tune(*args))
    if condition == "full mix" and rng.random() < 0.2:
        del parts[rng.choice(["bass", "chords"])]
    return parts, condition


def tempo_curve(rng, bpm, beats):
    """Times of all beats from 0, in seconds: strict, drifting, wandering or changing."""
    kind = rng.choices(("strict", "drift", "wander", "step"), (0.62, 0.15, 0.19, 0.04))[0]
    total, turn, rate, times = rng.uniform(-0.12, 0.12), rng.uniform(0.3, 0.7), 0.0, [0.0]
    for i in range(beats):
        if kind == "drift":
            rate = total * i / beats
        elif kind == "wander":
            rate = 0.97 * rate + rng.gauss(0, 0.006)
        elif kind == "step":
            rate = total if i > turn * beats else 0.0
        times.append(times[-1] + 60 / (bpm * (1 + rate)))
    return times


def swung(beat, swing, unit=1.0):
    """Where a beat position goes when the second half of each `unit` (a beat, or half of one) comes at `swing` of it."""
    whole, part = divmod(beat / unit, 1.0)
    if part < 0.5:
        return (whole + part * 2 * swing) * unit
    return (whole + swing + (part - 0.5) * 2 * (1 - swing)) * unit


def perform(rng, name, split, source, parts, condition, bpm, swing, length_s, one_shots, seed):
    """Gives the parts instruments and times, from some beat on."""
    needed = int(length_s * bpm / 60 * 1.15) + 4
    start = rng.randrange(max(1, source.beats - needed + 1))
    if rng.random() < 0.3:
        start -= start % source.beats_per_bar
    sounding = [n[0] for notes in parts.values() for n in notes]
    if sounding and not any(start <= b < start + 8 for b in sounding):
        start = max(0, int(min((b for b in sounding if b >= start), default=0)))
    times = tempo_curve(rng, bpm, needed)
    # Hip-hop and new soul swing their sixteenths, not their eighths.
    human = source.name.startswith("gmd")
    sixteenths = swing == 0.5 and not (source.compound or human) and bpm < 115 and rng.random() < 0.12
    swing, unit = (rng.uniform(0.53, 0.64), 0.5) if sixteenths else (swing, 1.0)
    lead_s = rng.choice([0.0, 0.0, rng.uniform(0, 1.2), rng.uniform(0, 0.4)])
    lead_s += 0.12

    def seconds(beat):
        i = min(max(int(beat), 0), len(times) - 2)
        return lead_s + times[i] + (beat - i) * (times[i + 1] - times[i])

    notes, drums, onsets, programs, volumes = [], [], [], {}, {}
    for part, events in sorted(parts.items()):
        channel, loose_s = CHANNELS[part], rng.choice([0.0, 0.003, 0.006, 0.01, 0.015])
        if human and part == "drums":
            loose_s = 0.0
        family = {"drums": "kits", "bass": "bass", "bridge": "melody", "melody": "melody"}.get(part)
        family = family or rng.choice(["keys", "keys", "guitar", "guitar", "pad", "synth"])
        family = {"piano": "keys", "guitar": "guitar", "pad": "pad", "voice": "voice"}.get(condition, family)
        if condition == "voice" and rng.random() < 0.5:
            family = "melody"
        programs[channel] = 0 if condition == "piano" and rng.random() < 0.6 else rng.choice(PROGRAMS[family])
        volumes[channel] = rng.randint(70, 127) if len(parts) == 1 else rng.choice([rng.randint(35, 127), 100, 110])
        transpose = rng.randint(-4, 4) if part != "drums" else 0
        for beat, length, _, key, velocity in events:
            at = swung(beat, swing, unit) - start
            if not -0.05 <= at < needed - 1:
                continue
            time_s = seconds(at) + rng.gauss(0, loose_s)
            if not 0 <= time_s < length_s - 0.02:
                continue
            gone = max(0.04, seconds(min(at + length, needed - 1)) - seconds(at))
            notes.append((time_s, gone, channel, key + transpose if channel != 9 else key, velocity))
            onsets.append(time_s)
            if part == "drums" and key in VOICE_OF and velocity >= AUDIBLE:
                drums.append((time_s, VOICE_OF[key], velocity / 127))
    first = (start + source.first) % source.beats_per_bar
    # When the last note has begun, the music is over: silence has no beat.
    over_s = min(length_s, max(onsets, default=length_s) + NEAR_S)
    beats = [(lead_s + t, (first + i) % source.beats_per_bar + 1) for i, t in enumerate(times) if lead_s + t < over_s]
    heard_bpm = 60 * (len(beats) - 1) / (beats[-1][0] - beats[0][0]) if len(beats) > 1 else bpm
    return Piece(name, split, condition, source.metre, source.beats_per_bar, heard_bpm, length_s, beats, sorted(drums),
                 sorted(onsets), sorted(notes), programs, volumes, seed, one_shots and "drums" in parts)  # fmt: skip
