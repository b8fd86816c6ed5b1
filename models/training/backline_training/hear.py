"""Scores what `backline analyze` hears on recordings with known truth, beside its rules and beside peers.

    python -m backline_training.hear FOLDER --backline PROGRAM [--modes …] [--worst N] [--json OUT]

FOLDER holds recordings, each with a `.json` of the same stem as `backline demo --all` writes it: `tempo_bpm`, `metre`,
`key` ("A minor"), `beats_s`, `downbeats_s`, `chords` [{start_s, end_s, label}], `drums` [{time_s, voice}], and, if
wanted, `condition` ("full mix", "drums only", …). What is missing is not scored.

Modes: offline, online; offline-rules, online-rules (without the nets); and peers, where they are installed. That hear the
whole recording first: librosa, madmom, madmom-bars (with downbeats), beatnet-offline (with downbeats), essentia (also the
key; all these beats and tempo) and chordino (chords, by `chord_extractor`). That hear it as it comes: aubio, madmom-online,
beatnet (with downbeats; its particles are drawn by numpy, seeded here).

Definitions are mir_eval's. Beats: F at 70 ms, CMLt and AMLt, the first 5 s left out. Tempo: Acc1 within 4 %, Acc2 also
x2, x3, 1/2, 1/3; 1 %: within 1 %. Lock: when the first beat was told that is followed by no wrong one in the next
4 beats; locked: whether there was one. Key: MIREX weights, the fifth counted both ways. Chords: WCSR by root, majmin,
sevenths, majmin_inv, and the mean of over- and under-segmentation; change: median distance of a true change to the nearest
told one, within 1 s. Drums: onset F at 50 ms for each voice, and of kick, snare and hat counted together (micro).
Latency: median from an item's own time to its decision (of those that hear it as it comes). Beneath the tables: how well the
probabilities of beats (right within 70 ms, each piece counting once) and metres fit, and the line through log odds that would
mend it (`crates/listen/src/rhythm/sureness.rs`).
"""

import argparse
import collections
import json
import pathlib
import subprocess
import tempfile

import mir_eval
import numpy as np

from .sureness import binned, error, fitted

AUDIO = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
OWN = ("offline", "online", "offline-rules", "online-rules")
PEERS = ("librosa", "aubio", "madmom", "madmom-bars", "madmom-online", "beatnet", "beatnet-offline", "essentia", "chordino")
CAUSAL = ("online", "online-rules", "aubio", "madmom-online", "beatnet")
VOICES = {"kick": ("kick",), "snare": ("snare",), "hat": ("closed_hat", "open_hat")}
VOICES |= {"tom": ("low_tom", "mid_tom", "high_tom"), "cymbal": ("crash", "ride")}
# Voices whose hits are counted together in the micro F.
MICRO = ("kick", "snare", "hat")
# Since when the music has been going on, in seconds, for the curve of what is right by then.
SINCE = (0, 4, 8, 16, 32, 1e9)
# Bins of the calibration error.
BINS = 10


def items(folder):
    """(recording, truth) of each pair below `folder`."""
    for audio in sorted(p for p in pathlib.Path(folder).rglob("*") if p.suffix.lower() in AUDIO):
        truth = audio.with_suffix(".json")
        if truth.exists():
            yield audio, json.loads(truth.read_text())


def backline(program, mode, audio):
    """The analysis, as its JSON."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out.json"
        words = [program, "analyze", str(audio), f"--{mode.split('-')[0]}", "--json", str(out)]
        done = subprocess.run(words + ["--rules"] * mode.endswith("rules"), capture_output=True, text=True)
        if done.returncode > 1:
            raise SystemExit(f"{audio}: {done.stderr.strip()}")
        return json.loads(out.read_text())


def peer(name, audio):
    """What a peer hears, in the shape of Backline's analysis; ImportError where it is not installed."""
    heard = {"beats": [], "tempo_bpm": None, "chords": None, "key": None, "drums": None, "metre": None}
    numbers = decided = None
    if name == "librosa":
        import librosa

        y, rate = librosa.load(str(audio), sr=None)
        tempo, beats = librosa.beat.beat_track(y=y, sr=rate, units="time")
        heard["tempo_bpm"] = float(np.atleast_1d(tempo)[0])
    elif name == "aubio":
        import aubio
        import soundfile

        y, rate = soundfile.read(str(audio), dtype="float32", always_2d=True)
        y, tracker, beats, decided = y.mean(1), aubio.tempo("default", 1024, 512, rate), [], []
        for i in range(0, len(y) - 512, 512):
            if tracker(y[i : i + 512]):
                beats.append(tracker.get_last_s())
                decided.append((i + 512) / rate)
        heard["tempo_bpm"] = float(tracker.get_bpm())
    elif name.startswith("madmom"):
        from madmom.features import beats as plain
        from madmom.features import downbeats as bars

        if name == "madmom-bars":
            dbn = bars.DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4], fps=100)
            beats, numbers = dbn(bars.RNNDownBeatProcessor()(str(audio))).T
        else:
            online = name == "madmom-online"
            dbn = plain.DBNBeatTrackingProcessor(fps=100, online=online)
            beats = dbn(plain.RNNBeatProcessor(online=online)(str(audio)))
            # The second half of a frame comes after the time that it stands for.
            decided = beats + 1024 / 44100 if online else None
    elif name.startswith("beatnet"):
        from BeatNet.BeatNet import BeatNet

        np.random.seed(1)
        net = BeatNet(1, "offline", "DBN") if name == "beatnet-offline" else BeatNet(1, "online", "PF")
        beats, numbers = net.process(str(audio)).T
        decided = beats + 0.032 if name == "beatnet" else None
    elif name == "essentia":
        import essentia.standard as es

        y = es.MonoLoader(filename=str(audio))()
        heard["tempo_bpm"], beats, *_ = es.RhythmExtractor2013()(y)
        tonic, mode, _ = es.KeyExtractor()(y)
        heard["key"] = {"tonic": tonic, "mode": mode}
    else:
        from chord_extractor.extractors import Chordino

        spans = Chordino().extract(str(audio))
        ends = [c.timestamp for c in spans[1:]] + [spans[-1].timestamp + 10]
        heard["chords"] = [
            {"start_s": c.timestamp, "end_s": e, "label": harte(c.chord)} for c, e in zip(spans, ends)
        ]
        return heard | {"beats": None}
    heard["tempo_bpm"] = heard["tempo_bpm"] or pace(beats)
    heard["bars"] = numbers is not None
    numbers = [None] * len(beats) if numbers is None else [int(n) for n in numbers]
    decided = [None] * len(beats) if decided is None else [float(t) for t in decided]
    heard["beats"] = [{"time_s": float(t), "beat": n, "decided_s": d} for t, n, d in zip(beats, numbers, decided)]
    return heard


def pace(beats):
    """The tempo of some beats: from the mean of the intervals that are about the median one, as frames are coarse."""
    gaps = np.diff(beats)
    gaps = gaps[np.abs(gaps - np.median(gaps)) < 0.1 * np.median(gaps)] if len(gaps) else gaps
    return float(60 / gaps.mean()) if len(gaps) else None


def harte(symbol):
    """Chordino's symbols in the syntax of Harte et al."""
    if symbol == "N":
        return "N"
    symbol, _, bass = symbol.partition("/")
    root = symbol[: 2 if symbol[1:2] in ("b", "#") else 1]
    kind = symbol[len(root) :]
    kinds = {"": "maj", "m": "min", "m7": "min7", "m6": "min6", "6": "maj6", "dim7": "dim7", "m7b5": "hdim7"}
    return f"{root}:{kinds.get(kind, kind)}"


def score(truth, heard, online):
    """Every figure that truth and what was heard allow."""
    out = {}
    if truth.get("beats_s") and heard["beats"] is not None:
        out |= beats(truth, heard, online)
    if truth.get("tempo_bpm") and heard["beats"] is not None:
        out |= tempo(truth["tempo_bpm"], heard["tempo_bpm"] or 0)
    if truth.get("metre") and heard["metre"]:
        out["metre"] = float(heard["metre"]["label"] == truth["metre"])
    if truth.get("key") and heard["key"]:
        out |= key(truth["key"], f"{heard['key']['tonic']} {heard['key']['mode']}")
    if truth.get("chords") and heard["chords"] is not None:
        out |= chords(truth["chords"], heard["chords"])
    if truth.get("drums") and heard["drums"] is not None:
        out |= drums(truth["drums"], heard["drums"])
    if online:
        for what, at in (("beats", "time_s"), ("drums", "time_s"), ("chords", "start_s")):
            lags = [x["decided_s"] - x[at] for x in heard[what] or [] if x["decided_s"] is not None]
            if lags:
                out[f"{what} lag s"] = float(np.median(lags))
    return out


def drums(truth, heard):
    """Each voice alone, and kick, snare and hat counted together."""
    out, right, told = {}, 0, 0
    for voice, names in VOICES.items():
        true, found = times(truth, names), times(heard, names)
        if len(true) > 3:
            out[f"{voice} F"] = mir_eval.onset.f_measure(true, found, window=0.05)[0]
        if voice in MICRO:
            right += len(mir_eval.util.match_events(true, found, 0.05)) if len(true) and len(found) else 0
            told += len(true) + len(found)
    return out | ({"drums micro F": 2 * right / told} if told else {})


def times(drums, names):
    """Sorted times of the hits of some voices."""
    return np.array(sorted(d["time_s"] for d in drums if d["voice"] in names))


def beats(truth, heard, online):
    """Beats, downbeats, lock."""
    ref, est = np.array(truth["beats_s"]), np.array([b["time_s"] for b in heard["beats"]])
    est.sort()
    trimmed = mir_eval.beat.trim_beats(ref), mir_eval.beat.trim_beats(est)
    out = {"beat F": mir_eval.beat.f_measure(*trimmed)}
    continuity = mir_eval.beat.continuity(*trimmed) if len(trimmed[1]) > 1 else (0, 0, 0, 0)
    out |= {"CMLt": continuity[1], "AMLt": continuity[3]}
    if truth.get("downbeats_s") and heard.get("bars", True):
        downs = np.array([b["time_s"] for b in heard["beats"] if b["beat"] == 1])
        pair = mir_eval.beat.trim_beats(np.array(truth["downbeats_s"])), mir_eval.beat.trim_beats(downs)
        out["downbeat F"] = mir_eval.beat.f_measure(*pair)
    if online:
        told = [b["decided_s"] for b in heard["beats"]]
        near = np.array([np.abs(ref - t).min() < 0.07 for t in est])
        good = followed(near)
        out["lock s"] = told[good[0]] if good else float("nan")
        out["locked"] = float(bool(good))
    return out


def followed(near):
    """Right beats that four more right ones follow; near the end, where four do not follow, none is one."""
    return [i for i in range(len(near) - 4) if all(near[i : i + 5])]


def tempo(true, told):
    """Within 1 %; within 4 %, and so at another level."""
    ratio = told / true
    out = {"tempo 1%": float(abs(ratio - 1) <= 0.01), "Acc1": float(abs(ratio - 1) <= 0.04)}
    out["Acc2"] = float(any(abs(ratio / k - 1) <= 0.04 for k in (1, 2, 3, 1 / 2, 1 / 3)))
    return out


def key(true, told):
    """MIREX weights; mir_eval gives the fifth above alone, MIREX either."""
    weight = max(mir_eval.key.weighted_score(true, told), 0.5 * (mir_eval.key.weighted_score(told, true) == 0.5))
    return {"key": weight, "tonic": float(true.split()[0] == told.split()[0])}


def chords(true, told):
    """WCSR over the true chords' time, segmentation, and how far changes are off."""
    ref = np.array([[c["start_s"], c["end_s"]] for c in true]), [c["label"] for c in true]
    est = np.array([[c["start_s"], c["end_s"]] for c in told]).reshape(-1, 2), [c["label"] for c in told]
    if not len(est[0]):
        est = ref[0][[0]] + [[0, 1e-3]], ["N"]
    est = mir_eval.util.adjust_intervals(*est, ref[0].min(), ref[0].max(), "N", "N")
    spans, a, b = mir_eval.util.merge_labeled_intervals(*ref, *est)
    length = mir_eval.util.intervals_to_durations(spans)
    out = {}
    for name in ("root", "majmin", "sevenths", "majmin_inv"):
        right = getattr(mir_eval.chord, name)(a, b)
        out[name] = mir_eval.chord.weighted_accuracy(right, length)
        if name == "majmin":
            for low, high in zip(SINCE, SINCE[1:]):
                since = spans[:, 0] - ref[0].min()
                span = (since >= low) & (since < high)
                if (right[span] >= 0).any():
                    label = f"majmin {low:g}-{high:g} s" if high < 1e9 else f"majmin {low:g} s on"
                    out[label] = mir_eval.chord.weighted_accuracy(right[span], length[span])
    out["seg"] = mir_eval.chord.seg(*(mir_eval.chord.merge_chord_intervals(*x) for x in (ref, est)))
    merged = [s for s, before, after in zip(ref[0][1:, 0], ref[1], ref[1][1:]) if before != after]
    changes = [s for s, before, after in zip(est[0][1:, 0], est[1], est[1][1:]) if before != after]
    if merged and changes:
        off = np.abs(np.subtract.outer(merged, changes)).min(1)
        if (off < 1).any():
            out["change ms"] = 1000 * float(np.median(off[off < 1]))
    return out


def table(rows, columns):
    """Prints a row a mode, a column a figure; a dash where nothing was scored."""
    print(f"| {'':22} | {'n':>3} | " + " | ".join(columns) + " |")
    print("|" + "---|" * (len(columns) + 2))
    for name, scores in rows:
        cells = []
        for column in columns:
            values = [s[column] for s in scores if column in s and not np.isnan(s[column])]
            figure = f"{np.mean(values):.3f}" if values else "-"
            cells.append(figure.rjust(len(column)))
        print(f"| {name:22} | {len(scores):3d} | " + " | ".join(cells) + " |")


def sure(truth, heard):
    """(probability, right) of beats, as long as there are true ones, and of the metre, where they are told."""
    ref, told = np.array(truth.get("beats_s") or []), {}
    within = [b for b in heard["beats"] or [] if len(ref) and "prob" in b and b["time_s"] <= ref[-1] + 0.07]
    if within:
        told["beats"] = [(b["prob"], float(np.abs(ref - b["time_s"]).min() < 0.07)) for b in within]
    if truth.get("metre") and heard["metre"] and "prob" in heard["metre"]:
        told["metre"] = [(heard["metre"]["prob"], float(heard["metre"]["label"] == truth["metre"]))]
    return told


def calibration(told, rng=np.random.default_rng(1)):
    """Prints how probabilities fit, pieces counting alike: as many are drawn of each."""
    for what in ("beats", "metre"):
        drawn = [np.array(t[what])[rng.integers(0, len(t[what]), 50)] for t in told if what in t]
        if drawn:
            said, right = np.concatenate(drawn).T
            line = fitted(said, right)
            print(f"{what}: said {said.mean():.3f}, right {right.mean():.3f}, calibration error {error(binned(said, right, BINS)):.3f}; "
                  f"to calibrate: slope {line[0]:.2f} offset {line[1]:.2f}")  # fmt: skip


def main():
    """Hears, scores, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--backline", default="backline", help="the program")
    parser.add_argument("--modes", default=",".join(OWN + PEERS))
    parser.add_argument("--worst", type=int, default=5, help="worst items of each task that are named")
    parser.add_argument("--json", type=pathlib.Path, help="write every item's figures here")
    args = parser.parse_args()
    pairs = list(items(args.folder))
    if not pairs:
        raise SystemExit(f"{args.folder} holds no recording with a .json of the same stem beside it")
    found, told = {}, {}
    for mode in args.modes.split(","):
        try:
            hear = (lambda audio: backline(args.backline, mode, audio)) if mode in OWN else (lambda a: peer(mode, a))
            heard = [hear(audio) for audio, _ in pairs]
            found[mode] = [score(truth, h, mode in CAUSAL) for h, (_, truth) in zip(heard, pairs)]
            told[mode] = [sure(truth, h) for h, (_, truth) in zip(heard, pairs)]
        except ImportError as error:
            print(f"{mode} is not installed and left out ({error})")
    columns = list(collections.OrderedDict.fromkeys(k for scores in found.values() for s in scores for k in s))
    table(found.items(), columns)
    conditions = [truth.get("condition", "full mix") for _, truth in pairs]
    for condition in sorted(set(conditions)) if len(set(conditions)) > 1 else []:
        print(f"\n{condition}")
        table([(m, [s for s, c in zip(scores, conditions) if c == condition]) for m, scores in found.items()], columns)
    for mode in (m for m in found if m in OWN[:2]):
        print(f"\n{mode}")
        calibration(told[mode])
        for figure in ("beat F", "majmin", "sevenths", "key"):
            ranked = sorted((s[figure], a.stem) for s, (a, _) in zip(found[mode], pairs) if figure in s)
            print(f"\nworst {figure}, {mode}: " + ", ".join(f"{n} {v:.2f}" for v, n in ranked[: args.worst]))
    if args.json:
        rows = {m: {a.stem: s for s, (a, _) in zip(scores, pairs)} for m, scores in found.items()}
        args.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
