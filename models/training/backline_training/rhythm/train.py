"""Trains on `WORK/train`, taking in pieces as they are prepared; `WORK/last.pt` lets a run that was stopped go on."""

import numpy as np
import torch
import torch.nn.functional as F

from . import data, loop
from .net import METRE, VELOCITY, RhythmNet

# Weight of each head's loss: beat, downbeat, five voices, onset.
WEIGHTS = (1.0, 1.5, 0.35, 0.35, 0.35, 0.35, 0.35, 0.3)
# The metre cannot be told from the first seconds.
METRE_FROM_S = 3.0


def loss_of(y, target):
    """The weighted sum of all heads' losses, and the first eight heads' alone."""
    heads = F.binary_cross_entropy_with_logits(y[..., :8], target[..., :8], reduction="none").mean((0, 1))
    weights = torch.tensor(WEIGHTS, device=y.device)
    velocity, known = target[..., VELOCITY], (target[..., VELOCITY] >= 0).float()
    off = (torch.sigmoid(y[..., VELOCITY]) - velocity) ** 2 * known
    total = (heads * weights).sum() + 0.5 * off.sum() / known.sum().clamp(min=1.0) * 0.1
    late = int(METRE_FROM_S * data.FPS)
    told = y[:, late:, METRE].reshape(-1, METRE.stop - METRE.start)
    total = total + 0.05 * F.cross_entropy(told, target[:, late:, METRE.start].reshape(-1).long())
    return total, heads


def run(config, args):
    """Trains for `steps` steps altogether."""
    torch.manual_seed(config["seed"])
    torch.set_num_threads(config["threads"])
    # Where nothing is heard the states fade through numbers so small that they are slow to reckon with.
    torch.set_flush_denormal(True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train, valid = data.Pieces(args.work / "train"), data.Pieces(args.work / "valid")
    if not train.names or not valid.names:
        raise SystemExit(f"{args.work} holds no prepared pieces: run prepare first")
    bands = train.items[train.names[0]]["x"].shape[1]
    net = RhythmNet(bands, config["channels"], config["hidden"], config["deep"]).to(device)
    optimiser = torch.optim.Adam(net.parameters(), lr=config["rate"])

    def loss_on(names, rng):
        pairs = [data.example(train.items[n], config["frames"], rng, config) for n in names]
        x, y = (torch.from_numpy(np.stack(part)).to(device) for part in zip(*pairs))
        return loss_of(net.whole(x), y)[0]

    loop.run(config, args.work, train, net, optimiser, {"bands": bands}, loss_on, lambda mean: check(net, mean, valid, device))


def check(net, mean, valid, device):
    """Losses on the validation pieces with the averaged weights."""
    trained = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(mean)
    sums, right, n = np.zeros(9), 0, 0
    with torch.no_grad():
        for first in range(0, len(valid.names), 40):
            group = [valid.items[k] for k in valid.names[first : first + 40]]
            x = torch.from_numpy(np.stack([p["x"] for p in group]).astype(np.float32) / 255).to(device)
            y = torch.from_numpy(np.stack([data.targets(p, x.shape[1]) for p in group])).to(device)
            told = net.whole(x)
            total, heads = loss_of(told, y)
            sums += len(group) * np.array([total.item(), *heads.tolist()])
            right += (told[:, 1000:, METRE].mean(1).argmax(1) == y[:, 0, METRE.start].long()).sum().item()
            n += len(group)
    net.load_state_dict(trained)
    names = ("valid", "beat", "downbeat", "kick", "snare", "hat", "tom", "cymbal", "onset")
    return dict(zip(names, sums / n)) | {"metre": right / n}
