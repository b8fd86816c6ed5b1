"""Draws planned bars as a piano roll over a drum grid: `python -m backline_training.rolls --bin PROGRAMS --out FOLDER`.

Eight bars of each style over the same chords, as the example program `dump` plans them; one PNG each. `--styles` and
`--chords` say which, BARS.json are drawn as they are (what `dump STYLE "CHORDS" 0 0 4/4 json` prints). Chords are blue, bass is
green, drums are red: from below kick, snare, rim, clap, toms, pedal, closed and open hat, ride, crash. Colour is velocity;
what lies off the grid lines is micro-timing and swing. No library beyond numpy is needed.
"""

import argparse
import json
import pathlib
import struct
import subprocess
import zlib

import numpy as np

PER_BEAT, KEY, LANE, LEFT = 44, 5, 12, 8
LOW, HIGH = 26, 90
DRUMS = (49, 51, 46, 42, 44, 50, 47, 43, 39, 37, 38, 36)
PAPER, LINE, BAR = (250, 250, 250), (228, 228, 228), (150, 150, 150)
HUES = {"drums": (200, 60, 40), "chords": (40, 90, 190), "bass": (30, 140, 70)}


def main():
    """Draws every style and every file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bars", type=pathlib.Path, nargs="*")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--bin", type=pathlib.Path, help="folder with the example program dump")
    parser.add_argument("--styles", default="rock,jazz,house,hardstyle,bossa,ballad")
    parser.add_argument("--chords", default="A:min7 F:maj7 C G A:min7 F:maj7 D:min7 G:7")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for style in args.styles.split(",") if args.bin else ():
        words = [str(args.bin / "dump"), style, args.chords, "0", "0", "4/4", "json"]
        bars = subprocess.run(words, capture_output=True, check=True).stdout
        write(args.out / f"{style}.png", draw(json.loads(bars)))
    for file in args.bars:
        write(args.out / f"{file.stem}.png", draw(json.loads(file.read_text())))


def draw(bars):
    """[height, width, 3] of the bars, four a row."""
    return np.concatenate([row(bars[i : i + 4]) for i in range(0, len(bars), 4)])


def row(bars):
    """One row: chords and bass above, the drum lanes below."""
    start = bars[0]["start_beat"]
    quarters = [b["metre"]["numerator"] * 4 / b["metre"]["denominator"] for b in bars]
    roll, grid = (HIGH - LOW) * KEY, len(DRUMS) * LANE
    image = np.full((roll + grid + 3 * LEFT, LEFT * 2 + int(sum(quarters) * PER_BEAT), 3), PAPER, np.uint8)
    for step in range(int(sum(quarters) * 4) + 1):
        image[:, LEFT + step * PER_BEAT // 4] = LINE if step % 4 else (205, 205, 205)
    for b in bars:
        image[:, LEFT + int((b["start_beat"] - start) * PER_BEAT)] = BAR
    for key in range(LOW, HIGH):
        if key % 12 == 0:
            image[(HIGH - key) * KEY] = LINE
    for b in bars:
        for note in b["notes"]:
            left = LEFT + int((note["onset_beat"] - start) * PER_BEAT)
            faint = 1 - note["velocity"] / 127
            colour = [int(c + (235 - c) * faint) for c in HUES[note["part"]]]
            if note["part"] != "drums":
                top = (HIGH - note["key"]) * KEY
                image[top - KEY + 1 : top, left : left + max(2, int(note["length_beats"] * PER_BEAT) - 1)] = colour
            elif note["key"] in DRUMS:
                top = roll + LEFT + DRUMS.index(note["key"]) * LANE
                image[top + 1 : top + LANE - 1, left : left + 7] = colour
    return image


def write(file, image):
    """A PNG of 8-bit RGB."""
    height, width, _ = image.shape
    raw = b"".join(b"\0" + line.tobytes() for line in image)
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


if __name__ == "__main__":
    main()
