"""What a fill should come near to: the pixels of a picture, or the means of cells of pixels.

Where samples are far apart, their fill is smooth, and the means of small cells tell its error as
well as all pixels do, in a fraction of the time (docs/research/large-budgets.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xcodec.sampling.density import block_sums
from xcodec.types import Floats, Points

METRIC = np.array([[3.0, 0.0, -0.5], [0.0, 0.5, 0.0], [-0.5, 0.0, 0.75]])
"""Squared RGB error as a quadratic form of the error in Y, Co and Cg; grey pictures use the part of
Y alone."""


@dataclass(frozen=True)
class Target:
    """A picture in cells of one or more pixels.

    planes  : (height, width, 3), Y, Co, Cg of each cell, or Y alone (height, width, 1), as
              differences from the origin
    weights : (height, width), weights of the cells' squared errors; None: all 1
    cell    : side of a cell in pixels, a power of two
    within  : weighted squared error of the cells' means, summed over all pixels and R, G and B
    """

    planes: Floats
    weights: Floats | None = None
    cell: int = 1
    within: float = 0.0

    @property
    def metric(self) -> Floats:
        """Squared RGB error as a quadratic form of the error in the planes."""
        count = self.planes.shape[2]
        metric: Floats = METRIC[:count, :count]
        return metric

    @property
    def energy(self) -> float:
        """Weighted squared error of the origin, summed over all pixels and R, G and B."""
        flat = self.planes.reshape(-1, self.planes.shape[2]).astype(np.float64)
        weighed = flat if self.weights is None else flat * self.weights.reshape(-1, 1)
        return float(((weighed.T @ flat) * self.metric).sum()) * self.cell**2 + self.within

    def coarser(self, factor: int) -> "Target":
        """The picture in larger cells; those at its lower and right edge may be smaller."""
        if factor == 1:
            return self
        weights = self.weights
        if weights is None:
            weights = np.ones(self.planes.shape[:2], np.float32)
        shares = block_sums(weights, factor)
        sums = [block_sums(plane * weights, factor) for plane in np.moveaxis(self.planes, -1, 0)]
        planes = np.stack(sums, -1) / np.maximum(shares, 1e-9)[..., None]
        found = Target(planes, shares / factor**2, factor * self.cell)
        return replace(found, within=self.energy - found.energy)

    @classmethod
    def joined(cls, strips: "Sequence[Target]") -> "Target":
        """A target from strips of rows."""
        planes = np.concatenate([strip.planes for strip in strips])
        shares = [strip.weights for strip in strips if strip.weights is not None]
        weights = np.concatenate(shares) if shares else None
        return cls(planes, weights, strips[0].cell, sum(strip.within for strip in strips))

    def places(self, points: Points) -> Points:
        """The cells of points; several may share one."""
        if self.cell == 1:
            return points
        height, width = self.planes.shape[:2]
        rows, cols = points.rows // self.cell, points.cols // self.cell
        return Points(height, width, rows, cols, points.ranks)
