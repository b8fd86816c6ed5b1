"""Scores the judges on grids kept apart: how often the beat is chosen, by what was taken for it, beside keeping what was taken."""

import torch

from .train import load, log_probs, rebuilt


def run(config, args):
    """Prints shares of `WORK/octave_JUDGE_test.npz` (`--set evaluate="valid"`: the validation's)."""
    for name, weights in torch.load(args.work / "octave.pt").items():
        x, there, right = load(args.work / f"octave_{name}_{config['evaluate']}.npz")
        with torch.no_grad():
            told = log_probs(rebuilt(weights), x, there).exp()
        hit = right.gather(1, told.argmax(1, keepdim=True))[:, 0].float()
        print(f"{name}: {len(x)} grids: beat chosen {hit.mean():.3f}, kept as taken {right[:, 0].float().mean():.3f}")
        sure = told.max(1).values
        for low, high in ((0.0, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.9), (0.9, 1.01)):
            these = (sure >= low) & (sure < high)
            if these.any():
                print(f"told {sure[these].mean():.2f}: right {hit[these].mean():.2f} ({int(these.sum())})")
