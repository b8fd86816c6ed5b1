"""Writes the tiny untrained net that the runtime's tests run: `python -m backline_training.tiny FOLDER`.

A causal convolution that carries its tail and a recurrent layer that carries its state: what the real nets are made of.
"""

import sys

import torch

from backline_training import onnx_file

FEATURES, CHANNELS, KERNEL, HIDDEN, CHUNK = 6, 5, 3, 4, 8


class Tiny(torch.nn.Module):
    """`(x [1, chunk, features], tail [1, features, kernel - 1], h [1, 1, hidden]) -> (y [1, chunk, 3], tail, h)`."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(FEATURES, CHANNELS, KERNEL)
        self.gru = torch.nn.GRU(CHANNELS, HIDDEN, batch_first=True)
        self.head = torch.nn.Linear(HIDDEN, 3)

    def forward(self, x, tail, h):
        x = torch.cat([tail, x.transpose(1, 2)], 2)
        y, h = self.gru(torch.tanh(self.conv(x)).transpose(1, 2), h)
        return self.head(y), x[:, :, -(KERNEL - 1) :], h


if __name__ == "__main__":
    torch.manual_seed(1)
    onnx_file.write(
        Tiny(),
        states=[[1, FEATURES, KERNEL - 1], [1, 1, HIDDEN]],
        chunk=CHUNK,
        features=FEATURES,
        outputs=[("one", 1), ("two", 2)],
        about={"name": "tiny", "frame_rate_hz": 50.0, "lookahead_frames": 0, "temperature": {"two": 1.5}},
        folder=sys.argv[1],
    )
