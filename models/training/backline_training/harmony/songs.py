"""Billboard's chroma and chord labels as arrays, with the songs sorted into those that may be learnt from."""

import csv
import pathlib

import numpy as np

QUALITIES = ["maj", "min", "7", "maj7", "min7", "dim", "aug", "sus2", "sus4", "hdim7", "dim7"]
INTERVALS = [[0, 4, 7], [0, 3, 7], [0, 4, 7, 10], [0, 4, 7, 11], [0, 3, 7, 10], [0, 3, 6], [0, 4, 8], [0, 2, 7],
             [0, 5, 7], [0, 3, 6, 10], [0, 3, 6, 9]]
N_CLASS = 132           # no chord; chord classes are root * 11 + quality, root 0 = C
MASKED = -1             # X, power chords: neither taught nor scored
HOP_S = 2048 / 44100
# Billboard's frame i is centred on i * HOP_S + LABEL_SHIFT_S of the annotators' time line
# (measured: the shift at which the labels fit best, see MODEL_CARD.md).
LABEL_SHIFT_S = 0.12

SHORTHAND = {"maj": 0, "": 0, "maj6": 0, "6": 0, "add9": 0, "min": 1, "min6": 1, "minadd9": 1, "7": 2, "9": 2,
             "11": 2, "13": 2, "maj7": 3, "maj9": 3, "maj11": 3, "maj13": 3, "min7": 4, "min9": 4, "min11": 4,
             "min13": 4, "minmaj7": 1, "dim": 5, "aug": 6, "sus2": 7, "sus4": 8, "sus": 8, "hdim7": 9, "hdim": 9,
             "dim7": 10}
NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SCALE = [0, 2, 4, 5, 7, 9, 11]


def pitch_class(name):
    return (NATURAL[name[0]] + name.count("#") - name[1:].count("b")) % 12


def degree(text):
    digits = text.lstrip("b#")
    return (SCALE[(int(digits) - 1) % 7] + text.count("#") - text.count("b")) % 12


def parse(label):
    """(class, bass interval above the root); the same reading as `Chord::from_str` in crates/music, but labels
    that fix neither third nor quality are masked."""
    if label == "N":
        return N_CLASS, 0
    if label in ("X", "") or label[0] not in NATURAL:
        return MASKED, 0
    body, _, bass = label.partition("/")
    root, _, kind = body.partition(":")
    short, _, inner = kind.partition("(")
    extra = inner.rstrip(")").split(",") if inner else []
    if short in ("1", "5") or (short == "" and inner):
        return MASKED, 0
    quality = SHORTHAND.get(short)
    if quality is None:
        return MASKED, 0
    if "b7" in extra:
        quality = {0: 2, 1: 4, 5: 9}.get(quality, quality)
    elif "7" in extra and quality == 0:
        quality = 3
    return pitch_class(root) * 11 + quality, degree(bass) if bass else 0


def read_lab(path):
    rows = []
    for line in path.read_text().split("\n"):
        parts = line.split()
        if len(parts) == 3:
            rows.append((float(parts[0]), float(parts[1]), parts[2]))
    return rows


def read_tonics(path):
    """(start, end, tonic) stretches from the annotators' own format."""
    found, pending, time = [], None, 0.0
    for line in path.read_text().split("\n"):
        if line.startswith("# tonic:"):
            pending = pitch_class(line.split(":")[1].strip())
        elif line and line[0].isdigit():
            time = float(line.split()[0])
            if pending is not None:
                found.append([time, 1e9, pending])
                if len(found) > 1:
                    found[-2][1] = time
                pending = None
    return found


class Song:
    """One recording: chroma (frames x 24, from C), class and bass interval a frame."""

    def __init__(self, name, title, chroma, rows, shift_s=LABEL_SHIFT_S, hop_s=HOP_S, real=True):
        self.name, self.title, self.chroma, self.rows, self.real = name, title, chroma, rows, real
        self.shift_s, self.hop_s = shift_s, hop_s
        self.label, self.bass = self.at(np.arange(len(chroma)) * hop_s + shift_s)

    def at(self, times):
        starts = np.array([r[0] for r in self.rows])
        parsed = [parse(r[2]) for r in self.rows]
        index = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(starts) - 1)
        label = np.array([p[0] for p in parsed])[index]
        bass = np.array([p[1] for p in parsed])[index]
        outside = (times >= self.rows[-1][1]) | (times < starts[0])
        label[outside] = N_CLASS if self.real else MASKED
        return label, bass


def load_billboard(data, shift_s=LABEL_SHIFT_S, limit=None):
    """The recordings in `data`/billboard (or billboard_nnls), all or the first `limit`."""
    folder = next(p for p in (pathlib.Path(data) / name for name in ("billboard", "billboard_nnls")) if p.exists())
    titles = {}
    with open(folder / "index.csv", newline="") as f:
        for row in csv.DictReader(f):
            titles[int(row["id"])] = (row["artist"] + "|" + row["title"]).lower()
    songs = []
    for d in sorted(folder.iterdir()):
        if not (d / "chroma.npz").exists():
            continue
        z = np.load(d / "chroma.npz")
        chroma = float(z["scale"]) * (z["chroma_u8"].astype(np.float32) / 255) ** 2
        # The data start at A; ours at C.
        chroma = np.concatenate([np.roll(chroma[:, :12], -3, 1), np.roll(chroma[:, 12:], -3, 1)], 1)
        rows = read_lab(d / "full.lab")
        if len(rows) < 4 or len(chroma) < 200:
            continue
        songs.append(Song(d.name, titles.get(int(d.name), d.name), chroma, rows, shift_s))
        songs[-1].tonics = read_tonics(d / "salami_chords.txt")
        if limit and len(songs) >= limit:
            break
    return songs


def fit(song):
    """How much better the labelled chords fit the chroma than the same labels transposed: (score of the labels as
    they stand, best transposition)."""
    label = song.label
    use = (label >= 0) & (label < N_CLASS)
    if not use.any():
        return 0.0, 0
    v = np.sqrt(song.chroma[use, 12:]) + 0.5 * np.sqrt(song.chroma[use, :12])
    v /= np.linalg.norm(v, axis=1, keepdims=True) + 1e-6
    templates = np.zeros((132, 12), np.float32)
    for r in range(12):
        for q, tones in enumerate(INTERVALS):
            templates[r * 11 + q, [(r + t) % 12 for t in tones]] = 1 / np.sqrt(len(tones))
    score = [float((np.roll(v, -k, 1) * templates[label[use]]).sum(1).mean()) for k in range(12)]
    return score[0], int(np.argmax(score))


def load_rendered(folder, weight=1.5):
    """Songs rendered from MIDI and read by the product's own front end (`prepare_rendered.py`), if there are any."""
    folder = pathlib.Path(folder)
    songs = []
    for path in sorted(folder.glob("*.npz")) if folder.exists() else []:
        z = np.load(path)
        rows = [(float(a), float(b), str(c)) for a, b, c in zip(z["start"], z["end"], z["label"])]
        song = Song(path.stem, path.stem.split("_")[0], z["chroma"], rows, float(z["t0"]), real=False)
        song.weight = weight
        songs.append(song)
    return songs


def split(songs):
    """(train, validation, test) by title: 100 songs kept apart for the test, 60 to tune the decoder."""
    titles = sorted({s.title for s in songs})
    np.random.default_rng(2011).shuffle(titles)
    test, val = set(titles[:100]), set(titles[100:160])
    # Some recordings are listed under two spellings: 0334 and 0882, 0258 and 0349, 0587 and 1007.
    apart = {plain(t) for t in test | val}
    return ([s for s in songs if plain(s.title) not in apart], [s for s in songs if s.title in val],
            [s for s in songs if s.title in test])


def plain(title):
    """The title without what spellings differ in."""
    return "".join(c for c in title.replace("the ", "") if c.isalnum())


def kept(songs, floor=0.58):
    """Songs whose labels fit the chroma, and not better when transposed."""
    fits = [fit(s) for s in songs]
    return [s for s, (f, k) in zip(songs, fits) if f >= floor and k == 0]
