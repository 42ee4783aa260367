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
        self._places: dict[int, NDArray[np.int8]] = {}
        self._starts = {level: octave.start for octave in tree.octaves for level in octave}

    def of(
        self,
        level: int,
        plane: int,
        symbols: Ints,
        values: Values,
        part: slice = slice(None),
    ) -> NDArray[np.float32]:
        """Return the inputs for a level and plane, whole numbers (m, inputs(plane)).

        symbols : integers (n, planes); only those of coarser levels, and of earlier planes of this
                  level, are used
        values  : those known so far
        part    : which of the level's m points
        """
        tree, span = self._tree, self._tree.span(level)
        here = np.arange(span.start, span.stop)[part]
        known = np.zeros((len(here), inputs(plane)), np.float32)
        at = 3 * NEIGHBOURS
        known[:, at : at + FACTS] = self._facts(level, symbols, values, part)
        if level:
            index = tree.neighbours[level][part]
            same = index >= tree.bounds[self._starts[level]]
            known[:, : 2 * NEIGHBOURS] = self._places_of(level)[part]
            known[:, 2 * NEIGHBOURS : at] = _ONE * same
            at += FACTS
            known[:, at : at + NEIGHBOURS] = compressed(16 * np.abs(symbols[index, plane]))
            for each in range(plane + 1):
                at += NEIGHBOURS
                apart = values.known[index, each] - values.predicted[here, each, None]
                steps = (np.abs(apart) << STEP_BITS) // values.steps[level, each]
                np.multiply(np.sign(apart), compressed(steps), out=known[:, at : at + NEIGHBOURS])
        for each in range(plane):
            own = symbols[here, each]
            at = known.shape[1] - 2 * (plane - each)
            known[:, at + 1] = compressed(16 * np.abs(own))
            known[:, at] = np.sign(own) * known[:, at + 1]
        return known

    def _facts(self, level: int, symbols: Ints, values: Values, part: slice) -> NDArray[np.float32]:
        """The inputs that are no neighbour's, (m, FACTS)."""
        tree, span = self._tree, self._tree.span(level)
        spacing = tree.spacing[level][part]
        facts = np.zeros((len(spacing), FACTS), np.float32)
        facts[:, 3] = 16 * min(tree.finest - tree.depths[level], _OCTAVES)
        facts[:, 4] = 16 * min(tree.depths[level], _OCTAVES)
        facts[:, 5] = values.step // 2
        if level:
            facts[:, 0] = compressed(4 * spacing)
            facts[:, 1] = _ONE * (level - self._starts[level])
            above = np.abs(symbols[tree.bounds[max(0, level - PARTS)] : span.start])
            means = compressed(16 * above.sum(0, dtype=np.int64) // len(above))
            facts[:, 6 : 6 + len(means)] = means
        else:
            facts[:, 2] = _ONE
        return facts

    def _places_of(self, level: int) -> NDArray[np.int8]:
        """Rows, then columns, of the neighbours of a level's points, (m, 2 NEIGHBOURS)."""
        if level not in self._places:
            tree, span = self._tree, self._tree.span(level)
            axes = []
            for places in (self._points.rows, self._points.cols):
                apart = places[tree.neighbours[level]].astype(np.int64) - places[span, None]
                scaled = _ONE * np.abs(apart) // tree.spacing[level][:, None]
                axes.append(np.sign(apart) * np.minimum(scaled, LIMIT))
            self._places[level] = np.concatenate(axes, 1).astype(np.int8)
        return self._places[level]
