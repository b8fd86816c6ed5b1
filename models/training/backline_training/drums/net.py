"""The net: a recurrent layer over the steps of a bar; the voices of a step are a chain, tied by couplings it gives.

With h the layer's state at a step, voice v is struck with probability σ(b_v(h) + Σ_{u<v} C_vu(h)·s_u), s_u saying
whether voice u was struck: the exact chain rule over the voices at the price of one run a step (as NADE, Larochelle &
Murray, AISTATS 2011, with couplings that follow the context). Level and lateness of a stroke are normal.
"""

import torch

from backline_training.drums import bar

PAIRS = [(v, u) for v in range(bar.N) for u in range(v)]
OUTPUTS = [("strike", bar.N), ("coupling", len(PAIRS)), ("level", bar.N), ("level_log_spread", bar.N)]
OUTPUTS += [("late", bar.N), ("late_log_spread", bar.N)]
WIDTH = sum(w for _, w in OUTPUTS)


class Drummer(torch.nn.Module):
    """`(x [b, steps, features], h [1, b, hidden]) -> (y [b, steps, WIDTH], h)`."""

    def __init__(self, features, inner, hidden, dropout=0.0):
        super().__init__()
        self.read = torch.nn.Linear(features, inner)
        self.gru = torch.nn.GRU(inner, hidden, batch_first=True)
        self.drop = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(hidden + inner, WIDTH)

    def forward(self, x, h):
        x = torch.relu(self.read(x))
        y, h = self.gru(x, h)
        return self.head(self.drop(torch.cat([y, x], 2))), h


def split(y):
    """The heads by name."""
    return dict(zip((n for n, _ in OUTPUTS), torch.split(y, [w for _, w in OUTPUTS], -1)))


def chain(heads, struck):
    """Logits of the nine voices, each given the ones before it: [..., N]. struck: [..., N], 0 or 1."""
    ties = torch.zeros(*struck.shape, bar.N, device=struck.device)
    rows, columns = zip(*PAIRS)
    ties[..., rows, columns] = heads["coupling"]
    return heads["strike"] + (ties * struck.unsqueeze(-2)).sum(-1)


def losses(y, level, late, timed):
    """(strike, level, late) negative log-likelihoods, each [b, steps, N]; the last two are 0 where nothing is struck.

    timed: [b], whether lateness is known.
    """
    heads = split(y)
    struck = (level > 0).float()
    strike = torch.nn.functional.binary_cross_entropy_with_logits(chain(heads, struck), struck, reduction="none")
    touch = normal(level, heads["level"], heads["level_log_spread"]) * struck
    return strike, touch, normal(late, heads["late"], heads["late_log_spread"]) * struck * timed[:, None, None]


def normal(value, mean, log_spread):
    """Negative log-likelihood of a normal whose spread is at least 0.05."""
    spread = torch.exp(log_spread) + 0.05
    return 0.5 * ((value - mean) / spread) ** 2 + torch.log(spread) + 0.9189385
