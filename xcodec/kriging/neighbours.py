"""The nearest samples of a position, and their kriging weights.

Neighbours are computed exactly, in integers, the same on every machine: the parsing of files
depends on them. Weights are floats, and only sample values depend on them.
"""

from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pykdtree.kdtree import KDTree  # scipy.spatial takes 0.15 s to load.

from xcodec.system import threads
from xcodec.types import Ints

CORRELATION_LENGTH = 60.0
"""Pixels; the covariance of two pixels at distance d is exp(-(d / length) ** power)."""
CORRELATION_POWER = 1.4
"""Both are part of the format, since the transform uses these weights (docs/format.md, section 7).
They are older than baseline-1 (commit dddbe33), and no comparison of others is on record."""
_SPARE = 4
"""Neighbours that are queried beyond the requested ones, to find ties."""
_FEW = 64
"""Sites and queries up to which comparing all of them takes less time than a tree."""
_FAR = 1 << 15
"""Pixels between positions from which on 32 bits do not hold the sum of two squares."""
_CHUNK = 1 << 8
"""Neighbourhoods that are solved together: few enough for the cache of a core."""


@cache
def _covariance_table() -> NDArray[np.float64]:
    scaled = np.arange(1 << 16) / CORRELATION_LENGTH**2
    result: NDArray[np.float64] = np.exp(-(scaled ** (CORRELATION_POWER / 2)))
    return result


def covariance(distance_squared: Ints) -> NDArray[np.float64]:
    """Return the covariance of pixels by squared distance: 1 at distance 0, nearly 0 beyond 255."""
    table = _covariance_table()
    return table[np.minimum(distance_squared, len(table) - 1)]


def nearest(
    sites: Ints, queries: Ints, count: int, tree: KDTree | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Find the ``count`` sites nearest to each query, exactly; ties go to the lower index.

    Returns indices, int32 (m, k), and squared distances, int64 (m, k), nearest first, with
    k = min(count, n).

    sites   : integers (n, 2), n >= 1, rows and columns
    queries : integers (m, 2)
    tree    : ``tree_of(sites)``, if already built
    """
    k = min(count, len(sites))
    if max(len(sites), len(queries)) <= _FEW:
        return _compared(sites, queries, k)
    tree = tree or tree_of(sites)
    rows, cols = (np.ascontiguousarray(sites[:, axis], np.int64) for axis in (0, 1))
    indices = np.empty((len(queries), k), np.int32)
    squared = np.empty((len(queries), k), np.int64)
    todo = np.arange(len(queries))
    asked = min(k + _SPARE, len(sites))
    while len(todo):
        places = queries[todo].astype(np.float64)
        found = threads.with_openmp(partial(tree.query, places, k=asked))[1]
        found = found.reshape(-1, asked).astype(np.int64)
        down, right = rows[found] - queries[todo, :1], cols[found] - queries[todo, 1:]
        d2 = down * down + right * right
        order = np.lexsort((found, d2), axis=1)
        found, d2 = (np.take_along_axis(each, order, 1) for each in (found, d2))
        indices[todo] = found[:, :k]
        squared[todo] = d2[:, :k]
        if asked == len(sites):
            break
        # Where the last site queried ties with the last one kept, more sites may tie: ask again.
        todo = todo[d2[:, k - 1] == d2[:, -1]]
        asked = min(2 * asked, len(sites))
    return indices, squared


def _compared(sites: Ints, queries: Ints, k: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """``nearest`` by comparing all distances."""
    apart = sites.astype(np.int64) - queries[:, None]
    down, right = apart[..., 0], apart[..., 1]
    d2 = down * down + right * right
    # Stable: ties stay in the order of their indices.
    found = d2.argsort(1, kind="stable")[:, :k]
    return found.astype(np.int32), np.take_along_axis(d2, found, 1)


def tree_of(sites: Ints) -> KDTree:
    """Return a k-d tree of sites, integers (n, 2), for ``nearest``."""
    return KDTree(sites.astype(np.float64))


def kriging(sites: Ints, targets: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve the equations of ordinary kriging in m neighbourhoods.

    Returns weights (m, t, k), which sum to 1 over k, and the kriging variance (m, t), at least 0.
    Source: Cressie, "Statistics for Spatial Data", 1993, section 3.2.

    sites   : integers (m, k, 2), the k known positions of each neighbourhood, all different
    targets : integers (m, t, 2), the t positions to estimate from them
    """
    m, k, _ = sites.shape
    weights = np.empty((m, targets.shape[1], k))
    variance = np.empty(targets.shape[:2])
    for start in range(0, m, _CHUNK):
        part = slice(start, start + _CHUNK)
        kind = _holding(sites[part], targets[part])
        rows, cols = (sites[part, :, axis].astype(kind) for axis in (0, 1))
        to_rows, to_cols = (targets[part, :, axis].astype(kind) for axis in (0, 1))
        system = np.ones((len(rows), k + 1, k + 1))
        system[:, :k, :k] = covariance(_squared(rows, rows) + _squared(cols, cols))
        system[:, k, k] = 0.0
        right = np.ones((len(rows), k + 1, targets.shape[1]))
        right[:, :k] = covariance(_squared(rows, to_rows) + _squared(cols, to_cols))
        solved = np.linalg.solve(system, right)
        weights[part] = solved[:, :k].transpose(0, 2, 1)
        variance[part] = 1.0 - np.einsum("mkt,mkt->mt", solved, right)
    return weights, np.maximum(variance, 0.0)


def _holding(sites: Ints, targets: Ints) -> type[np.signedinteger[Any]]:
    """The quickest integers that hold the squared distances of positions."""
    spread = max(sites.max(), targets.max()) - min(sites.min(), targets.min())
    return np.int32 if spread < _FAR else np.int64


def _squared(a: Ints, b: Ints) -> NDArray[np.signedinteger[Any]]:
    difference: NDArray[np.signedinteger[Any]] = a[:, :, None] - b[:, None, :]
    return difference * difference
