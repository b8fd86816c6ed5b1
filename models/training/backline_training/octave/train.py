"""Trains each judge on its `WORK/octave_JUDGE_train.npz`: of all grids that go together, the beat is to have the highest score."""

import copy

import numpy as np
import torch
from torch import nn


class Judge(nn.Module):
    """Features of a grid to its score: one hidden layer."""

    def __init__(self, features, hidden):
        super().__init__()
        self.hidden, self.out = nn.Linear(features, hidden), nn.Linear(hidden, 1, bias=False)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))[..., 0]


def rebuilt(weights):
    """The judge with these weights."""
    judge = Judge(weights["hidden.weight"].shape[1], weights["hidden.weight"].shape[0])
    judge.load_state_dict(weights)
    return judge


def load(path):
    """Tensors of one split."""
    with np.load(path) as z:
        return torch.from_numpy(z["x"]), torch.from_numpy(z["there"]), torch.from_numpy(z["right"])


def log_probs(judge, x, there):
    """Of each relative to be the beat."""
    return judge(x).masked_fill(~there, -30.0).log_softmax(1)


def loss_of(judge, x, there, right):
    """Nats by which the beat is not expected, and how often the likeliest grid is it."""
    told = log_probs(judge, x, there)
    loss = -torch.logsumexp(told.masked_fill(~right, -1e9), 1).mean()
    return loss, right.gather(1, told.argmax(1, keepdim=True)).float().mean()


def learnt(seed, config, train, valid):
    """The weights that validation likes best of all epochs."""
    torch.manual_seed(seed)
    judge = Judge(train[0].shape[2], config["hidden"])
    optimiser = torch.optim.AdamW(judge.parameters(), lr=config["rate"], weight_decay=config["decay"])
    best = (1e9, None)
    for epoch in range(config["epochs"]):
        order = torch.randperm(len(train[0]))
        for first in range(0, len(order), config["batch"]):
            batch = [part[order[first : first + config["batch"]]] for part in train]
            noisy = batch[0] + config["noise"] * torch.randn_like(batch[0])
            loss, _ = loss_of(judge, noisy, *batch[1:])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            (own, hit), (other, right) = loss_of(judge, *train), loss_of(judge, *valid)
        print(f"epoch {epoch}: train {own:.3f} {hit:.3f} valid {other:.3f} {right:.3f}", flush=True)
        if other < best[0]:
            best = (other.item(), copy.deepcopy(judge.state_dict()))
    return best[1]


def run(config, args):
    """Writes of each the mean of `judges` of them, which is one with all their hidden units, to `WORK/octave.pt`."""
    means = {}
    for name in config["seconds"]:
        train, valid = (load(args.work / f"octave_{name}_{split}.npz") for split in ("train", "valid"))
        found = [learnt(config["seed"] + k, config, train, valid) for k in range(config["judges"])]
        joined = lambda part, dim, found=found: torch.cat([weights[part] for weights in found], dim)
        means[name] = {"hidden.weight": joined("hidden.weight", 0), "hidden.bias": joined("hidden.bias", 0),
                       "out.weight": joined("out.weight", 1) / len(found)}  # fmt: skip
        with torch.no_grad():
            loss, right = loss_of(rebuilt(means[name]), *valid)
        print(f"{name}, their mean: valid {loss:.3f} {right:.3f}")
    torch.save(means, args.work / "octave.pt")
