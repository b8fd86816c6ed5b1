"""Makes pieces as `rhythm` does, with other seeds, so that the stream's net has heard none of them, and lets it speak of them.

Needs what `rhythm.prepare` needs, and in `--bin` the example program `rhythm_rows`, which runs the stream's net of the product:
export that one and build the program before.
"""

from ..rhythm import prepare


def run(config, args):
    """Renders what is not there yet."""
    prepare.run(config, args)
