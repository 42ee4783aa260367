"""The classical fill: block-wise kriging from scattered samples, and its squared error.

The picture is cut into squares, small where samples are dense. All pixels of a square are
interpolated from the samples nearest to its centre, by ordinary kriging (``kriging.neighbours``).
The fill is linear in the sample values, so its squared error is a quadratic form of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from xcodec.kriging.neighbours import kriging, nearest, tree_of
from xcodec.kriging.sparse import Matrix, coo, csr
from xcodec.system import threads
from xcodec.types import Floats, Ints, Points

NEIGHBOURS = 12
"""Samples that each pixel is interpolated from. No comparison is on record."""
LARGEST_SQUARE = 16
"""Side, in pixels, of the largest square whose pixels share their neighbours."""
FINENESS = 1.2
"""Default limit on the side of a square, as a multiple of the local spacing of the samples. The
classical decoder uses half of it (reconstruction.classical.SMOOTH): docs/research/seams.md."""

_PIXELS_PER_JOB = 1 << 15
"""Pixels that a thread computes at a time."""
_MAX_ENTRIES = 1 << 21
"""Entries of sparse blocks that are collected before they are added up, to bound memory."""


@dataclass(frozen=True)
class Squares:
    """Squares of one size, with the neighbours and weights of their pixels, or cells of pixels.

    rows, cols : (m, t), the t cells of each square, some of which may lie outside the picture
    sites      : (m, k), indices of the k nearest samples
    weights    : (m, t, k), kriging weights
    variance   : (m, t), kriging variance, at least 0
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    sites: NDArray[np.int32]
    weights: NDArray[np.float64]
    variance: NDArray[np.float64]


def squares(points: Points, fineness: float = FINENESS, cell: int = 1) -> Iterator[Squares]:
    """Cut a picture into squares, small where samples are dense, and yield their weights.

    Every pixel is in exactly one square; squares may reach beyond the edge of the picture.

    points   : at least one
    fineness : as FINENESS; lower values give smaller squares
    cell     : a power of two; if above 1, cells of this side in pixels take the place of pixels,
               with the weights of their middle
    """
    sites = np.stack([points.rows, points.cols], 1)
    # Centres lie between pixels: in units of half a pixel they are integers, and ties exact.
    halves = 2 * sites
    tree = tree_of(halves)
    count = min(NEIGHBOURS, len(points))

    side = LARGEST_SQUARE * cell
    grid = np.mgrid[0 : points.height : side, 0 : points.width : side]
    tops, lefts = grid.reshape(2, -1)
    while len(tops):
        centres = 2 * np.stack([tops, lefts], 1) + (side - 1)
        found, d2 = nearest(halves, centres, count, tree)
        # A disc of this radius holds `count` samples; their spacing follows from its area.
        spacing = np.sqrt(d2[:, -1]) / 2 * np.sqrt(np.pi / count)
        ready = (side <= fineness * spacing) | (side == cell)
        corners = np.stack([tops[ready], lefts[ready]], 1)
        each = _PIXELS_PER_JOB // (side // cell) ** 2
        strips = (slice(start, start + each) for start in range(0, len(corners), each))
        weigh = partial(_weighed, sites, corners, found[ready], side, cell)
        yield from threads.ahead(weigh, strips)
        tops, lefts = tops[~ready], lefts[~ready]
        side //= 2
        tops = (tops[:, None] + np.array([0, 0, side, side])).reshape(-1)
        lefts = (lefts[:, None] + np.array([0, side, 0, side])).reshape(-1)
        inside = (tops < points.height) & (lefts < points.width)
        tops, lefts = tops[inside], lefts[inside]


def _weighed(
    sites: Ints,
    corners: NDArray[np.int64],
    found: NDArray[np.int32],
    side: int,
    cell: int,
    strip: slice,
) -> Squares:
    """Some of the squares of one side, with their weights.

    sites   : (n, 2), positions of all samples
    corners : (m, 2), top and left of each square
    found   : (m, k), its neighbours
    strip   : which of the m squares
    """
    pixels = corners[strip, None] + np.mgrid[0:side:cell, 0:side:cell].reshape(2, -1).T
    weights, variance = kriging(sites[found[strip]], pixels + cell // 2)
    cells = pixels // cell
    return Squares(cells[..., 0], cells[..., 1], found[strip], weights, variance)


def normal_equations(
    points: Points,
    planes: Floats,
    importance: Floats | None = None,
    cut: Iterable[Squares] | None = None,
) -> tuple[Matrix, NDArray[np.float64]]:
    """Return the squared error of the fill as a quadratic form of the sample values.

    The result is A (n, n) and b (n, c): the fill of values v has the squared error
    v.Av - 2 b.v + |planes|^2 in each plane. With the fill as a matrix M, importance W and picture
    x, A = M'WM and b = M'Wx; each square adds a small block to both.

    planes     : (height, width, c), the picture, or the means of its cells
    importance : (height, width), weights of the squared error; all 1 if None
    cut        : ``squares`` of the points, if already computed
    """
    count = len(points)
    gram = csr((count, count))
    moments = np.zeros((count, planes.shape[2]))
    blocks: list[_Block] = []
    for square in squares(points) if cut is None else cut:
        weights, transposed = _add_moments(moments, planes, importance, square)
        k = square.sites.shape[1]
        rows, cols = np.repeat(square.sites, k, 1).ravel(), np.tile(square.sites, (1, k)).ravel()
        blocks.append(((transposed @ weights).ravel(), (rows, cols)))
        if sum(len(block[0]) for block in blocks) > _MAX_ENTRIES:
            gram = gram + _sum_of(blocks, count)
            blocks = []
    return csr(gram + _sum_of(blocks, count) if blocks else gram), moments


def moments(
    points: Points, planes: Floats, importance: Floats | None, cut: Iterable[Squares]
) -> NDArray[np.float64]:
    """Return the b of ``normal_equations`` alone."""
    found = np.zeros((len(points), planes.shape[2]))
    for square in cut:
        _add_moments(found, planes, importance, square)
    return found


def _add_moments(
    moments: NDArray[np.float64],
    planes: Floats,
    importance: Floats | None,
    square: Squares,
) -> tuple[Floats, Floats]:
    """Add the contribution of squares to the moments; return their weights M and M'W.

    moments : (n, c), changed in place
    planes  : (height, width, c), the picture
    """
    height, width, count = planes.shape
    pixels = planes.reshape(-1, count)
    inside = (square.rows < height) & (square.cols < width)
    weights = square.weights * inside[..., None]
    where = np.where(inside, square.rows * width + square.cols, 0)
    transposed = weights.transpose(0, 2, 1)
    if importance is not None:
        transposed = transposed * importance.reshape(-1)[where][:, None]
    around = (transposed @ pixels[where]).reshape(-1, count)
    for channel, column in enumerate(around.T):
        moments[:, channel] += np.bincount(square.sites.ravel(), column, len(moments))
    return weights, transposed


def interpolate(
    points: Points, values: Floats, cut: Iterable[Squares]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the fill, (height, width, c), and its standard deviation, (height, width), 0..1.

    values : (n, c), of the samples
    cut    : ``squares`` of the points
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


def fill_matrix(points: Points, fineness: float = FINENESS) -> Matrix:
    """Return the fill as a sparse matrix M (height * width, n): a plane is M @ values.

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
    return csr((weights.ravel(), sites.ravel(), starts), shape=(count, len(points)))


_Block = tuple[Floats, tuple[Ints, Ints]]
"""Entries of a sparse matrix, and their rows and columns."""


def _sum_of(blocks: list[_Block], count: int) -> Matrix:
    """Return the sum of blocks as a matrix (count, count)."""
    entries = np.concatenate([block[0] for block in blocks])
    rows, cols = (np.concatenate([block[1][axis] for block in blocks]) for axis in (0, 1))
    return csr(coo((entries, (rows, cols)), shape=(count, count)))
