"""Rate-distortion optimised quantisation: symbols chosen by the bits they cost and the error they
leave in the picture.

The classical fill is linear, so its squared error is a quadratic form of the sample values, given
by ``scatter.normal_equations``. Coordinate descent, from the finest octave to the coarsest, gives
each coefficient the symbol with the least error + multiplier * bits. As in a multigrid method, each
octave works on a form of its own: what is left of the error once all finer coefficients stand.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from xcodec.coding import context, quantizer
from xcodec.coding.lifting import Hierarchy, Lifting
from xcodec.kriging.fill import Squares, moments, normal_equations, painted, squares
from xcodec.sampling.tone import least_squares
from xcodec.system import threads
from xcodec.types import Floats, Points

METRIC = np.array([[3.0, 0.0, -0.5], [0.0, 0.5, 0.0], [-0.5, 0.0, 0.75]])
"""Squared RGB error as a quadratic form of the error in Y, Co and Cg; of Y alone where grey."""
MULTIPLIER = 0.05
"""Squared error that a bit is worth, relative to step ** 2 at every pixel of a sample."""
SPARSE, SPARSE_WORTH = 0.015, 0.5
"""Below this many samples a pixel, a bit counts for this much of that where foresight looks on: it
asks for more there than the fill does.
"""
SHARE = 0.6
"""How far each look at what foresight asks for moves what symbols are chosen toward."""
DAMPING = 1.15
"""Coefficients of a level move together: each goes a little less far than it would alone."""
KIND = "coefficients"


@dataclass(frozen=True)
class Form:
    """The quadratic form of an octave in its coefficients c and the coarser values u.

    own    : csr (m, m), of c alone
    cross  : csr (m, n), of c with u
    coarse : csr (n, n), of u alone
    """

    own: csr_array
    cross: csr_array
    coarse: csr_array


def forms(gram: csr_array, lifting: Lifting) -> list[Form]:
    """The forms of all octaves but the coarsest, coarse to fine, from that of all values (n, n)."""
    found: list[Form] = []
    for predict, update in zip(lifting.predict[::-1], lifting.update[::-1], strict=True):
        n = predict.shape[1]
        mixed = gram[:n, n:] + predict.T @ gram[n:, n:]
        coarse = csr_array(gram[:n, :n] + gram[:n, n:] @ predict + predict.T @ mixed.T)
        shared = coarse @ update
        own = csr_array(gram[n:, n:] - update.T @ mixed - (mixed - shared).T @ update)
        found.append(Form(own, csr_array((mixed - shared).T), coarse))
        gram = coarse
    return found[::-1]


Foresight = Callable[[Floats, Floats, float], Floats]
"""What to add to the picture that the fill should show, (height, width, planes), given what the
fill shows, its deviation (height, width), and the step in grey levels."""


class Problem:
    """A sampled picture whose symbols are to be chosen.

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
        foresight: Foresight | None = None,
    ) -> None:
        """planes    : (height, width, 3), Y, Co, Cg, or Y alone (height, width, 1)
        start     : (n, planes), to begin least squares from
        weights   : (height, width), what a pixel's squared error counts for; all 1 where None
        foresight : of what the fill should show instead of the picture itself
        """
        self._metric = METRIC[: planes.shape[2], : planes.shape[2]]
        self._tree, self._lifting = tree, lifting
        self._points, self._weights, self._foresight = points, weights, foresight
        self._cut: list[Squares] = []
        cut = squares(points)
        self._gram, self._moments = normal_equations(
            points, planes, weights, cut if foresight is None else self._kept(cut)
        )
        self._others: _Others | None = None
        self._pixels: int = planes.shape[0] * planes.shape[1]
        self._spread: float = self._pixels / len(points)
        flat = planes.reshape(-1, planes.shape[2]).astype(np.float64)
        weighed = flat if weights is None else flat * weights.reshape(-1, 1)
        self._energy = float(((weighed.T @ flat) * self._metric).sum())
        self.values = least_squares(self._gram, self._moments, start)

    def _kept(self, cut: Iterable[Squares]) -> Iterator[Squares]:
        """Squares as they pass, kept in half the memory."""
        for square in cut:
            yield square
            self._cut.append(replace(square, weights=square.weights.astype(np.float32)))

    def keep(self, own: NDArray[np.bool_], spread: float) -> None:
        """Go on with some of the samples only, the others keeping the values that they have.

        own    : (n,), which ones: those of the tree and the lifting
        spread : pixels to a sample where bits and error are weighed
        """
        rest = self.values[~own]
        gram = csr_array(self._gram[~own])
        fixed, across = csr_array(gram[:, ~own]), csr_array(gram[:, own])
        each = rest.T @ (fixed @ rest) - 2 * (rest.T @ self._moments[~own])
        self._energy += float((each * self._metric).sum())
        self._moments = self._moments[own] - across.T @ rest
        self._others = _Others(own, rest)
        self._gram = csr_array(self._gram[own][:, own])
        self.values, self._spread = self.values[own], spread

    @cached_property
    def _forms(self) -> list[Form]:
        return forms(self._gram, self._lifting)

    def error(self, values: Floats) -> float:
        """Squared error of the classical fill of values (n, planes), weighed, not clipped:
        mean over R, G, B.
        """
        each = values.T @ (self._gram @ values) - 2 * (values.T @ self._moments)
        error = float((each * self._metric).sum()) + self._energy
        return error / (len(METRIC) * self._pixels)

    def choose(
        self, step: float, sweeps: int, worth: float = 1.0, looks: int = 0
    ) -> NDArray[np.int32]:
        """Symbols (n, planes) for a quantiser step in grey levels.

        sweeps : times that each is chosen
        worth  : factor on the MULTIPLIER
        looks  : sweeps that foresight comes before, if there is any: the first and the last ones
        """
        state = _State(self._tree, step, worth * self.bit_worth(step), self._metric)
        state.place(self._lifting.forward(self.values))
        moments, free = self._moments, self.values
        looking = self._foresight is not None and looks > 0
        if looking:
            forms = threads.later(lambda: self._forms)  # Beside a network, outside Python's lock.
        for sweep in range(sweeps):
            if looking and (sweep == 0 or sweep > sweeps - looks):
                moments = moments + SHARE * (self._moments + self._foreseen(state, step) - moments)
                if sweep == 0:
                    free = least_squares(self._gram, moments, free)
                    forms.result()
            self._sweep(state, moments, free if sweep == 0 else None)
        return state.symbols

    def _foreseen(self, state: "_State", step: float) -> Floats:
        """The moments of what foresight adds to the picture."""
        assert self._foresight is not None
        others = self._others
        values = self._lifting.inverse(state.coefficients)
        if others is not None:
            values = others.all_values(values)
        shown = painted(self._points, values, self._cut)
        more = moments(self._points, self._foresight(*shown, step), self._weights, self._cut)
        return more if others is None else more[others.own]

    def refine(
        self, symbols: NDArray[np.int32], step: float, moments: Floats, worth: float = 1.0
    ) -> NDArray[np.int32]:
        """Symbols (n, planes) chosen once more, toward another picture.

        moments : (n, planes), of that picture less GREY
        """
        state = _State(self._tree, step, worth * self.bit_worth(step), self._metric)
        state.take(symbols)
        self._sweep(state, moments)
        return state.symbols

    @property
    def sparse(self) -> bool:
        """Whether foresight sees a picture of few samples."""
        return self._foresight is not None and self._spread * SPARSE > 1

    def bit_worth(self, step: float) -> float:
        """Squared error, summed over the picture's R, G and B, that a bit is worth."""
        share = SPARSE_WORTH if self.sparse else 1.0
        return share * MULTIPLIER * step**2 * self._spread

    def _sweep(self, state: "_State", moments: Floats, free: Floats | None = None) -> None:
        """Choose every symbol once.

        free : values (n, planes) that leave the least error: what isn't chosen yet is free to make
               up for what is; without, all symbols stand from a sweep before
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
    """Samples that keep the values that they have.

    own    : (n,), which ones do not
    values : (m, planes)
    """

    own: NDArray[np.bool_]
    values: Floats

    def all_values(self, own_values: Floats) -> Floats:
        """Values (n, planes) of all samples."""
        values = np.empty((len(self.own), own_values.shape[1]))
        values[self.own], values[~self.own] = own_values, self.values
        return values


class _State:
    """Symbols in the making: what they are, and the coefficients that they stand for."""

    def __init__(self, tree: Hierarchy, step: float, multiplier: float, metric: Floats) -> None:
        self._tree = tree
        self._steps = quantizer.per_sample(step, tree, len(metric))
        self._metric = metric
        self._multiplier = multiplier
        self._model, self._bits = context.tables(KIND), context.token_bits(KIND)
        self.symbols = np.zeros(self._steps.shape, np.int32)
        self.coefficients = np.zeros(self._steps.shape)

    def place(self, coefficients: Floats, where: slice = slice(None)) -> None:
        """Plainly quantise coefficients of a range of samples."""
        self.symbols[where] = quantizer.quantise(coefficients, self._steps[where])
        self.coefficients[where] = quantizer.dequantise(self.symbols[where], self._steps[where])

    def take(self, symbols: NDArray[np.int32]) -> None:
        """Go on from symbols (n, planes)."""
        self.symbols[:] = symbols
        self.coefficients[:] = quantizer.dequantise(symbols, self._steps)

    def span(self, levels: range) -> slice:
        """The samples of an octave's levels."""
        return slice(self._tree.bounds[levels.start], self._tree.bounds[levels.stop])

    def descend(self, levels: range, form: csr_array, moments: Floats) -> None:
        """Choose the symbols of an octave, whose coefficients c leave the error
        form c.c - 2 moments.c, level by level: the points of a level are far apart.

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
        """Symbols of a level and plane with the least weight * (c - aim) ** 2 + bits."""
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
