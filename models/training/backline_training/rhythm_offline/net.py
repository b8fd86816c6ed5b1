"""The net: recurrent layers in both directions, at 25 frames a second on pairs of frames, over what the stream's net said."""

import torch
from torch import nn

from ..rhythm.net import METRES, PAIR
from ..rhythm.pieces import VOICES

# Columns of what is read before the bands: logits of the stream's heads, then the metres' probabilities.
HEADS = 3 + len(VOICES)
SAID = HEADS + len(METRES)
OUTPUTS = (("beat", 1), ("downbeat", 1), *((v, 1) for v in VOICES), ("onset", 1), ("metre", len(METRES)))
WIDTH = sum(width for _, width in OUTPUTS)


class RhythmOfflineNet(nn.Module):
    """x [batch, frames, SAID + bands] to logits [batch, frames, WIDTH]; frames are even."""

    def __init__(self, features, dense, hidden, dropout):
        super().__init__()
        self.features = features
        self.first = nn.Linear(PAIR * features, dense)
        self.gru1 = nn.GRU(dense, hidden, batch_first=True, bidirectional=True)
        self.gru2 = nn.GRU(2 * hidden, hidden, batch_first=True, bidirectional=True)
        self.heads = nn.Linear(dense + 4 * hidden, PAIR * WIDTH)
        # What the stream's net said of a frame is where this one begins.
        self.own = nn.Parameter(torch.full((HEADS,), 2.0))
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        """Logits of whole excerpts."""
        batch, frames = x.shape[0], x.shape[1]
        pairs = self.drop(torch.relu(self.first(x.reshape(batch, frames // PAIR, PAIR * self.features))))
        one, _ = self.gru1(pairs)
        two, _ = self.gru2(self.drop(one))
        y = self.heads(torch.cat([pairs, one, two], 2)).reshape(batch, frames, WIDTH)
        return torch.cat([y[..., :HEADS] + self.own * x[..., :HEADS], y[..., HEADS:]], 2)
