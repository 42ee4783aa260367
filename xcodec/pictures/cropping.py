"""Parts of pictures."""

import numpy as np

from xcodec.types import RGB


def middle(rgb: RGB, side: int | None = None) -> RGB:
    """The middle of a picture, at most ``side`` pixels high and wide; None: the largest square."""
    side = min(rgb.shape[:2]) if side is None else side
    top, left = (max(length - side, 0) // 2 for length in rgb.shape[:2])
    return rgb[top : top + side, left : left + side]


def random_part(rgb: RGB, side: int, rng: np.random.Generator) -> RGB:
    """A part of a picture at a random place, at most ``side`` pixels high and wide."""
    top, left = (int(rng.integers(max(length - side, 0) + 1)) for length in rgb.shape[:2])
    return rgb[top : top + side, left : left + side]
