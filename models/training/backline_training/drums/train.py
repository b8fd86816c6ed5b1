"""Trains the drummer; keeps the weights that predict the validation bars best."""

import time

import numpy as np
import torch

from backline_training.drums import bar, batches, net


def make(config):
    """The untrained net."""
    features = bar.width(len(config["styles"]))
    return net.Drummer(features, config["inner"], config["hidden"], config["dropout"])


def mean_losses(model, bars, styles):
    """Mean (strike, level, late) losses: the first a step, the others a stroke."""
    model.eval()
    sums, steps, strokes, timed = np.zeros(3), 0, 0, 0
    with torch.no_grad():
        for i in range(0, len(bars["style"]), 512):
            part = batches.take(bars, slice(i, i + 512))
            strike, touch, late, known, struck = run_net(model, part, styles)
            sums += [float((x * known).sum()) for x in (strike, touch, late)]
            steps, strokes = steps + float(known.sum()), strokes + float((struck * known).sum())
            timed += float((struck * known * torch.from_numpy(timed_of(part))[:, None, None]).sum())
    return sums / [steps, strokes, max(timed, 1)]


def timed_of(bars):
    """Whether lateness is known: the style files do not tell it."""
    return (bars["source"] != 1).astype(np.float32)


def run_net(model, part, styles):
    """Losses of one batch, which steps count [b, 16, 1], and the strokes."""
    x = torch.from_numpy(batches.inputs(part, styles))
    level = torch.from_numpy(part["level"])
    y, _ = model(x, torch.zeros(1, len(level), model.gru.hidden_size))
    parts = net.losses(y, level, torch.from_numpy(part["late"]), torch.from_numpy(timed_of(part)))
    known = torch.from_numpy(bar.mask(part["triplet"]).astype(np.float32))[:, :, None]
    return *parts, known, (level > 0).float()


def run(config, args):
    """Writes `best.pt` into the work folder, at the end: `best.part` is of a run that was stopped."""
    torch.manual_seed(config["seed"])
    rng = np.random.default_rng(config["seed"])
    styles = len(config["styles"])
    train, validation = batches.load(args.work, "train"), batches.load(args.work, "validation")
    # Bars of the style files say what charts look like; many of them would teach to keep to the chart.
    train = batches.take(train, (train["source"] != 1) | (rng.random(len(train["source"])) < config["written_share"]))
    validation = batches.heard(validation, np.random.default_rng(0), 0.6)
    model = make(config)
    if config["begin"]:
        # Weights of an earlier `best.pt` of the same shape.
        model.load_state_dict(torch.load(config["begin"], map_location="cpu")["state"])
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(train['style'])} bars")
    optimiser = torch.optim.AdamW(model.parameters(), config["rate"], weight_decay=config["weight_decay"])
    total = config["epochs"] * (len(train["style"]) // config["batch"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config["rate"], total_steps=max(total, 4) + 1)
    best = np.inf
    for epoch in range(config["epochs"]):
        model.train()
        started, order = time.monotonic(), rng.permutation(len(train["style"]))
        for i in range(0, len(order) - config["batch"] + 1, config["batch"]):
            part = batches.take(train, order[i : i + config["batch"]])
            part = batches.withheld(batches.heard(part, rng, 1 - config["drop_accents"]), rng, config)
            strike, touch, late, known, _ = run_net(model, part, styles)
            loss = ((strike + config["touch_weight"] * (touch + late)) * known).sum() / known.sum()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
        scores = mean_losses(model, validation, styles)
        print(f"epoch {epoch}: {scores.round(4)} in {time.monotonic() - started:.0f} s", flush=True)
        if scores[0] + config["touch_weight"] * scores[1] < best:
            best = scores[0] + config["touch_weight"] * scores[1]
            torch.save({"config": config, "state": model.state_dict()}, args.work / "best.part")
    if config["begin"]:
        average(torch.load(config["begin"], map_location="cpu")["state"], config["share"], args.work / "best.part")
    (args.work / "best.part").rename(args.work / "best.pt")


def average(begun, share, file):
    """Makes the weights a mean of the first and the last ones, so that what was known stays known (Wortsman et al., "Robust
    fine-tuning of zero-shot models", CVPR 2022)."""
    saved = torch.load(file, map_location="cpu")
    state = {key: (1 - share) * begun[key] + share * value for key, value in saved["state"].items()}
    torch.save({**saved, "state": state}, file)


def load(work):
    """The trained net and its configuration."""
    saved = torch.load(work / "best.pt", map_location="cpu")
    model = make(saved["config"])
    model.load_state_dict(saved["state"])
    return model.eval(), saved["config"]
