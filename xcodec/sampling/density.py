"""How densely each block of a picture is sampled.

Blocks with stronger edges get more samples (the X-GANs paper, section 4.5): the mean strength of a
Sobel or Canny edge map in a block, relative to the other blocks, becomes a power of two.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.choices import DENSITIES, MASKS
from xcodec.errors import OptionError
from xcodec.pictures.modes import to_depth
from xcodec.sampling.mask import scale_for_count
from xcodec.system import checks
from xcodec.types import Density, Floats, Ints

BLOCKS = (8, 16, 32, 64, 128)
BLOCK = 64
"""Default side of a block in pixels.

Measured against 16, 32 and 128 in docs/research/density.md.
"""
STRENGTH = 0.7
"""Default exponent from relative edge strength to relative density; 0 is uniform.

Measured against 0.5 and 0.9 in docs/research/density.md.
"""
FLOOR = 0.25
"""Default addition to the relative edge strength of every block, so that blocks without edges are
sampled too. No comparison is on record."""
STRENGTHS, FLOORS = (0.0, 2.0), (0.0, 10.0)
"""Ranges of both; a floor is above 0."""
SPREAD = 3
"""Largest distance of a block's density from the mean density, in octaves. No comparison is on
record."""
CANNY_THRESHOLDS = 50, 150
"""Lower and upper threshold of cv2.Canny, in grey levels: the ratio of 1:3 that OpenCV's tutorial
advises, after Canny, "A Computational Approach to Edge Detection", PAMI 1986. No comparison is on
record."""


def edges(luma: Floats, kind: str) -> Floats:
    """Return the edge strength of each pixel, (height, width), not negative.

    luma : float32 (height, width), grey levels
    kind : "sobel" or "canny"
    """
    if kind == "sobel":
        dx = cv2.Sobel(luma, cv2.CV_32F, 1, 0)
        dy = cv2.Sobel(luma, cv2.CV_32F, 0, 1)
        return np.asarray(np.hypot(dx, dy))
    return np.asarray(cv2.Canny(to_depth(luma, 8), *CANNY_THRESHOLDS), np.float32)


def block_sums(plane: Ints | Floats, block: int) -> NDArray[Any]:
    """Return the sum of each block of a plane (height, width): (block rows, block columns)."""
    tops, lefts = np.arange(0, plane.shape[0], block), np.arange(0, plane.shape[1], block)
    sums: NDArray[Any] = np.add.reduceat(np.add.reduceat(plane, tops, 0), lefts, 1)
    return sums


def block_areas(height: int, width: int, block: int) -> NDArray[np.int64]:
    """Return the pixels of each block, (block rows, block columns): fewer at the lower right."""
    tops, lefts = np.arange(0, height, block), np.arange(0, width, block)
    high, wide = np.minimum(block, height - tops), np.minimum(block, width - lefts)
    return high[:, None].astype(np.int64) * wide[None, :]


def block_means(plane: Floats, block: int) -> NDArray[np.float64]:
    """Return the mean of each block of a plane (height, width): (block rows, block columns)."""
    sums: NDArray[np.float64] = block_sums(plane.astype(np.float64), block)
    return sums / block_areas(plane.shape[0], plane.shape[1], block)


@dataclass(frozen=True)
class DensityShape:
    """How the density of a picture follows its edges.

    kind     : one of DENSITIES
    block    : side of a block in pixels, one of BLOCKS
    strength : 0 (uniform) to 2
    floor    : edge strength of flat areas, above 0 and up to 10, relative to the picture's mean

    Raises OptionError for values out of range.
    """

    kind: str = DENSITIES[0]
    block: int = BLOCK
    strength: float = STRENGTH
    floor: float = FLOOR

    @classmethod
    def of(cls, kind: str, block: int | None, strength: float | None, floor: float | None) -> Self:
        """The shape of options, in which None stands for a default."""
        return cls(
            kind,
            BLOCK if block is None else block,
            STRENGTH if strength is None else strength,
            FLOOR if floor is None else floor,
        )

    def __post_init__(self) -> None:
        checks.one_of("density", self.kind, DENSITIES)
        checks.one_of("block", self.block, BLOCKS)
        checks.real("strength", self.strength, *STRENGTHS)
        checks.real("floor", self.floor, *FLOORS)
        if self.floor == 0:
            raise OptionError(("floor",), "is 0; it must be above 0")


def exponents_of(
    luma: Floats, shape: DensityShape, weights: Floats | None = None, cell: int = 1
) -> Ints:
    """Return the density exponents of a picture, (block rows, block columns), the lowest 0.

    cell : side in pixels of the cells whose means ``luma`` and ``weights`` hold; it divides blocks

    Other arguments as for ``measure``.
    """
    block = shape.block // cell
    size = -(-luma.shape[0] // block), -(-luma.shape[1] // block)
    uniform = shape.kind == "uniform"
    strengths = np.zeros(size) if uniform else block_means(edges(luma, shape.kind), block)
    emphasis = None if weights is None else block_means(weights, block)
    return exponents_by(strengths, shape.strength, shape.floor, emphasis)


def exponents_by(
    strengths: Floats,
    strength: float = STRENGTH,
    floor: float = FLOOR,
    emphasis: Floats | None = None,
) -> Ints:
    """Return the density exponents of blocks, the lowest 0.

    strengths : (block rows, block columns), mean edge strengths; all zero for a uniform density
    emphasis  : of the same shape, factors on the density
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
    shape: DensityShape | None = None,
    *,
    mask: str = MASKS[0],
    seed: int = 0,
    weights: Floats | None = None,
) -> Density:
    """Return the density of a picture, scaled to about ``count`` samples.

    luma    : float32 (height, width), grey levels
    shape   : how it follows the edges; None: the defaults
    mask    : one of MASKS, the kind of threshold that the density will be compared with
    seed    : of a random mask
    weights : (height, width), factors on the density, of any kind
    """
    shape = shape or DensityShape()
    height, width = luma.shape
    exponents = exponents_of(luma, shape, weights)
    scale = scale_for_count(exponents, shape.block, height, width, count, mask, seed)
    return Density(exponents, shape.block, scale)
