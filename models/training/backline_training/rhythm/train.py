"""Trains on `WORK/train`, taking in pieces as they are prepared; `WORK/last.pt` lets a run that was stopped go on."""

import json
import math
import time

import numpy as np
import torch
import torch.nn.functional as F

from . import data
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
    net = RhythmNet(bands, config["channels"], config["hidden"]).to(device)
    optimiser = torch.optim.Adam(net.parameters(), lr=config["rate"])
    last, step, mean = args.work / "last.pt", 0, None
    if last.exists():
        saved = torch.load(last, map_location=device)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        step, mean = saved["step"], saved["mean"]
    mean = mean or {k: v.clone() for k, v in net.state_dict().items()}
    begun = time.monotonic()
    while step < config["steps"]:
        if step % 50 == 0:
            train.refresh()
        rng = np.random.default_rng([config["seed"], step])
        names = rng.choice(train.names, config["batch"])
        pairs = [data.example(train.items[n], config["frames"], rng, config) for n in names]
        x, y = (torch.from_numpy(np.stack(part)).to(device) for part in zip(*pairs))
        # Warm up, then fall along a cosine.
        warm = min(1.0, (step + 1) / 50)
        rate = config["rate"] * warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * step / config["steps"])))
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss, heads = loss_of(net.whole(x), y)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        step += 1
        keep = min(config["averaging"], step / (step + 10))
        for k, v in net.state_dict().items():
            mean[k].mul_(keep).add_(v, alpha=1 - keep)
        if step % config["check_every"] == 0 or step == config["steps"]:
            torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "mean": mean,
                        "bands": bands}, last)  # fmt: skip
            own = check(net, mean, valid, device)
            line = {"step": step, "pieces": len(train.names), "minutes": (time.monotonic() - begun) / 60,
                    "loss": loss.item(), **own}  # fmt: skip
            with open(args.work / "train.jsonl", "a") as log:
                log.write(json.dumps(line) + "\n")
            print(" ".join(f"{k}={v:.4g}" for k, v in line.items()), flush=True)


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
