"""The net: causal convolutions at 50 frames a second, recurrent layers at 25 on pairs of frames.

A pair is one chunk of the runtime, so that the recurrent layers, which cost the most, run half as often.
"""

import torch
from torch import nn

from .pieces import VOICES

PAIR = 2
METRES = ("2/4", "3/4", "4/4", "5/4", "7/8", "6/8", "12/8")
OUTPUTS = (("beat", 1), ("downbeat", 1), *((v, 1) for v in VOICES), ("onset", 1), ("velocity", len(VOICES)),
           ("metre", len(METRES)))  # fmt: skip
WIDTH = sum(width for _, width in OUTPUTS)
VELOCITY = slice(8, 8 + len(VOICES))
METRE = slice(8 + len(VOICES), WIDTH)


class RhythmNet(nn.Module):
    """x [batch, frames, bands] and states to logits [batch, frames, WIDTH] and states; frames are even."""

    def __init__(self, bands, channels, hidden, deep):
        super().__init__()
        self.bands, self.channels, self.hidden, self.deep = bands, channels, hidden, deep
        self.conv1, self.conv2 = nn.Conv1d(bands, channels, 3), nn.Conv1d(channels, channels, 3)
        self.gru1 = nn.GRU(PAIR * channels, hidden, batch_first=True)
        self.gru2 = nn.GRU(hidden, hidden, batch_first=True)
        self.gru3 = nn.GRU(hidden, deep, batch_first=True)
        self.heads = nn.Linear(PAIR * channels + 2 * hidden + deep, PAIR * WIDTH)

    def states(self, batch=1):
        """Shapes of the states: the convolutions' tails, the recurrent layers' values."""
        tails = [[batch, self.bands, 2], [batch, self.channels, 2]]
        return tails + [[1, batch, self.hidden], [1, batch, self.hidden], [1, batch, self.deep]]

    def forward(self, x, tail1, tail2, h1, h2, h3):
        """One stretch of frames."""
        batch, frames = x.shape[0], x.shape[1]
        x = torch.cat([tail1, x.transpose(1, 2)], 2)
        tail1 = x[:, :, -2:]
        x = torch.cat([tail2, torch.relu(self.conv1(x))], 2)
        tail2 = x[:, :, -2:]
        x = torch.relu(self.conv2(x)).transpose(1, 2)
        pairs = x.reshape(batch, frames // PAIR, PAIR * self.channels)
        first, h1 = self.gru1(pairs, h1)
        second, h2 = self.gru2(first, h2)
        third, h3 = self.gru3(second, h3)
        y = self.heads(torch.cat([pairs, first, second, third], 2))
        return y.reshape(batch, frames, WIDTH), tail1, tail2, h1, h2, h3

    def whole(self, x):
        """Logits of whole excerpts, from silence."""
        zeros = [torch.zeros(shape, device=x.device) for shape in self.states(x.shape[0])]
        return self(x, *zeros)[0]
