"""Pieces to audio: fluidsynth, one-shots in place of a kit, and what rooms, desks and codecs do to it."""

import pathlib
import subprocess

import mido
import numpy as np
import scipy.signal

from . import patches

RATE = 44_100
GAP_S = 1.5
# Sets of one-shots (Sonic Pi's, CC0) for the voices of an electronic kit.
SHOTS = {
    "kick": ["bd_808", "bd_ada", "bd_boom", "bd_fat", "bd_gas", "bd_haus", "bd_klub", "bd_pure", "bd_sone", "bd_tek",
             "bd_zome", "bd_zum", "drum_heavy_kick", "drum_bass_hard", "bd_mehackit", "bd_jazz", "bd_chip"],
    "snare": ["sn_dolf", "sn_dub", "sn_generic", "sn_zome", "drum_snare_hard", "drum_snare_soft", "perc_snap", "perc_snap2"],
    "hat": ["hat_bdu", "hat_cab", "hat_cats", "hat_gem", "hat_gnu", "hat_gump", "hat_hier", "hat_len", "hat_metal",
            "hat_noiz", "hat_psych", "hat_raw", "hat_snap", "hat_star", "hat_tap", "hat_yosh", "hat_zan", "hat_zap",
            "hat_zild", "drum_cymbal_closed", "drum_cymbal_pedal"],
    "tom": ["drum_tom_hi_hard", "drum_tom_lo_hard", "drum_tom_mid_hard", "drum_tom_lo_soft", "drum_tom_mid_soft"],
    "cymbal": ["drum_cymbal_hard", "drum_splash_hard", "drum_splash_soft", "ride_tri", "ride_via", "drum_cymbal_soft"],
}  # fmt: skip


class OneShots:
    """One-shots, read when they are first needed."""

    def __init__(self, folder):
        self.folder, self.loaded = pathlib.Path(folder) / "sonic-pi-net+sonic-pi" / "etc" / "samples", {}

    def get(self, name):
        """Mono samples at 44.1 kHz, at most two seconds, starting with the sound."""
        if name not in self.loaded:
            import soundfile

            x, rate = soundfile.read(self.folder / f"{name}.flac", dtype="float32", always_2d=True)
            x = x.mean(1)
            if rate != RATE:
                x = scipy.signal.resample_poly(x, RATE, rate).astype("float32")
            start = int(np.argmax(np.abs(x) > 0.05 * np.abs(x).max()))
            self.loaded[name] = x[start : start + 2 * RATE]
        return self.loaded[name]

    def play(self, drums, length, rng, made):
        """A track of `drums` (time s, voice, velocity); `made` has sounds that are played in place of one-shots."""
        out = np.zeros(length + 2 * RATE, "float32")
        kit = {voice: names[rng.integers(len(names))] for voice, names in SHOTS.items()}
        level = {voice: rng.uniform(0.4, 1.0) for voice in SHOTS}
        for time_s, voice, velocity in drums:
            x, at = made[voice] if voice in made else self.get(kit[voice]), round(time_s * RATE)
            out[at : at + len(x)] += x * (level[voice] * velocity)
        return out[:length]


def render(pieces, font, folder):
    """Mono audio of each piece, as one run of fluidsynth: loading a font takes longer than playing it."""
    midi = mido.MidiFile(ticks_per_beat=480)
    track, events, starts, now = mido.MidiTrack(), [], [], 0.0
    midi.tracks.append(track)
    for piece in pieces:
        starts.append(now)
        for channel in range(16):
            events.append((now, 0, mido.Message("control_change", channel=channel, control=120, value=0)))
        for channel, program in piece.programs.items():
            events.append((now, 1, mido.Message("program_change", channel=channel, program=program)))
            elsewhere = piece.one_shots if channel == 9 else channel in piece.patches
            volume = 0 if elsewhere else piece.volumes[channel]
            events.append((now, 1, mido.Message("control_change", channel=channel, control=7, value=volume)))
        for time_s, length_s, channel, key, velocity in piece.notes:
            if 0 <= key < 128:
                velocity = int(max(1, min(127, velocity)))
                end = min(time_s + length_s, piece.length_s)
                events.append((now + time_s, 3, mido.Message("note_on", channel=channel, note=int(key), velocity=velocity)))
                events.append((now + end, 2, mido.Message("note_off", channel=channel, note=int(key))))
        now += piece.length_s + GAP_S
    events.append((now, 9, mido.Message("control_change", channel=0, control=120, value=0)))
    last = 0
    for tick, _, message in sorted(((round(e[0] * 960), e[1], e[2]) for e in events), key=lambda e: e[:2]):
        track.append(message.copy(time=tick - last))
        last = tick
    song, raw = pathlib.Path(folder) / "batch.mid", pathlib.Path(folder) / "batch.raw"
    midi.save(song)
    words = ["fluidsynth", "-ni", "-q", "-R", "0", "-C", "0", "-r", str(RATE), "-g", "0.4", "-T", "raw", "-O", "float"]
    subprocess.run([*words, "-F", str(raw), font, str(song)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    both = np.fromfile(raw, "<f4").reshape(-1, 2)
    raw.unlink()
    for piece, start in zip(pieces, starts):
        at = round(start * RATE)
        part = both[at : at + round(piece.length_s * RATE)].mean(1)
        yield np.pad(part, (0, round(piece.length_s * RATE) - len(part)))


def mixed(piece, audio, shots):
    """The piece with its one-shots and everything that happens to a recording; int16."""
    rng = np.random.default_rng(piece.seed)
    x = audio / max(float(np.abs(audio).max()), 1e-4) * 0.5
    x, kit = patched(x, piece) if piece.patches else (x, {})
    if piece.one_shots:
        drums = shots.play(piece.drums, len(x), rng, kit)
        # Voices without a one-shot (tambourine, cowbell) stay silent: no truth speaks of them.
        if rng.random() < 0.35:
            x = pumped(x, [t for t, voice, _ in piece.drums if voice == "kick"], rng)
        x = x * rng.uniform(0.2, 1.2) + drums * rng.uniform(0.3, 1.0)
    if rng.random() < 0.4:
        x = room(x, rng)
    x = spectrum(x, rng)
    if rng.random() < 0.25:
        x = squeezed(x, rng)
    if rng.random() < 0.12:
        drive = rng.uniform(1, 6)
        x = np.tanh(drive * x / max(float(np.abs(x).max()), 1e-6))
    x = x / max(float(np.abs(x).max()), 1e-6)
    if rng.random() < 0.4:
        noise = rng.normal(0, 1, len(x))
        if rng.random() < 0.5:
            noise = scipy.signal.lfilter([1.0], [1.0, -0.97], noise)
        noise *= np.sqrt(np.mean(x**2) / np.mean(noise**2)) * 10 ** (-rng.uniform(12, 50) / 20)
        x = x + noise
    if rng.random() < 0.06:
        x = np.clip(x * rng.uniform(1.5, 4), -1, 1)
    x = x / max(float(np.abs(x).max()), 1e-6) * 10 ** (-rng.uniform(0.5, 30) / 20)
    return np.round(x * 32_767).astype("<i2")


def patched(x, piece):
    """With the parts that play on made-up instruments: (audio, drums that were made up, by voice)."""
    x, kit = x.astype("f4"), {}
    for channel, (role, seed) in piece.patches.items():
        own = np.random.default_rng(seed)
        if role == "drums":
            kit = {voice: struck for voice, struck in patches.machine(own, RATE).items() if own.random() < 0.7}
        else:
            notes = [n for n in piece.notes if n[2] == channel]
            x += patches.part(notes, role, len(x), RATE, own) * (piece.volumes[channel] / 127) ** 2 * own.uniform(0.2, 0.6)
    return x / max(float(np.abs(x).max()), 1e-4) * 0.5, kit


def pumped(x, kicks_s, rng):
    """Ducked by each kick, as dance music has it: the band swells towards the beat and is not struck on it."""
    gain, depth = np.ones(len(x)), rng.uniform(0.4, 1.0)
    back = np.linspace(0, 1, int(rng.uniform(0.12, 0.4) * RATE)) ** rng.uniform(0.7, 2.5)
    for at in (round(t * RATE) for t in kicks_s):
        part = gain[at : at + len(back)]
        part[:] = np.minimum(part, 1 - depth + depth * back[: len(part)])
    return x * gain


def room(x, rng):
    """Early and late reverberation: decaying noise."""
    seconds = rng.uniform(0.15, 1.4)
    n = int(seconds * RATE)
    answer = rng.normal(0, 1, n) * np.exp(-6.9 * np.arange(n) / n)
    answer = scipy.signal.lfilter([1 - 0.6], [1, -0.6], answer)
    answer /= np.sqrt(np.sum(answer**2))
    wet = scipy.signal.oaconvolve(x, answer)[: len(x)]
    wet *= np.sqrt(np.mean(x**2) / max(np.mean(wet**2), 1e-12))
    return x + wet * 10 ** (-rng.uniform(3, 22) / 20)


def spectrum(x, rng):
    """A random tone curve; sometimes a low-pass as codecs have, or a high-pass as small speakers have."""
    n = len(x)
    hz = np.fft.rfftfreq(n, 1 / RATE)
    points = np.linspace(np.log2(30), np.log2(20_000), 7)
    octaves = np.log2(np.maximum(hz, 20))
    gain = 10 ** (np.interp(octaves, points, rng.normal(0, rng.uniform(0.5, 5), 7)) / 20)
    if rng.random() < 0.15:
        gain *= 1 / (1 + (hz / rng.uniform(2_500, 12_000)) ** 8)
    if rng.random() < 0.12:
        gain *= 1 - 1 / (1 + (hz / rng.uniform(100, 350)) ** 4)
    return np.fft.irfft(np.fft.rfft(x) * gain, n)


def squeezed(x, rng):
    """A compressor with a fast attack."""
    hop = 441
    level = np.sqrt(np.maximum(np.convolve(x**2, np.ones(hop) / hop, "same")[::hop], 1e-8))
    gain = np.minimum(1, (rng.uniform(0.05, 0.3) / level) ** rng.uniform(0.3, 0.8))
    return x * np.interp(np.arange(len(x)), np.arange(len(gain)) * hop, gain)
