"""Measure the ranges that a generator needs to paint in 8-bit integers, and keep them beside it.

python scripts/calibrate.py WEIGHTS PICTURES [--count 40]

PICTURES is the folder that the generator was trained on, of pictures or of packs. Other weights
need other ranges: without any of their own, they paint in float32.
docs/research/eight-bit-painting.md has the method.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from xcodec.errors import XcodecError
from xcodec.training import calibration


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure the ranges of a generator's values.")
    parser.add_argument("weights", type=Path, help="file of weights (.safetensors)")
    parser.add_argument("pictures", type=Path, help="folder of training pictures")
    parser.add_argument("--count", type=int, default=calibration.COUNT, help="of pictures (40)")
    options = parser.parse_args(arguments)
    if options.count < 1:
        parser.error("--count must be at least 1")
    try:
        print(calibration.calibrate(options.weights, options.pictures, options.count))
    except XcodecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
