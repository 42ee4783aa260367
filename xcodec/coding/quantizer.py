"""A dead-zone quantiser with a step for each level and plane.

Coarse levels have finer steps, because their errors spread over more of the picture. Chroma has
coarser steps, because it weighs less in what is seen and measured. Steps and dequantisation are
part of the format (docs/format.md, section 7); rounding and default steps are the encoder's.
"""

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.lifting import Hierarchy
from xcodec.types import Floats, Ints

STEPS_PER_OCTAVE = 16
SMALLEST_STEP = 0.5
"""Grey levels; the step with index i is SMALLEST_STEP * 2 ** (i / STEPS_PER_OCTAVE)."""
MAX_STEP_INDEX = 191
LEVEL_GROWTH = 1.32
"""Ratio of the steps of an octave and of the next coarser one: measured against 1.26 and 1.38 in
docs/research/rate-distortion-quantisation.md."""
GROWTH = (1.0, 2.3, 2.0)
"""Factors on the steps of Y, Co and Cg: for chroma, measured against 1.9 and 1.9, and 2.6 and 2.2,
in docs/research/rate-distortion-quantisation.md."""
ROUNDING = 0.4
"""Added to magnitudes before truncation. Below 0.5, it gives zero a wider interval, the dead zone.
No comparison is on record."""
SHRINK = -0.05
"""Fraction of a step by which dequantisation reduces magnitudes. It is negative: with a dead zone,
the interval of 1 reaches from 0.6 to 1.6 steps, not from 0.5 to 1.5. No comparison is on record."""
DEFAULT_STEP = 96.0
"""Default step in grey levels at DEFAULT_RATE: measured against 84 in
docs/research/rate-distortion-quantisation.md."""
DEFAULT_RATE = 0.02
STEP_FALL = 0.1
"""The default step is proportional to rate ** -STEP_FALL. No comparison is on record."""
MAX_SYMBOL = (1 << 15) - 1
"""Largest magnitude of a symbol."""


def default_index(rate: float) -> int:
    """Return the index of the default step at a rate, the fraction of pixels that are sampled."""
    return index_of(DEFAULT_STEP * (DEFAULT_RATE / rate) ** STEP_FALL)


def step_of(index: int) -> float:
    """Return the step of the finest luma level, in grey levels."""
    return float(SMALLEST_STEP * 2.0 ** (index / STEPS_PER_OCTAVE))


def index_of(step: float) -> int:
    """Return the index of the step nearest to the given one, on a logarithmic scale."""
    return nearest(STEPS_PER_OCTAVE * float(np.log2(max(step, 1e-9) / SMALLEST_STEP)))


def nearest(place: float) -> int:
    """Return the index of a step that is nearest to a place between indices."""
    return min(max(round(place), 0), MAX_STEP_INDEX)


def steps(step: float, tree: Hierarchy, planes: int = 3) -> NDArray[np.float64]:
    """Return the step of every level and plane, (levels, planes), in grey levels.

    step : of the finest luma level
    """
    depths = np.array(tree.depths, np.int64)
    # The coarsest level stands for the whole picture, even if it is a fine one.
    depths = np.where(depths == depths[:1], 0, depths)
    coarseness = tree.finest - depths
    luma = step * LEVEL_GROWTH ** -coarseness.astype(np.float64)
    every: NDArray[np.float64] = luma[:, None] * np.array(GROWTH[:planes])
    return every


def per_sample(step: float, tree: Hierarchy, planes: int = 3) -> NDArray[np.float64]:
    """Return the step of every sample and plane, (n, planes), in grey levels."""
    return np.repeat(steps(step, tree, planes), np.diff(tree.bounds), axis=0)


def quantise(coefficients: Floats | Ints, steps: Floats) -> NDArray[np.int32]:
    """Return the symbols, int32 (n, planes), of coefficients; ``steps`` has the same shape."""
    scaled = coefficients / steps
    magnitude = np.minimum(np.floor(np.abs(scaled) + ROUNDING), MAX_SYMBOL)
    return (np.sign(scaled) * magnitude).astype(np.int32)


def dequantise(symbols: Ints, steps: Floats) -> NDArray[np.float64]:
    """Return the coefficients of symbols (n, planes); ``steps`` has the same shape."""
    magnitude = np.maximum(np.abs(symbols) - SHRINK, 0.0)
    result: NDArray[np.float64] = np.sign(symbols) * magnitude * steps
    return result
