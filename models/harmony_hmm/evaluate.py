"""Scores the learnt chord model on songs kept apart: `python3 models/harmony_hmm/evaluate.py --data DIR`.

The decoder is the one of crates/listen without beats; "online" says of each frame what is known 0.5 s later."""

import argparse
import pathlib

import numpy as np

import data
import decode
import model
import train


def total(results):
    mm = np.sum([r[0] for r in results], 0)
    sv = np.sum([r[1] for r in results], 0)
    return f"majmin {mm[0] / mm[1]:.4f} sevenths {sv[0] / sv[1]:.4f} segmentation {np.mean([r[2] for r in results]):.4f}"


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", required=True)
    ap.add_argument("--weights", default=str(train.OUT))
    ap.add_argument("--part", choices=["validation", "test"], default="test")
    ap.add_argument("--songs", type=int, default=1000)
    ap.add_argument("--none", type=float, default=-1.2, help="added to the log probability of no chord")
    ap.add_argument("--prior", type=float, default=0.1)
    # As in `Weights` of crates/listen/src/harmony/lattice.rs: online, offline.
    ap.add_argument("--trust", type=float, nargs=2, default=[1, 0.6])
    ap.add_argument("--change", type=float, nargs=2, default=[-2, -4])
    args = ap.parse_args()
    songs = data.kept(data.load_billboard(args.data))
    songs = data.split(songs)[2 if args.part == "test" else 1][:args.songs]
    follow = decode.learnt_transitions(train.read_tensors(pathlib.Path(args.weights) / "chord_decoder.txt"))
    for name, trust, change in zip(["online", "offline"], args.trust, args.change):
        net, windows, prior = train.load(args.weights, name)
        by_frame, decoded = [], []
        for s in songs:
            e = net.log_prob(model.features(s.chroma, windows, np.arange(len(s.chroma))))
            by_frame.append(decode.score(e.argmax(1), s.label))
            e = e - args.prior * prior
            e[:, data.N_CLASS] += args.none
            path = (decode.fixed_lag(e * trust, follow, change, 2) if name == "online"
                    else decode.viterbi(e * trust, follow, change))
            decoded.append(decode.score(path, s.label))
        print(f"{name}, {len(songs)} songs: frame by frame {total(by_frame)}; decoded {total(decoded)}", flush=True)


if __name__ == "__main__":
    main()
