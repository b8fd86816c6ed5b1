"""Accompaniments and grooves that are made up: drums, bass and chords in every metre."""

PROGRESSIONS = [
    [(0, 0), (9, 1), (5, 0), (7, 0)], [(0, 0), (5, 0), (7, 0), (5, 0)], [(9, 1), (5, 0), (0, 0), (7, 0)],
    [(0, 0), (7, 0), (9, 1), (5, 0)], [(2, 1), (7, 0), (0, 0), (0, 0)], [(0, 1), (10, 0), (8, 0), (7, 0)],
    [(0, 0), (0, 0), (5, 0), (7, 0)], [(0, 1), (5, 1), (10, 0), (3, 0)], [(0, 0), (10, 0), (5, 0), (0, 0)],
    [(0, 0), (4, 1), (5, 0), (5, 1)], [(0, 1), (0, 1), (0, 1), (0, 1)], [(0, 0), (9, 1), (2, 1), (7, 0)],
]  # fmt: skip
KICK, SNARE, STICK, CLAP, HAT, PEDAL, OPEN, RIDE, BELL, CRASH, TOM, SHAKER, TAMBOURINE, CABASA = (
    36, 38, 37, 39, 42, 44, 46, 51, 53, 49, 45, 70, 54, 69,
)  # fmt: skip

# Grooves of one bar: name, slowest and fastest tempo, then kick, snare, hat, each in beats. No two may be the same
# strokes at tempi of one and two: the net would learn that the octave cannot be told.
FOUR = [
    ("rock", 70, 180, [0, 2], [1, 3], "eighths"),
    ("rock2", 70, 150, [0, 2, 2.5], [1, 3], "eighths"),
    ("pop", 70, 140, [0, 1.5, 2], [1, 3], "eighths"),
    ("sixteenths", 60, 120, [0, 1.75, 2.5], [1, 3], "sixteenths"),
    ("funk", 80, 125, [0, 0.75, 2.5, 3.25], [1, 3], "sixteenths"),
    ("house", 112, 135, [0, 1, 2, 3], [1, 3], "offbeat"),
    ("disco", 105, 135, [0, 1, 2, 3], [1, 3], "open"),
    ("techno", 120, 150, [0, 1, 2, 3], [], "offbeat"),
    ("techno16", 120, 145, [0, 1, 2, 3], [], "sixteenths"),
    ("hardstyle", 145, 170, [0, 1, 2, 3], [], "offbeat"),
    ("fourfloor", 90, 160, [0, 1, 2, 3], [1, 3], "eighths"),
    ("trap", 120, 160, [0, 1.5, 3.5], [2], "eighths"),
    ("trap2", 120, 160, [0, 2.75], [2], "sixteenths"),
    ("boombap", 78, 102, [0, 1.5, 2.25], [1, 3], "eighths"),
    ("dnb", 160, 180, [0, 2.5], [1, 3], "eighths"),
    ("jungle", 155, 175, [0, 0.5, 2.5], [1, 3, 3.75], "eighths"),
    ("breakbeat", 115, 145, [0, 0.5, 2.5], [1, 3], "eighths"),
    ("bossa", 100, 160, [0, 1.5, 2, 3.5], [], "eighths"),
    ("bossarim", 105, 165, [0, 1.5, 2, 3.5], [0, 1.5, 3], "eighths"),
    ("clave", 105, 165, [0, 1.5, 2, 3.5], [1, 2.5], "eighths"),
    ("reggae", 65, 95, [2], [2], "eighths"),
    ("dembow", 85, 110, [0, 1, 2, 3], [0.75, 1.5, 2.75, 3.5], "eighths"),
    ("swing", 100, 230, [0, 2], [], "ride"),
    ("shuffle", 85, 150, [0, 2], [1, 3], "shuffle"),
    ("train", 95, 130, [0, 1, 2, 3], [0.5, 1, 1.5, 2.5, 3, 3.5], "none"),
    ("ballad", 52, 85, [0, 2.5], [1, 3], "eighths"),
    ("ballad16", 48, 76, [0, 2], [1, 3], "sixteenths"),
    ("metal", 100, 200, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5], [1, 3], "quarters"),
    ("punk", 150, 215, [0, 2], [1, 3], "quarters"),
    ("motown", 100, 140, [0, 2], [0, 1, 2, 3], "eighths"),
    ("quarters", 60, 100, [0], [2], "quarters"),
]
THREE = [
    ("waltz", 80, 200, [0], [1, 2], "none"), ("waltzhat", 80, 190, [0], [1, 2], "quarters"),
    ("slow", 60, 130, [0], [2], "eighths"), ("slow2", 60, 140, [0, 1.5], [2], "eighths"),
    ("jazz", 100, 210, [0], [], "ride"), ("three", 80, 170, [0, 2.5], [1], "eighths"),
]  # fmt: skip
SIX = [
    ("ballad", 36, 80, [0], [1], "thirds"), ("march", 60, 130, [0], [1], "thirds"),
    ("rolling", 40, 90, [0, 2 / 3], [1], "thirds"), ("pick", 40, 90, [0, 5 / 3], [1], "thirds"),
    ("jig", 80, 140, [0, 1], [2 / 3, 5 / 3], "quarters"), ("soft", 36, 100, [0], [], "thirds"),
    ("slowsix", 36, 72, [0, 4 / 3], [1], "sixths"),
]  # fmt: skip
TWELVE = [("twelve", 48, 90, [0, 2], [1, 3], "thirds"), ("blues", 48, 80, [0, 2, 8 / 3], [1, 3], "thirds")]
TWO = [("polka", 90, 140, [0, 1], [0.5, 1.5], "none"), ("march", 90, 130, [0], [1], "quarters"),
       ("two", 70, 130, [0], [1], "eighths"), ("baiao", 90, 130, [0, 0.75], [1], "sixteenths")]  # fmt: skip
FIVE = [("take", 90, 180, [0, 3], [2, 4], "quarters"), ("five", 80, 170, [0, 1.5, 3], [2, 4], "eighths"),
        ("five2", 80, 160, [0, 2.5], [1, 3], "eighths"), ("ride5", 110, 190, [0, 3], [], "ride")]  # fmt: skip
SEVEN = [("223", 160, 240, [0, 4], [2, 6], "quarters"), ("322", 160, 240, [0, 3, 5], [2, 4], "quarters"),
         ("223b", 150, 240, [0], [4], "quarters"), ("2232", 160, 240, [0, 2, 4], [3, 6], "quarters")]  # fmt: skip
GROOVES = {(4, False): FOUR, (3, False): THREE, (2, True): SIX, (4, True): TWELVE, (2, False): TWO,
           (5, False): FIVE, (7, False): SEVEN}  # fmt: skip


def groove_for(rng, key, bpm=None):
    """A groove of the metre that goes at `bpm`, or any."""
    fitting = [g for g in GROOVES[key] if bpm is None or g[1] * 0.85 <= bpm <= g[2] * 1.15]
    return rng.choice(fitting or GROOVES[key])


def drums(rng, per_bar, compound, beats, groove):
    """Strokes (beat, length, "drums", key, velocity) with fills, ghost notes, crashes and holes."""
    name, _, _, kicks, snares, hats = groove
    snare = rng.choice([SNARE, SNARE, SNARE, CLAP, STICK, 40])
    hat = rng.choice([HAT, HAT, HAT, RIDE, SHAKER, TAMBOURINE, BELL, CABASA])
    hard, ghost, fill_every = rng.uniform(0.8, 1.15), rng.choice([0, 0, 0, 0.08, 0.2]), rng.choice([0, 4, 8, 8])
    vary = rng.choice([0, 0, 0.1, 0.25])
    third, sub = 1 / 3, 3 if compound else 2
    out = []

    def hit(beat, key, velocity):
        if 0 <= beat < beats:
            out.append((beat, 0.1, "drums", key, max(12, min(127, velocity * hard + rng.gauss(0, 6)))))

    # One bar's variant stays for the whole piece, as a drummer's does.
    extra = [rng.randrange(per_bar * 2 * (sub if compound else 2)) / (sub if compound else 4) for _ in range(2)]
    kicks = sorted(set(kicks + ([extra[0] % per_bar] if rng.random() < 0.25 else [])))
    lazy_hats = rng.random() < 0.12
    for bar in range(0, beats, per_bar):
        phrase = bar // per_bar
        fill = fill_every and (phrase + 1) % fill_every == 0 and rng.random() < 0.8
        if phrase % 8 == 0 and rng.random() < 0.5 and name not in ("swing", "soft", "bossa"):
            hit(bar, CRASH, 105)
        fill_from = bar + per_bar - rng.choice([0.5, 1, 1, 2]) if fill else bar + per_bar
        for k in kicks:
            if bar + k < fill_from and rng.random() > vary * 0.5 * (k > 0):
                hit(bar + k, KICK, 110 if k == 0 else 98)
        if vary and rng.random() < vary:
            hit(bar + rng.randrange(per_bar * sub) / sub, KICK, 85)
        for s in snares:
            if bar + s < fill_from:
                hit(bar + s, snare, 105 if s == int(s) else 80)
        if ghost:
            for i in range(per_bar * 2 * sub):
                if rng.random() < ghost:
                    hit(bar + i / (2 * sub), SNARE, 35)
        spots = {"quarters": [i for i in range(per_bar)], "eighths": [i / 2 for i in range(2 * per_bar)],
                 "sixteenths": [i / 4 for i in range(4 * per_bar)], "offbeat": [i + 0.5 for i in range(per_bar)],
                 "open": [i / 2 for i in range(2 * per_bar)], "thirds": [i / 3 for i in range(3 * per_bar)],
                 "sixths": [i / 6 for i in range(6 * per_bar)], "none": [],
                 "shuffle": [x for i in range(per_bar) for x in (i, i + 2 * third)],
                 "ride": [x for i in range(per_bar) for x in ((i, i + 2 * third) if i % 2 else (i,))]}[hats]  # fmt: skip
        for h in spots:
            if bar + h >= fill_from or (lazy_hats and h % 1 == 0):
                continue
            on = abs(h - round(h)) < 1e-6
            key = hat
            if hats == "ride":
                key = RIDE
            elif hats == "open" and not on or hats == "offbeat" and hat == HAT:
                key = OPEN
            hit(bar + h, key, (88 if on else 68) + (8 if h == 0 else 0))
        if hats == "ride":
            for b in range(1, per_bar, 2):
                hit(bar + b, PEDAL, 75)
        if fill:
            step = 1 / sub if rng.random() < 0.4 else 1 / (2 * sub)
            beat = fill_from
            while beat < bar + per_bar - 1e-6:
                if rng.random() < 0.85:
                    hit(beat, rng.choice([SNARE, SNARE, 50, 47, 45, 43]), rng.uniform(70, 110))
                beat += step
    return out


def progression(rng, per_bar, beats):
    """Chords (beat, root, minor) that repeat, changing on downbeats mostly."""
    key, chords, every = rng.randrange(12), rng.choice(PROGRESSIONS), rng.choice([1, 1, 1, 1, 2, 0.5])
    if every == 0.5 and per_bar % 2:
        every = 1
    step = per_bar * every
    n = int(beats / step) + 1
    out = [(i * step, (chords[i % len(chords)][0] + key) % 12, bool(chords[i % len(chords)][1])) for i in range(n)]
    push = rng.random() < 0.08 and per_bar == 4
    return [(b - 0.5 if push and b > 0 and rng.random() < 0.5 else b, r, m) for b, r, m in out]


BASSES = ["root", "beats", "eighths", "octave", "syncopated", "walking", "alternate", "offbeat", "long", "riff"]
COMPS = ["pad", "beats", "offbeat", "eighths", "arpeggio", "charleston", "downbeat", "oompah", "strum", "sixteenths",
         "picking", "anticipate", "stabs"]  # fmt: skip
STRUMS = [[0, 1, 1.5, 2.5, 3, 3.5], [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5], [0, 1, 1.5, 2, 3, 3.5], [0, 1.5, 2, 3],
          [0, 0.75, 1.5, 2, 2.75, 3.5]]  # fmt: skip


def spans(chords, beats):
    """(start, end, root, minor) of each chord, cut at the end."""
    ends = [c[0] for c in chords[1:]] + [beats]
    return [(b, min(e, beats), r, m) for (b, r, m), e in zip(chords, ends) if b < min(e, beats)]


def chord_at(chords, beat):
    """Root and kind in force at `beat`."""
    found = chords[0]
    for chord in chords:
        if chord[0] > beat + 0.26:
            break
        found = chord
    return found[1], found[2]


def bass(rng, per_bar, compound, beats, chords):
    """A bass line."""
    style, sub, out = rng.choice(BASSES), 3 if compound else 2, []
    if style == "walking" and compound:
        style = "beats"
    rhythm = sorted({0, *(rng.randrange(per_bar * 2 * sub) / (2 * sub) for _ in range(rng.randint(2, 5)))})
    pitches = [rng.choice([0, 0, 7, 12, 10, 3, 5]) for _ in rhythm]
    low_of = lambda root: 28 + (root - 4) % 12
    for bar in range(0, beats, per_bar):
        if style == "root":
            spots = [(0, per_bar * 0.95, 0)]
        elif style == "long":
            spots = [(0, per_bar * 0.6, 0)] + ([(per_bar - 1, 0.9, 7)] if per_bar > 2 else [])
        elif style == "beats":
            spots = [(b, 0.9, 0) for b in range(per_bar)]
        elif style == "alternate":
            spots = [(b, 0.8, 0 if i % 2 == 0 else 7) for i, b in enumerate(range(0, per_bar, 2 if per_bar == 4 else 1))]
        elif style == "walking":
            spots = [(b, 0.95, [0, 4, 7, 9, 5, 2][(b + bar) % 6] if b else 0) for b in range(per_bar)]
        elif style == "eighths":
            spots = [(i / sub, 0.9 / sub, 0) for i in range(per_bar * sub)]
        elif style == "octave":
            spots = [(i / sub, 0.8 / sub, 12 if i % sub else 0) for i in range(per_bar * sub)]
        elif style == "offbeat":
            spots = [(b + (2 / 3 if compound else 0.5), 0.4, 0) for b in range(per_bar)]
        elif style == "syncopated":
            spots = [(0, 0.7, 0), (1.5 if not compound else 2 / 3, 0.5, 0)] + ([(2.5, 0.5, 7)] if per_bar > 3 else [])
        else:
            spots = [(r, 0.4, p) for r, p in zip(rhythm, pitches)]
        for spot, length, interval in spots:
            if bar + spot < beats and spot < per_bar:
                root, _ = chord_at(chords, bar + spot)
                accent = 100 if spot == 0 else 90
                out.append((bar + spot, length, "bass", low_of(root) + interval, accent + rng.gauss(0, 5)))
    return out


def comp(rng, per_bar, compound, beats, chords):
    """Chords on a keyboard, guitar or pad."""
    style, sub, out = rng.choice(COMPS), 3 if compound else 2, []
    strum, low = rng.choice(STRUMS), rng.choice([48, 52, 55, 60])
    pattern = [0, 1, 2, 1, 3, 1, 2, 1] if rng.random() < 0.5 else [0, 1, 2, 3, 2, 1]
    seventh = rng.random() < 0.3
    stab = sorted({rng.randrange(per_bar * 2 * sub) / (2 * sub) for _ in range(rng.randint(2, 5))} | {0})
    for bar in range(0, beats, per_bar):
        if style == "pad":
            continue
        if style == "beats":
            spots, length = list(range(per_bar)), 0.8
        elif style == "oompah":
            spots, length = (list(range(1, per_bar)) if per_bar != 4 else [1, 3]), 0.5
        elif style == "offbeat":
            spots, length = [b + (2 / 3 if compound else 0.5) for b in range(per_bar)], 0.35
        elif style == "charleston":
            spots, length = [0, 2 / 3 if compound else 1.5], 0.6
        elif style == "anticipate":
            spots, length = [0, per_bar - (1 / 3 if compound else 0.5)], 1.2
        elif style == "downbeat":
            spots, length = ([0, per_bar // 2] if per_bar % 2 == 0 and per_bar > 2 else [0]), 0.95
        elif style == "strum" and per_bar == 4 and not compound:
            spots, length = strum, 0.45
        elif style == "stabs":
            spots, length = stab, 0.25
        elif style in ("sixteenths", "picking"):
            spots, length = [i / (2 * sub) for i in range(per_bar * 2 * sub)], 0.9 / (2 * sub)
        else:
            spots, length = [i / sub for i in range(per_bar * sub)], 0.9 / sub
        for k, spot in enumerate(s for s in spots if bar + s < beats and s < per_bar):
            root, minor = chord_at(chords, bar + spot)
            tones = [root, root + (3 if minor else 4), root + 7] + ([root + 10] if seventh else [])
            tones = sorted(low + (t - low) % 12 for t in tones)
            on = abs(spot - round(spot)) < 1e-6
            velocity = (88 if spot == 0 else 80 if on else 70) + rng.gauss(0, 5)
            if style in ("arpeggio", "picking"):
                step = pattern[k % len(pattern)]
                tone = tones[step % len(tones)] + 12 * (step // len(tones))
                out.append((bar + spot, length * 1.6, "chords", tone, velocity + (10 if spot == 0 else 0)))
                if spot == 0:
                    out.append((bar + spot, length * 3, "chords", low - 12 + (root - low) % 12, velocity))
            else:
                down = style != "strum" or k % 2 == 0
                for i, tone in enumerate(tones if down else tones[::-1]):
                    lag = 0.008 * i if style == "strum" else 0
                    out.append((bar + spot + lag, length, "chords", tone, velocity))
    if style == "pad":
        for start, end, root, minor in spans(chords, beats):
            for tone in [root, root + (3 if minor else 4), root + 7]:
                out.append((max(0, start), (end - start) * 0.99, "chords", low + (tone - low) % 12, 80))
    return out


# What one player's hands do in a bar: b bass, B its fifth, o the chord, 1 to 4 the chord's tones from below, x both at once, . nothing.
# Spread over the bar evenly, so that a pattern of six is quarters' halves in 3/4 and eighths in 6/8.
HANDS = {
    (4, False): ["boBo", "b.o.B.o.", "bobo", "b1213121", "b2132123", "b.12B.12", "boooBooo", "b..oB.o.", "x...o...x...o...",
                 "b.o.b.o.", "x.o.", "b1.2B1.2", "b123", "x...x.o.x...x.o."],
    (3, False): ["boo", "b.o.o.", "b..o..o..o..", "boo", "b.oooo", "b12121", "b.1.2.", "b12312", "xoo", "x....o", "b.121."],
    (2, True): ["b12321", "b1232b", "b..o..", "booboo", "b12b12", "boo", "b.ob.o", "b.1.2.3.2.1.", "x.oo.o"],
    (4, True): ["b12b12b12b12", "b..o..b..o..", "booboobooboo"],
    (2, False): ["bo", "bobo", "b.o."],
    (5, False): ["booBo", "boobo", "b.o.o.b.o."],
    (7, False): ["boooBoo", "boboboo"],
}  # fmt: skip


def hands(rng, per_bar, compound, beats, chords):
    """Bass and chords of one player alone: waltzes, picked guitars, stride, and what is played across the beat."""
    pattern, low = rng.choice(HANDS[per_bar, compound]), rng.choice([40, 43, 48, 52])
    if rng.random() < 0.2:
        # Across the beat, as a bossa or a riff goes: the first stroke of the bar stays.
        size = per_bar * (6 if compound else 4)
        pattern = "".join(rng.choice("bxo....." if i else "xb") for i in range(size))
    flat, sub, out = rng.choice([0, 6, 14]), per_bar / len(pattern), []
    ring = rng.choice([0.5, 0.9, 2.0])
    for bar in range(0, beats, per_bar):
        for i, what in enumerate(pattern):
            if what == "." or bar + i * sub >= beats or (i and rng.random() < 0.02):
                continue
            root, minor = chord_at(chords, bar + i * sub)
            tones = sorted(low + (t - low) % 12 for t in (root, root + (3 if minor else 4), root + 7))
            bass_key = low - 12 + (root + (7 if what == "B" else 0) - low) % 12
            keys = {"b": [bass_key], "B": [bass_key], "x": [bass_key, *tones]}.get(what) or tones
            if what.isdigit():
                keys = [[*tones, tones[0] + 12][int(what) - 1]]
            velocity = 82 + (flat if i == 0 else flat / 2 if what in "bBx" else 0) + rng.gauss(0, 5)
            lag = rng.choice([0, 0, 0.01])
            out += [(bar + i * sub + lag * k, sub * ring, "chords", key, velocity) for k, key in enumerate(keys)]
    return out


def tune(rng, per_bar, compound, beats, chords):
    """A melody: a rhythm of two bars that comes again with other notes, as tunes do."""
    sub, out = 3 if compound else 2, []
    grid = [i / sub for i in range(2 * per_bar * sub)]
    density = rng.uniform(0.25, 0.75)
    chance = lambda g: density * (1.5 if g % per_bar == 0 else 1.2 if g % 1 == 0 else 0.6)
    rhythm = [g for g in grid if rng.random() < chance(g)] or [0]
    pitch = rng.randint(62, 76)
    for phrase in range(0, beats, 2 * per_bar):
        if phrase % (8 * per_bar) == 6 * per_bar and rng.random() < 0.4:
            spots = [0]
        else:
            spots = [g for g in rhythm if rng.random() < 0.93]
        for k, spot in enumerate(spots):
            nxt = spots[k + 1] if k + 1 < len(spots) else 2 * per_bar
            root, minor = chord_at(chords, phrase + spot)
            scale = [0, 2, 3, 5, 7, 8, 10] if minor else [0, 2, 4, 5, 7, 9, 11]
            if spot % 1 == 0:
                scale = [scale[0], scale[2], scale[4]]
            pitch += rng.choice([-4, -2, -2, -1, 0, 1, 2, 2, 4])
            pitch = min(max(pitch, 58), 84)
            key = min((abs(p - pitch), p) for p in range(50, 92) if (p - root) % 12 in scale)[1]
            if phrase + spot < beats:
                velocity = 92 + (8 if spot % per_bar == 0 else 0) + rng.gauss(0, 6)
                out.append((phrase + spot, (nxt - spot) * rng.uniform(0.7, 0.98), "melody", key, velocity))
    return out
