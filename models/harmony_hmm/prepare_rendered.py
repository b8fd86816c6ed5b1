"""Renders songs with exactly known chords and reads them with the product's own front end:
`python3 models/harmony_hmm/prepare_rendered.py --data DIR` (needs numpy, fluidsynth, a SoundFont and cargo).

Half are accompaniments made up here (any chord on any GM instrument, with bass and drums or without), which Billboard has
too few sevenths and bare instruments to teach; half are POP909's, with other instruments. Writes DIR/rendered/*.npz."""

import argparse
import pathlib
import subprocess

import numpy as np

import data  # noqa: F401 (says where the training package lies)
from backline_training.harmony.render import hear, made_up, varied

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", required=True, help="folder that holds pop909/; rendered/ is made in it")
    ap.add_argument("--soundfont", nargs="+", default=["/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/sounds/sf2/TimGM6mb.sf2"])
    ap.add_argument("--dump", help="the built example chroma_dump; built by cargo if not given")
    ap.add_argument("--made", type=int, default=90)
    ap.add_argument("--pop", type=int, default=14)
    ap.add_argument("--seconds", type=float, default=80)
    args = ap.parse_args()
    dump = args.dump
    if not dump:
        subprocess.run(["cargo", "build", "-p", "backline-listen", "--example", "chroma_dump"], cwd=ROOT, check=True)
        dump = str(ROOT / "target" / "debug" / "examples" / "chroma_dump")
    out = pathlib.Path(args.data) / "rendered"
    out.mkdir(exist_ok=True)
    # Every tenth song of POP909 is left for tests.
    pop = [d for d in sorted((pathlib.Path(args.data) / "pop909" / "POP909").iterdir()) if d.is_dir() and int(d.name) % 10]
    picked = np.random.default_rng(909).permutation(len(pop))[:args.pop]
    for i in range(args.made + len(picked)):
        rng = np.random.default_rng(5000 + i)
        name = f"made_{i:03}" if i < args.made else f"pop_{pop[picked[i - args.made]].name}"
        midi, rows = made_up(rng) if i < args.made else varied(pop[picked[i - args.made]], rng)
        path = out / f"{name}.mid"
        path.write_bytes(midi)
        chroma = hear(path, args.soundfont[i % len(args.soundfont)], args.seconds, dump)
        path.unlink()
        # The centre of frame i lies at i * HOP_S.
        np.savez_compressed(out / f"{name}.npz", chroma=chroma, t0=0.0, start=[r[0] for r in rows], end=[r[1] for r in rows],
                            label=[r[2] for r in rows])
        print(name, len(chroma), "frames", flush=True)


if __name__ == "__main__":
    main()
