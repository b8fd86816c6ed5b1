"""Prints the drummer beside its baselines on drummers and on kinds of grooves that it never heard."""

import numpy as np
import torch

from backline_training.drums import bar, baselines, batches, grooves, net, prepare, train


def run(config, args):
    """Tables of likelihood, of groove statistics and of how the kick meets the accents."""
    model, config = train.load(args.work)
    styles = config["styles"]
    learnt = batches.load(args.work, "train")
    markov = baselines.Markov(learnt)
    for split, source, what in (
        ("test", 0, "drummers never heard"),
        ("validation", 0, "other takes of drummers that were heard"),
        ("test", 2, "grooves by genre: families never learnt from"),
    ):
        bars = batches.load(args.work, split)
        bars = batches.heard(batches.take(bars, bars["source"] == source), np.random.default_rng(7), 1.0)
        written = baselines.Written(prepare.STYLES, styles, batches.take(learnt, learnt["source"] == source))
        print(f"\n{what}")
        likelihood(model, written, markov, bars, styles)
        if split == "test":
            statistics(model, markov, written, {**bars, "accented": np.zeros_like(bars["accented"])}, len(styles))
            agreement(model, bars, len(styles))


def likelihood(model, written, markov, test, styles):
    """Negative log-likelihood of strokes and rests, over all and by style."""
    known, struck = bar.mask(test["triplet"]), test["level"] > 0
    deaf = {**test, "accented": np.zeros_like(test["accented"])}
    middle = {**deaf, "energy": np.full_like(test["energy"], 0.5), "density": np.full_like(test["density"], 0.5)}
    blind = {**deaf, "charted": np.zeros_like(test["charted"])}
    rows = {
        "written groove": baselines.nll(written.probabilities(test), struck)[known],
        "Markov, bar before": baselines.nll(markov.probabilities(blind), struck[known]),
        "Markov, chart and bar before": baselines.nll(markov.probabilities(test), struck[known]),
        "net, bar before": strikes(model, blind, len(styles))[known],
        "net, chart and bar before, energy and density kept from it": strikes(model, middle, len(styles))[known],
        "net, chart and bar before": strikes(model, deaf, len(styles))[known],
        "net, and accents": strikes(model, test, len(styles))[known],
    }
    print(f"{known.sum()} steps of {len(test['style'])} bars; negative log-likelihood of the strokes, nats a step")
    print("| | a step | a stroke |\n|---|---|---|")
    for name, values in rows.items():
        print(f"| {name} | {values.sum() / known.sum():.3f} | {values.sum() / struck[known].sum():.3f} |")
    style = np.repeat(test["style"][:, None], bar.STEPS, 1)[known]
    print("\n| style | bars | " + " | ".join(rows) + " |\n" + "|---" * (len(rows) + 2) + "|")
    for k in np.unique(style):
        cells = [f"{v[style == k].sum() / (style == k).sum():.3f}" for v in rows.values()]
        print(f"| {styles[k]} | {(test['style'] == k).sum()} | " + " | ".join(cells) + " |")


def strikes(model, bars, styles):
    """Negative log-likelihood of every stroke and rest, [n, 16, N]."""
    out = []
    with torch.no_grad():
        for i in range(0, len(bars["style"]), 512):
            out.append(train.run_net(model, batches.take(bars, slice(i, i + 512)), styles)[0].numpy())
    return np.concatenate(out)


def play(model, bars, styles, rng):
    """(levels, lateness) [n, 16, N] that the net draws, step by step."""
    n = len(bars["style"])
    told = torch.from_numpy(bar.conditions(bars, styles))
    level, late = np.zeros((2, n, bar.STEPS, bar.N), np.float32)
    h, last = torch.zeros(1, n, model.gru.hidden_size), torch.zeros(n, bar.N)
    with torch.no_grad():
        for step in range(bar.STEPS):
            x = torch.cat([(last > 0).float(), last, told[:, step]], 1)[:, None]
            y, h = model(x, h)
            heads = net.split(y[:, 0])
            hit = torch.zeros(n, bar.N)
            for voice in range(bar.N):
                chance = torch.sigmoid(net.chain(heads, hit)[:, voice]).numpy()
                hit[:, voice] = torch.from_numpy((rng.random(n) < chance).astype(np.float32))
            draw = lambda m, s: m.numpy() + (np.exp(s.numpy()) + 0.05) * rng.standard_normal((n, bar.N))
            new = np.clip(draw(heads["level"], heads["level_log_spread"]), 0.05, 1) * hit.numpy()
            level[:, step], late[:, step] = new, draw(heads["late"], heads["late_log_spread"]) * hit.numpy()
            last = torch.from_numpy(new.astype(np.float32))
    level[~bar.mask(bars["triplet"])] = 0
    return level, late


def statistics(model, markov, written, bars, styles):
    """Overlap of groove statistics with the drummers', for the net, the chain and the written grooves."""
    bars = batches.take(bars, np.random.default_rng(1).permutation(len(bars["style"]))[:1500])
    rng = np.random.default_rng(2)
    sets = {"net": play(model, bars, styles, rng)}
    drawn = markov.play(bars, rng)
    mean = [float(bars["level"][..., v].sum() / max((bars["level"][..., v] > 0).sum(), 1)) for v in range(bar.N)]
    sets["Markov"] = drawn * np.array(mean, np.float32), np.zeros(drawn.shape)
    has = np.array([written.pick(bars, i) is not None for i in range(len(bars["style"]))])
    level = np.zeros(drawn.shape)
    for i in np.flatnonzero(has):
        groove, prob = written.pick(bars, i)
        level[i, : len(groove)] = np.where(rng.random(prob.shape) < prob, groove, 0)
    # As the template player humanises: 2 ms and about 3 % at its usual setting.
    uneven = rng.standard_normal((2, *level.shape))
    sets["written groove"] = level * (1 + 0.03 * uneven[0]), 0.1 * uneven[1]
    reference = grooves.statistics(bars["level"], bars["late"], bars["triplet"])
    print("\noverlapping area (1 is best) / KL divergence (0 is best) with them")
    print("| | " + " | ".join(grooves.FEATURES) + " |\n" + "|---" * 7 + "|")
    for name, (level, late) in sets.items():
        measured = grooves.statistics(level, late, bars["triplet"])
        cells = [f"{a:.2f} / {d:.3f}" for a, d in grooves.overlap(reference, measured, np.random.default_rng(3))]
        print(f"| {name} | " + " | ".join(cells) + " |")


def agreement(model, bars, styles):
    """How strong the accents under the played kicks are, against accents of other bars."""
    bars = batches.take(bars, np.random.default_rng(4).permutation(len(bars["style"]))[:800])
    level, _ = play(model, bars, styles, np.random.default_rng(5))
    kick = level[:, :, 0] > 0
    mean = lambda accents: float(accents[kick].mean())
    other = np.roll(bars["accents"], 1, 0)
    print(f"\naccent under the kicks: heard {mean(bars['accents']):.3f}, of another bar {mean(other):.3f}")
