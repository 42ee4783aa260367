"""Sample values in integers, as far as they are known while symbols are read.

Contexts depend on them, so they are the same on every machine: multiples of 1/16 grey level, by
the transform of ``lifting`` in whole numbers. docs/format.md, section 7.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.lifting import Hierarchy, Lifting
from xcodec.coding.quantizer import STEPS_PER_OCTAVE
from xcodec.sampling.mask import mantissas
from xcodec.types import Ints

VALUE_BITS = 4
"""Values are multiples of 2 ** -VALUE_BITS grey levels."""
STEP_BITS = 16
"""Steps are multiples of 2 ** -STEP_BITS grey levels, as ``mantissas`` are of 2 ** -16."""
_LARGEST = 1 << 24
"""Limit on values that only damaged files reach; it keeps products below 2 ** 63."""


def exact_steps(index: int, tree: Hierarchy, planes: int) -> NDArray[np.int64]:
    """The steps of ``quantizer.steps`` in units of 2 ** -STEP_BITS grey levels, (levels, planes).

    index : of ``quantizer.step_of``
    """
    mantissa = mantissas(STEPS_PER_OCTAVE)[index % STEPS_PER_OCTAVE]
    luma = mantissa << index // STEPS_PER_OCTAVE
    steps = []
    for depth in tree.depths:
        coarser = tree.finest - (depth if depth != tree.depths[0] else 0)
        step = luma * 25**coarser // (2 * 33**coarser)  # A growth of 1.32, from 0.5 on.
        steps.append([max(1, step * tenths // 10) for tenths in (10, 23, 20)[:planes]])
    return np.array(steps, np.int64).reshape(-1, planes)


def coefficients(symbols: Ints, steps: Ints) -> NDArray[np.int64]:
    """What symbols (m, ...) stand for, in units of 2 ** -VALUE_BITS grey levels.

    steps : as from ``exact_steps``, of the same shape or broadcast
    """
    magnitude = np.abs(symbols).astype(np.int64)
    # A magnitude m stands for m + 1/20 steps.
    size = np.where(magnitude > 0, 20 * magnitude + 1, 0) * steps // 20
    size = size + (1 << STEP_BITS - VALUE_BITS - 1) >> STEP_BITS - VALUE_BITS
    limited: NDArray[np.int64] = np.sign(symbols) * np.minimum(size, _LARGEST)
    return limited


class Values:
    """The values of samples, from coarse to fine.

    step      : index of ``quantizer.step_of``
    start     : first sample of the octave at hand
    steps     : int64 (levels, planes), of ``exact_steps``
    known     : int64 (n, planes): of coarser octaves, as known before the octave at hand is; of the
                octave at hand, its prediction, and its coefficients as far as they were given
    predicted : int64 (n, planes): the prediction of the octave at hand
    """

    def __init__(self, tree: Hierarchy, lifting: Lifting, step: int, planes: int) -> None:
        self.step, self.start = step, 0
        self._tree, self._lifting = tree, lifting
        self.steps = exact_steps(step, tree, planes)
        count = tree.bounds[-1]
        self.known = np.zeros((count, planes), np.int64)
        self.predicted = np.zeros((count, planes), np.int64)
        self._own = np.zeros((count, planes), np.int64)

    def begin(self, octave: int) -> None:
        """Predict an octave from coarser ones."""
        span = self._span(octave)
        self.start = span.start
        if octave:
            self.predicted[span] = self._lifting.links[octave - 1].prediction(
                self.known[: span.start]
            )
            self.known[span] = self.predicted[span]

    def put(self, level: int, plane: int, symbols: Ints) -> None:
        """Take in the symbols (m,) of a level and plane of the octave at hand."""
        span = self._tree.span(level)
        own = coefficients(symbols, self.steps[level, plane])
        self._own[span, plane] = own
        self.known[span, plane] = self.predicted[span, plane] + own

    def take(self, levels: range, symbols: Ints) -> None:
        """Take in all symbols (n, planes) of levels of the octave at hand."""
        for level, plane in itertools.product(levels, range(symbols.shape[1])):
            self.put(level, plane, symbols[self._tree.span(level), plane])

    def finish(self, octave: int) -> None:
        """Undo the update of coarser values by an octave, all of whose symbols are known."""
        if octave:
            span, links = self._span(octave), self._lifting.links[octave - 1]
            coarser = self.known[: span.start]
            coarser -= links.updates(self._own[span])
            np.clip(coarser, -_LARGEST, _LARGEST, out=coarser)
            self.known[span] = self._own[span] + links.prediction(coarser)

    def _span(self, octave: int) -> slice:
        return self._tree.across(self._tree.octaves[octave])
