"""Prints the comper beside a Markov chain and the written templates, on songs that it never heard."""

import json
import pathlib

import numpy as np
import torch

from backline_training.comping import bar, train

STYLES = pathlib.Path(__file__).resolve().parents[4] / "crates" / "play" / "styles"
PICKS = {"*": bar.ALL, "n": bar.ALL, "l": bar.TWO, "u": bar.TWO, "1": bar.LOW, "2": bar.MIDDLE, "3": bar.HIGH, "4": bar.HIGH}


def run(config, args):
    """Likelihood, the share of strokes that are agreed on, and what bars drawn look like."""
    model, _ = train.trained(args.work)
    learnt, test = train.load(args.work, "train"), train.load(args.work, "test")
    blind = {**test, "told": np.zeros_like(test["told"])}
    alone = {**blind, "led": np.zeros_like(test["led"]), "before": np.zeros_like(test["before"])}
    markov, plain = Markov(learnt, True), Markov(learnt, False)
    written = Written(config["styles"], learnt)
    rows = {
        "templates of the band, smoothed; density known": written.probabilities(test),
        "Markov chain": plain.probabilities(test),
        "Markov chain, bar before": markov.probabilities(test),
        "net, nothing of the bar before": says(model, alone),
        "net, bar before": says(model, blind),
        "net, bar before, density and fullness": says(model, test),
    }
    state = test["state"]
    print(f"{len(state)} bars of {len(set(test['song']))} songs")
    print("| | nats a step | strokes, F at the likeliest |\n|---|---|---|")
    for name, p in rows.items():
        nll = -np.log(np.take_along_axis(p, state[..., None], 2)).mean()
        told = p[..., bar.ALL :].sum(2) > 0.5
        true = state >= bar.ALL
        f = 2 * (told & true).sum() / (told.sum() + true.sum())
        print(f"| {name} | {nll:.3f} | {f:.3f} |")
    held = np.abs(np.diff(test["register"]))[np.diff(test["song"]) == 0].mean()
    spread = np.abs(test["register"] - learnt["register"].mean()).mean()
    print(f"register: a bar's mean key lies {held:.1f} semitones from the bar's before, {spread:.1f} from the mean of all")


def says(model, bars):
    """Probabilities of the states, [n, 16, 7]."""
    out = []
    with torch.no_grad():
        for i in range(0, len(bars["bpm"]), 512):
            x = torch.from_numpy(train.inputs(train.take(bars, slice(i, i + 512))))
            out.append(torch.softmax(model(x, torch.zeros(1, len(x), model.gru.hidden_size))[0], 2).numpy())
    return np.concatenate(out)


class Markov:
    """A state given the last, the step, whether a chord begins and, if `led`, what the bar before had there."""

    SHRINK = 4.0

    def __init__(self, bars, led):
        self.led = led
        self.tables, parent = [], np.full((*bars["state"].shape, bar.STATES), 1 / bar.STATES)
        for key, size in self.keys(bars):
            count = np.zeros((size, bar.STATES))
            np.add.at(count, (key.ravel(), bars["state"].ravel()), 1)
            self.tables.append(count)
            parent = self.shrunk(count, key, parent)

    def shrunk(self, count, key, parent):
        """Counts drawn towards what a shorter context says."""
        return (count[key] + self.SHRINK * parent) / (count[key].sum(2, keepdims=True) + self.SHRINK)

    def keys(self, bars):
        """Contexts from short to long."""
        state = bars["state"]
        last = np.concatenate([bars["last"][:, None], state[:, :-1]], 1)
        place = np.broadcast_to(np.arange(bar.STEPS), state.shape)
        one, two = last, last * bar.STEPS + place
        three = two * 2 + bars["changes"]
        keys = [(one, 7), (two, 112), (three, 224)]
        if self.led:
            before = np.where(bars["led"][:, None] > 0, bars["before"], bar.STATES)
            keys.append((three * 8 + before, 224 * 8))
        return keys

    def probabilities(self, bars):
        """[n, 16, 7]."""
        p = np.full((*bars["state"].shape, bar.STATES), 1 / bar.STATES)
        for count, (key, _) in zip(self.tables, self.keys(bars)):
            p = self.shrunk(count, key, p)
        return p


class Written:
    """The style files' rhythm of the nearest density; how far pianists keep to it is counted."""

    def __init__(self, styles, learnt):
        self.rhythms = []
        for style in (json.loads((STYLES / f"{s}.json").read_text()) for s in styles):
            for part in (p for p in style["comping"] if p.get("metre", style["metres"][0]) == "4/4"):
                self.rhythms.append(states(part["rhythm"], part.get("pick")))
        strikes = np.array([(r >= bar.ALL).sum(1).mean() for r in self.rhythms])
        self.order = np.argsort(strikes)
        template = self.templates(learnt)
        count = np.ones((bar.STATES, 2, bar.STATES))
        np.add.at(count, (template.ravel(), learnt["changes"].ravel(), learnt["state"].ravel()), 1)
        self.kept = count / count.sum(2, keepdims=True)

    def templates(self, bars):
        """[n, 16] written states."""
        which = self.order[np.minimum((bars["dense"] * len(self.order)).astype(int), len(self.order) - 1)]
        return np.array([self.rhythms[w][p % len(self.rhythms[w])] for w, p in zip(which, bars["phrase"])])

    def probabilities(self, bars):
        """[n, 16, 7]."""
        return self.kept[self.templates(bars), bars["changes"]]


def states(rhythm, pick):
    """The states of a written rhythm, [bars, 16]."""
    marks = [c for c in rhythm if c not in " |"]
    picks = [c for c in pick or "*" * len(marks) if c not in " |"]
    out = [bar.REST if m == "." else bar.HOLD if m == "=" else PICKS.get(p, bar.ALL) for m, p in zip(marks, np.resize(picks, len(marks)))]
    return np.array(out).reshape(-1, bar.STEPS)
