"""The net: two recurrent layers over beats, in one direction or in both."""

import torch
from torch import nn

from ..rhythm.net import METRES

OUTPUTS = (("downbeat", 1), ("metre", len(METRES)))
WIDTH = sum(width for _, width in OUTPUTS)


class BarsNet(nn.Module):
    """x [batch, beats, features], and states where it goes on, to logits [batch, beats, WIDTH] and states."""

    def __init__(self, features, dense, hidden, dropout, both_ways):
        super().__init__()
        ways = 2 if both_ways else 1
        self.hidden, self.both_ways = hidden, both_ways
        # What the features are about, and how much they vary: set from the training music before training.
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.first = nn.Linear(features, dense)
        self.gru1 = nn.GRU(dense, hidden, batch_first=True, bidirectional=both_ways)
        self.gru2 = nn.GRU(ways * hidden, hidden, batch_first=True, bidirectional=both_ways)
        self.heads = nn.Linear(2 * ways * hidden, WIDTH)
        self.drop = nn.Dropout(dropout)

    def states(self, batch=1):
        """Shapes of the states."""
        return [] if self.both_ways else [[1, batch, self.hidden], [1, batch, self.hidden]]

    def forward(self, x, *states):
        """One stretch of beats."""
        x = self.drop((x - self.mean) / self.scale)
        x = self.drop(torch.relu(self.first(x)))
        one, h1 = self.gru1(x, *states[:1])
        two, h2 = self.gru2(self.drop(one), *states[1:])
        y = self.heads(self.drop(torch.cat([one, two], 2)))
        return (y,) if self.both_ways else (y, h1, h2)

    def whole(self, x):
        """Logits of whole stretches, from nothing."""
        return self(x, *(torch.zeros(shape, device=x.device) for shape in self.states(x.shape[0])))[0]
