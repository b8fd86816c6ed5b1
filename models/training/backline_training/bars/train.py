"""Trains both nets on `WORK/bars_train.npz`; the weights, averaged, go to `WORK/bars_online.pt` and `WORK/bars_offline.pt`."""

import numpy as np
import torch
import torch.nn.functional as F

from ..rhythm_offline.net import HEADS, SAID
from . import data
from .net import BarsNet

# The bands come first, three times: the beat's two halves, and its onset.
BAND_GROUPS = 3


def bands_of(width):
    """Bands in each group of features: the heads at six places, the metres and the period come after them."""
    return (width - 6 * HEADS - (SAID - HEADS) - 1) // BAND_GROUPS


def build(config, width, which):
    """The net before training."""
    own = config[which]
    return BarsNet(width, own["dense"], own["hidden"], own["dropout"], which == "offline")


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
    return x


def batch(songs, config, which, rng):
    """Stretches of beats (x, truth, weight). A stream's may be followed by another piece; a recording's begin and end anywhere."""
    beats, width = config[which]["beats"], songs[0][0][0].shape[1]
    x, truth = np.zeros((config["batch"], beats, width), np.float32), np.full((config["batch"], beats, 2), data.UNKNOWN)
    weight = np.zeros((config["batch"], beats), np.float32)
    for row in range(config["batch"]):
        at = 0
        # Before a recording there is nothing, after it neither.
        if which == "offline" and rng.random() < 0.5:
            at = int(rng.integers(0, beats // 2))
        while at < beats - data.FEWEST:
            stretches = songs[rng.integers(len(songs))]
            described, true = stretches[rng.integers(len(stretches))]
            first = int(rng.integers(0, max(1, len(true) // 2)))
            n = min(len(true) - first, beats - at)
            x[row, at : at + n] = varied(described[first : first + n], rng, config)
            truth[row, at : at + n], weight[row, at : at + n] = true[first : first + n], 1.0
            at += n
            if which == "offline" or rng.random() < 0.5:
                break
    return torch.from_numpy(x), torch.from_numpy(truth), torch.from_numpy(weight)


def loss_of(y, truth, weight, metre):
    """Nats by which bars' beginnings are not expected, and those with the metres'."""
    first = F.binary_cross_entropy_with_logits(y[..., 0], truth[..., 0].clamp(min=0).float(), reduction="none")
    told = F.cross_entropy(y[..., 1:].transpose(1, 2), truth[..., 1].clamp(min=0).long(), reduction="none")
    total = first + metre * told * (truth[..., 1] >= 0)
    return (first * weight).sum() / weight.sum(), (total * weight).sum() / weight.sum()


def run(config, args):
    """Trains one after the other."""
    songs, valid = data.load(args.work / "bars_train.npz"), data.load(args.work / "bars_valid.npz")
    torch.set_num_threads(config["threads"])
    torch.set_flush_denormal(True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for which in config["variants"]:
        own = config[which]
        torch.manual_seed(config["seed"])
        some = np.concatenate([song[0][0] for song in songs]).astype(np.float32)
        net = build(config, some.shape[1], which)
        net.mean[:], net.scale[:] = torch.from_numpy(some.mean(0)), torch.from_numpy(some.std(0)).clamp(min=0.02)
        net.to(device)
        optimiser = torch.optim.Adam(net.parameters(), lr=own["rate"], weight_decay=own["decay"])
        rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, own["rate"], own["steps"] + 1, pct_start=0.1)
        mean = {k: v.clone() for k, v in net.state_dict().items()}
        for step in range(1, own["steps"] + 1):
            rng = np.random.default_rng([config["seed"], step])
            x, truth, weight = (part.to(device) for part in batch(songs, config, which, rng))
            net.train()
            # Nothing is heard as clearly as in the training music.
            x = x + config["noise"] * net.scale * torch.randn(x.shape, device=device)
            first, total = loss_of(net.whole(x), truth, weight, config["metre"])
            optimiser.zero_grad()
            total.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            rate.step()
            keep = min(config["averaging"], step / (step + 10))
            for k, v in net.state_dict().items():
                mean[k].mul_(keep).add_(v, alpha=1 - keep)
            if step % config["check_every"] == 0 or step == own["steps"]:
                torch.save({"mean": mean, "features": some.shape[1], "step": step}, args.work / f"bars_{which}.pt")
                print(f"{which} {step}: train {first.item():.3f} valid {check(config, which, mean, valid):.4f}", flush=True)


def check(config, which, mean, songs):
    """The loss of the averaged weights on songs kept apart."""
    net = build(config, songs[0][0][0].shape[1], which)
    net.load_state_dict(mean)
    net.eval()
    losses = []
    with torch.no_grad():
        for (x, truth), *_ in songs:
            y = net.whole(torch.from_numpy(x.astype(np.float32))[None])
            truth = torch.from_numpy(truth)[None]
            losses.append(loss_of(y, truth, torch.ones(truth.shape[:2]), 0.0)[0].item())
    return float(np.mean(losses))
