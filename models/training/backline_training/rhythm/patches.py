"""Instruments and drum machines that no SoundFont holds, drawn at random: a net that hears two fonts learns two fonts.

A pitched patch is a cycle of harmonics that fades from a bright to a dull one, as plucked, struck and filtered sounds do, or
two operators of frequency modulation; a drum machine is swept sines and filtered noise. Mono, float32.
"""

import numpy as np
import scipy.signal

CYCLE = 2048
# Harmonics above this would fold back.
TOP_HZ = 15_000


class Patch:
    """One instrument. role: `bass`, `chords`, `melody`, `pad` or `voice`; rate in Hz."""

    def __init__(self, role, rng, rate):
        self.rng, self.rate, self.tables = rng, rate, {}
        slow = role == "pad" or role == "chords" and rng.random() < 0.12
        if slow:
            self.attack_s = rng.uniform(0.08, 0.4)
        elif role == "voice":
            self.attack_s = rng.uniform(0.02, 0.09)
        else:
            self.attack_s = rng.choice([0.001, 0.003, 0.008, 0.02])
        self.fades = not slow and role != "voice" and rng.random() < 0.65
        self.decay_s = 2 ** rng.uniform(-3.3, 1.3)
        self.sustain = 0.0 if self.fades and rng.random() < 0.6 else rng.uniform(0.3, 1.0)
        self.release_s = 2 ** rng.uniform(-6, -1.2) * (3 if slow else 1)
        self.fm = role != "voice" and rng.random() < 0.3
        self.ratio, self.index = float(rng.choice([0.5, 1, 1, 2, 3, 4, 7, 1.41, 3.5])), 2 ** rng.uniform(-1.5, 2.5)
        self.slope, self.dull = rng.uniform(0.4, 1.6), rng.uniform(1.2, 3.5)
        self.tone_s = 2 ** rng.uniform(-4.5, 0.5)
        self.even = 1.0 if rng.random() < 0.7 else rng.uniform(0, 0.3)
        self.picked = rng.uniform(0.05, 0.5) if rng.random() < 0.4 else None
        formants = rng.integers(0, 3) + 2 * (role == "voice")
        self.formants = [(2 ** rng.uniform(8.3, 11.8), rng.uniform(2, 12)) for _ in range(formants)]
        self.detune = rng.uniform(0.002, 0.012) if rng.random() < 0.3 else 0.0
        sung = role in ("voice", "melody")
        self.vibrato_hz, self.vibrato = rng.uniform(4, 7), rng.uniform(0.002, 0.015) if sung and rng.random() < 0.6 else 0.0
        self.click = rng.uniform(0.05, 0.5) if rng.random() < 0.3 else 0.0
        self.touch = rng.uniform(0.5, 2.5)

    def cycles(self, hz):
        """The bright and the dull cycle of a pitch, one value more than `CYCLE` each."""
        if hz not in self.tables:
            k = np.arange(1, max(2, min(CYCLE // 2, int(TOP_HZ / hz))))
            strength = k**-self.slope * np.where(k % 2 == 0, self.even, 1.0)
            for centre, times in self.formants:
                strength = strength * (1 + times * np.exp(-0.5 * (np.log2(k * hz / centre) / 0.3) ** 2))
            if self.picked:
                strength = strength * (0.05 + np.abs(np.sin(np.pi * k * self.picked)))
            phases = np.exp(2j * np.pi * np.random.default_rng(len(k)).random(len(k)))
            made = []
            for values in (strength, strength * k**-self.dull):
                spectrum = np.zeros(CYCLE // 2 + 1, complex)
                spectrum[k] = values / np.sqrt((values**2).sum()) * phases
                cycle = np.fft.irfft(spectrum) * CYCLE / 2
                made.append(np.append(cycle, cycle[0]).astype("f4"))
            self.tables[hz] = made
        return self.tables[hz]

    def note(self, hz, length_s, loud):
        """One note; loud in 0..=1."""
        n = int((length_s + 3 * self.release_s) * self.rate)
        t = np.arange(n, dtype="f4") / np.float32(self.rate)
        wave = self.modulated(hz, t, loud) if self.fm else self.read(hz, t)
        if self.detune:
            beside = 1 + self.detune
            wave = 0.6 * wave + 0.5 * (self.modulated(hz * beside, t, loud) if self.fm else self.read(hz, t, beside))
        wave *= np.float32(self.sustain) + np.float32(1 - self.sustain) * np.exp(t * np.float32(-1 / self.decay_s))
        rising, held = min(n, int(self.attack_s * self.rate)), int(length_s * self.rate)
        wave[:rising] *= t[:rising] / np.float32(self.attack_s)
        wave[held:] *= np.exp((t[held:] - np.float32(length_s)) * np.float32(-1 / self.release_s))
        if self.click:
            short = min(n, int(0.006 * self.rate))
            wave[:short] += self.click * self.rng.normal(0, 1, short).astype("f4") * np.linspace(1, 0, short, dtype="f4")
        return wave * np.float32(loud**self.touch)

    def read(self, hz, t, detune=1.0):
        """The cycle, fading from bright to dull."""
        bright, dull = self.cycles(hz)
        phase = t * np.float32(hz * detune * CYCLE)
        if self.vibrato:
            turn = 2 * np.pi * self.vibrato_hz
            phase += np.float32(hz * self.vibrato / turn * CYCLE) * np.sin(np.float32(turn) * t) * np.minimum(1, 3 * t)
        # The place in the cycle: a number below 2^24, which single precision holds, even after six seconds.
        at = phase.astype(np.int32) & (CYCLE - 1)
        return dull[at] + (bright - dull)[at] * np.exp(t * np.float32(-1 / self.tone_s))

    def modulated(self, hz, t, loud):
        """Two operators; the second fades."""
        turn = t * np.float32(2 * np.pi * hz)
        index = np.float32(self.index * min(1.0, 3_000 / (hz * (1 + self.ratio))) * loud)
        return np.sin(turn + index * np.exp(t * np.float32(-1 / self.tone_s)) * np.sin(turn * np.float32(self.ratio)))


def part(notes, role, length, rate, rng):
    """A part of `length` samples, played on a patch that is drawn: notes (time s, length s, channel, key, velocity); peak 1."""
    patch, out = Patch(role, rng, rate), np.zeros(length, "f4")
    for time_s, length_s, _, key, velocity in notes:
        loud = min(1.0, max(0.05, velocity / 127))
        at, x = round(time_s * rate), patch.note(440 * 2 ** ((key - 69) / 12), min(length_s, 6.0), loud)
        x = x[: max(0, length - at)]
        out[at : at + len(x)] += x
    return out / max(float(np.abs(out).max()), 1e-6)


def swept(rng, rate, low_hz, high_hz, length_s, fall_s):
    """A sine that falls from `high_hz` to `low_hz`, dying away."""
    t = np.arange(int(rate * min(2.0, 6 * length_s))) / rate
    hz = low_hz + (high_hz - low_hz) * np.exp(-t / fall_s)
    x = np.sin(2 * np.pi * np.cumsum(hz) / rate) * np.exp(-t / length_s)
    drive = rng.uniform(0.5, 4) if rng.random() < 0.4 else 0
    return np.tanh(drive * x) / np.tanh(drive) if drive else x


def hiss(rng, rate, band_hz, length_s, metal=0.0):
    """Filtered noise, dying away; `metal` of it square waves that do not go together."""
    n = int(rate * min(2.0, 6 * length_s))
    t, x = np.arange(n) / rate, rng.normal(0, 1, n)
    if metal:
        tones = sum(np.sign(np.sin(2 * np.pi * hz * t)) for hz in rng.uniform(300, 1_200, 6) * rng.uniform(1, 4))
        x = (1 - metal) * x + metal * tones
    kind = "highpass" if np.isscalar(band_hz) else "bandpass"
    x = scipy.signal.sosfilt(scipy.signal.butter(2, band_hz, kind, fs=rate, output="sos"), x)
    return x / max(np.abs(x).max(), 1e-6) * np.exp(-t / length_s)


def summed(*sounds):
    """Sounds together, as long as the longest; peak 1."""
    out = np.zeros(max(map(len, sounds)))
    for x in sounds:
        out[: len(x)] += x
    return (out / max(np.abs(out).max(), 1e-6)).astype("f4")


def machine(rng, rate):
    """A drum machine: voice to samples."""
    deep, body, tom = rng.uniform(34, 75), rng.uniform(140, 280), rng.uniform(70, 220)
    kick = [swept(rng, rate, deep, deep * rng.uniform(2, 8), 2 ** rng.uniform(-4.2, -1), rng.uniform(0.008, 0.06))]
    if rng.random() < 0.6:
        kick.append(rng.uniform(0.1, 0.7) * hiss(rng, rate, rng.uniform(1_000, 5_000), rng.uniform(0.002, 0.012)))
    band = [2 ** rng.uniform(8.5, 10.5), 2 ** rng.uniform(11.8, 13.5)]
    snare = [hiss(rng, rate, band, 2 ** rng.uniform(-5, -2))]
    if rng.random() < 0.25:
        # A clap: the noise comes several times at once.
        gap = int(rate * rng.uniform(0.007, 0.014))
        snare += [np.concatenate([np.zeros(gap * k), snare[0] * 0.8]) for k in (1, 2)]
    else:
        snare.append(rng.uniform(0.2, 1.2) * swept(rng, rate, body, body * rng.uniform(1, 2), rng.uniform(0.03, 0.15), 0.02))
    metal = rng.uniform(0.2, 0.9) if rng.random() < 0.5 else 0.0
    return {
        "kick": summed(*kick),
        "snare": summed(*snare),
        "hat": summed(hiss(rng, rate, rng.uniform(3_500, 10_000), 2 ** rng.uniform(-6, -2.3), metal)),
        "tom": summed(swept(rng, rate, tom, tom * rng.uniform(1.2, 2.5), rng.uniform(0.08, 0.3), 0.05)),
        "cymbal": summed(hiss(rng, rate, rng.uniform(2_000, 7_000), rng.uniform(0.25, 0.9), metal)),
    }
