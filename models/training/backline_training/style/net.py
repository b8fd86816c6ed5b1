"""Two small nets over the same figures: one names the style, one tells the energy. `crates/listen/src/style/judge.rs` runs them."""

import torch

FARTHEST = 4.0


class Layers(torch.nn.Module):
    """`x [b, figures] -> y [b, outputs]`, one hidden layer."""

    def __init__(self, figures, hidden, outputs, dropout):
        super().__init__()
        self.hidden = torch.nn.Linear(figures, hidden)
        self.drop = torch.nn.Dropout(dropout)
        self.out = torch.nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.out(self.drop(torch.relu(self.hidden(x))))


def standard(x, mean, scale):
    """Figures around 0; what lies far outside is taken to be misheard."""
    return ((x - mean) * scale).clip(-FARTHEST, FARTHEST)
