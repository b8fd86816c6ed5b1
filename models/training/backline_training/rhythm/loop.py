"""The training loop that the rhythm nets share: warmed up, then slowed along a cosine, with averaged weights.

Where `WORLD_SIZE` processes were started (by `torchrun --nproc-per-node N -m backline_training train …`, or each with its
`RANK`), they learn from a batch each and share what they learnt: one process for each core, as more threads bring nothing.
"""

import json
import math
import os
import time

import numpy as np
import torch
from torch import distributed

from .. import onnx_file
from .net import METRES


def processes():
    """(this process, how many there are)."""
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        return 0, 1
    if not distributed.is_initialized():
        distributed.init_process_group("gloo")
    return distributed.get_rank(), distributed.get_world_size()


def share_gradients(net, count):
    """The mean over all processes."""
    found = [p.grad for p in net.parameters() if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in found])
    distributed.all_reduce(flat)
    for gradient, mean in zip(found, (flat / count).split([g.numel() for g in found])):
        gradient.copy_(mean.view_as(gradient))


def card(folder):
    """What `net.json` tells of the net in `folder`."""
    if not (folder / "net.json").exists():
        raise SystemExit(f"{folder} holds no net: --out is the folder of all models")
    return json.loads((folder / "net.json").read_text())


def new_card(name, rate_hz, lookahead, saved):
    """What `net.json` tells of the net of the checkpoint `saved`, beside its shapes."""
    return {
        "name": name,
        "frame_rate_hz": rate_hz,
        "lookahead_frames": lookahead,
        "licence": "MIT OR Apache-2.0",
        "metres": METRES,
        # All steps, with those of the net that it learnt on from.
        "steps": saved.get("before", 0) + saved["step"],
    }


def resume(folder, net, work, about, linear, recurrent, inside=""):
    """Makes `WORK/last.pt` of a net that was exported to `folder` (see `onnx_file.weights`), for training to go on from, from step 0."""
    if (work / "last.pt").exists():
        raise SystemExit(f"{work} holds a net that is being trained: remove its last.pt first")
    net.load_state_dict(onnx_file.weights(folder, net, linear, recurrent, inside))
    work.mkdir(parents=True, exist_ok=True)
    saved = {"net": net.state_dict(), "optimiser": None, "step": 0, "before": card(folder)["steps"], "mean": net.state_dict()}
    torch.save(saved | about, work / "last.pt")


def blend(folder, net, work, share, linear, recurrent, inside=""):
    """Makes of `WORK/last.pt`, which learnt on from the net in `folder`, the net that lies `share` of the way there; kept is `WORK/learnt.pt`.

    What learnt on from one net lies in one valley with it, and in between both forget less than either end: Wortsman et al.,
    "Robust fine-tuning of zero-shot models", CVPR 2022.
    """
    last, learnt = work / "last.pt", work / "learnt.pt"
    if not learnt.exists():
        if not last.exists():
            raise SystemExit(f"{work} holds no net that learnt on: resume and train come first")
        last.rename(learnt)
    saved, before = torch.load(learnt, map_location="cpu"), onnx_file.weights(folder, net, linear, recurrent, inside)
    mean = {k: v.lerp(saved["mean"][k], share) for k, v in before.items()}
    torch.save({**saved, "net": mean, "mean": mean, "optimiser": None}, last)


def run(config, work, train, net, optimiser, about, loss_of, check):
    """Trains `net` for `steps` steps altogether; `WORK/last.pt` lets a run that was stopped go on.

    train: the pieces, of which new ones are taken in. about: what else the checkpoint tells (sizes). loss_of(names, rng): the loss on
    a batch of these pieces. check(mean): figures on the validation pieces with the averaged weights, by name.
    """
    device = next(net.parameters()).device
    process, count = processes()
    # before: the steps of the net that this one learns on from.
    last, step, before, mean = work / "last.pt", 0, 0, None
    if last.exists():
        saved = torch.load(last, map_location=device)
        net.load_state_dict(saved["net"])
        # A net that learns on from what ships has none.
        if saved["optimiser"]:
            optimiser.load_state_dict(saved["optimiser"])
        step, before, mean = saved["step"], saved.get("before", 0), saved["mean"]
    mean = mean or {k: v.clone() for k, v in net.state_dict().items()}
    begun = time.monotonic()
    while step < config["steps"]:
        if step % 50 == 0:
            train.refresh()
        rng = np.random.default_rng([config["seed"], step, process])
        names = rng.choice(train.names, config["batch"])
        # Warm up, then fall along a cosine.
        warm = min(1.0, (step + 1) / 50)
        rate = config["rate"] * warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * step / config["steps"])))
        for group in optimiser.param_groups:
            group["lr"] = rate
        net.train()
        loss = loss_of(names, rng)
        optimiser.zero_grad()
        loss.backward()
        if count > 1:
            share_gradients(net, count)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        step += 1
        keep = min(config["averaging"], step / (step + 10))
        for k, v in net.state_dict().items():
            mean[k].mul_(keep).add_(v, alpha=1 - keep)
        if process == 0 and (step % config["check_every"] == 0 or step == config["steps"]):
            saved = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "before": before, "mean": mean}
            torch.save(saved | about, last)
            line = {"step": step, "pieces": len(train.names), "minutes": (time.monotonic() - begun) / 60,
                    "loss": loss.item(), **check(mean)}  # fmt: skip
            with open(work / "train.jsonl", "a") as log:
                log.write(json.dumps(line) + "\n")
            print(" ".join(f"{k}={v:.4g}" for k, v in line.items()), flush=True)
