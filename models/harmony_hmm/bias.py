"""Fits what is added to each quality's log probability where net and perceptron are heard together, and checks it on the
other half of the validation songs: `python3 models/harmony_hmm/bias.py --data DATA --work DIR [--mode offline]`.

DATA and DIR are those that the nets were trained with (`models/training/README.md`); the trained net in DIR is heard. The
decoder is the one of crates/listen without beats; the shares are those of crates/listen/src/harmony/ear.rs."""

import argparse
import pathlib
import sys

import numpy as np
import torch

import decode
import model
import train

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "training"))
from backline_training.__main__ import read_config  # noqa: E402
from backline_training.harmony import corpus  # noqa: E402
from backline_training.harmony import train as nets  # noqa: E402

QUALITIES = ["maj", "min", "7", "maj7", "min7", "dim", "aug", "sus2", "sus4", "hdim7", "dim7", "none"]
# Tried one after the other, the least certain first; what is too rare to be fitted is left alone.
TRIED = (8, 5, 2, 4, 3, 1, 0, 11, 9)
# As in crates/listen: shares of net and perceptron, trust, log weight of a change without beats.
DECODERS = {"online": (0.4, 0.4, 1.0, -1.0), "offline": (0.9, 0.3, 0.6, -4.0)}


def log_softmax(z):
    """Rows of log probabilities."""
    z = z - z.max(1, keepdims=True)
    return z - np.log(np.exp(z).sum(1, keepdims=True))


def diminished_apart(net, perceptron):
    """What the net gives to a root's diminished chords, divided among them as the perceptron would."""
    for root in range(12):
        own = [root * 11 + q for q in (5, 9, 10)]
        total = lambda p: np.log(np.exp(p[:, own]).sum(1, keepdims=True) + 1e-30)
        net[:, own] = total(net) - total(perceptron) + perceptron[:, own]
    return net


def scores(songs, bias, mode, follow):
    """Shares right: majmin, sevenths, every class; and the segmentation."""
    net, perceptron, trust, change = DECODERS[mode]
    added = np.r_[np.tile(bias[:11], 12), bias[11] - 1.2]
    parts, segmentation = np.zeros((3, 2)), []
    for heard, ear, label in songs:
        e = (log_softmax(net * heard + perceptron * ear) + added) * trust
        path = decode.fixed_lag(e, follow, change, 2) if mode == "online" else decode.viterbi(e, follow, change)
        majmin, sevenths, seg = decode.score(path, label)
        known = label >= 0
        parts += [majmin, sevenths, ((path[known] == label[known]).sum(), known.sum())]
        segmentation.append(seg)
    return np.r_[parts[:, 0] / parts[:, 1], np.mean(segmentation)]


def fitted(songs, mode, follow, step=0.3):
    """Climbs along one quality after the other."""
    worth = lambda bias: scores(songs, bias, mode, follow) @ (1, 1, 1, 0.3)
    bias = np.zeros(12)
    best = worth(bias)
    for quality in TRIED:
        for way in (step, -step):
            while True:
                tried = bias.copy()
                tried[quality] += way
                now = worth(tried)
                if now <= best:
                    break
                bias, best = tried, now
    return bias


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", required=True, type=pathlib.Path)
    ap.add_argument("--work", required=True, type=pathlib.Path)
    ap.add_argument("--mode", choices=list(DECODERS), default="online")
    ap.add_argument("--seconds", type=float, default=100.0, help="of each song")
    args = ap.parse_args()
    follow = decode.learnt_transitions(train.read_tensors(train.OUT / "chord_decoder.txt"))
    perceptron, windows, prior = train.load(train.OUT, args.mode)
    config = read_config("harmony")
    net = nets.build(config, args.mode)
    net.load_state_dict(torch.load(args.work / f"{args.mode}.pt", map_location="cpu", weights_only=False)["net"])
    songs = []
    for s in corpus.recordings(args.data)[1]:
        n = min(int(args.seconds * 21.533), len(s.chroma))
        told = nets.logits(net, config[args.mode], config["stride"], corpus.Example(s, np.full(len(s.chroma), -1)))[:n, :133]
        ear = perceptron.log_prob(model.features(s.chroma, windows, np.arange(n))) - 0.1 * prior
        songs.append((diminished_apart(log_softmax(told), ear), ear, s.label[:n]))
    halves = songs[::2], songs[1::2]
    for i in (0, 1):
        bias = fitted(halves[i], args.mode, follow)
        print("fitted:", ", ".join(f"{q} {b:+.1f}" for q, b in zip(QUALITIES, bias) if b))
        for name, part in ("own half", halves[i]), ("other half", halves[1 - i]):
            before, after = (scores(part, b, args.mode, follow) for b in (np.zeros(12), bias))
            print(f"  {name}: majmin, sevenths, all, segmentation", np.round(before, 4), "->", np.round(after, 4), flush=True)


if __name__ == "__main__":
    main()
