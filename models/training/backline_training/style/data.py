"""The heard pieces as figures, one row a look: what the listener knew after twelve and after all seconds, with hindsight, or as imitated."""

import json
import subprocess

import numpy as np

# Streams are looked at this early, and at their end.
EARLY_S = 12.0
LISTS = ("beats", "drums", "onsets", "loudness", "timbre")


def looks(row):
    """[(how, what is heard)] of one file."""
    online = row["heard"]["online"]
    out = [("online", online), ("early", cut(online, EARLY_S))]
    if "offline" in row["heard"]:
        out.append(("offline", row["heard"]["offline"]))
    return out


def cut(heard, time_s):
    """What was heard up to a time; tempo, metre and key are those of the end."""
    early = {name: [x for x in heard[name] if x["time_s"] <= time_s] for name in LISTS}
    return heard | early | {"time_s": time_s}


def load(work, programs):
    """(rows, figures [n, FIGURES], whether there are any): one row a look, a dict of what is known of it."""
    rows, lines = [], []
    for file in sorted((work / "heard").glob("*.json")):
        piece = json.loads(file.read_text())
        for how, heard in looks(piece):
            about = {key: value for key, value in piece.items() if key != "heard"}
            rows.append(about | {"how": how, "rules": heard["style"], "name": file.stem})
            lines.append(json.dumps(heard))
    for line in (work / "imitated.jsonl").open():
        piece = json.loads(line)
        rows.append({key: value for key, value in piece.items() if key != "heard"} | {"how": "imitated", "rules": piece["heard"]["style"]})
        lines.append(json.dumps(piece["heard"]))
    words = [str(programs / "style_figures")]
    answers = subprocess.run(words, input="\n".join(lines), text=True, capture_output=True, check=True).stdout.splitlines()
    told = [json.loads(answer) for answer in answers]
    width = max(len(t) for t in told if t)
    return rows, np.array([t or [0.0] * width for t in told], np.float32), np.array([t is not None for t in told])
