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
    count = sites.shape[1]
    rows, cols = (np.ascontiguousarray(sites[..., axis].T, np.int64) for axis in (0, 1))
    variogram = _variogram()

    def between(a: int, b: int) -> NDArray[np.int64]:
        return _looked_up(variogram, rows[a] - rows[b], cols[a] - cols[b])

    def to_target(a: int) -> NDArray[np.int64]:
        return _looked_up(variogram, rows[a] - targets[:, 0], cols[a] - targets[:, 1])

    from_first = [between(0, i) for i in range(1, count)]
    first = to_target(0)
    right = [first + near - to_target(i) for i, near in enumerate(from_first, 1)]
    system = {
        (i, j): from_first[i] + from_first[j] - (between(i + 1, j + 1) if i != j else 0)
        for i in range(count - 1)
        for j in range(i, count - 1)
    }
    pivots = _eliminate(system, right)
    weights: list[NDArray[np.int64]] = []
    for i in reversed(range(count - 1)):
        rest = right[i] << WEIGHT_BITS
        for j, weight in zip(range(count - 2, i, -1), weights, strict=True):
            rest = rest - system[i, j] * weight
        weights.append(np.clip(rest // pivots[i], -_LARGEST_WEIGHT, _LARGEST_WEIGHT))
    others = np.stack(weights[::-1], 1) if weights else np.empty((len(targets), 0), np.int64)
    return np.concatenate([(1 << WEIGHT_BITS) - others.sum(1, keepdims=True), others], 1)


def _looked_up(
    variogram: NDArray[np.int64], down: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.int64]:
    return variogram[np.minimum(down * down + right * right, len(variogram) - 1)]


def _eliminate(
    system: dict[tuple[int, int], NDArray[np.int64]], right: list[NDArray[np.int64]]
) -> list[NDArray[np.int64]]:
    """Bring upper triangles and right sides to echelon form, in place; return the pivots."""
    pivots = []
    for i in range(len(right)):
        pivots.append(np.maximum(system[i, i], _LEAST_PIVOT))
        for row in range(i + 1, len(right)):
            factor = (system[i, row] << _FACTOR_BITS) // pivots[i]
            for col in range(row, len(right)):
                less = factor * system[i, col] >> _FACTOR_BITS
                system[row, col] = np.clip(system[row, col] - less, -_LARGEST, _LARGEST)
            less = factor * right[i] >> _FACTOR_BITS
            right[row] = np.clip(right[row] - less, -_LARGEST, _LARGEST)
    return pivots
