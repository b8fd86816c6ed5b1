"""Trains the net on `WORK/bars_train.npz`; `WORK/bars/last.pt` lets a run that was stopped go on."""

import numpy as np
import torch
import torch.nn.functional as F

from ..rhythm import loop
from ..rhythm_offline.net import HEADS, SAID
from . import data
from .net import BarsNet

# The bands come first, three times: the beat's two halves, and its onset. Last comes the harmony: the pitch classes of bass and
# treble, and how much each is another than a beat before.
BAND_GROUPS, CLASSES, HARMONY = 3, 12, 26


def bands_of(width):
    """Bands in each group of features: the heads at six places, the metres and the period come after them."""
    return (width - 6 * HEADS - (SAID - HEADS) - 1 - HARMONY) // BAND_GROUPS


def build(config, width):
    """The net before training."""
    return BarsNet(width, config["dense"], config["hidden"], config["dropout"])


def varied(x, rng, config):
    """Another key, level and tone; some bands unheard."""
    x, bands = x.astype(np.float32), bands_of(x.shape[1])
    shift, level = int(rng.integers(-5, 6)), rng.normal(0, config["tone"])
    curve = np.interp(np.linspace(0, 4, bands), np.arange(5), rng.normal(0, config["tone"], 5))
    deaf = slice(0, 0)
    if rng.random() < 0.3:
        n = int(rng.integers(1, bands // 3))
        at = int(rng.integers(0, bands - n))
        deaf = slice(at, at + n)
    for group in range(BAND_GROUPS):
        part = x[:, group * bands : (group + 1) * bands]
        moved = np.roll(part, shift, 1)
        moved[:, slice(0, shift) if shift >= 0 else slice(shift, None)] = 0
        if group < 2:
            moved = np.maximum(moved + (level + curve) * (moved > 0.02), 0)
        moved[:, deaf] = 0
        part[:] = moved
    # No key is like another to the net, and sometimes there is no harmony to hear.
    harmony, turn = x[:, -HARMONY:], int(rng.integers(0, CLASSES))
    for group in range(2):
        classes = harmony[:, group * CLASSES : (group + 1) * CLASSES]
        classes[:] = np.roll(classes, turn, 1)
    if rng.random() < 0.15:
        harmony[:] = 0
    return x


def batch(songs, config, rng):
    """Stretches of beats (x, truth, weight), which begin and end anywhere: before a recording there is nothing, after what a stream
    has brought so far neither."""
    beats, width = config["beats"], songs[0][0][0].shape[1]
    x, truth = np.zeros((config["batch"], beats, width), np.float32), np.full((config["batch"], beats, 2), data.UNKNOWN)
    weight = np.zeros((config["batch"], beats), np.float32)
    for row in range(config["batch"]):
        at = int(rng.integers(0, beats // 2)) if rng.random() < 0.5 else 0
        stretches = songs[rng.integers(len(songs))]
        described, true = stretches[rng.integers(len(stretches))]
        first = int(rng.integers(0, max(1, len(true) // 2)))
        n = min(len(true) - first, beats - at)
        x[row, at : at + n] = varied(described[first : first + n], rng, config)
        truth[row, at : at + n], weight[row, at : at + n] = true[first : first + n], 1.0
    return torch.from_numpy(x), torch.from_numpy(truth), torch.from_numpy(weight)


def loss_of(y, truth, weight, metre):
    """Nats by which bars' beginnings are not expected, and those with the metres'."""
    first = F.binary_cross_entropy_with_logits(y[..., 0], truth[..., 0].clamp(min=0).float(), reduction="none")
    told = F.cross_entropy(y[..., 1:].transpose(1, 2), truth[..., 1].clamp(min=0).long(), reduction="none")
    total = first + metre * told * (truth[..., 1] >= 0)
    return (first * weight).sum() / weight.sum(), (total * weight).sum() / weight.sum()


class Songs:
    """What the loop draws from: a step's pieces are drawn by `batch`, of which it only needs to know how many there are."""

    def __init__(self, songs):
        self.names = np.arange(len(songs))

    def refresh(self):
        """All are there from the beginning."""


def run(config, args):
    """Trains it."""
    songs, valid = data.load(args.work / "bars_train.npz"), data.load(args.work / "bars_valid.npz")
    torch.set_num_threads(config["threads"])
    torch.set_flush_denormal(True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    some = np.concatenate([song[0][0] for song in songs]).astype(np.float32)
    width = some.shape[1]
    torch.manual_seed(config["seed"])
    net = build(config, width)
    net.mean[:], net.scale[:] = torch.from_numpy(some.mean(0)), torch.from_numpy(some.std(0)).clamp(min=0.02)
    net.to(device)
    optimiser = torch.optim.Adam(net.parameters(), lr=config["rate"], weight_decay=config["decay"])

    def loss_on(_, rng):
        x, truth, weight = (part.to(device) for part in batch(songs, config, rng))
        # Nothing is heard as clearly as in the training music.
        x = x + config["noise"] * net.scale * torch.randn(x.shape, device=device)
        return loss_of(net(x)[0], truth, weight, config["metre"])[1]

    folder = args.work / "bars"
    folder.mkdir(exist_ok=True)
    loop.run(config, folder, Songs(songs), net, optimiser, {"features": width}, loss_on,
             lambda mean: {"valid": check(config, mean, valid)})  # fmt: skip


def check(config, mean, songs):
    """The loss of the averaged weights on songs kept apart."""
    net = build(config, songs[0][0][0].shape[1])
    net.load_state_dict(mean)
    net.eval()
    losses = []
    with torch.no_grad():
        for (x, truth), *_ in songs:
            (y,) = net(torch.from_numpy(x.astype(np.float32))[None])
            truth = torch.from_numpy(truth)[None]
            losses.append(loss_of(y, truth, torch.ones(truth.shape[:2]), 0.0)[0].item())
    return float(np.mean(losses))
