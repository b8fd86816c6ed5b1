"""Writes the harmony nets as ONNX: the stream's as harmony_net, the recordings' as harmony_offline_net."""

import torch
from torch import nn

from .. import onnx_file
from . import songs, train
from .net import HEADS

# How often a chord changes is learnt from, and not asked for; it is the last column of these heads.
TOLD = [head for head in HEADS if head[0] != "change"]
COLUMNS = sum(width for _, width in TOLD)


def told(y):
    """What is asked for: the heads, and the chord that sounds now where the net tells it."""
    return torch.cat([y[..., :COLUMNS], y[..., COLUMNS + 1 :]], 2)


NAMES = {"online": "harmony", "offline": "harmony_offline"}


class OneByOne(nn.Module):
    """A frame at a time. The recurrence goes on from `stride` frames ago, so the states of the last `stride` frames are kept."""

    def __init__(self, net):
        super().__init__()
        self.net, self.first = net, nn.Parameter(net.first_layer().detach())

    def forward(self, x, state):
        y, now = self.net(x, state[:1], self.first)
        return told(y), torch.cat([state[1:], now], 0)


class WholeChunk(nn.Module):
    """A chunk on its own, in both directions; every `stride`th frame is a sequence."""

    def __init__(self, net, chunk, stride):
        super().__init__()
        self.net, self.first, self.chunk, self.stride = net, nn.Parameter(net.first_layer().detach()), chunk, stride

    def forward(self, x):
        y, _ = self.net(x.reshape(self.chunk // self.stride, self.stride, x.shape[2]), None, self.first)
        return (told(y).reshape(1, self.chunk, -1),)


def run(config, args):
    """Exports each of config["variants"] from its checkpoint."""
    for name in config["variants"]:
        v = config[name]
        net = train.build(config, name)
        net.load_state_dict(torch.load(args.work / f"{name}.pt", map_location="cpu")["net"])
        net.eval()
        about = {"name": NAMES[name], "frame_rate_hz": 1 / songs.HOP_S, "lookahead_frames": 0,
                 "licence": "MIT OR Apache-2.0", "windows": v["windows"]}
        features = len(v["windows"]) * 24
        if v["both_ways"]:
            wrapped, states, chunk = WholeChunk(net, v["chunk"], config["stride"]), [], v["chunk"]
        else:
            wrapped, states, chunk = OneByOne(net), [[config["stride"], 12, v["hidden"]]], 1
        folder = (args.out or args.work / "models") / f"{NAMES[name]}_net"
        columns = TOLD + [("now", HEADS[0][1])] * bool(v["ahead"])
        onnx_file.write(wrapped, states, chunk, features, columns, about, folder)
        print(folder, (folder / "net.onnx").stat().st_size, "bytes")
