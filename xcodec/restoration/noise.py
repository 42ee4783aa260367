"""Which pixels of a picture under colour noise are right: those that agree with others around them.

Random colours meet their neighbours' by chance, and colours of a picture by nature: the density of
colours around a pixel, at its own colour, tells the one from the other. A second look counts each
neighbour by how likely it is right itself.
"""

import numpy as np
from numpy.typing import NDArray

from xcodec.restoration.fills import fill_hole, fill_known
from xcodec.types import RGB, Fill

LOOKS = ((12, 6.0, 25.0), (9, 4.0, 14.0))
"""Each look at the picture: pixels that it reaches, and the scales of its Gaussians in pixels and
in grey levels."""
USUAL = 0.1
"""Share of right pixels to begin with; the looks find their own."""
SURE = 0.7
"""Chance from which on a pixel is painted from."""
_CHANCE = 1 / 256**3
"""Density of a random colour at any."""


def fill_noise(rgb: RGB) -> Fill:
    """The classical fill of a picture, uint8 (height, width, 3), some of whose pixels are noise.

    The deviation is each pixel's chance to be noise, 0..1. Grey where none seems to be right.
    """
    right = chances(rgb)
    known = right > SURE
    if not known.any():
        return Fill(np.full(rgb.shape, 127.5, np.float32), 1 - right)
    # Kriging is for scattered points: of a picture that is mostly right, only holes are filled.
    painted = (fill_hole if known.mean() > 0.5 else fill_known)(rgb, known)
    return Fill(painted.rgb, 1 - right)


def chances(rgb: RGB) -> NDArray[np.float32]:
    """How likely each pixel of a picture, uint8 (height, width, 3), is right: (height, width).

    The others are taken for random colours, uniform in RGB.
    """
    colours = rgb.astype(np.float32)
    right = np.ones(rgb.shape[:2], np.float32)
    share = USUAL
    # All neighbours count in the first look: what they would give were they noise is taken off.
    by_chance = (1 - share) * _CHANCE
    for reach, far, alike in LOOKS:
        found = np.maximum(_density(colours, right, reach, far, alike) - np.float32(by_chance), 0)
        right = found / (found + np.float32((1 - share) * _CHANCE))
        share = float(np.clip(right.mean(), 0.02, 0.5))
        by_chance = 0.0
    return right


def _density(
    colours: NDArray[np.float32], counts: NDArray[np.float32], reach: int, far: float, alike: float
) -> NDArray[np.float32]:
    """Density of the colours around each pixel at its own, times the neighbours' counts.

    colours : (height, width, 3); counts : (height, width)
    reach, far, alike : as in LOOKS
    """
    height, width = counts.shape
    found = np.zeros((height, width), np.float32)
    whole = np.full((height, width), 1e-9, np.float32)
    scale = np.float32(-0.5 / alike**2)
    for down in range(min(reach, height - 1) + 1):
        for right in range(-min(reach, width - 1), min(reach, width - 1) + 1):
            squared = down * down + right * right
            if squared > reach * reach or (down == 0 and right <= 0):
                continue  # A pair is seen once, from its upper or left pixel.
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
