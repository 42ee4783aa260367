"""How near a picture is to another."""

import numpy as np
from numpy.typing import NDArray

from xcodec.types import Floats

PEAK = 255.0
"""Largest grey level."""


def decibels(error: float | Floats, least: float = 1e-9) -> NDArray[np.float64]:
    """PSNR in dB of mean squared errors over R, G and B, in grey levels.

    least : errors below it count as this much, so that the PSNR of equal pictures is finite
    """
    psnr: NDArray[np.float64] = 10 * np.log10(PEAK**2 / np.maximum(error, least))
    return psnr
