"""Trains the chord net; keeps the weights that predict the validation songs best."""

import numpy as np
import torch

from backline_training.progression import data, net


def logits(model, classes, figures):
    """y [n, CLASSES]."""
    model.eval()
    with torch.no_grad():
        parts = range(0, len(classes), 4096)
        x = (torch.from_numpy(data.features(classes[i : i + 4096], figures[i : i + 4096])) for i in parts)
        return torch.cat([model(part)[0] for part in x])


def run(config, args):
    """Writes `best.pt` into the work folder, at the end: `best.part` is of a run that was stopped."""
    torch.manual_seed(config["seed"])
    rng = np.random.default_rng(config["seed"])
    sets = data.load(args.work, config)
    classes, figures, truth, billboard, _ = sets["train"]
    model = net.Progression(config["hidden"], config["dropout"])
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(truth)} bars")
    optimiser = torch.optim.AdamW(model.parameters(), config["rate"], weight_decay=config["weight_decay"])
    steps = config["epochs"] * (len(truth) // config["batch"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config["rate"], total_steps=max(steps, 4) + 1)
    weight = torch.from_numpy(np.where(billboard, 1.0, config["pop909_weight"]).astype(np.float32))
    best = np.inf
    for epoch in range(config["epochs"]):
        model.train()
        order = rng.permutation(len(truth))
        for i in range(0, len(order) - config["batch"] + 1, config["batch"]):
            at = order[i : i + config["batch"]]
            y = model(torch.from_numpy(data.features(classes[at], figures[at])))[0]
            each = torch.nn.functional.cross_entropy(y, torch.from_numpy(truth[at]), reduction="none")
            loss = (each * weight[at]).sum() / weight[at].sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        c, f, t, real, _ = sets["validation"]
        y, wanted = logits(model, c[real], f[real]), torch.from_numpy(t[real])
        nll = float(torch.nn.functional.cross_entropy(y, wanted))
        print(f"epoch {epoch}: nll {nll:.4f}, right {float((y.argmax(1) == wanted).float().mean()):.4f}", flush=True)
        if nll < best:
            best = nll
            torch.save({"config": config, "state": model.state_dict()}, args.work / "best.part")
    (args.work / "best.part").rename(args.work / "best.pt")


def load(work):
    """The trained net and its configuration."""
    saved = torch.load(work / "best.pt", map_location="cpu")
    model = net.Progression(saved["config"]["hidden"], saved["config"]["dropout"])
    model.load_state_dict(saved["state"])
    return model.eval(), saved["config"]
