"""Trains the harmony nets: the one for a stream, and the one for recordings, which hears both ways."""

import math
import time

import numpy as np
import torch
from torch.nn import functional as F

from . import corpus, songs
from .net import HEADS, HarmonyNet


def run(config, args):
    """Trains each of config["variants"] up to its epochs; a run that was stopped goes on from its last epoch."""
    torch.set_num_threads(int(config["threads"]))
    parts = corpus.recordings(args.data)
    learnt, validation = ([corpus.Example(s, corpus.real_keys(s)) for s in part] for part in parts[:2])
    learnt, validation = learnt[:config["most_songs"]], validation[:config["most_songs"]]
    torch.set_flush_denormal(True)
    for name in config["variants"]:
        train(name, config, args.work, learnt, validation)


def build(config, name):
    """The net of a variant, with random weights."""
    v = config[name]
    return HarmonyNet(len(v["windows"]), v["dense"], v["hidden"], v["top"], v["both_ways"], v["dropout"], v["ahead"])


def train(name, config, work, learnt, validation):
    """One variant, from its checkpoint if there is one."""
    v = config[name]
    torch.manual_seed(config["seed"])
    net = build(config, name)
    optimiser = torch.optim.AdamW(net.parameters(), lr=v["rate"], weight_decay=v["decay"])
    path, first = work / f"{name}.pt", 0
    if path.exists():
        saved = torch.load(path, map_location="cpu")
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        first = saved["epoch"]
    weight = class_weights(learnt, config["rarity"])
    for epoch in range(first, v["epochs"]):
        begun = time.time()
        rng = np.random.default_rng([config["seed"], epoch])
        made, made_validation = corpus.rendered(work)
        heard = [e.modulated(rng) if rng.random() < config["modulated"] else e for e in learnt + made]
        loss = one_epoch(net, optimiser, v, config, heard, weight, rng, epoch)
        torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "epoch": epoch + 1}, path)
        print(f"{name} epoch {epoch + 1}: loss {loss}, {time.time() - begun:.0f} s; recordings {quick(net, v, config, validation)}; "
              f"rendered {quick(net, v, config, made_validation)}; total {time.time() - begun:.0f} s", flush=True)


def class_weights(examples, rarity):
    """Weight of each chord class in the loss: its quality's share to the power of -rarity, 1 on average, at most 4."""
    counts = np.bincount(np.concatenate([np.where(e.chord == songs.N_CLASS, 11, e.chord % 11)[e.chord >= 0] for e in examples]),
                         minlength=12) + 1.0
    share = counts / counts.sum()
    w = share ** -rarity
    w = np.minimum(w / (w * share).sum(), 4.0)
    return torch.tensor(np.r_[np.tile(w[:11], 12), w[11]], dtype=torch.float32)


def one_epoch(net, optimiser, v, config, examples, weight, rng, epoch):
    """Every song once, cut into pieces at other places each time."""
    net.train()
    step_frames, length = config["stride"], config["piece"]
    pieces = []
    for i, e in enumerate(examples):
        span = step_frames * length
        start = -int(rng.integers(span // 2))
        pieces += [(i, s) for s in range(start, e.frames - span // 4, span)]
    order = rng.permutation(len(pieces))
    batches = [order[i:i + config["batch"]] for i in range(0, len(order) - config["batch"] + 1, config["batch"])]
    batches = batches[:config["most_batches"]]
    total = v["epochs"] * len(batches)
    running = np.zeros(len(config["loss"]))
    for n, batch in enumerate(batches):
        done = epoch * len(batches) + n
        rate = v["rate"] * min(1.0, (done + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done / total)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        x, chord, bass, key, change, now = collect([(examples[pieces[j][0]], pieces[j][1]) for j in batch], v, step_frames, length, rng)
        y, _ = net(x)
        parts = losses(y, chord, bass, key, change, now, weight)
        loss = sum(w * p for w, p in zip(config["loss"], parts))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        running += [float(p.detach()) for p in parts]
        if n % 100 == 0:
            print(f"  {n} of {len(batches)}: {running / (n + 1)}", flush=True)
    return np.round(running / len(batches), 4)


def collect(picked, v, step_frames, length, rng):
    """A batch of pieces with what is to be told; what lies outside a song is masked. Levels, basses, noise and the view of
    what was long ago are varied, so that a lone guitar is understood and songs are not learnt by heart."""
    n, windows = len(picked), v["windows"]
    x = np.zeros((length, n, len(windows), 2, 12), np.float32)
    chord, bass, key, now = (np.full((length, n), -1, np.int64) for _ in range(4))
    change = np.full((length, n), -1, np.float32)
    for j, (e, start) in enumerate(picked):
        frames = start + np.arange(length) * step_frames
        inside = (frames >= 0) & (frames < e.frames)
        f = frames[inside]
        x[inside, j] = e.features(windows, f).reshape(len(f), len(windows), 2, 12)
        chord[inside, j], bass[inside, j], key[inside, j], change[inside, j] = e.chord[f], e.bass[f], e.key[f], e.change[f]
        now[inside, j] = e.chord[np.minimum(f + v["ahead"], e.frames - 1)]
    bare = rng.random(n) < 0.1
    x[:, bare, :, 0] = 0
    bass[:, bare] = -1
    x *= rng.uniform(0.85, 1.1, (1, n, 1, 1, 1)).astype(np.float32)
    # Other mixes and other rooms: bass against treble, and each note's loudness.
    x *= rng.uniform(0.8, 1.1, (1, n, 1, 2, 1)).astype(np.float32)
    x *= np.exp(0.1 * rng.standard_normal((1, n, 1, 2, 12), dtype=np.float32))
    # An instrument between two tunings sounds into its neighbours.
    lean = rng.uniform(-0.12, 0.12, (1, n, 1, 1, 1)).astype(np.float32)
    x += np.maximum(lean, 0) * np.roll(x, 1, 4) + np.maximum(-lean, 0) * np.roll(x, -1, 4)
    x += 0.02 * rng.standard_normal(x.shape, dtype=np.float32)
    for w, (a, b) in enumerate(windows):
        if b - a > 20:
            x[:, rng.random(n) < 0.15, w] = 0
    return (torch.from_numpy(x.reshape(length, n, -1)), *(torch.from_numpy(a) for a in (chord, bass, key, change, now)))


def heads(y):
    """The columns of y, head by head; the last are the chord to come, if it is told."""
    widths = [width for _, width in HEADS]
    return torch.split(y, [*widths, y.shape[2] - sum(widths)], 2)


def losses(y, chord, bass, key, change, now, weight):
    """Mean cross entropies of chord, bass, key, change and the chord to come (0 where it is not told)."""
    c, b, k, m, to_come = heads(y)
    change_known = change >= 0
    return (F.cross_entropy(c.flatten(0, 1), chord.flatten(), weight, ignore_index=-1),
            F.cross_entropy(b.flatten(0, 1), bass.flatten(), ignore_index=-1),
            F.cross_entropy(k.flatten(0, 1), key.flatten(), ignore_index=-1),
            F.binary_cross_entropy_with_logits(m[..., 0][change_known], change[change_known]),
            F.cross_entropy(to_come.flatten(0, 1), now.flatten(), weight, ignore_index=-1) if to_come.shape[2] else torch.zeros(()))


def logits(net, v, stride, example):
    """Logits of every frame of a song, (frames, columns)."""
    net.eval()
    with torch.no_grad():
        n = example.frames
        steps = -(-n // stride)
        frames = np.minimum(np.arange(steps * stride), n - 1)
        x = example.features(v["windows"], frames).reshape(steps, stride, -1)
        y, _ = net(torch.from_numpy(x))
    return y.reshape(steps * stride, -1)[:n].numpy()


def quick(net, v, config, examples):
    """Shares of frames right, undecoded: root, majmin, sevenths, bass, key."""
    right, of = np.zeros(5), np.zeros(5)
    for e in examples:
        y = logits(net, v, config["stride"], e)
        c = y[:, :133].argmax(1)
        told, root = e.chord, np.where(e.chord == 132, 12, e.chord // 11)
        q = np.minimum(told, 131) % 11
        known = told >= 0
        mm = known & ((told == 132) | (q <= 4))
        fam = lambda a: np.where(a == 132, 24, (a // 11) * 2 + np.array([0, 1, 0, 0, 1, 2, 2, 2, 2, 2, 2])[np.minimum(a, 131) % 11] +
                                 100 * (np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])[np.minimum(a, 131) % 11]))
        for i, (hit, use) in enumerate([(np.where(c == 132, 12, c // 11) == root, known), (fam(c) == fam(told), mm), (c == told, mm),
                                        (y[:, 133:146].argmax(1) == e.bass, e.bass >= 0), (y[:, 146:170].argmax(1) == e.key, e.key >= 0)]):
            right[i] += hit[use].sum()
            of[i] += use.sum()
    return " ".join(f"{n} {r:.4f}" for n, r in zip(("root", "majmin", "sevenths", "bass", "key"), right / np.maximum(of, 1)))
