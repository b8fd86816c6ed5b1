"""What was read of the songs, split by title."""

import csv

import numpy as np

CLASSES, READ, FIGURES = 37, 19, 41
FEATURES = READ * (CLASSES + 1) + FIGURES


def load(work, config):
    """{split: (classes [n, READ], figures [n, FIGURES], truth [n], billboard [n])} for train, validation and test."""
    parts = {split: [] for split in ("train", "validation", "test")}
    titles = {}
    for row in csv.DictReader((work / "index.csv").open()):
        titles[f"{int(row['id']):04d}"] = (row["artist"] + "|" + row["title"]).lower()
    for source in ("billboard", "pop909"):
        names, rows = [], []
        for line in (work / f"{source}.txt").open():
            name, rest = line.split(" ", 1)
            names.append(name)
            rows.append(np.fromstring(rest, np.float32, sep=" "))
        rows, names = np.stack(rows), np.array(names)
        title = np.array([titles.get(n, n) for n in names]) if source == "billboard" else names
        apart = sorted(set(title))
        np.random.default_rng(config["split_seed"]).shuffle(apart)
        test, validation = config["test_titles"], config["validation_titles"]
        for split, chosen in (
            ("test", apart[:test]),
            ("validation", apart[test : test + validation]),
            ("train", apart[test + validation :]),
        ):
            here = np.isin(title, chosen)
            parts[split].append((rows[here], np.full(here.sum(), source == "billboard"), names[here]))
    out = {}
    for split, sets in parts.items():
        rows = np.concatenate([s[0] for s in sets])
        billboard, names = np.concatenate([s[1] for s in sets]), np.concatenate([s[2] for s in sets])
        out[split] = rows[:, 1 : 1 + READ].astype(int), rows[:, 1 + READ :], rows[:, 0].astype(int), billboard, names
    return out


def features(classes, figures):
    """x [n, FEATURES], as `Reading::features` builds it."""
    one = np.eye(CLASSES + 1, dtype=np.float32)[classes].reshape(len(classes), -1)
    return np.concatenate([one, figures], 1)
