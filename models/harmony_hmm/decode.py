"""Viterbi decoding and the usual scores, in numpy, to tune the decoder that the product has in Rust."""

import numpy as np

from data import N_CLASS

FAMILY = np.array([0, 1, 0, 0, 1, -1, -1, -1, -1, -1, -1])


def majmin(c):
    """Class -> maj/min class of 25, or -1."""
    c = np.asarray(c)
    f = FAMILY[np.minimum(c, 131) % 11]
    out = np.where(f < 0, -1, (c // 11) * 2 + f)
    return np.where(c == N_CLASS, 24, np.where(c < 0, -1, out))


def transitions(counts, smooth, stay_s_frames):
    """Log transition matrix (133, 133) from root-relative counts of chord changes."""
    t = np.zeros((133, 133))
    for q in range(11):
        row = counts["change"][q] + smooth * counts["arrive"] / counts["arrive"].sum()
        for r in range(12):
            i = r * 11 + q
            for d in range(12):
                j = ((r + d) % 12) * 11
                t[i, j:j + 11] = row[d]
            t[i, N_CLASS] = counts["to_n"][q] + smooth * 0.01
            t[i, i] = 0
    t[N_CLASS, :132] = np.tile(counts["from_n"] + smooth * 0.01, 12)
    t /= t.sum(1, keepdims=True)
    return np.log(t + 1e-12)


def learnt_transitions(tensors):
    """The log transition matrix that the product decodes with, from the tensors of `chord_decoder.txt`."""
    counts = {"change": tensors["change"].reshape(11, 12, 11), "arrive": tensors["arrive"].reshape(12, 11),
              "to_n": tensors["to_n"], "from_n": tensors["from_n"]}
    return 0.5 * transitions(counts, 20, 1)


def viterbi(emit, trans, switch):
    """emit (T, 133) log scores; switch: log cost of a change a frame (scalar or (T,))."""
    n = len(emit)
    back = np.zeros((n, 133), np.int16)
    switch = np.broadcast_to(switch, n)
    score = emit[0].copy()
    cols = np.arange(133)
    for t in range(1, n):
        cand = score[:, None] + trans
        best = cand.argmax(0)
        moved = cand[best, cols] + switch[t]
        stay = moved <= score
        back[t] = np.where(stay, cols, best)
        score = np.where(stay, score, moved) + emit[t]
        score -= score.max()
    path = np.empty(n, np.int64)
    path[-1] = score.argmax()
    for t in range(n - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return path


def fixed_lag(emit, trans, switch, lag):
    """What an online decoder says of frame t once it has frame t + lag."""
    n = len(emit)
    back = np.zeros((n, 133), np.int16)
    switch = np.broadcast_to(switch, n)
    score = emit[0].copy()
    cols = np.arange(133)
    path = np.empty(n, np.int64)
    for t in range(n):
        if t:
            cand = score[:, None] + trans
            best = cand.argmax(0)
            moved = cand[best, cols] + switch[t]
            stay = moved <= score
            back[t] = np.where(stay, cols, best)
            score = np.where(stay, score, moved) + emit[t]
            score -= score.max()
        s = score.argmax()
        for k in range(lag):
            if t - k <= 0:
                break
            if t == n - 1:
                path[t - k] = s
            s = back[t - k, s]
        if t - lag >= 0:
            path[t - lag] = s
    return path


def spans(path):
    cut = np.flatnonzero(np.diff(path)) + 1
    return list(zip(np.r_[0, cut], np.r_[cut, len(path)], path[np.r_[0, cut]]))


def directional_hamming(a, b):
    """Overlap error of spans b in spans a (frames)."""
    edges_b = np.array([s for s, _, _ in b] + [b[-1][1]])
    miss = 0
    for s, e, _ in a:
        inner = edges_b[(edges_b > s) & (edges_b < e)]
        parts = np.diff(np.r_[s, inner, e])
        miss += (e - s) - parts.max()
    return miss / (a[-1][1] - a[0][0])


def score(path, label):
    """Frame counts: majmin right / of, sevenths right / of, and the segmentation score."""
    ref = majmin(label)
    use = ref >= 0
    mm = (majmin(path)[use] == ref[use]).sum(), use.sum()
    q = np.minimum(label, 131) % 11
    use7 = (label == N_CLASS) | ((label >= 0) & (q < 5))
    sv = (path[use7] == label[use7]).sum(), use7.sum()
    ref_spans, est = spans(label), spans(path)
    seg = 1 - max(directional_hamming(ref_spans, est), directional_hamming(est, ref_spans))
    return mm, sv, seg
