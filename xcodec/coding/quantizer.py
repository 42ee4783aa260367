"""Dead-zone quantiser with steps by level and plane.

Coarse levels get finer steps: an error there spreads over more of the picture. Chroma gets coarser
ones: it weighs less in what is seen and measured.
"""

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.lifting import Hierarchy
from xcodec.types import Floats, Ints

STEPS_PER_OCTAVE = 16
SMALLEST_STEP = 0.5
"""Grey levels; the step of index i is SMALLEST_STEP * 2 ** (i / STEPS_PER_OCTAVE)."""
MAX_STEP_INDEX = 191
LEVEL_GROWTH = 1.32
"""How much finer the step is from one level to the next coarser one."""
GROWTH = (1.0, 2.3, 2.0)
"""How much coarser the steps of Y, Co and Cg are: chroma weighs less in an RGB error."""
ROUNDING = 0.4
"""Added before truncation: below 0.5, so that zero gets a wider bin (a dead zone)."""
SHRINK = -0.05
"""Magnitudes come back this much of a step nearer to zero; with a dead zone, a little farther."""
DEFAULT_STEP = 96.0
"""Grey levels, at DEFAULT_RATE; it falls slowly as the rate grows, with power STEP_FALL."""
DEFAULT_RATE = 0.02
STEP_FALL = 0.1
MAX_SYMBOL = (1 << 15) - 1


def default_index(rate: float) -> int:
    """Index of the step that serves a rate best where distortion and bytes are traded."""
    return index_of(DEFAULT_STEP * (DEFAULT_RATE / rate) ** STEP_FALL)


def step_of(index: int) -> float:
    """Step in grey levels of the finest luma level."""
    return float(SMALLEST_STEP * 2.0 ** (index / STEPS_PER_OCTAVE))


def index_of(step: float) -> int:
    """Index of the step nearest to the given one, on a log scale."""
    index = round(STEPS_PER_OCTAVE * float(np.log2(max(step, 1e-9) / SMALLEST_STEP)))
    return min(max(index, 0), MAX_STEP_INDEX)


def steps(step: float, tree: Hierarchy, planes: int = 3) -> NDArray[np.float64]:
    """Step of every level and plane, (levels, planes)."""
    depths = np.array(tree.depths, np.int64)
    # The coarsest points stand for the whole picture, however small it is.
    depths = np.where(depths == depths[:1], 0, depths)
    coarseness = tree.finest - depths
    luma = step * LEVEL_GROWTH ** -coarseness.astype(np.float64)
    every: NDArray[np.float64] = luma[:, None] * np.array(GROWTH[:planes])
    return every


def per_sample(step: float, tree: Hierarchy, planes: int = 3) -> NDArray[np.float64]:
    """Step of every sample and plane, (n, planes)."""
    return np.repeat(steps(step, tree, planes), np.diff(tree.bounds), axis=0)


def quantise(coefficients: Floats | Ints, steps: Floats) -> NDArray[np.int32]:
    """Symbols (n, planes) of coefficients by steps of the same shape."""
    scaled = coefficients / steps
    magnitude = np.minimum(np.floor(np.abs(scaled) + ROUNDING), MAX_SYMBOL)
    return (np.sign(scaled) * magnitude).astype(np.int32)


def dequantise(symbols: Ints, steps: Floats) -> NDArray[np.float64]:
    """Coefficients of symbols by steps, all three of one shape."""
    magnitude = np.maximum(np.abs(symbols) - SHRINK, 0.0)
    result: NDArray[np.float64] = np.sign(symbols) * magnitude * steps
    return result
