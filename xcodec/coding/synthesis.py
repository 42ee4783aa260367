"""Symbols back to samples: what each of them stands for."""

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import quantizer
from xcodec.coding.lifting import Hierarchy, Lifting
from xcodec.types import Points, Samples

GREY = np.array([128, 0, 0])
"""Values are coded as differences from this YCoCg colour."""


def synthesise(
    points: Points,
    tree: Hierarchy,
    transform: Lifting,
    symbols: NDArray[np.int32],
    step: int,
    tone: str,
) -> Samples:
    """Samples from symbols (n, planes), dequantised and transformed back."""
    grey_levels = quantizer.step_of(step)
    planes = symbols.shape[1]
    steps = quantizer.per_sample(grey_levels, tree, planes)
    values = np.zeros((len(symbols), len(GREY)), np.float32)
    values[:, :planes] = transform.inverse(quantizer.dequantise(symbols, steps)) + GREY[:planes]
    return Samples(points, values, grey_levels, tone)
