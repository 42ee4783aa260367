"""The hierarchical transform over scattered samples.

Points fall into octaves by their blue-noise rank; each octave holds about as many points as all
coarser ones together, and is coded in levels of a quarter of it. From fine to coarse, each value is
predicted by kriging from its nearest points in coarser octaves and becomes a residual; the coarser
values then take up a share of the residuals around them, so that they stand for local means (the
update step of the lifting scheme, Sweldens 1996).
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from xcodec.kriging.neighbours import kriging, nearest
from xcodec.types import Floats, Ints, Points

NEIGHBOURS = 8
"""Points of coarser levels that tell a point's context, and predict it where integers are kept."""
PARTS = 4
"""Levels that an octave is cut into: the smaller a level, the nearer what is known before it."""
PREDICTORS = 6
"""Points of coarser octaves that a value is predicted from."""
_LARGEST_FOLLOW = 255
_SLOPE_FLOOR = 300
"""Squared grey levels below which neighbours' residuals say nothing about colour."""
UPDATE = 0.6
"""Share of the residuals around a coarse point that it takes up, measured; one half in theory."""
COARSEST_BITS = 9
"""Ranks below 2 ** COARSEST_BITS (two points of a 128x128 tile) form the coarsest octave."""


@dataclass(frozen=True)
class Hierarchy:
    """The levels of a set of points and what each point can look at.

    bounds     : level i holds the points bounds[i] .. bounds[i + 1] - 1; no level is empty
    depths     : octave of each level, ascending: how fine it is, whichever octaves are empty
    finest     : depth of the finest octave of the whole picture, whichever this part of it holds
    neighbours : per level int32 (m, k), nearest coarser points, k = 0 in the coarsest
    distances  : per level int64 (m, k), squared distances to them, ascending
    """

    bounds: tuple[int, ...]
    depths: tuple[int, ...]
    finest: int
    neighbours: tuple[NDArray[np.int32], ...]
    distances: tuple[NDArray[np.int64], ...]

    def __len__(self) -> int:
        return len(self.depths)

    def span(self, level: int) -> slice:
        return slice(self.bounds[level], self.bounds[level + 1])

    @property
    def octaves(self) -> list[range]:
        """The levels of each octave that there is, coarse to fine."""
        starts = [
            level for level, depth in enumerate(self.depths) if depth not in self.depths[:level]
        ]
        return [range(*pair) for pair in itertools.pairwise([*starts, len(self)])]


def hierarchy(points: Points, finest: int | None = None) -> Hierarchy:
    """Levels and neighbours of points: integers only, the same on every machine.

    finest : as in Hierarchy; by default of these points
    """
    bounds, depths = levels(points.ranks)
    sites = np.stack([points.rows, points.cols], 1)
    neighbours, distances = [], []
    for start, end in itertools.pairwise(bounds):
        if start:
            index, squared = nearest(sites[:start], sites[start:end], NEIGHBOURS)
        else:
            index, squared = np.empty((end, 0), np.int32), np.empty((end, 0), np.int64)
        neighbours.append(index)
        distances.append(squared)
    finest = depths[-1] if finest is None else finest
    return Hierarchy(bounds, depths, finest, tuple(neighbours), tuple(distances))


def levels(ranks: Ints) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Bounds and depths of the levels that ascending ranks fall into."""
    bounds, depths = [0], []
    depth, limits = 0, [1 << COARSEST_BITS]
    while bounds[-1] < len(ranks):
        for limit in limits:
            end = int(np.searchsorted(ranks, limit))
            if end > bounds[-1]:
                bounds.append(end)
                depths.append(depth)
        octave = limits[-1]
        limits = [octave + octave * part // PARTS for part in range(1, PARTS + 1)]
        depth += 1
    return tuple(bounds), tuple(depths)


def depth_of(rank: int) -> int:
    """The octave of a rank."""
    return max(0, rank.bit_length() - COARSEST_BITS)


class Lifting:
    """The transform of one set of points: forward (analysis) and inverse (synthesis).

    predict : for each octave but the coarsest, csr (m, n), its prediction from coarser values
    update  : likewise csr (n, m), what coarser values take up of its residuals
    """

    def __init__(self, points: Points, tree: Hierarchy) -> None:
        sites = np.stack([points.rows, points.cols], 1)
        self.predict: list[csr_array] = []
        self.update: list[csr_array] = []
        for octave in tree.octaves[1:]:
            start, end = tree.bounds[octave.start], tree.bounds[octave.stop]
            index, _ = nearest(sites[:start], sites[start:end], PREDICTORS)
            weights, _ = kriging(sites[index], sites[start:end, None])
            starts = np.arange(0, index.size + 1, index.shape[1])
            matrix = weights.ravel(), index.ravel(), starts
            predict = csr_array(matrix, shape=(end - start, start))
            self.predict.append(predict)
            # A share of the mean residual around a point, less where few residuals lie around it.
            around = np.maximum(np.abs(predict).sum(0), 1.0)
            self.update.append(csr_array(UPDATE * predict.T / around[:, None]))

    def split(self, octave: int, values: Floats) -> tuple[Floats, Floats]:
        """Coarser values, and the coefficients of an octave (1 or higher), of values up to it."""
        predict, update = self.predict[octave - 1], self.update[octave - 1]
        coarser, own = np.split(values, [predict.shape[1]])
        own = own - predict @ coarser
        return coarser + update @ own, own

    def join(self, octave: int, coarser: Floats, own: Floats) -> Floats:
        """What ``split`` was given."""
        coarser = coarser - self.update[octave - 1] @ own
        return np.concatenate([coarser, own + self.predict[octave - 1] @ coarser])

    def forward(self, values: Floats) -> Floats:
        """Coefficients (n, c) of values (n, c)."""
        parts = []
        for octave in range(len(self.predict), 0, -1):
            values, own = self.split(octave, values)
            parts.append(own)
        return np.concatenate([values, *reversed(parts)])

    def inverse(self, coefficients: Floats) -> Floats:
        """Values (n, c) of coefficients (n, c)."""
        ends = [predict.shape[1] for predict in self.predict]
        values, *parts = np.split(coefficients, ends)
        for octave, own in enumerate(parts, 1):
            values = self.join(octave, values, own)
        return values


def _predicted(values: Ints, tree: Hierarchy, level: int) -> NDArray[np.int64]:
    """Integer prediction of a level from coarser values, by inverse squared distance."""
    weights = (1 << 40) // tree.distances[level][..., None]
    known = values[tree.neighbours[level]].astype(np.int64)
    total = weights.sum(1)
    predicted: NDArray[np.int64] = (2 * (weights * known).sum(1) + total) // (2 * total)
    return predicted


def residuals(values: Ints, tree: Hierarchy) -> NDArray[np.int64]:
    """Integer residuals (n, c) of integer values (n, c): prediction only, so that none is lost.

    Each plane is predicted from coarser points, then its residual from the planes before it.
    """
    result = values.astype(np.int64)
    for level in range(1, len(tree)):
        result[tree.span(level)] -= _predicted(values, tree, level)
    for plane in range(result.shape[1] - 1):
        before = result.copy()
        for level in range(1, len(tree)):
            result[tree.span(level), plane + 1 :] -= _followed(before, tree, level, plane)
    return result


def restore(differences: Ints, tree: Hierarchy) -> NDArray[np.int64]:
    """Values (n, c) of ``residuals``, exactly."""
    # stages[i] are the residuals before the planes from i on are used; the last are given.
    planes = differences.shape[1]
    stages = [differences.astype(np.int64) for _ in range(planes)]
    for level in range(1, len(tree)):
        span = tree.span(level)
        for plane in reversed(range(planes - 1)):
            stages[plane][span] = stages[plane + 1][span]
            stages[plane][span, plane + 1 :] += _followed(stages[plane], tree, level, plane)
    result = stages[0]
    for level in range(1, len(tree)):
        result[tree.span(level)] += _predicted(result, tree, level)
    return result


def _followed(known: Ints, tree: Hierarchy, level: int, plane: int) -> NDArray[np.int64]:
    """Integer prediction of the later planes of a level from one plane, as they go around there."""
    around = known[tree.neighbours[level]]
    leader = around[..., plane, None]
    together = (leader * around[..., plane + 1 :]).sum(1)
    # A slope of two thirds of the neighbours' own, less where they hardly move.
    alone = (leader * leader).sum(1)
    scale = alone + alone // 2 + _SLOPE_FLOOR
    step = known[tree.span(level), plane, None]
    predicted = (2 * together * step + scale) // (2 * scale)
    # Beyond this lie damaged files only, whose numbers must not grow from level to level.
    bounded: NDArray[np.int64] = np.clip(predicted, -_LARGEST_FOLLOW, _LARGEST_FOLLOW)
    return bounded
