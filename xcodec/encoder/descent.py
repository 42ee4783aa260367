"""Coordinate descent: symbols that lower error + multiplier * bits, one level after another."""

from copy import copy

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import network, quantizer
from xcodec.coding.lifting import Hierarchy
from xcodec.coding.value_contexts import ValueContexts
from xcodec.coding.values import VALUE_BITS, Values
from xcodec.kriging.sparse import Matrix
from xcodec.types import Floats

DAMPING = 1.15
"""Factor on the diagonal of the form: the coefficients of a level move at the same time, so each
moves less than it would alone (docs/research/rate-distortion-quantisation.md)."""
CAREFUL = 0.7
"""Factor on the sum of the magnitudes in a row of the form: a smaller diagonal is raised to it.
Where samples are far apart, coefficients would move too far otherwise
(docs/research/large-budgets.md)."""


def damped(form: Matrix, tree: Hierarchy, levels: range, careful: bool) -> Floats:
    """The diagonal (m,) of an octave's form, raised so that coefficients may move at the same time.

    form    : csr (m, m)
    levels  : of the octave
    careful : whether to raise it more where many coefficients of a level depend on each other
    """
    diagonal: Floats = DAMPING * form.diagonal()
    if not careful:
        return diagonal
    sizes = np.diff(tree.bounds[levels.start : levels.stop + 1])
    level = np.repeat(np.arange(len(sizes)), sizes)
    entries = form.tocoo()
    rows, cols = entries.coords
    same = level[rows] == level[cols]
    sums = np.bincount(rows[same], np.abs(entries.data[same]), len(level))
    raised: Floats = np.maximum(diagonal, CAREFUL * sums)
    return raised


class State:
    """The symbols chosen so far, and the coefficients that they stand for.

    multiplier : the Lagrange multiplier
    bits       : about how many bits symbols take that were chosen since it was set to 0
    """

    def __init__(
        self, contexts: ValueContexts, step: float, multiplier: float, metric: Floats
    ) -> None:
        """step       : quantiser step in grey levels
        multiplier : the Lagrange multiplier
        metric     : (planes, planes), squared RGB error as a quadratic form of that in the planes
        """
        tree = contexts.tree
        self._contexts, self._tree = contexts, tree
        self._index = quantizer.index_of(step)
        self._steps = quantizer.per_sample(step, tree, len(metric))
        self._metric = metric
        self.multiplier = multiplier
        self.bits = 0.0
        self.symbols = np.zeros(self._steps.shape, np.int32)
        self.coefficients = np.zeros(self._steps.shape)

    def copy(self) -> "State":
        """A copy that shares no symbols."""
        other = copy(self)
        other.symbols, other.coefficients = self.symbols.copy(), self.coefficients.copy()
        return other

    def place(self, coefficients: Floats, where: slice = slice(None)) -> None:
        """Quantise the coefficients of a range of samples by rounding."""
        self.symbols[where] = quantizer.quantise(coefficients, self._steps[where])
        self.coefficients[where] = quantizer.dequantise(self.symbols[where], self._steps[where])

    def take(self, symbols: NDArray[np.int32]) -> None:
        """Set all symbols, (n, planes)."""
        self.symbols[:] = symbols
        self.coefficients[:] = quantizer.dequantise(symbols, self._steps)

    def span(self, levels: range) -> slice:
        """The samples of a range of levels."""
        return self._tree.across(levels)

    def descend(
        self, levels: range, form: Matrix, damped: Floats, moments: Floats, coarser: Floats
    ) -> None:
        """Choose the symbols of an octave level by level: the points of a level are far apart. Its
        coefficients c leave the error form c.c - 2 moments.c.

        form    : csr (m, m)
        damped  : (m,), its diagonal as ``damped`` gives it
        moments : (m, planes)
        coarser : (n, planes), values of coarser octaves, in grey levels
        """
        span = self.span(levels)
        values = self._values_above(levels, coarser)
        slope = form @ self.coefficients[span] - moments
        places = {}
        for level in levels:
            where = self._tree.span(level)
            here = slice(where.start - span.start, where.stop - span.start)
            places[level] = where, here, form[here].T
        for plane in range(len(self._metric)):
            # What tells a symbol is coarser, or of an earlier plane: it does not change meanwhile.
            bits = self._contexts.bits(span, plane, self.symbols, values)
            for level in reversed(levels):
                where, here, columns = places[level]
                weight = self._metric[plane, plane] * damped[here]
                before = self.coefficients[where, plane].copy()
                aim = before - slope[here] @ self._metric[:, plane] / weight
                self._choose(where, plane, aim, weight, bits[here])
                moved = self.coefficients[where, plane] - before
                if moved.any():
                    slope[:, plane] += columns @ moved
                values.put(level, plane, self.symbols[where, plane])

    def _values_above(self, levels: range, coarser: Floats) -> Values:
        """What is known while an octave is read, with its symbols as they are."""
        values = Values(self._tree, self._contexts.lifting, self._index, len(self._metric))
        values.known[: len(coarser)] = np.rint(coarser * (1 << VALUE_BITS))
        values.begin(self._contexts.octaves[levels.start])
        values.take(levels, self.symbols)
        return values

    def _choose(
        self, where: slice, plane: int, aim: Floats, weight: Floats, bits: NDArray[np.float32]
    ) -> None:
        """Choose the symbols of a level and plane with the least
        weight * (c - aim) ** 2 + multiplier * bits.

        bits : (m, SIGNED), of signed tokens
        """
        steps, sign = self._steps[where, plane], np.sign(aim).astype(np.int32)
        floor = np.minimum(np.abs(aim) // steps, quantizer.MAX_SYMBOL - 1).astype(np.int32)
        tried = sign * np.stack([np.zeros_like(floor), floor, floor + 1])
        meant = quantizer.dequantise(tried, steps)
        token, width, _ = network.signed_tokens(tried)
        length = np.take_along_axis(bits, token.T, 1).T + width
        cost = weight * (meant - aim) ** 2 + self.multiplier * length
        best = cost.argmin(0), np.arange(len(aim))
        self.symbols[where, plane], self.coefficients[where, plane] = tried[best], meant[best]
        self.bits += float(length[best].sum())
