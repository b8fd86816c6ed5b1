"""Has the player's own code read songs with known chords: `--bin` holds the program `progression_features`."""

import subprocess

FOLDERS = {"billboard": "billboard", "pop909": "POP909"}


def run(config, args):
    """Writes `billboard.txt` and `pop909.txt` into the work folder; `--data` holds the unpacked data sets."""
    program = args.bin / "progression_features"
    for name, folder in FOLDERS.items():
        with (args.work / f"{name}.txt").open("w") as out:
            subprocess.run([program, args.data / folder], stdout=out, check=True)
    index = (args.data / "billboard/index.csv").read_text()
    (args.work / "index.csv").write_text(index)
