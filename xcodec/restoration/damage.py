"""The damage that the paper's section 4 restores: four tasks, each the same again from its seed.

points      : a few pixels are known, all others are white
color-noise : most pixels are random colours, and nothing says which
white-block : a square in the middle is white
color-block : a square somewhere shows another picture

No torch here.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.pictures.colour import to_ycocg
from xcodec.sampling import density as densities
from xcodec.sampling.mask import points_from_density
from xcodec.types import RGB, Floats

TASKS = ("points", "color-noise", "white-block", "color-block")
DISTRIBUTIONS = ("random", "sobel", "codec")
"""Where the points of the task points lie."""
WHITE = 255
LEVELS = {"points": (1, 20), "color-noise": (85, 95), "white-block": (128, 128)} | {
    "color-block": (16, 128)
}
"""Least and most of the paper: percent known, percent noise, and sides of blocks in pixels."""
FAINT = 1e-3
"""Chance of a pixel without any edge to be a Sobel-weighted point, relative to the mean pixel's."""


@dataclass(frozen=True)
class Corrupted:
    """A damaged picture.

    rgb   : uint8 (height, width, 3)
    known : bool (height, width): where it still shows the original
    """

    rgb: RGB
    known: NDArray[np.bool_]


def corrupt(
    rgb: RGB,
    task: str,
    level: int,
    rng: np.random.Generator,
    *,
    distribution: str = "random",
    clutter: RGB | None = None,
) -> Corrupted:
    """A picture, uint8 (height, width, 3), damaged as one of TASKS.

    level        : percent of the pixels that are known (points), percent that are noise
                   (color-noise), or side of the block in pixels (white-block, color-block)
    rng          : everything random comes from here
    distribution : one of DISTRIBUTIONS, for points
    clutter      : the other picture, for color-block

    Raises InputError where the arguments don't fit the task or the picture.
    """
    if task == "points":
        return points(rgb, level, rng, distribution)
    if task == "color-noise":
        return color_noise(rgb, level, rng)
    if task == "white-block":
        return white_block(rgb, level)
    if task == "color-block":
        if clutter is None:
            raise InputError("color-block needs another picture, which fills the block")
        return color_block(rgb, clutter, level, rng)
    raise InputError(f"task is {task!r}; it is one of {', '.join(TASKS)}")


def points(
    rgb: RGB, percent: int, rng: np.random.Generator, distribution: str = "random"
) -> Corrupted:
    """A picture of which some percent of the pixels are known; the others are white.

    "random" : a matrix of integers, uniform in 0..99, against a threshold
    "sobel"  : so many pixels, drawn by the strength of the Sobel edge at each
    "codec"  : where the encoder samples: by Sobel density, spread as blue noise
    """
    _check_percent(percent)
    if distribution == "random":
        known = rng.integers(0, 100, rgb.shape[:2], np.uint8) < percent
    elif distribution == "sobel":
        known = _sobel_points(to_ycocg(rgb)[..., 0], percent, rng)
    elif distribution == "codec":
        luma = to_ycocg(rgb)[..., 0]
        density = densities.measure(luma, max(1, round(percent / 100 * luma.size)))
        placed = points_from_density(density, *luma.shape)
        known = np.zeros(luma.shape, np.bool_)
        known[placed.rows, placed.cols] = True
    else:
        raise InputError(f"points are {distribution!r}; one of {', '.join(DISTRIBUTIONS)}")
    return Corrupted(np.where(known[..., None], rgb, np.uint8(WHITE)), known)


def color_noise(rgb: RGB, percent: int, rng: np.random.Generator) -> Corrupted:
    """A picture of which some percent of the pixels are random RGB; nothing marks them.

    The places are found as random points are.
    """
    _check_percent(percent)
    noisy = rng.integers(0, 100, rgb.shape[:2], np.uint8) < percent
    colours = rng.integers(0, 256, rgb.shape, np.uint8)
    return Corrupted(np.where(noisy[..., None], colours, rgb), ~noisy)


def white_block(rgb: RGB, side: int) -> Corrupted:
    """A picture with a white square of ``side`` pixels in its middle."""
    _check_side(rgb, side)
    top, left = ((length - side) // 2 for length in rgb.shape[:2])
    painted = rgb.copy()
    painted[top : top + side, left : left + side] = WHITE
    return Corrupted(painted, _outside(rgb, top, left, side))


def color_block(rgb: RGB, clutter: RGB, side: int, rng: np.random.Generator) -> Corrupted:
    """A picture with a square of ``side`` pixels, anywhere, cut anywhere from another picture."""
    _check_side(rgb, side)
    _check_side(clutter, side)
    top, left = (int(rng.integers(length - side + 1)) for length in rgb.shape[:2])
    there = [int(rng.integers(length - side + 1)) for length in clutter.shape[:2]]
    painted = rgb.copy()
    patch = clutter[there[0] : there[0] + side, there[1] : there[1] + side]
    painted[top : top + side, left : left + side] = patch
    return Corrupted(painted, _outside(rgb, top, left, side))


def _sobel_points(luma: Floats, percent: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """So many percent of the pixels, drawn without replacement by the strength of their edge."""
    edges = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    weights = edges.astype(np.float64) + FAINT * max(float(edges.mean()), 1e-9)
    # The smallest of exponential times over weights are a weighted draw without replacement
    # (Efraimidis and Spirakis 2006).
    times = rng.exponential(size=luma.shape) / weights
    count = max(1, round(percent / 100 * luma.size))
    known = np.zeros(luma.size, np.bool_)
    known[np.argpartition(times.ravel(), count - 1)[:count]] = True
    return known.reshape(luma.shape)


def _outside(rgb: RGB, top: int, left: int, side: int) -> NDArray[np.bool_]:
    known = np.ones(rgb.shape[:2], np.bool_)
    known[top : top + side, left : left + side] = False
    return known


def _check_percent(percent: int) -> None:
    if not isinstance(percent, int | np.integer) or not 1 <= percent <= 99:
        raise InputError(f"a whole percent in 1..99 is needed, not {percent}")


def _check_side(rgb: RGB, side: int) -> None:
    if not 1 <= side <= min(rgb.shape[:2]):
        size = f"{rgb.shape[1]}x{rgb.shape[0]}"
        raise InputError(f"a block of side {side} doesn't fit into a picture of {size} pixels")
