"""Where to look: how many samples each block of a picture deserves.

Edges draw samples (the paper's section 4.5): the local strength of a Sobel or Canny edge map
becomes a whole power of two for each block, relative to the other blocks.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.sampling.mask import scale_for_count
from xcodec.types import Density, Floats, Ints

KINDS = ("sobel", "canny", "uniform")
BLOCKS = (8, 16, 32, 64, 128)
STRENGTH = 0.7
"""Exponent that turns relative edge strength into relative density: 0 is uniform."""
FLOOR = 0.25
"""Edge strength, relative to the picture's mean, that a block without edges is taken to have."""
SPREAD = 3
"""Octaves of density on either side of the picture's mean at most."""


def edges(luma: Floats, kind: str) -> Floats:
    """Edge strength of each pixel, (height, width), not negative.

    luma : float32 (height, width), grey levels
    """
    if kind == "sobel":
        dx = cv2.Sobel(luma, cv2.CV_32F, 1, 0)
        dy = cv2.Sobel(luma, cv2.CV_32F, 0, 1)
        return np.asarray(np.hypot(dx, dy))
    levels = np.clip(np.rint(luma), 0, 255).astype(np.uint8)
    return np.asarray(cv2.Canny(levels, 50, 150), np.float32)


def block_sums(plane: Ints | Floats, block: int) -> NDArray[Any]:
    """Sum of each block of a plane (height, width), (blocks high, blocks wide), in its dtype."""
    tops, lefts = np.arange(0, plane.shape[0], block), np.arange(0, plane.shape[1], block)
    sums: NDArray[Any] = np.add.reduceat(np.add.reduceat(plane, tops, 0), lefts, 1)
    return sums


def block_areas(height: int, width: int, block: int) -> NDArray[np.int64]:
    """Pixels of each block, (blocks high, blocks wide): fewer at the lower and right edge."""
    tops, lefts = np.arange(0, height, block), np.arange(0, width, block)
    high, wide = np.minimum(block, height - tops), np.minimum(block, width - lefts)
    return high[:, None].astype(np.int64) * wide[None, :]


def block_means(plane: Floats, block: int) -> NDArray[np.float64]:
    """Mean of each block of a plane (height, width), (blocks high, blocks wide)."""
    sums: NDArray[np.float64] = block_sums(plane.astype(np.float64), block)
    return sums / block_areas(plane.shape[0], plane.shape[1], block)


def exponents_of(
    luma: Floats,
    kind: str,
    block: int,
    strength: float = STRENGTH,
    floor: float = FLOOR,
    weights: Floats | None = None,
) -> Ints:
    """Density exponents of a picture, (blocks high, blocks wide), the lowest of them 0.

    weights : (height, width), factors on the density
    """
    shape = -(-luma.shape[0] // block), -(-luma.shape[1] // block)
    strengths = np.zeros(shape) if kind == "uniform" else block_means(edges(luma, kind), block)
    emphasis = None if weights is None else block_means(weights, block)
    return exponents_by(strengths, strength, floor, emphasis)


def exponents_by(
    strengths: Floats,
    strength: float = STRENGTH,
    floor: float = FLOOR,
    emphasis: Floats | None = None,
) -> Ints:
    """Density exponents of blocks, the lowest of them 0.

    strengths : edge strength of each block, all zero for a uniform density
    emphasis  : factor on the density of each block
    """
    octaves = np.zeros(strengths.shape)
    mean = strengths.mean()
    if mean > 0:  # A flat picture has no edges anywhere.
        octaves = np.clip(strength * np.log2(strengths / mean + floor), -SPREAD, SPREAD)
    if emphasis is not None:
        octaves = octaves + np.log2(np.maximum(emphasis, 2.0**-SPREAD))
    steps = np.clip(np.rint(octaves), -2 * SPREAD, 2 * SPREAD).astype(np.int16)
    exponents: Ints = steps - steps.min()
    return exponents


def measure(
    luma: Floats,
    count: int,
    *,
    kind: str = "sobel",
    block: int = 16,
    strength: float = STRENGTH,
    floor: float = FLOOR,
    mask: str = "blue",
    seed: int = 0,
    weights: Floats | None = None,
) -> Density:
    """The density of a picture scaled to ``count`` samples.

    luma     : float32 (height, width), grey levels
    kind     : one of KINDS
    block    : one of BLOCKS, pixels
    strength : 0 (uniform) to 2
    floor    : above 0 to 10, relative to the picture's mean edge strength
    mask     : "blue" or "random", the threshold that will be applied
    weights  : (height, width), factors on the density, whatever its kind

    Raises InputError for arguments outside these.
    """
    check(kind, block, strength, floor)
    height, width = luma.shape
    exponents = exponents_of(luma, kind, block, strength, floor, weights)
    scale = scale_for_count(exponents, block, height, width, count, mask, seed)
    return Density(exponents, block, scale)


def check(kind: str, block: int, strength: float, floor: float) -> None:
    """Raise InputError for arguments outside those of ``measure``."""
    if kind not in KINDS:
        raise InputError(f"density is {kind!r}; it is one of {', '.join(KINDS)}")
    if block not in BLOCKS:
        raise InputError(f"block is {block}; it is one of {', '.join(map(str, BLOCKS))}")
    if not 0 <= strength <= 2 or not 0 < floor <= 10:
        raise InputError("strength lies in 0..2 and floor above 0 and up to 10")
