"""Songs as arrays to learn from: features, and what is to be told at each frame."""

import copy
import pathlib

import numpy as np

from . import songs

FLOOR = 0.5
N_BASS, N_KEY = 12, -1


def compress(chroma):
    """Square root, then scaled to a length just under 1; near silence the length falls to 0 (as in crates/listen)."""
    y = np.sqrt(np.maximum(chroma, 0))
    return (y / (np.linalg.norm(y, axis=1, keepdims=True) + FLOOR)).astype(np.float32)


class Example:
    """One song: running sums of compressed chroma, and chord class, bass, key and change at each frame."""

    def __init__(self, song, keys):
        y = compress(song.chroma)
        self.name, self.frames, self.real = song.name, len(y), song.real
        self.sums = np.concatenate([np.zeros((1, 24), np.float32), np.cumsum(y, 0, dtype=np.float64).astype(np.float32)])
        self.chord = song.label.astype(np.int64)
        root = np.where((song.label >= 0) & (song.label < songs.N_CLASS), song.label // 11, 0)
        self.bass = np.where(song.label < 0, -1, np.where(song.label == songs.N_CLASS, 12, (root + song.bass) % 12))
        self.key = keys.astype(np.int64)
        moved = np.zeros(len(y), np.float32)
        cut = np.flatnonzero(np.diff(song.label) != 0) + 1
        moved[cut] = 1
        # A change may be told a frame early or late.
        self.change = np.maximum(moved, np.maximum(np.r_[moved[1:], 0], np.r_[0, moved[:-1]]))

    def features(self, windows, frames):
        """(len(frames), len(windows) * 24): window means, empty windows 0, clipped at the ends of the song."""
        out = np.empty((len(frames), len(windows), 24), np.float32)
        for w, (a, b) in enumerate(windows):
            lo = np.clip(frames + a, 0, self.frames)
            hi = np.maximum(np.clip(frames + b + 1, 0, self.frames), lo)
            out[:, w] = (self.sums[hi] - self.sums[lo]) / np.maximum(hi - lo, 1)[:, None]
        return out.reshape(len(frames), -1)


    def modulated(self, rng):
        """The same song with all that follows some moment transposed: keys change, which few songs do."""
        other = copy.copy(self)
        up, cut = int(rng.integers(1, 12)), int(self.frames * rng.uniform(0.25, 0.75))
        y = np.diff(self.sums, axis=0).reshape(-1, 2, 12)
        y[cut:] = np.roll(y[cut:], up, 2)
        other.sums = np.concatenate([np.zeros((1, 24), np.float32), np.cumsum(y.reshape(-1, 24), 0, dtype=np.float64).astype(np.float32)])
        for name, per, turn, most in (("chord", 11, 12, songs.N_CLASS), ("bass", 1, 12, N_BASS)):
            old = getattr(self, name)
            new = np.where((old >= 0) & (old < most), (old // per + up) % turn * per + old % per, old)
            setattr(other, name, np.where(np.arange(self.frames) < cut, old, new))
        new = np.where(self.key >= 0, self.key // 12 * 12 + (self.key % 12 + up) % 12, -1)
        other.key = np.where(np.arange(self.frames) < cut, self.key, new)
        other.change = self.change.copy()
        other.change[max(cut - 1, 0) : cut + 2] = 1
        return other


def real_keys(song):
    """Key class a frame (major 0..11, minor 12..23, -1 unknown): the annotators' tonic, and the mode of its own chords."""
    times = np.arange(len(song.chroma)) * song.hop_s + song.shift_s
    keys = np.full(len(times), -1)
    for start, end, tonic in song.tonics:
        held = np.zeros(2)
        for a, b, text in song.rows:
            c = songs.parse(text)[0]
            if 0 <= c < songs.N_CLASS and c // 11 == tonic and a >= start - 0.1 and b <= end + 0.1:
                held[0] += (b - a) * (c % 11 in (0, 2, 3))
                held[1] += (b - a) * (c % 11 in (1, 4))
        if held.max() > 0 and held.min() < 0.3 * held.sum():
            keys[(times >= start) & (times < end)] = tonic + 12 * int(held[1] > held[0])
    return keys


def recordings(data):
    """(learnt from, validation, test) of the recordings: lists of songs.Song, split as the chord HMM's."""
    return songs.split(songs.kept(songs.load_billboard(data)))


def rendered(work, every=12):
    """(learnt from, validation) of the rendered songs that there are so far."""
    learnt, validation = [], []
    for path in sorted(pathlib.Path(work / "rendered").glob("*.npz")):
        z = np.load(path)
        rows = [(float(a), float(b), str(c)) for a, b, c in zip(z["start"], z["end"], z["label"])]
        song = songs.Song(path.stem, path.stem, z["chroma"].astype(np.float32), rows, RENDERED_SHIFT_S, real=False)
        example = Example(song, np.full(len(song.chroma), int(z["key"])))
        (validation if int(path.stem.split("_")[1]) % every == 0 else learnt).append(example)
    return learnt, validation


# Our frames lead the labels by this much: measured on the rendered songs, see MODEL_CARD.md.
RENDERED_SHIFT_S = 0.015
