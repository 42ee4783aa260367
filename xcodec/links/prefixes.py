"""Samples from a prefix of an embedded stream."""

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import quantizer
from xcodec.coding.embedded import KnownBits
from xcodec.coding.lifting import Hierarchy, Lifting
from xcodec.pictures import quality
from xcodec.pictures.colour import to_ycocg
from xcodec.types import Floats, Points, Samples

HALF = 0.5
"""Position within its interval at which a magnitude with unknown low bits is reconstructed."""
GREY = 128
"""Level of all pixels where too few packets arrived for the first range."""
LEAST_ERROR = 0.05
"""Mean squared error below which the PSNR no longer rises."""


def ycocg_of(colour: int) -> Floats:
    """Y, Co and Cg, float (3,), of a colour in 16 bits (``embedding.colour_of``)."""
    rgb = [(colour >> 11) * 255 / 31, (colour >> 5 & 63) * 255 / 63, (colour & 31) * 255 / 31]
    return to_ycocg(np.array(rgb, np.float32))


def coefficients_of(known: KnownBits, steps: Floats) -> NDArray[np.float64]:
    """Coefficients (n, 3) of partly known symbols.

    steps : quantiser steps in grey levels, (n, 3)
    """
    rest = (np.left_shift(1, known.missing) - 1) * HALF
    magnitudes = np.abs(known.symbols) + np.where(known.symbols != 0, rest, 0.0)
    return quantizer.dequantise(np.sign(known.symbols) * magnitudes, steps)


def samples_of(
    known: KnownBits, points: Points, tree: Hierarchy, transform: Lifting, step: int, colour: int
) -> Samples:
    """The samples that a prefix gives: those of the levels that it reaches.

    step   : index of the quantiser step
    colour : mean colour in 16 bits, as in ``ranges.Parameters``; coefficients code differences
             from it
    """
    steps = quantizer.steps(quantizer.step_of(step), tree)
    every = np.repeat(steps, np.diff(tree.bounds), axis=0)
    values = transform.inverse(coefficients_of(known, every)) + ycocg_of(colour)
    last = max(known.levels, 1) - 1
    end = tree.bounds[last + 1]
    missing = int(known.missing[tree.span(last)].min())
    kept = Points(
        points.height, points.width, points.rows[:end], points.cols[:end], points.ranks[:end]
    )
    finest = float(steps[last, 0] * 2.0**missing)
    return Samples(kept, values[:end].astype(np.float32), finest, "least-squares")


def decibels(error: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """PSNR in dB of mean squared errors."""
    return quality.decibels(error, LEAST_ERROR)
