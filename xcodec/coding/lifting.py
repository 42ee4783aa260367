"""The hierarchical transform of scattered samples.

Points are divided into octaves by their blue-noise rank. Each octave has about as many points as
all coarser ones together, and is coded in four levels. From fine to coarse, each value is predicted
by kriging from its nearest points in coarser octaves, and only the residual is kept. The coarser
values then take up a share of the residuals around them, so that they represent local means.

Source: the lifting scheme, Sweldens, "The Lifting Scheme: A Custom-Design Construction of
Biorthogonal Wavelets", 1996: predict and update. docs/format.md, sections 4, 6 and 7.
"""

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from xcodec.kriging.exact import WEIGHT_BITS, exact_weights
from xcodec.kriging.neighbours import nearest
from xcodec.kriging.sparse import Matrix, csr
from xcodec.sampling.mask import RANK_BITS
from xcodec.system.lazy import lazy
from xcodec.types import Floats, Ints, Points

NEIGHBOURS = 16
"""Points of coarser levels that are known of each point."""
NEAR = 8
"""How many of them give a context by magnitudes alone, and predict lossless values."""
PARTS = 4
"""Levels of an octave: the more there are, the nearer the known points. Measured against 1 and 8 in
docs/research/rate-distortion-quantisation.md."""
PREDICTORS = 6
"""Points of coarser octaves that a value is predicted from. No comparison is on record."""
_MAX_FOLLOW = 255
"""Largest prediction from another plane; only damaged files reach it."""
_SLOPE_FLOOR = 300
"""Squared grey levels: reduces the prediction from another plane where neighbours hardly vary."""
UPDATE = 0.6
"""Share of the residuals around a coarse point that it takes up; 0.5 in theory. No comparison is on
record."""
COARSEST_BITS = 9
"""Ranks below 2 ** COARSEST_BITS (two points of a 128x128 tile) form the coarsest octave."""


@dataclass(frozen=True)
class Hierarchy:
    """The levels of a set of points, and the nearest coarser points of each.

    bounds     : level i has the points bounds[i] .. bounds[i + 1] - 1; no level is empty
    depths     : octave of each level, ascending, counted from the coarsest; octaves without points
                 count
    finest     : depth of the finest octave of the whole picture, of which this may be a tile
    neighbours : int32 (n, NEIGHBOURS), nearest points of coarser levels, the last one repeated if
                 there are fewer; 0 in the coarsest level
    distances  : for each level int64 (m, k), k up to NEAR, squared distances to the nearest of
                 them, ascending, not repeated
    spacing    : int64 (n,), root of the mean squared distance to all of them, rounded down, at
                 least 1
    """

    bounds: tuple[int, ...]
    depths: tuple[int, ...]
    finest: int
    neighbours: NDArray[np.int32]
    distances: tuple[NDArray[np.int64], ...]
    spacing: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.depths)

    def span(self, level: int) -> slice:
        """Return the points of a level."""
        return slice(self.bounds[level], self.bounds[level + 1])

    def across(self, levels: range) -> slice:
        """Return the points of several levels in a row."""
        return slice(self.bounds[levels.start], self.bounds[levels.stop])

    @lazy
    def octaves(self) -> list[range]:
        """The levels of each octave that has points, coarse to fine."""
        starts = [
            level for level, depth in enumerate(self.depths) if depth not in self.depths[:level]
        ]
        return [range(*pair) for pair in itertools.pairwise([*starts, len(self)])]


def hierarchy(points: Points, finest: int | None = None) -> Hierarchy:
    """Return the levels and neighbours of points: exact integers, the same on every machine.

    finest : as in Hierarchy; by default that of these points
    """
    bounds, depths = levels(points.ranks)
    sites = np.stack([points.rows, points.cols], 1)
    neighbours = np.zeros((len(points), NEIGHBOURS), np.int32)
    spacing = np.ones(len(points), np.int64)
    distances = [np.empty((bounds[1] if depths else 0, 0), np.int64)][: len(depths)]
    for start, end in itertools.pairwise(bounds[1:]):
        index, squared = nearest(sites[:start], sites[start:end], NEIGHBOURS)
        slots = np.minimum(np.arange(NEIGHBOURS), index.shape[1] - 1)
        neighbours[start:end] = index[:, slots]
        mean = squared[:, slots].sum(1) // NEIGHBOURS
        spacing[start:end] = np.maximum(np.sqrt(mean).astype(np.int64), 1)
        distances.append(squared[:, :NEAR].copy())
    finest = depths[-1] if finest is None else finest
    return Hierarchy(bounds, depths, finest, neighbours, tuple(distances), spacing)


def levels(ranks: Ints) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the bounds and depths of the levels of points with these ascending ranks."""
    bounds, depths = [0], []
    limits, octaves = _limits()
    for end, depth in zip(ranks.searchsorted(limits).tolist(), octaves, strict=True):
        if end > bounds[-1]:
            bounds.append(end)
            depths.append(depth)
    return tuple(bounds), tuple(depths)


@cache
def _limits() -> tuple[NDArray[np.int32], list[int]]:
    """For each possible level, the rank behind its last one, int32, and its depth."""
    octave, limits, depths = 1 << COARSEST_BITS, [1 << COARSEST_BITS], [0]
    while octave < 1 << RANK_BITS:
        limits += [octave + octave * part // PARTS for part in range(1, PARTS + 1)]
        depths += [depths[-1] + 1] * PARTS
        octave *= 2
    return np.array(limits, np.int32), depths


def depth_of(rank: int) -> int:
    """Return the octave of a rank."""
    return max(0, rank.bit_length() - COARSEST_BITS)


@dataclass(frozen=True)
class Links:
    """What an octave is predicted from.

    sites   : int32 (m, k), points of coarser octaves, nearest first
    weights : int64 (m, k), in units of 2 ** -WEIGHT_BITS; each row sums to 1
    around  : int64 (n,), for each coarser point, the sum of the magnitudes of its weights, at
              least 1, in the same units
    """

    sites: NDArray[np.int32]
    weights: NDArray[np.int64]
    around: NDArray[np.int64]

    def prediction(self, values: Ints) -> NDArray[np.int64]:
        """The prediction (m, c) of the octave from coarser values (n, c), rounded."""
        total = np.einsum("mk,mkc->mc", self.weights, values[self.sites])
        rounded: NDArray[np.int64] = total + (1 << WEIGHT_BITS - 1) >> WEIGHT_BITS
        return rounded

    def updates(self, own: Ints) -> NDArray[np.int64]:
        """What coarser values take up, (n, c), of coefficients (m, c); rounded down."""
        total = np.zeros((len(self.around), own.shape[1]), np.int64)
        for plane in range(own.shape[1]):
            parts = self.weights * own[:, plane, None]
            np.add.at(total[:, plane], self.sites.ravel(), parts.ravel())
        taken: NDArray[np.int64] = 3 * total // (5 * self.around[:, None])
        return taken


class Lifting:
    """The transform of one set of points, in both directions.

    links   : for each octave but the coarsest
    predict : likewise csr (m, n): coarser values to its prediction
    update  : likewise csr (n, m): its residuals to what coarser values take up of them
    """

    def __init__(self, points: Points, tree: Hierarchy) -> None:
        sites = np.stack([points.rows, points.cols], 1).astype(np.int64)
        self.links: list[Links] = []
        for octave in tree.octaves[1:]:
            own = tree.across(octave)
            index, _ = nearest(sites[: own.start], sites[own], PREDICTORS)
            weights = exact_weights(sites[index], sites[own])
            around = np.zeros(own.start, np.int64)
            np.add.at(around, index.ravel(), np.abs(weights).ravel())
            self.links.append(Links(index, weights, np.maximum(around, 1 << WEIGHT_BITS)))

    @lazy
    def predict(self) -> list[Matrix]:
        return [
            csr(
                (
                    links.weights.ravel() / (1 << WEIGHT_BITS),
                    links.sites.ravel(),
                    np.arange(0, links.sites.size + 1, links.sites.shape[1]),
                ),
                shape=(len(links.sites), len(links.around)),
            )
            for links in self.links
        ]

    @lazy
    def update(self) -> list[Matrix]:
        # A share of the mean residual around a point, and less if the weights add up to little.
        return [
            csr(UPDATE * predict.T / (links.around / (1 << WEIGHT_BITS))[:, None])
            for links, predict in zip(self.links, self.predict, strict=True)
        ]

    def split(self, octave: int, values: Floats) -> tuple[Floats, Floats]:
        """Split values up to an octave, 1 or higher, into coarser values and its coefficients."""
        predict, update = self.predict[octave - 1], self.update[octave - 1]
        coarser, own = np.split(values, [predict.shape[1]])
        own = own - predict @ coarser
        return coarser + update @ own, own

    def join(self, octave: int, coarser: Floats, own: Floats) -> Floats:
        """Undo ``split``."""
        coarser = coarser - self.update[octave - 1] @ own
        return np.concatenate([coarser, own + self.predict[octave - 1] @ coarser])

    def forward(self, values: Floats) -> Floats:
        """Return the coefficients (n, c) of values (n, c)."""
        parts = []
        for octave in range(len(self.predict), 0, -1):
            values, own = self.split(octave, values)
            parts.append(own)
        return np.concatenate([values, *reversed(parts)])

    def inverse(self, coefficients: Floats) -> Floats:
        """Return the values (n, c) of coefficients (n, c)."""
        ends = [len(links.around) for links in self.links]
        values, *parts = np.split(coefficients, ends)
        for octave, own in enumerate(parts, 1):
            values = self.join(octave, values, own)
        return values


def _near(tree: Hierarchy, level: int) -> NDArray[np.int32]:
    """The nearest coarser points of a level, (m, k), k up to NEAR, none repeated."""
    return tree.neighbours[tree.span(level), : tree.distances[level].shape[1]]


def _predicted(values: Ints, tree: Hierarchy, level: int) -> NDArray[np.int64]:
    """Integer prediction of a level from coarser values, by inverse squared distance."""
    weights = (1 << 40) // tree.distances[level][..., None]
    known = values[_near(tree, level)].astype(np.int64)
    total = weights.sum(1)
    predicted: NDArray[np.int64] = (2 * (weights * known).sum(1) + total) // (2 * total)
    return predicted


def residuals(values: Ints, tree: Hierarchy) -> NDArray[np.int64]:
    """Return the integer residuals (n, c) of integer values (n, c), for lossless samples.

    Each plane is predicted from coarser points, then its residual from those of earlier planes.
    There is no update step. docs/format.md, section 6.
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
    """Return the values (n, c) whose ``residuals`` these are, exactly."""
    # stages[i] are the residuals before planes i and later predict others; the last are given.
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
    """Integer prediction of the later planes of a level from one plane, by local regression."""
    around = known[_near(tree, level)]
    leader = around[..., plane, None]
    together = (leader * around[..., plane + 1 :]).sum(1)
    # Two thirds of the slope among the neighbours, and less where they hardly vary.
    alone = (leader * leader).sum(1)
    scale = alone + alone // 2 + _SLOPE_FLOOR
    step = known[tree.span(level), plane, None]
    predicted = (2 * together * step + scale) // (2 * scale)
    # Only damaged files exceed the limit; their values must not grow from level to level.
    bounded: NDArray[np.int64] = np.clip(predicted, -_MAX_FOLLOW, _MAX_FOLLOW)
    return bounded
