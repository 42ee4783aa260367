"""Neighbours among scattered samples and the kriging weights that they get.

One home for what the lifting transform, the least-squares values and the classical fill all need.
Neighbours are exact integer results, the same on every machine; weights are floats and decide
nothing that is parsed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree  # scipy.spatial has trees too, and takes 0.15 s to load.
from scipy.sparse import coo_array, csr_array

from xcodec import threads
from xcodec.samples import Floats, Ints, Points

CORRELATION_LENGTH = 60.0
"""Pixels; with CORRELATION_POWER it shapes the covariance exp(-(d / length) ** power)."""
CORRELATION_POWER = 1.4

NEIGHBOURS = 12
"""Samples that each pixel of the fill is painted from."""
LARGEST_SQUARE = 16
"""Side in pixels of the largest square that shares its neighbours."""
FINENESS = 1.2
"""A square's side is at most this many times the local spacing of the samples: by default."""

_SPARE = 4
_CHUNK = 1 << 8
"""Neighbourhoods solved together: their equations stay in a core's own cache."""
_STRIP = 1 << 15
"""Pixels that a thread takes at once."""
_MOST_ENTRIES = 1 << 21


@cache
def _covariance_table() -> NDArray[np.float64]:
    scaled = np.arange(1 << 16) / CORRELATION_LENGTH**2
    result: NDArray[np.float64] = np.exp(-(scaled ** (CORRELATION_POWER / 2)))
    return result


def covariance(distance_squared: Ints) -> NDArray[np.float64]:
    """Covariance of two pixels of a natural picture, 1 at distance 0 and nearly 0 beyond 255."""
    table = _covariance_table()
    return table[np.minimum(distance_squared, len(table) - 1)]


def nearest(sites: Ints, queries: Ints, count: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The ``count`` sites nearest to each query, exactly, ties going to the lower site index.

    sites   : integers (n, 2), n >= 1, rows and columns
    queries : integers (m, 2)

    Returns indices int32 (m, k) and squared distances int64 (m, k), nearest first, with
    k = min(count, n).
    """
    return _nearest(_tree(sites), sites, queries, count)


def _tree(sites: Ints) -> KDTree:
    return KDTree(sites.astype(np.float64))


def _nearest(
    tree: KDTree, sites: Ints, queries: Ints, count: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """``nearest`` among sites that have a tree already."""
    k = min(count, len(sites))
    rows, cols = (np.ascontiguousarray(sites[:, axis], np.int64) for axis in (0, 1))
    indices = np.empty((len(queries), k), np.int32)
    squared = np.empty((len(queries), k), np.int64)
    todo = np.arange(len(queries))
    asked = min(k + _SPARE, len(sites))
    while len(todo):
        found = tree.query(queries[todo].astype(np.float64), k=asked)[1]
        found = found.reshape(-1, asked).astype(np.int64)
        down, right = rows[found] - queries[todo, :1], cols[found] - queries[todo, 1:]
        d2 = down * down + right * right
        order = np.lexsort((found, d2), axis=1)
        found, d2 = (np.take_along_axis(each, order, 1) for each in (found, d2))
        indices[todo] = found[:, :k]
        squared[todo] = d2[:, :k]
        if asked == len(sites):
            break
        # Sites beyond the last one seen may tie with the last one kept: look farther there.
        todo = todo[d2[:, k - 1] == d2[:, -1]]
        asked = min(2 * asked, len(sites))
    return indices, squared


def kriging(sites: Ints, targets: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ordinary kriging weights in many small neighbourhoods at once.

    sites   : integers (m, k, 2), the k known positions of each neighbourhood, all different
    targets : integers (m, t, 2), the positions to estimate from them

    Returns weights (m, t, k), each row summing to one, and the kriging variance (m, t) >= 0.
    """
    m, k, _ = sites.shape
    weights = np.empty((m, targets.shape[1], k))
    variance = np.empty(targets.shape[:2])
    for start in range(0, m, _CHUNK):
        part = slice(start, start + _CHUNK)
        rows, cols = (sites[part, :, axis].astype(np.int32) for axis in (0, 1))
        to_rows, to_cols = (targets[part, :, axis].astype(np.int32) for axis in (0, 1))
        system = np.ones((len(rows), k + 1, k + 1))
        system[:, :k, :k] = covariance(_squared(rows, rows) + _squared(cols, cols))
        system[:, k, k] = 0.0
        right = np.ones((len(rows), k + 1, targets.shape[1]))
        right[:, :k] = covariance(_squared(rows, to_rows) + _squared(cols, to_cols))
        solved = np.linalg.solve(system, right)
        weights[part] = solved[:, :k].transpose(0, 2, 1)
        variance[part] = 1.0 - np.einsum("mkt,mkt->mt", solved, right)
    return weights, np.maximum(variance, 0.0)


def _squared(a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.int32]:
    difference = a[:, :, None] - b[:, None, :]
    return difference * difference


@dataclass(frozen=True)
class Squares:
    """Squares of one size with their neighbours and weights.

    rows, cols : (m, t) pixels of each square (some may lie outside the picture)
    sites      : (m, k) indices of samples
    weights    : (m, t, k)
    variance   : (m, t)
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    sites: NDArray[np.int32]
    weights: NDArray[np.float64]
    variance: NDArray[np.float64]


def squares(points: Points, fineness: float = FINENESS) -> Iterator[Squares]:
    """Cut a picture into squares, small where samples are dense, with weights for their pixels.

    fineness : as FINENESS

    The squares cover the picture once; the last ones may reach beyond its edge.
    """
    sites = np.stack([points.rows, points.cols], 1)
    # Centres lie between pixels: in units of half a pixel all is whole, and ties are ties.
    halves = 2 * sites
    tree = _tree(halves)
    count = min(NEIGHBOURS, len(points))

    grid = np.mgrid[0 : points.height : LARGEST_SQUARE, 0 : points.width : LARGEST_SQUARE]
    tops, lefts = grid.reshape(2, -1)
    side = LARGEST_SQUARE
    while len(tops):
        centres = 2 * np.stack([tops, lefts], 1) + (side - 1)
        found, d2 = _nearest(tree, halves, centres, count)
        # A disc of this radius holds `count` samples, so their spacing is about:
        spacing = np.sqrt(d2[:, -1]) / 2 * np.sqrt(np.pi / count)
        ready = (side <= fineness * spacing) | (side == 1)
        corners = np.stack([tops[ready], lefts[ready]], 1)
        each = _STRIP // (side * side)
        strips = (slice(start, start + each) for start in range(0, len(corners), each))
        weigh = partial(_weighed, sites, corners, found[ready], side)
        yield from threads.ahead(weigh, strips)
        tops, lefts = tops[~ready], lefts[~ready]
        side //= 2
        tops = (tops[:, None] + np.array([0, 0, side, side])).reshape(-1)
        lefts = (lefts[:, None] + np.array([0, side, 0, side])).reshape(-1)
        inside = (tops < points.height) & (lefts < points.width)
        tops, lefts = tops[inside], lefts[inside]


def _weighed(
    sites: Ints, corners: NDArray[np.int64], found: NDArray[np.int32], side: int, strip: slice
) -> Squares:
    """Some of the squares of one side with their weights.

    corners : (m, 2), the top and the left of each
    found   : (m, k), its neighbours
    """
    pixels = corners[strip, None] + np.mgrid[0:side, 0:side].reshape(2, -1).T
    weights, variance = kriging(sites[found[strip]], pixels)
    return Squares(pixels[..., 0], pixels[..., 1], found[strip], weights, variance)


def normal_equations(
    points: Points,
    planes: Floats,
    importance: Floats | None = None,
    cut: Iterable[Squares] | None = None,
) -> tuple[csr_array, NDArray[np.float64]]:
    """The squared error of the fill as a function of the sample values.

    planes     : (height, width, c), the picture
    importance : (height, width), what a pixel's squared error counts for; all 1 where None
    cut        : ``squares`` of the points, where they are there already

    Returns A (n, n) and b (n, c): values v leave the error v.Av - 2 b.v + |planes|^2 in each plane.
    With the fill as a matrix M and importance W these are M'WM and M'Wx; a square adds a small
    block to them.
    """
    count = len(points)
    gram = csr_array((count, count))
    pixels = planes.reshape(-1, planes.shape[2])
    moments = np.zeros((count, planes.shape[2]))
    blocks: list[_Block] = []
    for square in squares(points) if cut is None else cut:
        weights, transposed = _add_moments(moments, points, pixels, importance, square)
        k = square.sites.shape[1]
        rows, cols = np.repeat(square.sites, k, 1).ravel(), np.tile(square.sites, (1, k)).ravel()
        blocks.append(((transposed @ weights).ravel(), (rows, cols)))
        if sum(len(block[0]) for block in blocks) > _MOST_ENTRIES:
            gram = gram + _sum_of(blocks, count)
            blocks = []
    return csr_array(gram + _sum_of(blocks, count) if blocks else gram), moments


def moments(
    points: Points, planes: Floats, importance: Floats | None, cut: Iterable[Squares]
) -> NDArray[np.float64]:
    """The b of ``normal_equations`` alone."""
    pixels = planes.reshape(-1, planes.shape[2])
    found = np.zeros((len(points), planes.shape[2]))
    for square in cut:
        _add_moments(found, points, pixels, importance, square)
    return found


def _add_moments(
    moments: NDArray[np.float64],
    points: Points,
    pixels: Floats,
    importance: Floats | None,
    square: Squares,
) -> tuple[Floats, Floats]:
    """Add what squares have of the moments; their weights M inside the picture, and M'W.

    pixels : (height * width, c)
    """
    inside = (square.rows < points.height) & (square.cols < points.width)
    weights = square.weights * inside[..., None]
    where = np.where(inside, square.rows * points.width + square.cols, 0)
    transposed = weights.transpose(0, 2, 1)
    if importance is not None:
        transposed = transposed * importance.reshape(-1)[where][:, None]
    around = (transposed @ pixels[where]).reshape(-1, pixels.shape[1])
    for channel, column in enumerate(around.T):
        moments[:, channel] += np.bincount(square.sites.ravel(), column, len(points))
    return weights, transposed


def painted(
    points: Points, values: Floats, cut: Iterable[Squares]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The fill of sample values (n, c) in each plane, (height, width, c), and its kriging standard
    deviation (height, width), at most 1.

    cut : ``squares`` of the points
    """
    planes = np.empty((points.height, points.width, values.shape[1]), np.float32)
    deviation = np.empty((points.height, points.width), np.float32)
    for square in cut:
        inside = (square.rows < points.height) & (square.cols < points.width)
        where = square.rows[inside], square.cols[inside]
        around = values[square.sites].astype(square.weights.dtype, copy=False)
        planes[where] = (square.weights @ around)[inside]
        deviation[where] = np.sqrt(square.variance[inside])
    return planes, np.minimum(deviation, np.float32(1.0))


def fill_matrix(points: Points, fineness: float = FINENESS) -> csr_array:
    """The fill as a sparse matrix (height * width, n): picture planes are matrix @ values.

    fineness : as for ``squares``
    """
    count = points.height * points.width
    k = min(NEIGHBOURS, len(points))
    sites = np.empty((count, k), np.int32)
    weights = np.empty((count, k))
    for square in squares(points, fineness):
        inside = (square.rows < points.height) & (square.cols < points.width)
        pixels = (square.rows * points.width + square.cols)[inside]
        sites[pixels] = np.broadcast_to(square.sites[:, None], square.weights.shape)[inside]
        weights[pixels] = square.weights[inside]
    starts = np.arange(0, count * k + 1, k)
    return csr_array((weights.ravel(), sites.ravel(), starts), shape=(count, len(points)))


_Block = tuple[Floats, tuple[Ints, Ints]]


def _sum_of(blocks: list[_Block], count: int) -> csr_array:
    """The sum of blocks, entries with their rows and columns, as a matrix (count, count)."""
    entries = np.concatenate([block[0] for block in blocks])
    rows, cols = (np.concatenate([block[1][axis] for block in blocks]) for axis in (0, 1))
    return csr_array(coo_array((entries, (rows, cols)), shape=(count, count)))
