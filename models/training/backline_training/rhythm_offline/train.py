"""Trains on `WORK/train`; `WORK/last.pt` lets a run that was stopped go on."""

import numpy as np
import torch
import torch.nn.functional as F

from ..rhythm import loop
from ..rhythm.train import WEIGHTS
from . import data
from .net import HEADS, RhythmOfflineNet


def loss_of(y, target, weight, metre):
    """The weighted sum of all heads' losses, and the first eight heads' alone; `metre` is what the metre's loss counts."""
    share = weight[..., None] / weight.sum()
    heads = (F.binary_cross_entropy_with_logits(y[..., :HEADS], target[..., :HEADS], reduction="none") * share).sum((0, 1))
    wrong = F.cross_entropy(y[..., HEADS:].transpose(1, 2), target[..., HEADS].long(), reduction="none")
    total = (heads * torch.tensor(WEIGHTS)).sum() + metre * (wrong * share[..., 0]).sum()
    return total, heads


def build(config, features):
    """The net that `config` asks for."""
    return RhythmOfflineNet(features, config["dense"], config["hidden"], config["dropout"])


def run(config, args):
    """Trains for `steps` steps altogether."""
    torch.manual_seed(config["seed"])
    torch.set_num_threads(config["threads"])
    # Where nothing is heard the states fade through numbers so small that they are slow to reckon with.
    torch.set_flush_denormal(True)
    train, valid = data.Pieces(args.work / "train"), data.Pieces(args.work / "valid")
    if not train.names or not valid.names:
        raise SystemExit(f"{args.work} holds no prepared pieces: run prepare first")
    features = data.whole(train.items[train.names[0]]).shape[1]
    net = build(config, features)
    optimiser = torch.optim.AdamW(net.parameters(), lr=config["rate"], weight_decay=config["decay"])

    def loss_on(names, rng):
        parts = [data.chunk(train.items[n], config["chunk"], rng, config) for n in names]
        x, y, weight = (torch.from_numpy(np.stack(part)) for part in zip(*parts))
        return loss_of(net(x), y, weight, config["metre"])[0]

    loop.run(config, args.work, train, net, optimiser, {"features": features}, loss_on,
             lambda mean: check(config, mean, valid, features))  # fmt: skip


def check(config, mean, valid, features):
    """Losses on the validation pieces with the averaged weights, and of what the stream's net said of them (`said_…`)."""
    net = build(config, features)
    net.load_state_dict(mean)
    net.eval()
    sums, said, n = np.zeros(1 + HEADS), np.zeros(2), 0
    with torch.no_grad():
        for name in valid.names:
            piece = valid.items[name]
            x = data.whole(piece)
            x = torch.from_numpy(x[: len(x) // 2 * 2])[None]
            y = torch.from_numpy(data.targets(piece, x.shape[1]))[None]
            weight = torch.ones(y.shape[:2])
            total, heads = loss_of(net(x), y, weight, config["metre"])
            sums += np.array([total.item(), *heads.tolist()])
            before = F.binary_cross_entropy_with_logits(4.0 * x[..., :2], y[..., :2], reduction="none").mean((0, 1))
            said += before.numpy()
            n += 1
    names = ("valid", "beat", "downbeat", "kick", "snare", "hat", "tom", "cymbal", "onset")
    return dict(zip(names, sums / n)) | {"said_beat": said[0] / n, "said_downbeat": said[1] / n}
