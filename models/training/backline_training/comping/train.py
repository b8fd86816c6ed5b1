"""Trains the comper; keeps the weights that predict the validation songs best."""

import time

import numpy as np
import torch

from backline_training.comping import bar, net


def load(work, split):
    """The bars of one split, with how dense and how full each is among all."""
    with np.load(work / "bars.npz") as file:
        bars = {key: file[key] for key in file.files}
    struck = bars["state"] >= bar.ALL
    bars["dense"] = ranks(struck.sum(1))
    bars["full"] = ranks((bars["state"] == bar.ALL).sum(1) / np.maximum(struck.sum(1), 1))
    bars["told"] = np.ones(len(struck), np.float32)
    here = bars["split"] == ("train", "valid", "test").index(split)
    return {key: value[here] for key, value in bars.items()}


def ranks(values):
    """Mid-ranks, 0…1."""
    order, counts = np.unique(values, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(values)
    return middle[np.searchsorted(order, values)].astype(np.float32)


def inputs(bars):
    """x [n, 16, WIDTH]."""
    return np.concatenate([bar.own(bars["state"], bars["last"]), bar.conditions(bars)], 2)


def losses(model, bars):
    """Negative log-likelihood of each state, [n, 16]."""
    x = torch.from_numpy(inputs(bars))
    y, _ = model(x, torch.zeros(1, len(x), model.gru.hidden_size))
    return torch.nn.functional.cross_entropy(y.flatten(0, 1), torch.from_numpy(bars["state"]).flatten(), reduction="none").view(len(x), -1)


def take(bars, index):
    """Some of the bars."""
    return {key: value[index] for key, value in bars.items()}


def mean_loss(model, bars):
    """Over all steps."""
    model.eval()
    with torch.no_grad():
        return float(np.mean([losses(model, take(bars, slice(i, i + 512))).mean().item() for i in range(0, len(bars["bpm"]), 512)]))


def run(config, args):
    """Writes `best.pt` into the work folder, at the end: `best.part` is of a run that was stopped."""
    torch.manual_seed(config["seed"])
    torch.set_num_threads(1)
    rng = np.random.default_rng(config["seed"])
    train, valid = load(args.work, "train"), load(args.work, "valid")
    model = net.Comper(config["inner"], config["hidden"], config["dropout"])
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(train['bpm'])} bars")
    optimiser = torch.optim.AdamW(model.parameters(), config["rate"], weight_decay=config["weight_decay"])
    total = config["epochs"] * (len(train["bpm"]) // config["batch"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config["rate"], total_steps=max(total, 4) + 1)
    best = np.inf
    for epoch in range(config["epochs"]):
        model.train()
        started, order = time.monotonic(), rng.permutation(len(train["bpm"]))
        for i in range(0, len(order) - config["batch"] + 1, config["batch"]):
            part = take(train, order[i : i + config["batch"]])
            n = len(part["bpm"])
            part["led"] = part["led"] * (rng.random(n) >= config["drop_before"])
            part["told"] = (rng.random(n) >= config["drop_told"]).astype(np.float32)
            loss = losses(model, part).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
        score = mean_loss(model, valid)
        print(f"epoch {epoch}: {score:.4f} in {time.monotonic() - started:.0f} s", flush=True)
        if score < best:
            best = score
            torch.save({"config": config, "state": model.state_dict()}, args.work / "best.part")
    (args.work / "best.part").rename(args.work / "best.pt")


def trained(work):
    """The net and its configuration."""
    saved = torch.load(work / "best.pt", map_location="cpu")
    model = net.Comper(saved["config"]["inner"], saved["config"]["hidden"])
    model.load_state_dict(saved["state"])
    return model.eval(), saved["config"]
