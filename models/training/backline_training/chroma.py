"""The front end's chroma, held against the paper's definition and against the Billboard recordings'.

    python -m backline_training.chroma --bin PROGRAMS RECORDING...        frame correlation with an implementation of its own
    python -m backline_training.chroma --data DATA --rendered DIR         how roots, thirds and fifths look in both

The implementation here follows Mauch & Dixon (ISMIR 2010) step by step in numpy and scipy, and shares nothing with
`crates/listen/src/chroma`: another transform, another resampling to the pitch scale, tuning of the whole recording at
once, Lawson & Hanson's algorithm as scipy has it. `PROGRAMS` holds the built example chroma_dump; recordings are WAV.
"""

import argparse
import pathlib
import subprocess

import numpy as np
import scipy.optimize
import scipy.signal
import soundfile

from .harmony import corpus, songs

RATE, WINDOW, HOP = 44_100, 16_384, 2_048
# Three bins a semitone from A0 less one semitone, as the paper's plug-in has them; the notes of the dictionary.
PER_SEMITONE, BINS, NOTES, LOWEST = 3, 256, 84, 20.0
PARTIALS, DECAY = 20, 0.7


def by_the_paper(mono):
    """[frames, 24] chroma of a whole recording, bass and treble, each from C."""
    padded = np.pad(mono, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    pitch = np.array([log_frequency(frame) for frame in frames])
    tuned = retuned(pitch)
    notes = np.array([transcribed(whitened(row)) if row.max() > 1e-5 else np.zeros(NOTES) for row in tuned])
    keys = np.arange(NOTES) + 21
    out = np.zeros((len(frames), 24))
    for half, (middle, width) in enumerate(((39.15, 18.85), (62.5, 42.0))):
        weight = np.where(np.abs(keys - middle) < width, 0.5 + 0.5 * np.cos(np.pi * (keys - middle) / width), 0)
        for pitch_class in range(12):
            mine = keys % 12 == pitch_class
            out[:, 12 * half + pitch_class] = notes[:, mine] @ weight[mine]
    return out


def log_frequency(frame):
    """Magnitudes at the bins of the pitch scale: the spectrum, finely interpolated, summed under cosine kernels."""
    magnitude = np.abs(np.fft.rfft(frame * scipy.signal.windows.hann(WINDOW, sym=False)))
    fine = np.arange(-8, 9) / 8
    kernel = 0.5 + 0.5 * np.cos(np.pi * fine)
    hz = 440 * 2 ** ((LOWEST + (np.arange(BINS)[:, None] + fine) / PER_SEMITONE - 69) / 12)
    at = hz * WINDOW / RATE
    # A slice of a kernel counts as wide as it is on the frequency axis.
    wide = np.gradient(at, axis=1)
    return (np.interp(at, np.arange(len(magnitude)), magnitude) * kernel * wide).sum(1) / (WINDOW / 2)


def retuned(pitch):
    """Moved so that the recording's semitones lie on every third bin."""
    folded = np.array([pitch[:, i::PER_SEMITONE].sum() for i in range(PER_SEMITONE)])
    turn = np.angle(folded @ np.exp(2j * np.pi * np.arange(PER_SEMITONE) / PER_SEMITONE)) / (2 * np.pi)
    at = np.arange(BINS) + turn * PER_SEMITONE
    return np.array([np.interp(at, np.arange(BINS), row, left=0, right=0) for row in pitch])


def whitened(row):
    """What stands out of the half octave around it, in units of the deviation there."""
    row = row / row.max()
    window = np.hamming(37)
    smooth = lambda x: np.convolve(x, window, "same") / np.convolve(np.ones(BINS), window, "same")
    mean = smooth(row)
    deviation = np.sqrt(smooth((row - mean) ** 2))
    return np.where(row > mean, (row - mean) / (deviation + 1e-6), 0)


def dictionary():
    """[BINS, NOTES]: tones whose partials decay geometrically."""
    bins, out = np.arange(BINS), np.zeros((BINS, NOTES))
    for note in range(NOTES):
        for partial in range(1, PARTIALS + 1):
            off = bins - PER_SEMITONE * (note + 1) - 12 * PER_SEMITONE * np.log2(partial)
            out[:, note] += DECAY ** (partial - 1) * np.where(np.abs(off) < 1.5, 0.5 + 0.5 * np.cos(np.pi * off / 1.5), 0)
    return out


DICTIONARY = dictionary()


def transcribed(row):
    """Amounts of the notes: least squares without negative ones, on notes whose fundamental is there."""
    there = [n for n in range(NOTES) if row[PER_SEMITONE * (n + 1) - 1 : PER_SEMITONE * (n + 1) + 2].max() > 0]
    out = np.zeros(NOTES)
    if there:
        out[there] = scipy.optimize.nnls(DICTIONARY[:, there], row, maxiter=30 * NOTES)[0]
    return out


def ours(mono, programs):
    """The front end's chroma of the same samples."""
    raw = np.round(np.clip(mono, -1, 1) * 32_767).astype("<i2").tobytes()
    done = subprocess.run([str(programs / "chroma_dump")], input=raw, capture_output=True, check=True)
    return np.frombuffer(done.stdout, "<f4").reshape(-1, 24)


def against_the_paper(recordings, programs):
    """Prints the correlation, frame by frame, of both implementations on the first 30 seconds."""
    means = []
    for path in recordings:
        x, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = scipy.signal.resample_poly(x.mean(1), RATE, rate) if rate != RATE else x.mean(1)
        mono = mono[: 30 * RATE].astype(np.float64)
        a, b = ours(mono, programs), by_the_paper(mono)
        n = min(len(a), len(b))
        each = [np.corrcoef(p, q)[0, 1] for p, q in zip(a[:n], b[:n]) if p.std() > 0 and q.std() > 0]
        means.append(np.mean(each))
        print(f"{path.stem}: {len(each)} frames, mean {np.mean(each):.3f}, lowest tenth under {np.percentile(each, 10):.3f}")
    print(f"all {len(means)}: mean {np.mean(means):.3f}")


def by_root(chroma, labels):
    """Mean chroma over all frames of major and of minor triads, turned so that the root comes first, of unit length."""
    profiles = []
    for kind in ("maj", "min"):
        quality = songs.parse(f"C:{kind}")[0] % 11
        sums = np.zeros(24)
        for frames, label in zip(chroma, labels):
            for c in np.unique(label[(label >= 0) & (label < songs.N_CLASS)]):
                if c % 11 == quality:
                    mine = frames[label == c].reshape(-1, 2, 12)
                    sums += np.roll(mine, -(c // 11), axis=2).sum(0).ravel()
        profiles.append(sums / max(np.linalg.norm(sums), 1e-9))
    return profiles


def against_billboard(data, work):
    """Prints how alike triads look in the recordings' chroma and in that of rendered songs."""
    real = songs.kept(songs.load_billboard(data))
    learnt, validation = corpus.rendered(work)
    # Both as the harmony net hears them: compressed.
    there = by_root([corpus.compress(s.chroma) for s in real], [s.label for s in real])
    rendered = learnt + validation
    here = by_root([np.diff(e.sums, axis=0) for e in rendered], [e.chord for e in rendered])
    for kind, a, b in zip(("maj", "min"), there, here):
        print(f"{kind}: correlation {np.corrcoef(a, b)[0, 1]:.3f}")
        for half in ("bass", "treble"):
            part = slice(0, 12) if half == "bass" else slice(12, 24)
            print(f"  {half:7} recordings " + " ".join(f"{v:.2f}" for v in a[part]))
            print(f"  {half:7} rendered   " + " ".join(f"{v:.2f}" for v in b[part]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", nargs="*", type=pathlib.Path)
    parser.add_argument("--bin", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, help="folder that holds billboard/")
    parser.add_argument("--rendered", type=pathlib.Path, help="WORK of the harmony net, with rendered/")
    given = parser.parse_args()
    if given.recordings:
        against_the_paper(given.recordings, given.bin)
    if given.data:
        against_billboard(given.data, given.rendered)
