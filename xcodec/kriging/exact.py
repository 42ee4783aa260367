"""Kriging weights in integers: what parsing depends on must be the same on every machine.

Ordinary kriging by the variogram 1 - covariance. With the weights summing to 1, that of the nearest
site follows from the others, and theirs solve a symmetric positive definite system of increments
from the nearest site. Elimination in fixed point, without pivoting, solves many such systems at
once. docs/format.md, section 7; source: Cressie, "Statistics for Spatial Data", 1993, section 3.2.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from xcodec.kriging.neighbours import covariance
from xcodec.types import Ints

WEIGHT_BITS = 14
"""Weights are multiples of 2 ** -WEIGHT_BITS."""
_VARIOGRAM_BITS, _FACTOR_BITS = 22, 16
_LEAST_PIVOT = 1 << 8
_CHUNK = 1 << 12
"""Targets whose weights are computed together."""
_LARGEST, _LARGEST_WEIGHT = 1 << 26, 1 << 16
"""Limits that only strange arrangements of sites reach; they keep products below 2 ** 63."""


@cache
def _variogram() -> NDArray[np.int64]:
    """The variogram by squared distance. No entry lies near enough to a half to be rounded
    differently anywhere."""
    one = 1 << _VARIOGRAM_BITS
    return np.rint((1 - covariance(np.arange(1 << 16))) * one).astype(np.int64)


def exact_weights(sites: Ints, targets: Ints) -> NDArray[np.int64]:
    """Return kriging weights (m, k), in units of 2 ** -WEIGHT_BITS, whose sums are 1.

    sites   : integers (m, k, 2), the k known positions of each target, all different
    targets : integers (m, 2)
    """
    weights = np.empty((len(targets), sites.shape[1]), np.int64)
    for start in range(0, len(targets), _CHUNK):
        part = slice(start, start + _CHUNK)
        weights[part] = _weights(sites[part], targets[part])
    return weights


def _weights(sites: Ints, targets: Ints) -> NDArray[np.int64]:
    """``exact_weights`` of few targets."""
    size = sites.shape[1] - 1
    rows, cols = (np.ascontiguousarray(sites[..., axis].T, np.int64) for axis in (0, 1))
    from_first = _variogram_of(rows[1:] - rows[0], cols[1:] - cols[0])
    to_target = _variogram_of(rows - targets[:, 0], cols - targets[:, 1])
    right = to_target[0] + from_first - to_target[1:]
    first, second = _upper(size)
    between = _variogram_of(rows[1:][first] - rows[1:][second], cols[1:][first] - cols[1:][second])
    system = from_first[first] + from_first[second] - between
    upper = _eliminate(system, right)
    weights: list[NDArray[np.int64]] = []
    for i in reversed(range(size)):
        rest = right[i] << WEIGHT_BITS
        for coefficient, weight in zip(upper[i][:0:-1], weights, strict=True):
            rest = rest - coefficient * weight
        weight = rest // np.maximum(upper[i][0], _LEAST_PIVOT)
        weights.append(_limited(weight, _LARGEST_WEIGHT))
    others = np.stack(weights[::-1], 1) if weights else np.empty((len(targets), 0), np.int64)
    return np.concatenate([(1 << WEIGHT_BITS) - others.sum(1, keepdims=True), others], 1)


def _variogram_of(down: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    variogram = _variogram()
    return variogram[np.minimum(down * down + right * right, len(variogram) - 1)]


@cache
def _upper(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of an upper triangle, row by row: those of its lower rows come last."""
    rows, cols = np.triu_indices(size)
    return rows, cols


def _eliminate(system: NDArray[np.int64], right: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Bring upper triangles and right sides (size, m) to echelon form, in place.

    system : (size (size + 1) / 2, m), in the order of ``_upper``

    Returns the rows of the triangles, each from its pivot on: views of ``system``.
    """
    upper, rest = [], system
    for i in range(len(right)):
        row, rest = np.split(rest, [len(right) - i])
        upper.append(row)
        factor = (row[1:] << _FACTOR_BITS) // np.maximum(row[0], _LEAST_PIVOT)
        first, second = _upper(len(factor))
        rest -= factor[first] * row[1:][second] >> _FACTOR_BITS
        _limited(rest, _LARGEST, out=rest)
        below = right[i + 1 :]
        below -= factor * right[i] >> _FACTOR_BITS
        _limited(below, _LARGEST, out=below)
    return upper


def _limited(
    values: NDArray[np.int64], largest: int, out: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Values limited to -largest .. largest; np.clip takes 10 us more."""
    return np.minimum(np.maximum(values, -largest, out=out), largest, out=out)
