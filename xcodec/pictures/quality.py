"""PSNR, the measure of error that encoder, planner, training and benchmarks share."""

import numpy as np
from numpy.typing import NDArray

from xcodec.types import Floats

PEAK = 255.0
"""Largest grey level."""


def decibels(error: float | Floats, least: float = 1e-9) -> NDArray[np.float64]:
    """Return the PSNR in dB of mean squared errors, of any shape.

    error : mean over pixels and over R, G and B, in squared grey levels
    least : smaller errors count as this much, so that the PSNR of equal pictures is finite
    """
    psnr: NDArray[np.float64] = 10 * np.log10(PEAK**2 / np.maximum(error, least))
    return psnr
