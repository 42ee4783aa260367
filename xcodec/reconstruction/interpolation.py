"""The classical fill: a picture painted from scattered samples by block-wise ordinary kriging.

It needs no network and no torch, and the generator starts from it.
"""

import numpy as np

from xcodec.images import from_ycocg
from xcodec.samples import Fill, Samples
from xcodec.scatter import squares


def fill(samples: Samples) -> Fill:
    """The classical fill of samples, and how far it can be trusted."""
    points = samples.points
    planes = np.empty((points.height, points.width, 3), np.float32)
    deviation = np.empty((points.height, points.width), np.float32)
    values = np.asarray(samples.values, np.float64)
    for square in squares(points):
        painted = square.weights @ values[square.sites]
        inside = (square.rows < points.height) & (square.cols < points.width)
        where = square.rows[inside], square.cols[inside]
        planes[where] = painted[inside]
        deviation[where] = np.sqrt(square.variance[inside])
    return Fill(from_ycocg(planes), np.minimum(deviation, 1.0))
