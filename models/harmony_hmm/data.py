"""Billboard's chroma and chord labels as arrays: what the training package reads, under the names used here."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "training"))

from backline_training.harmony.songs import *  # noqa: E402, F401, F403
