"""The search for a byte budget or a PSNR: which rate, density and step meet it best?

For each rate and density, the search finds the step that just meets the goal, and the Lagrange
multiplier that uses up a byte budget. It moves over rates while that pays, and tries other
densities at the best rate. Candidates are compared by the error of the classical fill, or, within a
byte budget, by that of what the proxy network paints, if the file is for the generator
(lookahead.py). Below effort 5, such a file takes the rate and density that are usual for its bytes
(docs/research/byte-budgets.md). Efforts 8 and 9 tune the winner through the generator itself.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from xcodec.coding import quantizer
from xcodec.encoder import analysis, budget
from xcodec.encoder.analysis import Analysis
from xcodec.encoder.candidates import Candidate, Coded
from xcodec.encoder.rates import Goal, RateSearch
from xcodec.encoder.request import Request
from xcodec.errors import InputError
from xcodec.kriging.fill import fill_matrix
from xcodec.kriging.sparse import Matrix
from xcodec.pictures.colour import from_ycocg
from xcodec.pictures.modes import to_depth
from xcodec.pictures.quality import decibels
from xcodec.reconstruction.classical import SMOOTH
from xcodec.types import RGB

STEPS_PER_DECIBEL = 6.0
"""About how many step indices change the PSNR by 1 dB: used to extrapolate the next step."""
BISECTIONS = 10
"""Number of rates that are tried for lossless samples."""
QUICK = 1
"""Effort with which the step is found that nearly meets a byte budget."""


def best(rgb: RGB, request: Request, goal: Goal) -> bytes:
    """Find the best file that meets a goal: least error within a byte budget, fewest bytes for a
    PSNR.

    rgb : uint8 (height, width, 3)

    Raises InputError if no file meets the goal.
    """
    search = Search(rgb, goal)
    if request.lossless:
        data = search.most_samples(request)
        if data is None:
            raise InputError(f"no file of this picture {goal}")
        return data
    masked = not isinstance(request.mask, str)
    found = search.at(request) if masked else search.over_densities(request)
    if found is None:
        raise InputError(f"no file of this picture {goal}")
    if found.request.effort != request.effort:
        found = search.finished(found, request.effort)
    if request.tuning and goal.max_bytes is not None:
        return _tuned(rgb, found.coded, request.tuning, goal.max_bytes)
    return found.data


def at_rate(rgb: RGB, request: Request) -> bytes:
    """Encode a picture, uint8 (height, width, 3), with the requested rate and step."""
    draft = analysis.analyse(rgb, request)
    if request.lossless:
        return analysis.write_symbols(draft, request, None, draft.coefficients.astype(np.int32))
    step = request.step_index
    coded = Coded(draft, request, step, draft.quantise(step, request.effort))
    return _tuned(rgb, coded, request.tuning) if request.tuning else coded.data


def _tuned(rgb: RGB, file: Coded, rounds: int, limit: int | None = None) -> bytes:
    from xcodec.encoder.tuning import tune  # Imports torch.

    return tune(rgb, file.draft, file.request, file.step, file.symbols, rounds, limit)


class Search(RateSearch[Candidate]):
    """The search for one picture and one goal."""

    def __init__(
        self,
        rgb: RGB,
        goal: Goal,
        step: int | None = None,
        analyse: Callable[[RGB, Request], Analysis] = analysis.analyse,
    ) -> None:
        """step    : index of the step to start from; None: the default of the rate
        analyse : how the picture is sampled and transformed
        """
        super().__init__(goal, rgb.shape[0] * rgb.shape[1])
        self._rgb, self._analyse = rgb, analyse
        self._step = step
        self._coded: dict[tuple[int, int], Coded] = {}
        self._beside: tuple[Analysis, float] | None = None
        self._weights: tuple[Analysis, Matrix] | None = None

    def toward(self, goal: Goal) -> "Search":
        """A search for another goal on the same picture. It shares the files of the last draft."""
        other = Search(self._rgb, goal, analyse=self._analyse)
        other._coded = self._coded
        return other

    def cost(self, found: Candidate | None) -> float:
        if found is None:
            return np.inf
        return found.error if self.goal.max_bytes is not None else len(found.data)

    def at(self, request: Request) -> Candidate | None:
        """The file with a request's rate and density and the step that just meets the goal; None if
        no step does."""
        draft = self._analyse(self._rgb, request)
        if request.step is not None:
            return self._fixed(draft, request, request.step)
        start = _usual(request) if self._step is None else self._step
        found, fills = None, self._fills(draft, request)
        if fills:
            found = self._filled(draft, request, self._near(draft, request, start))
        # If no multiplier uses up the budget, there are other rates, but not for an explicit mask.
        if found is None and (draft.density is None or not fills):
            found = self._fitted(draft, request, start)
        if found is not None:
            self._step = found.step
        return found

    def finished(self, found: Candidate, effort: int) -> Candidate:
        """The file once more with another effort, if it meets the goal then."""
        request = replace(found.request, effort=effort)
        draft = self._analyse(self._rgb, request) if request.lookaheads else found.draft
        if request.step is not None:
            return self._fixed(draft, request, request.step) or found
        fit = self._filled if self._fills(draft, request) else self._fitted
        return fit(draft, request, found.step) or found

    def _fixed(self, draft: Analysis, request: Request, step: int) -> Candidate | None:
        """The file with a given step; None if it misses the goal."""
        file = self._candidate(self._file(draft, request, step))
        return file if self._excess(file) <= 0 else None

    def _fitted(self, draft: Analysis, request: Request, start: int) -> Candidate | None:
        """The file with the step that just meets the goal, searched from step ``start`` on."""
        # Coarser steps meet a byte budget, finer ones a PSNR; places count toward the goal.
        toward = 1 if self.goal.max_bytes is not None else -1
        speed = budget.STEPS_PER_OCTAVE if toward > 0 else STEPS_PER_DECIBEL
        last = quantizer.MAX_STEP_INDEX
        failing, passing = (-1, last + 1) if toward > 0 else (-last - 1, 1)
        place = toward * start
        found, seen = None, dict[int, float]()
        while passing - failing > 1:
            file = self._candidate(self._file(draft, request, toward * place))
            excess = seen[place] = self._excess(file)
            if excess > 0:
                failing = place
            else:
                passing, found = place, file
            if failing in seen and passing in seen:  # Both sides are known: interpolate.
                share = seen[failing] / (seen[failing] - seen[passing])
                place = failing + round(share * (passing - failing))
            else:
                place += (1 if excess > 0 else -1) * max(1, round(abs(excess) * speed * len(seen)))
            place = min(max(place, failing + 1), passing - 1)
        return found

    def _fills(self, draft: Analysis, request: Request) -> bool:
        """Whether multipliers can use up a byte budget."""
        optimised = draft.problem is not None and request.settings.sweeps > 0
        return self.goal.max_bytes is not None and optimised

    def _near(self, draft: Analysis, request: Request, start: int) -> float:
        """The step, between indices, that nearly meets a byte budget, found with little effort."""
        assert self.goal.max_bytes is not None
        quick = replace(request, effort=min(request.effort, QUICK))

        def size(step: int) -> float:
            return self._file(draft, quick, step).size

        return budget.near(size, start, self.goal.max_bytes)

    def _filled(self, draft: Analysis, request: Request, start: float) -> Candidate | None:
        """The file that uses up a byte budget, with a step near ``start``; None if there is none.

        With more effort, finer steps and larger multipliers are tried besides.
        """
        assert self.goal.max_bytes is not None
        first = budget.filled(draft, request, start, self.goal.max_bytes)
        if first is None:
            return None
        best = self._candidate(first)
        for finer in range(1, request.settings.finer + 1):
            step = max(first.step - finer, 0)
            file, _ = budget.squeezed(draft, request, start, step, self.goal.max_bytes)
            best = self.better(best, None if file is None else self._candidate(file))
        return best

    def _file(self, draft: Analysis, request: Request, step: int) -> Coded:
        """The file of a draft with a step; files of the last draft are cached."""
        if self._coded and next(iter(self._coded.values())).draft is not draft:
            self._coded.clear()
        key = step, request.effort
        if key not in self._coded:
            self._coded[key] = self._new_file(draft, request, step)
        return self._coded[key]

    def _new_file(self, draft: Analysis, request: Request, step: int) -> Coded:
        if not self._fills(draft, request):
            return Coded(draft, request, step, draft.quantise(step, request.effort))
        choice = draft.sweeper(step, request.effort)(1.0)
        file = Coded(draft, request, step, choice.symbols)
        if self._beside is None or self._beside[0] is not draft:
            self._beside = draft, len(file.data) - choice.bits / 8
        file.size = self._beside[1] + choice.bits / 8
        return file

    def _candidate(self, file: Coded) -> Candidate:
        return Candidate(file, self._error)

    def _error(self, file: Coded) -> float:
        """Mean squared error over R, G and B, as the goal measures it."""
        draft, decoded = file.draft, self.goal.psnr is not None and self.goal.decoded
        samples = draft.samples(file.symbols, file.step)
        if draft.problem is not None and not decoded:
            values = (samples.values - draft.origin)[:, : file.symbols.shape[1]]
            if self.goal.max_bytes is not None and file.request.lookaheads:
                return draft.problem.painted_error(values, samples.step)
            return draft.problem.error(values)
        # The goal is about the decoded picture. All files of a draft share the fill's weights.
        if self._weights is None or self._weights[0] is not draft:
            self._weights = draft, fill_matrix(samples.points, SMOOTH)
        painted = from_ycocg((self._weights[1] @ samples.values).reshape(*self._rgb.shape))
        return float(np.square(to_depth(painted, 8).astype(np.float32) - self._rgb).mean())

    def _excess(self, file: Candidate) -> float:
        """How far a file is from the goal, in octaves of bytes or in dB; 0 or less meets it."""
        if self.goal.max_bytes is not None:
            return budget.octaves(len(file.data), self.goal.max_bytes)
        assert self.goal.psnr is not None
        return self.goal.psnr - float(decibels(file.error))

    def most_samples(self, request: Request) -> bytes | None:
        """The file of lossless samples with the highest rate that fits; None if there is none."""
        found = None
        low, high = 1 / self.area, 1.0
        for _ in range(BISECTIONS):
            asked = replace(request, rate=float(np.sqrt(low * high)))
            draft = self._analyse(self._rgb, asked)
            data = analysis.write_symbols(draft, asked, None, draft.coefficients.astype(np.int32))
            if self.goal.max_bytes is not None and len(data) <= self.goal.max_bytes:
                found, low = data, asked.rate
            else:
                high = asked.rate
        return found


def _usual(request: Request) -> int:
    """The index of the step that a search starts from."""
    return quantizer.default_index(max(request.rate, 1e-3))
