"""Neighbours among scattered samples and the kriging weights that they get.

One home for what the lifting transform, the least-squares values and the classical fill all need.
Neighbours are exact integer results, the same on every machine; weights are floats and decide
nothing that is parsed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from xcodec.kriging.neighbours import kriging, nearest, tree_of
from xcodec.system import threads
from xcodec.types import Floats, Ints, Points

NEIGHBOURS = 12
"""Samples that each pixel of the fill is painted from."""
LARGEST_SQUARE = 16
"""Side in pixels of the largest square that shares its neighbours."""
FINENESS = 1.2
"""A square's side is at most this many times the local spacing of the samples: by default."""

_STRIP = 1 << 15
"""Pixels that a thread takes at once."""
_MOST_ENTRIES = 1 << 21


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
    tree = tree_of(halves)
    count = min(NEIGHBOURS, len(points))

    grid = np.mgrid[0 : points.height : LARGEST_SQUARE, 0 : points.width : LARGEST_SQUARE]
    tops, lefts = grid.reshape(2, -1)
    side = LARGEST_SQUARE
    while len(tops):
        centres = 2 * np.stack([tops, lefts], 1) + (side - 1)
        found, d2 = nearest(halves, centres, count, tree)
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
