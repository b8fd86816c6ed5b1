"""The net: a recurrent layer over the steps of a bar, and one of seven states at each."""

import torch

from backline_training.comping import bar

OUTPUTS = [("state", bar.STATES)]


class Comper(torch.nn.Module):
    """`(x [b, steps, WIDTH], h [1, b, hidden]) -> (y [b, steps, STATES], h)`."""

    def __init__(self, inner, hidden, dropout=0.0):
        super().__init__()
        self.read = torch.nn.Linear(bar.WIDTH, inner)
        self.gru = torch.nn.GRU(inner, hidden, batch_first=True)
        self.drop = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(hidden + inner, bar.STATES)

    def forward(self, x, h):
        x = torch.relu(self.read(x))
        y, h = self.gru(x, h)
        return self.head(self.drop(torch.cat([y, x], 2))), h
