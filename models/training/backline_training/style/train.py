"""Trains the guess at style and energy on what was heard of rendered pieces; several nets of each are scored on pieces kept apart
for that, and the best is kept."""

import numpy as np
import torch

from backline_training.style import data, net


def run(config, args):
    """Writes `best.pt` into the work folder."""
    rows, x, told = data.load(args.work, args.bin)
    sets = {split: prepared(config, rows, x, told, split) for split in ("train", "valid")}
    mean, scale = sets["train"]["x"].mean(0), 1 / np.maximum(sets["train"]["x"].std(0), 1e-2)
    # Figures that are not to be learnt from say nothing.
    scale[config["unused"]] = 0
    for part in sets.values():
        part["x"] = torch.from_numpy(net.standard(part["x"], mean, scale))
    saved = {"config": config, "mean": mean, "scale": scale}
    for what, outputs in (("style", len(config["styles"])), ("energy", 1)):
        tried = [fit(config, sets, what, outputs, seed) for seed in range(config["tries"])]
        nats, state = min(tried, key=lambda t: t[0])
        print(f"{what}: {sorted(round(t[0], 4) for t in tried)}, kept {nats:.4f}")
        saved[what] = state
    saved["style"] = calibrated(saved["style"], config, sets["valid"])
    torch.save(saved, args.work / "best.pt")


def prepared(config, rows, x, told, split):
    """The looks of a split as arrays; every style weighs as much, and in it every source, heard and imitated."""
    here = [i for i, row in enumerate(rows) if row["split"] == split and told[i] and row["how"] != "offline"]
    style = np.array([config["styles"].index(rows[i]["style"]) for i in here])
    source = np.array([rows[i]["source"] + rows[i]["how"].replace("early", "online") for i in here])
    weight = np.zeros(len(here), np.float32)
    for s in np.unique(style):
        kinds = np.unique(source[style == s])
        for kind in kinds:
            own = (style == s) & (source == kind)
            weight[own] = 1 / (len(kinds) * own.sum())
    energy = np.array([rows[i].get("energy", np.nan) for i in here], np.float32)
    tensor = lambda a: torch.from_numpy(np.asarray(a))
    drummer = np.array([rows[i]["source"] == "groove" for i in here])
    answers = {"style": style, "weight": weight / weight.mean(), "energy": energy, "drummer": drummer}
    return {"x": x[here], **{key: tensor(value) for key, value in answers.items()}}


def loss_of(what, y, part):
    """Mean over the looks that have an answer."""
    if what == "style":
        losses = torch.nn.functional.cross_entropy(y, part["style"], reduction="none")
        return (losses * part["weight"]).sum() / part["weight"].sum()
    known = ~torch.isnan(part["energy"])
    return torch.nn.functional.binary_cross_entropy_with_logits(y[known, 0], part["energy"][known])


def fit(config, sets, what, outputs, seed):
    """(loss on the pieces kept apart, weights) of the best epoch."""
    torch.manual_seed(seed)
    train, valid = sets["train"], sets["valid"]
    model = net.Layers(train["x"].shape[1], config[f"{what}_hidden"], outputs, config["dropout"])
    optimiser = torch.optim.AdamW(model.parameters(), config["rate"], weight_decay=config["weight_decay"])
    best, state = np.inf, None
    for _ in range(config["epochs"]):
        model.train()
        order = torch.randperm(len(train["x"]))
        for i in range(0, len(order), config["batch"]):
            part = {key: value[order[i : i + config["batch"]]] for key, value in train.items()}
            part["x"] = part["x"] + config["jitter"] * torch.randn_like(part["x"])
            optimiser.zero_grad()
            loss_of(what, model(part["x"]), part).backward()
            optimiser.step()
        model.eval()
        with torch.no_grad():
            score = float(loss_of(what, model(valid["x"]), valid))
        if score < best:
            best, state = score, {key: value.clone() for key, value in model.state_dict().items()}
    return best, state


def calibrated(state, config, valid):
    """The weights with the temperature that suits the pieces kept apart, drummers and our own music for one half each."""
    halves = [valid["drummer"], ~valid["drummer"]]
    weight = sum(half * valid["weight"] / max(float((half * valid["weight"]).sum()), 1e-6) for half in halves)
    valid = {**valid, "weight": weight}
    with torch.no_grad():
        hidden = torch.relu(valid["x"] @ state["hidden.weight"].T + state["hidden.bias"])
        logits = hidden @ state["out.weight"].T + state["out.bias"]
        sharpness = np.geomspace(0.25, 2, 41)
        losses = [float(loss_of("style", s * logits, valid)) for s in sharpness]
    best = sharpness[int(np.argmin(losses))]
    print(f"logits times {best:.2f}: {min(losses):.4f} nats")
    return state | {"out.weight": state["out.weight"] * best, "out.bias": state["out.bias"] * best}


def judge(saved, x):
    """(probabilities [n, styles], energy [n]) as the product has them."""
    x = torch.from_numpy(net.standard(x, saved["mean"], saved["scale"]))
    run_layers = lambda s: torch.relu(x @ s["hidden.weight"].T + s["hidden.bias"]) @ s["out.weight"].T + s["out.bias"]
    return torch.softmax(run_layers(saved["style"]), 1).numpy(), torch.sigmoid(run_layers(saved["energy"]))[:, 0].numpy()
