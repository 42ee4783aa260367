"""Symbols back to sample values: dequantisation and the inverse transform."""

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import quantizer
from xcodec.coding.lifting import Hierarchy, Lifting
from xcodec.types import Floats, Ints, Points, Samples

GREY = np.array([128, 0, 0])
"""The origin: the YCoCg colour that sample values in files are coded as differences from."""


def synthesise(
    points: Points,
    tree: Hierarchy,
    transform: Lifting,
    symbols: NDArray[np.int32],
    step: int,
    tone: str,
    origin: Floats | Ints = GREY,
) -> Samples:
    """Samples from symbols (n, planes), dequantised and transformed back.

    step   : index of ``quantizer.step_of``
    origin : YCoCg colour (3,) that values are coded as differences from
    """
    grey_levels = quantizer.step_of(step)
    planes = symbols.shape[1]
    steps = quantizer.per_sample(grey_levels, tree, planes)
    values = np.zeros((len(symbols), len(GREY)), np.float32)
    values[:, :planes] = transform.inverse(quantizer.dequantise(symbols, steps)) + origin[:planes]
    return Samples(points, values, grey_levels, tone)
