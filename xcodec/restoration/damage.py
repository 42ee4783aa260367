"""The four kinds of damage in section 4 of the paper, repeatable from a seed.

points      : a few pixels are known, all others are white
color-noise : most pixels are random colours, at unmarked places
white-block : a square in the middle is white
color-block : a square at a random place shows part of another picture

No torch here.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.choices import DISTRIBUTIONS as DISTRIBUTIONS
from xcodec.choices import TASKS as TASKS
from xcodec.errors import InputError
from xcodec.pictures.colour import to_ycocg
from xcodec.sampling import density as densities
from xcodec.sampling.mask import points_from_density
from xcodec.types import RGB, Floats

WHITE = 255
LEVELS = {"points": (1, 20), "color-noise": (85, 95), "white-block": (128, 128)} | {
    "color-block": (16, 128)
}
"""Least and most damage in the paper, in the units of ``corrupt``."""
FAINT = 1e-3
"""Weight of a pixel without any edge in the Sobel distribution, relative to the mean weight."""


@dataclass(frozen=True)
class Corrupted:
    """A damaged picture.

    rgb   : uint8 (height, width, 3)
    known : bool (height, width), true where it shows the original
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
    """A picture, uint8 (height, width, 3), with the damage of one of TASKS.

    level        : percent of the pixels that are known (points) or noise (color-noise), 1..99; or
                   the side of the block in pixels (white-block, color-block)
    rng          : source of all random numbers
    distribution : of points, one of DISTRIBUTIONS
    clutter      : the other picture, uint8 (height, width, 3), for color-block

    Raises InputError if the arguments do not fit the task or the picture.
    """
    if task == "points":
        return points(rgb, level, rng, distribution)
    if task == "color-noise":
        return color_noise(rgb, level, rng)
    if task == "white-block":
        return white_block(rgb, level)
    if task == "color-block":
        if clutter is None:
            raise InputError("color-block needs another picture (clutter) to cut the block from")
        return color_block(rgb, clutter, level, rng)
    raise InputError(f"task is {task!r}: it must be one of {', '.join(TASKS)}")


def points(
    rgb: RGB, percent: int, rng: np.random.Generator, distribution: str = "random"
) -> Corrupted:
    """A picture with this percentage of known pixels; the others are white.

    distribution : "random": each pixel by itself, as in the paper, so that their number varies;
                   "sobel": exactly the percentage, drawn with the Sobel edge strength as weight;
                   "codec": where the encoder samples, blue noise with Sobel density

    Raises InputError for a percentage outside 1..99 or an unknown distribution.
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
        there = ", ".join(DISTRIBUTIONS)
        raise InputError(f"distribution is {distribution!r}: it must be one of {there}")
    return Corrupted(np.where(known[..., None], rgb, np.uint8(WHITE)), known)


def color_noise(rgb: RGB, percent: int, rng: np.random.Generator) -> Corrupted:
    """A picture with this percentage of its pixels replaced by random RGB, each by itself.

    Raises InputError for a percentage outside 1..99.
    """
    _check_percent(percent)
    noisy = rng.integers(0, 100, rgb.shape[:2], np.uint8) < percent
    colours = rng.integers(0, 256, rgb.shape, np.uint8)
    return Corrupted(np.where(noisy[..., None], colours, rgb), ~noisy)


def white_block(rgb: RGB, side: int) -> Corrupted:
    """A picture with a white square of ``side`` pixels in its middle.

    Raises InputError if the square does not fit.
    """
    _check_side(rgb, side)
    top, left = ((length - side) // 2 for length in rgb.shape[:2])
    damaged = rgb.copy()
    damaged[top : top + side, left : left + side] = WHITE
    return Corrupted(damaged, _outside(rgb, top, left, side))


def color_block(rgb: RGB, clutter: RGB, side: int, rng: np.random.Generator) -> Corrupted:
    """A picture with a random square of another picture at a random place.

    clutter : the other picture, uint8 (height, width, 3)
    side    : of the square in pixels

    Raises InputError if the square does not fit into both pictures.
    """
    _check_side(rgb, side)
    _check_side(clutter, side, "the other picture")
    top, left = (int(rng.integers(length - side + 1)) for length in rgb.shape[:2])
    there = [int(rng.integers(length - side + 1)) for length in clutter.shape[:2]]
    damaged = rgb.copy()
    patch = clutter[there[0] : there[0] + side, there[1] : there[1] + side]
    damaged[top : top + side, left : left + side] = patch
    return Corrupted(damaged, _outside(rgb, top, left, side))


def _sobel_points(luma: Floats, percent: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """This percentage of the pixels, drawn without replacement with edge strength as weight."""
    edges = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    weights = edges.astype(np.float64) + FAINT * max(float(edges.mean()), 1e-9)
    # The smallest exponential variates over weights are a weighted draw without replacement
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
        raise InputError(f"the level is {percent}: it must be a whole percentage in 1..99")


def _check_side(rgb: RGB, side: int, what: str = "the picture") -> None:
    if not 1 <= side <= min(rgb.shape[:2]):
        size = f"{what} of {rgb.shape[1]}x{rgb.shape[0]}"
        raise InputError(f"a block of {side}x{side} pixels does not fit into {size}")
