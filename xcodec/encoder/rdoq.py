"""Rate-distortion optimised quantisation: symbols minimise error + multiplier * bits.

The classical fill is linear, so its squared error is a quadratic form of the sample values, given
by ``kriging.fill.normal_equations``. Coordinate descent chooses the symbol of each coefficient,
from the finest octave to the coarsest. As in a multigrid method, each octave has a quadratic form
of its own: the error that remains once all finer coefficients are chosen.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import context, quantizer
from xcodec.coding.lifting import Hierarchy, Lifting
from xcodec.kriging.fill import Squares, interpolate, moments, normal_equations, squares
from xcodec.kriging.sparse import Matrix, csr
from xcodec.sampling.tone import least_squares
from xcodec.system import threads
from xcodec.types import Floats, Points

METRIC = np.array([[3.0, 0.0, -0.5], [0.0, 0.5, 0.0], [-0.5, 0.0, 0.75]])
"""Squared RGB error as a quadratic form of the error in Y, Co and Cg; grey pictures use the part of
Y alone."""
MULTIPLIER = 0.05
"""The Lagrange multiplier: squared error per bit, relative to step ** 2 times the pixels per sample
(docs/research/rate-distortion-quantisation.md)."""
SPARSE, SPARSE_FACTOR = 0.015, 0.5
"""With a proxy gradient and fewer than SPARSE samples per pixel, the multiplier is scaled by
SPARSE_FACTOR: the proxy profits from more bits (docs/research/lookahead-sparse.md)."""
LOOKAHEAD_STEP = 0.6
"""Step size: the fraction of the way that each lookahead moves the target
(docs/research/lookahead.md)."""
DAMPING = 1.15
"""Factor on the diagonal of the form: the coefficients of a level move at the same time, so each
moves less than it would alone (docs/research/rate-distortion-quantisation.md)."""
KIND = "coefficients"
"""The tables of ``coding.context`` that bits are counted with."""


@dataclass(frozen=True)
class Form:
    """The quadratic form of an octave in its coefficients c and the coarser values u.

    own    : csr (m, m), of c alone
    cross  : csr (m, n), of c with u
    coarse : csr (n, n), of u alone
    """

    own: Matrix
    cross: Matrix
    coarse: Matrix


def forms(gram: Matrix, lifting: Lifting) -> list[Form]:
    """The forms of all octaves but the coarsest, coarse to fine.

    gram : csr (n, n), the form of all sample values
    """
    found: list[Form] = []
    for predict, update in zip(lifting.predict[::-1], lifting.update[::-1], strict=True):
        n = predict.shape[1]
        mixed = gram[:n, n:] + predict.T @ gram[n:, n:]
        coarse = csr(gram[:n, :n] + gram[:n, n:] @ predict + predict.T @ mixed.T)
        shared = coarse @ update
        own = csr(gram[n:, n:] - update.T @ mixed - (mixed - shared).T @ update)
        found.append(Form(own, csr((mixed - shared).T), coarse))
        gram = coarse
    return found[::-1]


Correction = Callable[[Floats, Floats, float], Floats]
"""The correction of the target, (height, width, planes), given the fill, its deviation (height,
width) and the step in grey levels: ``lookahead.Lookahead``."""


class Problem:
    """The choice of a sampled picture's symbols.

    values : float64 (n, planes), the least-squares values that the search starts from
    """

    def __init__(
        self,
        points: Points,
        tree: Hierarchy,
        lifting: Lifting,
        planes: Floats,
        start: Floats,
        weights: Floats | None = None,
        lookahead: Correction | None = None,
    ) -> None:
        """planes    : (height, width, 3), Y, Co, Cg, or Y alone (height, width, 1)
        start     : (n, planes), first guess of the least-squares values
        weights   : (height, width), weights of the pixels' squared errors; None: all 1
        lookahead : corrects the target, which is the picture itself without it
        """
        self._metric = METRIC[: planes.shape[2], : planes.shape[2]]
        self._tree, self._lifting = tree, lifting
        self._points, self._weights, self._lookahead = points, weights, lookahead
        self._cut: list[Squares] = []
        cut = squares(points)
        self._gram, self._moments = normal_equations(
            points, planes, weights, cut if lookahead is None else self._kept(cut)
        )
        self._others: _Others | None = None
        self._pixels: int = planes.shape[0] * planes.shape[1]
        self._spread: float = self._pixels / len(points)
        flat = planes.reshape(-1, planes.shape[2]).astype(np.float64)
        weighed = flat if weights is None else flat * weights.reshape(-1, 1)
        self._energy = float(((weighed.T @ flat) * self._metric).sum())
        self.values = least_squares(self._gram, self._moments, start)

    def _kept(self, cut: Iterable[Squares]) -> Iterator[Squares]:
        """Passes squares on and keeps them, with weights in half the memory."""
        for square in cut:
            yield square
            self._cut.append(replace(square, weights=square.weights.astype(np.float32)))

    def keep(self, own: NDArray[np.bool_], spread: float) -> None:
        """Restrict the problem to some of the samples; the values of the others stay as they are.

        own    : bool (n,), the samples of the tree and the lifting
        spread : pixels per sample, for the Lagrange multiplier
        """
        rest = self.values[~own]
        gram = csr(self._gram[~own])
        fixed, across = csr(gram[:, ~own]), csr(gram[:, own])
        each = rest.T @ (fixed @ rest) - 2 * (rest.T @ self._moments[~own])
        self._energy += float((each * self._metric).sum())
        self._moments = self._moments[own] - across.T @ rest
        self._others = _Others(own, rest)
        self._gram = csr(self._gram[own][:, own])
        self.values, self._spread = self.values[own], spread

    @cached_property
    def _forms(self) -> list[Form]:
        return forms(self._gram, self._lifting)

    def error(self, values: Floats) -> float:
        """Mean squared error over R, G and B of the classical fill of values (n, planes), weighted
        and not clipped."""
        each = values.T @ (self._gram @ values) - 2 * (values.T @ self._moments)
        error = float((each * self._metric).sum()) + self._energy
        return error / (len(METRIC) * self._pixels)

    def choose(
        self, step: float, sweeps: int, multiplier: float = 1.0, lookaheads: int = 0
    ) -> NDArray[np.int32]:
        """Choose symbols, int32 (n, planes).

        step       : quantiser step in grey levels
        sweeps     : how often each symbol is chosen
        multiplier : factor on the default Lagrange multiplier
        lookaheads : number of sweeps preceded by a proxy gradient, if there is a lookahead: the
                     first, and the last ``lookaheads - 1``
        """
        state = _State(self._tree, step, multiplier * self.multiplier(step), self._metric)
        state.place(self._lifting.forward(self.values))
        moments, free = self._moments, self.values
        ahead = self._lookahead is not None and lookaheads > 0
        if ahead:
            forms = threads.later(
                lambda: self._forms
            )  # The network runs meanwhile, without the GIL.
        for sweep in range(sweeps):
            if ahead and (sweep == 0 or sweep > sweeps - lookaheads):
                target = self._moments + self._correction(state, step)
                moments = moments + LOOKAHEAD_STEP * (target - moments)
                if sweep == 0:
                    free = least_squares(self._gram, moments, free)
                    forms.result()
            self._sweep(state, moments, free if sweep == 0 else None)
        return state.symbols

    def _correction(self, state: "_State", step: float) -> Floats:
        """The lookahead's correction of the moments, (n, planes)."""
        assert self._lookahead is not None
        others = self._others
        values = self._lifting.inverse(state.coefficients)
        if others is not None:
            values = others.all_values(values)
        shown = interpolate(self._points, values, self._cut)
        more = moments(self._points, self._lookahead(*shown, step), self._weights, self._cut)
        return more if others is None else more[others.own]

    def refine(
        self, symbols: NDArray[np.int32], step: float, moments: Floats, multiplier: float = 1.0
    ) -> NDArray[np.int32]:
        """Choose symbols (n, planes) once more, for another target.

        step       : quantiser step in grey levels
        moments    : (n, planes), moments of the target minus the origin
        multiplier : factor on the default Lagrange multiplier
        """
        state = _State(self._tree, step, multiplier * self.multiplier(step), self._metric)
        state.take(symbols)
        self._sweep(state, moments)
        return state.symbols

    @property
    def sparse(self) -> bool:
        """Whether the picture has few samples and a lookahead."""
        return self._lookahead is not None and self._spread * SPARSE > 1

    def multiplier(self, step: float) -> float:
        """The Lagrange multiplier for a step in grey levels: squared error per bit, summed over the
        picture's R, G and B."""
        factor = SPARSE_FACTOR if self.sparse else 1.0
        return factor * MULTIPLIER * step**2 * self._spread

    def _sweep(self, state: "_State", moments: Floats, free: Floats | None = None) -> None:
        """Choose every symbol once.

        free : in the first sweep, the least-squares values (n, planes): values that are not yet
               quantised compensate for those that are. None in later sweeps, which start from the
               symbols of the sweep before
        """
        lifting, first = self._lifting, free is not None
        values = lifting.inverse(state.coefficients) if free is None else free
        coarsest, *finer = self._tree.octaves
        for octave in range(len(finer), 0, -1):
            form, levels = self._forms[octave - 1], finer[octave - 1]
            predict, update = lifting.predict[octave - 1], lifting.update[octave - 1]
            values, own = lifting.split(octave, values)
            if first:
                state.place(own, state.span(levels))
            coarse_moments, own_moments = np.split(moments, [predict.shape[1]])
            coarse_moments = coarse_moments + predict.T @ own_moments
            own_moments = own_moments - update.T @ coarse_moments
            state.descend(levels, form.own, own_moments - form.cross @ values)
            moments = coarse_moments - form.cross.T @ state.coefficients[state.span(levels)]
            if first:
                values = least_squares(form.coarse, moments, values)
        if first:
            state.place(values, state.span(coarsest))
        whole = self._forms[0].coarse if self._forms else self._gram
        state.descend(coarsest, whole, moments)


@dataclass(frozen=True)
class _Others:
    """Samples whose values are fixed.

    own    : bool (n,), the samples whose symbols are chosen
    values : (m, planes), those of the others
    """

    own: NDArray[np.bool_]
    values: Floats

    def all_values(self, own_values: Floats) -> Floats:
        """Values (n, planes) of all samples."""
        values = np.empty((len(self.own), own_values.shape[1]))
        values[self.own], values[~self.own] = own_values, self.values
        return values


class _State:
    """The symbols chosen so far, and the coefficients that they stand for."""

    def __init__(self, tree: Hierarchy, step: float, multiplier: float, metric: Floats) -> None:
        self._tree = tree
        self._steps = quantizer.per_sample(step, tree, len(metric))
        self._metric = metric
        self._multiplier = multiplier
        self._model, self._bits = context.tables(KIND), context.token_bits(KIND)
        self.symbols = np.zeros(self._steps.shape, np.int32)
        self.coefficients = np.zeros(self._steps.shape)

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
        return slice(self._tree.bounds[levels.start], self._tree.bounds[levels.stop])

    def descend(self, levels: range, form: Matrix, moments: Floats) -> None:
        """Choose the symbols of an octave level by level: the points of a level are far apart. Its
        coefficients c leave the error form c.c - 2 moments.c.

        form    : csr (m, m)
        moments : (m, planes)
        """
        span = self.span(levels)
        slope = form @ self.coefficients[span] - moments
        diagonal = DAMPING * form.diagonal()
        for level in reversed(levels):
            where = self._tree.span(level)
            here = slice(where.start - span.start, where.stop - span.start)
            columns = form[here].T
            for plane in range(len(self._metric)):
                weight = self._metric[plane, plane] * diagonal[here]
                before = self.coefficients[where, plane].copy()
                aim = before - slope[here] @ self._metric[:, plane] / weight
                self._choose(level, plane, aim, weight)
                moved = self.coefficients[where, plane] - before
                if moved.any():
                    slope[:, plane] += columns @ moved

    def _choose(self, level: int, plane: int, aim: Floats, weight: Floats) -> None:
        """Choose the symbols of a level and plane with the least
        weight * (c - aim) ** 2 + multiplier * bits."""
        where = self._tree.span(level)
        known = np.minimum(np.abs(self.symbols), self._model.clip)
        bins = context.contexts(self._model, self._tree, level, plane, known)
        steps, bits = self._steps[where, plane], self._bits[plane][bins]
        rows = np.arange(len(bins))
        sign = np.sign(aim).astype(np.int32)
        floor = np.minimum(np.abs(aim) // steps, quantizer.MAX_SYMBOL - 1).astype(np.int32)
        best = np.full(len(bins), np.inf)
        for magnitude in (0 * floor, floor, floor + 1):
            symbols = sign * magnitude
            values = quantizer.dequantise(symbols, steps)
            token = context.tokens_of(magnitude)[0]
            cost = weight * (values - aim) ** 2 + self._multiplier * bits[rows, token]
            better = cost < best
            best[better] = cost[better]
            self.symbols[where, plane][better] = symbols[better]
            self.coefficients[where, plane][better] = values[better]
