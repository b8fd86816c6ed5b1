"""The chord emission model: one small perceptron that looks at the chroma from each of the twelve roots in turn."""

import numpy as np

from data import N_CLASS

# Windows over which compressed chroma is averaged, in frames relative to the one that is judged.
ONLINE_WINDOWS = [(0, 0), (-1, 1), (2, 4), (-4, -2), (-10, -5), (-22, -11), (-64, -23), (-300, -65)]
OFFLINE_WINDOWS = ONLINE_WINDOWS + [(5, 10), (11, 22), (23, 64), (65, 300)]
FLOOR = 0.5


def compress(chroma):
    """Square root, then scaled to a length just under 1; near silence the length falls to 0."""
    y = np.sqrt(np.maximum(chroma, 0))
    return (y / (np.linalg.norm(y, axis=1, keepdims=True) + FLOOR)).astype(np.float32)


def features(chroma, windows, frames):
    """(len(frames), len(windows) * 24): window means, empty windows 0, clipped at the ends of the song."""
    y = compress(chroma)
    total = np.concatenate([np.zeros((1, 24)), np.cumsum(y, axis=0, dtype=np.float64)])
    out = np.zeros((len(frames), len(windows), 24), np.float32)
    for w, (a, b) in enumerate(windows):
        lo = np.clip(frames + a, 0, len(y))
        hi = np.clip(frames + b + 1, 0, len(y))
        n = np.maximum(hi - lo, 1)[:, None]
        out[:, w] = (total[np.maximum(hi, lo)] - total[lo]) / n
    return out.reshape(len(frames), -1)


def rotations(n_windows):
    """Index array (12, n_windows * 24): feature positions as seen from each root."""
    base = np.arange(n_windows * 2)[:, None] * 12
    return np.stack([(base + (np.arange(12) + r) % 12).reshape(-1) for r in range(12)])


class Net:
    """Two relu layers; 11 quality scores and one share of "no chord" a root."""

    def __init__(self, n_windows, hidden, rng):
        sizes = [n_windows * 24, *hidden, 12]
        gain = [3 * np.sqrt(2), *[np.sqrt(2)] * (len(hidden) - 1), 1]
        self.w = [(rng.standard_normal((a, b)) * g / np.sqrt(a)).astype(np.float32)
                  for a, b, g in zip(sizes, sizes[1:], gain)]
        self.b = [np.zeros(b, np.float32) for b in sizes[1:]]
        self.rot = rotations(n_windows)

    def forward(self, x, drop=0.0, rng=None):
        layers = [x[:, self.rot].reshape(-1, x.shape[1])]
        for i, (w, b) in enumerate(zip(self.w, self.b)):
            z = layers[-1] @ w + b
            if i + 1 < len(self.w):
                z = np.maximum(z, 0)
                if drop:
                    z *= (rng.random(z.shape, np.float32) >= drop) * np.float32(1 / (1 - drop))
            layers.append(z)
        o = layers.pop().reshape(len(x), 12, 12)
        logits = np.concatenate([o[:, :, :11].reshape(len(x), 132), o[:, :, 11].mean(1, keepdims=True) * 4], 1)
        return layers, logits

    def log_prob(self, x, step=2048):
        out = np.empty((len(x), 133), np.float32)
        for i in range(0, len(x), step):
            z = self.forward(x[i:i + step])[1]
            z -= z.max(1, keepdims=True)
            out[i:i + step] = z - np.log(np.exp(z).sum(1, keepdims=True))
        return out

    def gradient(self, x, label, weight, drop=0.0, rng=None):
        layers, z = self.forward(x, drop, rng)
        z = z - z.max(1, keepdims=True)
        e = np.exp(z)
        prob = e / e.sum(1, keepdims=True)
        loss = float(-(weight * np.log(prob[np.arange(len(x)), label] + 1e-9)).sum() / weight.sum())
        d = prob
        d[np.arange(len(x)), label] -= 1
        d *= (weight / weight.sum())[:, None]
        do = np.empty((len(x), 12, 12), np.float32)
        do[:, :, :11] = d[:, :N_CLASS].reshape(len(x), 12, 11)
        do[:, :, 11] = d[:, N_CLASS:] * (4 / 12)
        do = do.reshape(-1, 12)
        dw, db = [], []
        for i in reversed(range(len(self.w))):
            dw.append(layers[i].T @ do)
            db.append(do.sum(0))
            if i:
                do = (do @ self.w[i].T) * ((layers[i] > 0) * np.float32(1 / (1 - drop)))
        return loss, dw[::-1] + db[::-1]


def train(net, x, label, weight, steps, batch, rng, rate=2e-3, decay=1e-3, drop=0.0, long=(), log=print):
    """Adam with decoupled decay and a cosine schedule; `drop` is the share of hidden units, and `long` the windows that are
    left out at random, so that songs are not learnt by heart."""
    params = net.w + net.b
    m = [np.zeros_like(p) for p in params]
    s = [np.zeros_like(p) for p in params]
    seen, order = 0, rng.permutation(len(x))
    running = 0.0
    for step in range(1, steps + 1):
        if seen + batch > len(order):
            seen, order = 0, rng.permutation(len(x))
        pick = order[seen:seen + batch]
        seen += batch
        xb = x[pick].astype(np.float32)
        # A lone guitar or a voice has no bass; a user's track is seldom a full mix.
        bare = rng.random(batch)
        view = xb.reshape(batch, -1, 2, 12)
        view[bare < 0.1, :, 0] = 0
        view *= rng.uniform(0.85, 1.1, (batch, 1, 1, 1)).astype(np.float32)
        if drop:
            xb += 0.02 * rng.standard_normal(xb.shape, np.float32)
            for w in long:
                view[rng.random(batch) < 0.15, w] = 0
        loss, grad = net.gradient(xb, label[pick], weight[pick], drop, rng)
        running += (loss - running) * (0.02 if step > 50 else 0.2)
        lr = rate * min(1, step / 100) * 0.5 * (1 + np.cos(np.pi * step / steps))
        for p, g, mi, si in zip(params, grad, m, s):
            mi += 0.1 * (g - mi)
            si += 0.001 * (g * g - si)
            p -= lr * (mi / (1 - 0.9**step) / (np.sqrt(si / (1 - 0.999**step)) + 1e-8) + decay * p)
        if step % 250 == 0:
            log(f"step {step} loss {running:.4f}")
