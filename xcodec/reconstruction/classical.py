"""The classical fill: a picture interpolated from samples by block-wise ordinary kriging.

No network and no torch. It is the input of the generator.
"""

from xcodec.kriging.fill import FINENESS, interpolate, squares
from xcodec.pictures.colour import from_ycocg
from xcodec.types import Fill, Samples

SMOOTH = 0.6
"""Fineness of fills for viewing. FINENESS gives the same PSNR in two thirds of the time, but then
neighbours across squares differ by up to 15 % more than within them (docs/research/seams.md)."""


def fill(samples: Samples, fineness: float = FINENESS) -> Fill:
    """The classical fill of samples, with its kriging deviation.

    fineness : as for ``squares``
    """
    points = samples.points
    planes, deviation = interpolate(points, samples.values, squares(points, fineness))
    return Fill(from_ycocg(planes), deviation)
