"""Rate-distortion optimised quantisation: symbols minimise error + multiplier * bits.

The classical fill is linear, so its squared error is a quadratic form of the sample values, given
by ``kriging.fill.normal_equations``. Coordinate descent chooses the symbol of each coefficient,
from the finest octave to the coarsest. As in a multigrid method, each octave has a quadratic form
of its own: the error that remains once all finer coefficients are chosen.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.value_contexts import ValueContexts
from xcodec.encoder.descent import State, damped
from xcodec.encoder.forms import Form, forms
from xcodec.encoder.target import METRIC, Target
from xcodec.kriging.fill import Squares, interpolate, moments, normal_equations, squares
from xcodec.kriging.sparse import Matrix, csr
from xcodec.sampling.tone import least_squares
from xcodec.system import threads
from xcodec.system.lazy import lazy
from xcodec.types import Floats, Points

MULTIPLIER = 0.05
"""The Lagrange multiplier: squared error per bit, relative to step ** 2 times the pixels per sample
(docs/research/rate-distortion-quantisation.md)."""
SPARSE, SPARSE_FACTOR = 0.015, 0.5
"""With a proxy gradient and fewer than SPARSE samples per pixel, the multiplier is scaled by
SPARSE_FACTOR: the proxy profits from more bits (docs/research/lookahead-sparse.md)."""
LOOKAHEAD_STEP = 0.6
"""Step size: the fraction of the way that each lookahead moves the target
(docs/research/lookahead.md)."""


class Ahead(Protocol):
    """What stands in for the generator: ``lookahead.Lookahead``."""

    def correction(self, planes: Floats, deviation: Floats, step: float) -> Floats:
        """The correction of the target, (height, width, planes), for symbols of the next sweep."""

    def error(
        self, planes: Floats, deviation: Floats, step: float, weights: Floats | None
    ) -> float:
        """Mean squared error over R, G and B of what would be painted, weighted."""


@dataclass(frozen=True)
class Choice:
    """Symbols, int32 (n, planes), and about how many bits they take."""

    symbols: NDArray[np.int32]
    bits: float


def is_sparse(spread: float, ahead: bool) -> bool:
    """Whether the multiplier is scaled by SPARSE_FACTOR.

    spread : pixels per sample
    ahead  : whether there is a lookahead
    """
    return ahead and spread * SPARSE > 1


class Problem:
    """The choice of a sampled picture's symbols.

    values : float64 (n, planes), the least-squares values that the search starts from
    """

    def __init__(
        self,
        points: Points,
        contexts: ValueContexts,
        target: Target,
        start: Floats,
        lookahead: Ahead | None = None,
        careful: bool = False,
    ) -> None:
        """target    : the picture
        start     : (n, planes), first guess of the least-squares values
        lookahead : corrects the target, whose cells are then pixels
        careful   : as for ``descent.damped``
        """
        self._metric, self._careful = target.metric, careful
        self._contexts, self._tree, self._lifting = contexts, contexts.tree, contexts.lifting
        self._points, self._weights, self._lookahead = points, target.weights, lookahead
        self._cut: list[Squares] = []
        cut = squares(points, cell=target.cell)
        self._gram, self._moments = normal_equations(
            points, target.planes, target.weights, cut if lookahead is None else self._kept(cut)
        )
        self._gram, self._moments = self._gram * target.cell**2, self._moments * target.cell**2
        self._others: _Others | None = None
        self._pixels: int = points.height * points.width
        self._spread: float = self._pixels / len(points)
        self._energy = target.energy
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

    @lazy
    def _forms(self) -> list[Form]:
        return forms(self._gram, self._lifting)

    @property
    def _coarsest(self) -> Matrix:
        """The form of the coarsest octave."""
        return self._forms[0].coarse if self._forms else self._gram

    @lazy
    def _damped(self) -> list[Floats]:
        """The damped diagonals of the forms of all octaves, coarse to fine."""
        every = [self._coarsest, *(form.own for form in self._forms)]
        return [
            damped(form, self._tree, levels, self._careful)
            for form, levels in zip(every, self._tree.octaves, strict=True)
        ]

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
        return self.choose_each(step, sweeps, [multiplier], lookaheads)[0]

    def choose_each(
        self, step: float, sweeps: int, multipliers: Sequence[float], lookaheads: int = 0
    ) -> list[NDArray[np.int32]]:
        """Choose symbols as ``choose`` does, for each of several multipliers.

        multipliers : only the last sweep differs; those before it use the first
        """
        first, *_ = multipliers
        state, moments, free = self._nearly(step, sweeps, first, lookaheads)
        chosen = []
        for multiplier in multipliers:
            own = state.copy()
            own.multiplier = multiplier * self.multiplier(step)
            self._sweep(own, moments, free)
            chosen.append(own.symbols)
        return chosen

    def sweeper(
        self, step: float, sweeps: int, multiplier: float = 1.0, lookaheads: int = 0
    ) -> Callable[[float], Choice]:
        """Choose symbols as ``choose`` does, up to the last sweep.

        Returns a function that makes one more sweep, with any multiplier, from where the sweep
        before it ended.
        """
        state, moments, free = self._nearly(step, sweeps, multiplier, lookaheads)

        def swept(multiplier: float) -> Choice:
            nonlocal free
            state.multiplier = multiplier * self.multiplier(step)
            self._sweep(state, moments, free)
            free = None
            return Choice(state.symbols.copy(), state.bits)

        return swept

    def _nearly(
        self, step: float, sweeps: int, multiplier: float, lookaheads: int
    ) -> tuple[State, Floats, Floats | None]:
        """The state, moments and ``free`` of the last sweep. Arguments as for ``choose``."""
        state = self._state(step, multiplier)
        state.place(self._lifting.forward(self.values))
        moments, free = self._moments, self.values
        ahead = self._lookahead is not None and lookaheads > 0
        if ahead:
            # The network runs meanwhile, without the GIL.
            prepared = threads.later(lambda: self._forms)
        for sweep in range(sweeps):
            if ahead and (sweep == 0 or sweep > sweeps - lookaheads):
                target = self._moments + self._correction(state, step)
                moments = moments + LOOKAHEAD_STEP * (target - moments)
                if sweep == 0:
                    free = least_squares(self._gram, moments, free)
                    prepared.result()
            if sweep < sweeps - 1:
                self._sweep(state, moments, free if sweep == 0 else None)
        return state, moments, free if sweeps == 1 else None

    def painted_error(self, values: Floats, step: float) -> float:
        """Mean squared error over R, G and B, weighted, of what the proxy network paints from
        values (n, planes); there must be a lookahead.

        step : quantiser step in grey levels
        """
        assert self._lookahead is not None
        return self._lookahead.error(*self._shown(values), step, self._weights)

    def _state(self, step: float, multiplier: float) -> State:
        return State(self._contexts, step, multiplier * self.multiplier(step), self._metric)

    def _correction(self, state: State, step: float) -> Floats:
        """The lookahead's correction of the moments, (n, planes)."""
        assert self._lookahead is not None
        shown = self._shown(self._lifting.inverse(state.coefficients))
        target = self._lookahead.correction(*shown, step)
        more = moments(self._points, target, self._weights, self._cut)
        return more if self._others is None else more[self._others.own]

    def _shown(self, values: Floats) -> tuple[Floats, Floats]:
        """The fill of values (n, planes), (height, width, planes), and its deviation."""
        if self._others is not None:
            values = self._others.all_values(values)
        return interpolate(self._points, values, self._cut)

    def refine(
        self, symbols: NDArray[np.int32], step: float, moments: Floats, multiplier: float = 1.0
    ) -> NDArray[np.int32]:
        """Choose symbols (n, planes) once more, for another target.

        step       : quantiser step in grey levels
        moments    : (n, planes), moments of the target minus the origin
        multiplier : factor on the default Lagrange multiplier
        """
        state = self._state(step, multiplier)
        state.take(symbols)
        self._sweep(state, moments)
        return state.symbols

    @property
    def sparse(self) -> bool:
        """Whether the picture has few samples and a lookahead."""
        return is_sparse(self._spread, self._lookahead is not None)

    def multiplier(self, step: float) -> float:
        """The Lagrange multiplier for a step in grey levels: squared error per bit, summed over the
        picture's R, G and B."""
        factor = SPARSE_FACTOR if self.sparse else 1.0
        return factor * MULTIPLIER * step**2 * self._spread

    def _sweep(self, state: State, moments: Floats, free: Floats | None = None) -> None:
        """Choose every symbol once.

        free : in the first sweep, the least-squares values (n, planes): values that are not yet
               quantised compensate for those that are. None in later sweeps, which start from the
               symbols of the sweep before
        """
        lifting, first = self._lifting, free is not None
        state.bits = 0.0
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
            own_moments = own_moments - form.cross @ values
            state.descend(levels, form.own, self._damped[octave], own_moments, values)
            moments = coarse_moments - form.cross.T @ state.coefficients[state.span(levels)]
            if first:
                values = least_squares(form.coarse, moments, values)
        if first:
            state.place(values, state.span(coarsest))
        state.descend(coarsest, self._coarsest, self._damped[0], moments, values[:0])


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
