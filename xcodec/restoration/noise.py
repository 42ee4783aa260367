"""Estimates which pixels of a picture under colour noise show the original.

The colour of an original pixel is met again nearby far more often than a random colour. So the
density of the colours around a pixel, taken at its own colour, gives the probability that it is
original. A second pass weights each neighbour by its own probability.
docs/research/finding-damage.md measures fills with the constants below.
"""

import numpy as np
from numpy.typing import NDArray

from xcodec.restoration.fills import fill_hole, fill_known
from xcodec.types import RGB, Fill

PASSES = ((12, 6.0, 25.0), (9, 4.0, 14.0))
"""For each pass: radius in pixels, and standard deviations of the Gaussians in pixels and in grey
levels."""
INITIAL_SHARE = 0.1
"""Share of original pixels that the first pass assumes; it estimates that of the second."""
SURE = 0.7
"""Pixels with a higher probability are known to the fill."""
_RANDOM_DENSITY = 1 / 256**3
"""Density of random colours in RGB."""


def fill_noise(rgb: RGB) -> Fill:
    """The classical fill of a picture, uint8 (height, width, 3), under colour noise.

    Its deviation is each pixel's probability of being noise, 0..1. If no pixel is sure to be
    original, the fill is grey.
    """
    original = probabilities(rgb)
    known = original > SURE
    if not known.any():
        return Fill(np.full(rgb.shape, 127.5, np.float32), 1 - original)
    # Kriging is for scattered points; in a picture that is mostly known there are only holes.
    filled = (fill_hole if known.mean() > 0.5 else fill_known)(rgb, known)
    return Fill(filled.rgb, 1 - original)


def probabilities(rgb: RGB) -> NDArray[np.float32]:
    """The probability that each pixel of a picture is original: float32 (height, width), 0..1.

    Noise is assumed to be uniform in RGB.

    rgb : uint8 (height, width, 3)
    """
    colours = rgb.astype(np.float32)
    original = np.ones(rgb.shape[:2], np.float32)
    share = INITIAL_SHARE
    # In the first pass all neighbours count, so what noise contributes is subtracted.
    by_chance = (1 - share) * _RANDOM_DENSITY
    for radius, far, alike in PASSES:
        density = _density(colours, original, radius, far, alike)
        found = np.maximum(density - np.float32(by_chance), 0)
        original = found / (found + np.float32((1 - share) * _RANDOM_DENSITY))
        share = float(np.clip(original.mean(), 0.02, 0.5))
        by_chance = 0.0
    return original


def _density(
    colours: NDArray[np.float32], counts: NDArray[np.float32], radius: int, far: float, alike: float
) -> NDArray[np.float32]:
    """Density of the colours around each pixel at its own colour: float32 (height, width).

    colours            : (height, width, 3)
    counts             : (height, width), weight of each pixel as a neighbour
    radius, far, alike : as in PASSES
    """
    height, width = counts.shape
    found = np.zeros((height, width), np.float32)
    whole = np.full((height, width), 1e-9, np.float32)
    scale = np.float32(-0.5 / alike**2)
    for down in range(min(radius, height - 1) + 1):
        for right in range(-min(radius, width - 1), min(radius, width - 1) + 1):
            squared = down * down + right * right
            if squared > radius * radius or (down == 0 and right <= 0):
                continue  # Every pair is visited once, from its upper or left pixel.
            here = slice(height - down), slice(max(-right, 0), width - max(right, 0))
            there = slice(down, height), slice(max(right, 0), width - max(-right, 0))
            weight = np.float32(np.exp(-squared / (2 * far * far)))
            difference = colours[here] - colours[there]
            alikeness = weight * np.exp(scale * np.einsum("hwc,hwc->hw", difference, difference))
            found[here] += alikeness * counts[there]
            found[there] += alikeness * counts[here]
            whole[here] += weight
            whole[there] += weight
    return found / (whole * np.float32((2 * np.pi) ** 1.5 * alike**3))
