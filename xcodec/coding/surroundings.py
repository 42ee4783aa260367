"""What is known around a symbol: the inputs of the network that predicts it.

The nearest known samples, coarser ones and those of the same octave that came before, tell a
symbol's size and sign by their values: an edge that runs through them runs on. All inputs are
integers of magnitude at most LIMIT. docs/format.md, section 5.2.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.lifting import NEIGHBOURS, PARTS, Hierarchy
from xcodec.coding.values import STEP_BITS, Values
from xcodec.system.lazy import lazy
from xcodec.types import Ints, Points

LIMIT = 127
"""Largest magnitude of an input."""
FACTS = 9
"""Inputs that are no neighbour's: spacing, level, octaves, step, and the levels above."""
_ONE = 32
"""What flags and a distance of one spacing are as an input."""
_LOG_STEPS = 16
"""Steps of a doubling of large values in ``compressed``."""
_OCTAVES = 7
"""Octaves are counted up to this many."""


def inputs(plane: int) -> int:
    """The number of inputs for a plane."""
    return NEIGHBOURS * (plane + 5) + FACTS + 2 * plane


@cache
def _scale() -> NDArray[np.float32]:
    """``compressed`` of 0, 1, 2, ..., up to the first number that gives LIMIT."""
    # frexp is exact for integers of this size: the exponent is the bit length.
    mantissa, exponent = np.frexp(2.0 * np.arange(1 << 13) + 16)
    scale = np.floor(2 * _LOG_STEPS * mantissa) + _LOG_STEPS * (exponent - 6)
    short: NDArray[np.float32] = scale[: np.searchsorted(scale, LIMIT) + 1].astype(np.float32)
    return short


def compressed(sizes: Ints) -> NDArray[np.float32]:
    """Sixteenths, not negative, to a logarithmic scale of whole numbers: 0 to 0, 16 to 24, and 16
    more for each doubling of large ones, up to LIMIT."""
    scale = _scale()
    return scale[np.minimum(sizes, len(scale) - 1)]


class Surroundings:
    """The surroundings of a set of points."""

    def __init__(self, points: Points, tree: Hierarchy) -> None:
        self._points, self._tree = points, tree
        self._levels = np.repeat(np.arange(len(tree)), np.diff(tree.bounds))
        self._facts = np.zeros((len(tree), FACTS), np.float32)
        for levels in tree.octaves:
            depth = tree.depths[levels.start]
            facts = self._facts[levels.start : levels.stop]
            facts[:, 1] = _ONE * np.arange(len(levels))
            facts[:, 3] = 16 * min(tree.finest - depth, _OCTAVES)
            facts[:, 4] = 16 * min(depth, _OCTAVES)
        self._facts[:1, 2] = _ONE

    def of(self, where: slice, plane: int, symbols: Ints, values: Values) -> NDArray[np.float32]:
        """Return the inputs for samples in a plane, whole numbers (m, inputs(plane)).

        where   : samples of an octave
        symbols : integers (n, planes); only those of coarser levels, and of earlier planes of the
                  same samples, are used
        values  : those known so far
        """
        known = np.zeros((where.stop - where.start, inputs(plane)), np.float32)
        at = 3 * NEIGHBOURS
        known[:, at : at + FACTS] = self._facts_of(where, symbols, values)
        # Samples of the coarsest level have no neighbours.
        start = max(where.start, min(self._tree.bounds[1], where.stop))
        if start < where.stop:
            around = known[start - where.start :]
            self._look_around(around, slice(start, where.stop), plane, symbols, values)
        for each in range(plane):
            own = symbols[where, each]
            at = known.shape[1] - 2 * (plane - each)
            known[:, at + 1] = compressed(16 * np.abs(own))
            known[:, at] = np.sign(own) * known[:, at + 1]
        return known

    def _look_around(
        self, known: NDArray[np.float32], where: slice, plane: int, symbols: Ints, values: Values
    ) -> None:
        """Set the inputs that tell of neighbours."""
        index, level = self._tree.neighbours[where], self._levels[where]
        at = 2 * NEIGHBOURS
        known[:, :at] = self._places[where]
        known[:, at : at + NEIGHBOURS] = _ONE * (index >= values.start)
        at += NEIGHBOURS + FACTS
        known[:, at : at + NEIGHBOURS] = compressed(16 * np.abs(symbols[index, plane]))
        for each in range(plane + 1):
            at += NEIGHBOURS
            apart = values.known[index, each] - values.predicted[where, each, None]
            steps = (np.abs(apart) << STEP_BITS) // values.steps[level, each, None]
            np.multiply(np.sign(apart), compressed(steps), out=known[:, at : at + NEIGHBOURS])

    def _facts_of(self, where: slice, symbols: Ints, values: Values) -> NDArray[np.float32]:
        """The inputs that are no neighbour's, (m, FACTS)."""
        tree, levels = self._tree, self._levels[where]
        facts = self._facts[levels]
        facts[:, 5] = values.step // 2
        for level in range(max(levels[0], 1), levels[-1] + 1):
            above = np.abs(symbols[tree.bounds[max(0, level - PARTS)] : tree.bounds[level]])
            means = compressed(16 * above.sum(0, dtype=np.int64) // len(above))
            facts[levels == level, 6 : 6 + len(means)] = means
        facts[:, 0] = compressed(4 * tree.spacing[where]) * (levels > 0)
        return facts

    @lazy
    def _places(self) -> NDArray[np.int8]:
        """Rows, then columns, of the neighbours of all points, (n, 2 NEIGHBOURS)."""
        tree, axes = self._tree, []
        for places in (self._points.rows, self._points.cols):
            apart = places[tree.neighbours].astype(np.int64) - places[:, None]
            scaled = _ONE * np.abs(apart) // tree.spacing[:, None]
            axes.append((np.sign(apart) * np.minimum(scaled, LIMIT)).astype(np.int8))
        return np.concatenate(axes, 1)
