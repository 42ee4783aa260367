"""Measure the ranges that a generator needs to paint in 8-bit integers, and keep them beside it.

python scripts/calibrate.py WEIGHTS PICTURES [--count 40]

PICTURES is the folder that the generator was trained on. Other weights need other ranges: without
any of their own, they paint in float32. docs/research/eight-bit-painting.md has the method.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from xcodec.training import calibration


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure the ranges of a generator's values.")
    parser.add_argument("weights", type=Path, help="file of weights (.safetensors)")
    parser.add_argument("pictures", type=Path, help="folder of training pictures")
    parser.add_argument("--count", type=int, default=calibration.COUNT, help="of pictures (40)")
    options = parser.parse_args(arguments)
    print(calibration.calibrate(options.weights, options.pictures, options.count))


if __name__ == "__main__":
    main()
