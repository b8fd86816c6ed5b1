"""The net: two recurrent layers over beats, in both directions."""

import torch
from torch import nn

from ..rhythm.net import METRES

OUTPUTS = (("downbeat", 1), ("metre", len(METRES)))
WIDTH = sum(width for _, width in OUTPUTS)


class BarsNet(nn.Module):
    """x [batch, beats, features] to logits [batch, beats, WIDTH]."""

    def __init__(self, features, dense, hidden, dropout):
        super().__init__()
        # What the features are about, and how much they vary: set from the training music before training.
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.first = nn.Linear(features, dense)
        self.gru1 = nn.GRU(dense, hidden, batch_first=True, bidirectional=True)
        self.gru2 = nn.GRU(2 * hidden, hidden, batch_first=True, bidirectional=True)
        self.heads = nn.Linear(4 * hidden, WIDTH)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        """One stretch of beats."""
        x = self.drop((x - self.mean) / self.scale)
        x = self.drop(torch.relu(self.first(x)))
        one, _ = self.gru1(x)
        two, _ = self.gru2(self.drop(one))
        return (self.heads(self.drop(torch.cat([one, two], 2))),)
