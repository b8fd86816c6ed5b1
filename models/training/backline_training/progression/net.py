"""The net: two layers on the last eight bars and on what copying them would give."""

import torch

from backline_training.progression import data


class Progression(torch.nn.Module):
    """`x [b, steps, FEATURES] -> (y [b, steps, CLASSES],)`; the copy's share is a start that the layers correct."""

    def __init__(self, hidden, dropout=0.0):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(data.FEATURES, hidden),
            torch.nn.ReLU(),
            torch.nn.Dropout(dropout),
            torch.nn.Linear(hidden, hidden),
            torch.nn.ReLU(),
            torch.nn.Dropout(dropout),
            torch.nn.Linear(hidden, data.CLASSES),
        )

    def forward(self, x):
        figures = data.READ * (data.CLASSES + 1)
        share = x[..., figures : figures + data.CLASSES]
        return (self.layers(x) + torch.log(share + 0.02),)
