"""Scattered samples: each pixel's nearest ones, exactly, and the kriging weights that they get.

Neighbours are exact integer results, the same on every machine; weights are floats and decide
nothing that is parsed.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree  # scipy.spatial has trees too, and takes 0.15 s to load.

from xcodec.types import Ints

CORRELATION_LENGTH = 60.0
"""Pixels; with CORRELATION_POWER it shapes the covariance exp(-(d / length) ** power)."""
CORRELATION_POWER = 1.4
_SPARE = 4
_CHUNK = 1 << 8
"""Neighbourhoods solved together: their equations stay in a core's own cache."""


@cache
def _covariance_table() -> NDArray[np.float64]:
    scaled = np.arange(1 << 16) / CORRELATION_LENGTH**2
    result: NDArray[np.float64] = np.exp(-(scaled ** (CORRELATION_POWER / 2)))
    return result


def covariance(distance_squared: Ints) -> NDArray[np.float64]:
    """Covariance of two pixels of a natural picture, 1 at distance 0 and nearly 0 beyond 255."""
    table = _covariance_table()
    return table[np.minimum(distance_squared, len(table) - 1)]


def nearest(
    sites: Ints, queries: Ints, count: int, tree: KDTree | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The ``count`` sites nearest to each query, exactly, ties going to the lower site index.

    sites   : integers (n, 2), n >= 1, rows and columns
    queries : integers (m, 2)
    tree    : ``tree_of`` the sites, where there is one already

    Returns indices int32 (m, k) and squared distances int64 (m, k), nearest first, with
    k = min(count, n).
    """
    tree = tree or tree_of(sites)
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


def tree_of(sites: Ints) -> KDTree:
    """The k-d tree in which ``nearest`` looks sites, integers (n, 2), up."""
    return KDTree(sites.astype(np.float64))


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
