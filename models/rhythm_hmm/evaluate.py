"""Scores the listener on rendered music with known beats (test split), beside librosa and aubio.

    evaluate.py --set DIR --hear BINARY [--modes online,offline,librosa,aubio] [--split test] [--limit N]

beat F: mir_eval, +-70 ms, the first 5 s left out; best-octave F: the better of the truth at x1, x2, x1/2.
Acc1: tempo within 4 %; Acc2: also x2, x3, x1/2, x1/3. Drum F: +-50 ms.
"""
import argparse, collections, glob, json, os, subprocess
from concurrent.futures import ThreadPoolExecutor
import mir_eval, numpy as np, soundfile as sf


def double(b):
    return np.sort(np.concatenate([b, (b[1:] + b[:-1]) / 2])) if len(b) > 1 else b


def score(truth, beats, tempo, heard):
    ref = np.array([b[0] for b in truth["beats"]])
    est = np.asarray(beats, float)
    f = lambda r, e: mir_eval.beat.f_measure(mir_eval.beat.trim_beats(r), mir_eval.beat.trim_beats(e)) if len(e) else 0.0
    out = {"F": f(ref, est)}
    out["Foct"] = max(out["F"], f(double(ref), est), f(ref[::2], est), f(ref[1::2], est))
    ratio = (tempo or 0) / truth["bpm"]
    out["acc1"] = float(abs(ratio - 1) < 0.04)
    out["acc2"] = float(any(abs(ratio / k - 1) < 0.04 for k in (1, 2, 3, 0.5, 1 / 3)))
    if heard is not None:
        down = np.array([b["time_s"] for b in heard["beats"] if b["beat"] == 1])
        out["down"] = f(np.array([b[0] for b in truth["beats"] if b[1] == 1]), down)
        want = f"{truth['beats_per_bar'] * 3}/8" if truth["compound"] else f"{truth['beats_per_bar']}/4"
        m = heard["metre"] and heard["metre"]["value"]
        out["metre"] = float(bool(m) and f"{m['numerator']}/{m['denominator']}" == want)
        if est.size:
            out["lock"] = heard["beats"][0]["decided_s"]
            near = [np.abs(ref - t).min() for t in est]
            good = [e for e in near if e < 0.07]
            out["err_ms"] = 1000 * float(np.mean(good)) if good else np.nan
            signed = [t - ref[np.abs(ref - t).argmin()] for t in est]
            out["bias_ms"] = 1000 * float(np.median(signed))
        if truth["drums"]:
            for voice, name in (("kick", "kick"), ("snare", "snare"), ("hat", "closed_hat")):
                r = np.array(sorted(d[0] for d in truth["drums"] if d[1] == voice))
                e = np.array([d["time_s"] for d in heard["drums"] if d["voice"] == name])
                if len(r) > 3:
                    out["dr_" + voice] = mir_eval.onset.f_measure(r, e, window=0.05)[0] if len(e) else 0.0
        elif truth["source"] == "pop909":
            out["false_drums_per_s"] = len(heard["drums"]) / truth["duration_s"]
    return out


def hear(args, mode, path):
    x, rate = sf.read(path, dtype="int16")
    if x.ndim > 1:
        x = x.mean(1).astype("int16")
    if mode in ("online", "offline"):
        raw = subprocess.run([args.hear, str(rate), mode], input=x.tobytes(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        h = json.loads(raw)
        return [b["time_s"] for b in h["beats"]], h["tempo_bpm"] and h["tempo_bpm"]["value"], h
    y = x.astype("float32") / 32768
    if mode == "librosa":
        import librosa
        t, b = librosa.beat.beat_track(y=y, sr=rate, units="time")
        return b, float(np.atleast_1d(t)[0]), None
    import aubio
    t = aubio.tempo("default", 1024, 512, rate)
    b = [t.get_last_s() for i in range(0, len(y) - 512, 512) if t(y[i : i + 512])]
    return b, float(t.get_bpm()), None


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--set", required=True)
    p.add_argument("--hear", required=True)
    p.add_argument("--modes", default="online,offline")
    p.add_argument("--split", default="test")
    p.add_argument("--limit", type=int, default=0)
    p.add_argument("--worst", action="store_true")
    args = p.parse_args()
    paths = sorted(glob.glob(os.path.join(args.set, f"*_{args.split}_*.json")))
    if args.limit:
        paths = paths[:: max(1, len(paths) // args.limit)]
    for mode in args.modes.split(","):
        table, rows = collections.defaultdict(lambda: collections.defaultdict(list)), []
        def one(path):
            truth = json.load(open(path))
            return path, truth, score(truth, *hear(args, mode, path[:-5] + ".wav"))
        with ThreadPoolExecutor(2) as pool:
            for path, truth, s in pool.map(one, paths):
                group = truth["kind"] + ("" if not (truth["source"] == "gen" and truth["kind"] != "metronome") else f" {truth['beats_per_bar']}{'c' if truth['compound'] else ''}")
                rows.append((s["F"], os.path.basename(path)[:-5], truth["bpm"], s))
                for g in (group, "all"):
                    for k, v in s.items():
                        table[g][k].append(v)
                    table[g]["n"].append(1)
        print("==", mode)
        for g in sorted(table):
            print(f"{g:16s} n={len(table[g]['n']):3d} " + " ".join(f"{k}={np.nanmean(v):.2f}" for k, v in table[g].items() if k != "n"))
        if args.worst:
            for f, name, bpm, s in sorted(rows, key=lambda r: r[0])[:16]:
                print(f"   {f:.2f} {name} bpm {bpm:.1f} " + " ".join(f"{k}={v:.2f}" for k, v in s.items() if k != "F"))


if __name__ == "__main__":
    main()
