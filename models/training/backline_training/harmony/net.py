"""The harmony net: one recurrent listener shared by the twelve roots, each of which hears the music from its own pitch."""

import torch
from torch import nn

N_ROOTS, N_QUALITIES = 12, 11
# Columns of the output: what each head tells, and how many; the chord to come follows where a net tells it.
HEADS = [("chord", N_ROOTS * N_QUALITIES + 1), ("bass", N_ROOTS + 1), ("key", 2 * N_ROOTS), ("change", 1)]


class HarmonyNet(nn.Module):
    """Chord, bass, key and change logits a frame, from window means of compressed chroma.

    Because the weights are shared by the roots, a song transposed gives the same answers transposed: every song is learnt
    from in all twelve keys at once. The recurrence steps over `stride` frames (a dilated recurrence: Chang et al., NIPS
    2017), since frames overlap by seven eighths.

    Where `ahead`, there follow chord logits once more, of the chord `ahead` frames later: what sounds now, while what was
    told of as `chord` is past already."""

    def __init__(self, n_windows, dense, hidden, top, both_ways, dropout, ahead=0):
        super().__init__()
        self.ahead = ahead
        self.n_windows, self.dense_size, self.hidden, self.both_ways = n_windows, dense, hidden, both_ways
        self.weight = nn.Parameter(torch.randn(n_windows * 24, dense) * (2.0 / (n_windows * 24)) ** 0.5 * 3)
        self.bias = nn.Parameter(torch.zeros(dense))
        self.gru = nn.GRU(dense, hidden, bidirectional=both_ways)
        wide = hidden * (2 if both_ways else 1)
        self.mix = nn.Linear(2 * wide + dense, top)
        self.out = nn.Linear(top, N_QUALITIES + 1 + 1 + 1 + 2 + 1 + (N_QUALITIES + 1) * bool(ahead))
        self.drop = nn.Dropout(dropout)
        base = torch.arange(n_windows * 2)[:, None] * 12
        # Row f of root r's weights is the row that f is as seen from r.
        seen = torch.stack([(base + (torch.arange(12) - r) % 12).reshape(-1) for r in range(12)], 1)
        self.register_buffer("seen", seen, persistent=False)

    def first_layer(self):
        """Weights of the first layer for all roots side by side: (n_windows * 24, 12 * dense)."""
        return self.weight[self.seen].reshape(self.n_windows * 24, 12 * self.dense_size)

    def forward(self, x, state=None, first=None):
        """x (time, batch, n_windows * 24) -> y (time, batch, columns of HEADS), state after."""
        t, b = x.shape[0], x.shape[1]
        first = self.first_layer() if first is None else first
        e = torch.relu((x @ first).reshape(t, b * 12, self.dense_size) + self.bias)
        e = self.drop(e)
        h, state = self.gru(e, state)
        wide = h.shape[2]
        each = h.reshape(t, b, 12, wide)
        # Each root's own hearing, what all heard together, and what is heard just now.
        own, shared, now = torch.split(self.mix.weight, [wide, wide, self.dense_size], 1)
        z = each @ own.t() + each.mean(2, keepdim=True) @ shared.t() + e.reshape(t, b, 12, self.dense_size) @ now.t()
        z = torch.relu(z + self.mix.bias)
        o = self.out(self.drop(z))
        chord_of = lambda o: torch.cat([o[..., :11].reshape(t, b, 132), o[..., 11].mean(2)[..., None] * 4], 2)
        chord, now = chord_of(o[..., :12]), [chord_of(o[..., 17:])] if self.ahead else []
        bass = torch.cat([o[..., 12], o[..., 13].mean(2)[..., None] * 4], 2)
        key = torch.cat([o[..., 14], o[..., 15]], 2)
        return torch.cat([chord, bass, key, o[..., 16].mean(2)[..., None], *now], 2), state
