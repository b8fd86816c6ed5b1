"""What was read of the songs, split by title: what is spelt otherwise but the same is kept apart from training, too."""

import csv

import numpy as np

from backline_training.harmony.songs import plain

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
        for split, chosen in split_titles(apart, config).items():
            here = np.isin(title, chosen)
            parts[split].append((rows[here], np.full(here.sum(), source == "billboard"), names[here]))
    out = {}
    for split, sets in parts.items():
        rows = np.concatenate([s[0] for s in sets])
        billboard, names = np.concatenate([s[1] for s in sets]), np.concatenate([s[2] for s in sets])
        out[split] = rows[:, 1 : 1 + READ].astype(int), rows[:, 1 + READ :], rows[:, 0].astype(int), billboard, names
    return out


def split_titles(titles, config):
    """{split: titles}, in the order given: the first for the test, the next for validation. What has the title of one
    of them under another spelling is left out."""
    test, validation = config["test_titles"], config["test_titles"] + config["validation_titles"]
    held = {plain(title) for title in titles[:validation]}
    train = [title for title in titles[validation:] if plain(title) not in held]
    return {"test": titles[:test], "validation": titles[test:validation], "train": train}


def features(classes, figures):
    """x [n, FEATURES], as `Reading::features` builds it."""
    one = np.eye(CLASSES + 1, dtype=np.float32)[classes].reshape(len(classes), -1)
    return np.concatenate([one, figures], 1)
