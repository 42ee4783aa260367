"""The search for a byte budget or a PSNR: which rate, density and step meet it best?

Candidates are real files. For each rate and density, the search finds the step that just meets the
goal. It moves over rates while that pays, tries other densities at the best rate, and chooses the
winner's symbols once more with full effort, using up the bytes that are left. The error is that of
the classical fill. From effort 4 on, the last choice of symbols uses the proxy gradient
(lookahead.py); efforts 8 and 9 tune the winner through the generator itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import quantizer
from xcodec.encoder import analysis
from xcodec.encoder.analysis import Analysis
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

STEPS_PER_OCTAVE = 14.0
"""About how many step indices halve a file: used to extrapolate the next step."""
STEPS_PER_DECIBEL = 6.0
"""About how many step indices change the PSNR by 1 dB: used in the same way."""
BISECTIONS = 10
"""Number of rates that are tried for lossless samples."""
MULTIPLIERS = 1.0, 3.0
"""Range of the factors on the default Lagrange multiplier that squeeze a finer step under a byte
budget."""
SQUEEZES = 4
"""Number of multipliers that are tried for each finer step."""


@dataclass(frozen=True)
class Candidate:
    """A file, what it was made from, and the error of its classical fill.

    error   : mean squared error over R, G and B
    step    : index of ``quantizer.step_of``
    symbols : int32 (n, planes); None if the samples are lossless
    """

    data: bytes
    error: float
    request: Request
    draft: Analysis
    step: int = 0
    symbols: NDArray[np.int32] | None = None


def best(rgb: RGB, request: Request, goal: Goal) -> bytes:
    """Find the best file that meets a goal: least error within a byte budget, fewest bytes for a
    PSNR.

    rgb : uint8 (height, width, 3)

    Raises InputError if no file meets the goal.
    """
    search = Search(rgb, goal)
    if request.lossless:
        found = search.most_samples(request)
    elif not isinstance(request.mask, str):
        found = search.finished(search.at(request), request.effort)
    else:
        found = search.finished(search.over_densities(request), request.effort)
    if found is None:
        raise InputError(f"no file of this picture {goal}")
    if request.tuning and goal.max_bytes is not None and found.symbols is not None:
        return _tuned(rgb, found, request.tuning, goal.max_bytes)
    return found.data


def at_rate(rgb: RGB, request: Request) -> bytes:
    """Encode a picture, uint8 (height, width, 3), with the requested rate and step."""
    draft = analysis.analyse(rgb, request)
    if request.lossless:
        return analysis.write_symbols(draft, request, None, draft.coefficients.astype(np.int32))
    step = request.step_index
    symbols = draft.quantise(step, request.effort)
    data = analysis.write_symbols(draft, request, step, symbols)
    if not request.tuning:
        return data
    return _tuned(rgb, Candidate(data, 0.0, request, draft, step, symbols), request.tuning)


def _tuned(rgb: RGB, file: Candidate, rounds: int, limit: int | None = None) -> bytes:
    from xcodec.encoder.tuning import tune  # Imports torch.

    assert file.symbols is not None
    return tune(rgb, file.draft, file.request, file.step, file.symbols, rounds, limit)


@dataclass(frozen=True)
class _Coded:
    """A draft's symbols and their file, without its error, which depends on the goal."""

    draft: Analysis
    symbols: NDArray[np.int32]
    data: bytes


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
        self._coded: dict[tuple[int, int, float], _Coded] = {}
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
            file = self._file(draft, request, request.step)
            return file if self._excess(file) <= 0 else None
        return self._fitted(draft, request, self._step)

    def _fitted(self, draft: Analysis, request: Request, start: int | None) -> Candidate | None:
        """The file with the step that just meets the goal, searched from step ``start`` on."""
        # Coarser steps meet a byte budget, finer ones a PSNR; places count toward the goal.
        toward = 1 if self.goal.max_bytes is not None else -1
        speed = STEPS_PER_OCTAVE if toward > 0 else STEPS_PER_DECIBEL
        last = quantizer.MAX_STEP_INDEX
        failing, passing = (-1, last + 1) if toward > 0 else (-last - 1, 1)
        place = toward * (
            quantizer.default_index(max(request.rate, 1e-3)) if start is None else start
        )
        found, seen = None, dict[int, float]()
        while passing - failing > 1:
            file = self._file(draft, request, toward * place)
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
        if found is not None:
            self._step = found.step
        return found

    def _file(
        self, draft: Analysis, request: Request, step: int, multiplier: float = 1.0
    ) -> Candidate:
        """The file of a draft with a step; files of the last draft are cached."""
        if self._coded and next(iter(self._coded.values())).draft is not draft:
            self._coded.clear()
        key = step, request.effort, multiplier
        if key not in self._coded:
            symbols = draft.quantise(step, request.effort, multiplier)
            data = analysis.write_symbols(draft, request, step, symbols)
            self._coded[key] = _Coded(draft, symbols, data)
        coded = self._coded[key]
        error = self._error(draft, coded.symbols, step)
        return Candidate(coded.data, error, request, draft, step, coded.symbols)

    def _error(self, draft: Analysis, symbols: NDArray[np.int32], step: int) -> float:
        """Mean squared error over R, G and B, as the goal measures it."""
        samples = draft.samples(symbols, step)
        decoded = self.goal.psnr is not None and self.goal.decoded
        if draft.problem is not None and not decoded:
            return draft.problem.error((samples.values - draft.origin)[:, : symbols.shape[1]])
        # The goal is about the decoded picture. All files of a draft share the fill's weights.
        if self._weights is None or self._weights[0] is not draft:
            self._weights = draft, fill_matrix(samples.points, SMOOTH)
        painted = from_ycocg((self._weights[1] @ samples.values).reshape(*self._rgb.shape))
        return float(np.square(to_depth(painted, 8).astype(np.float32) - self._rgb).mean())

    def _excess(self, file: Candidate) -> float:
        """How far a file is from the goal, in octaves of bytes or in dB; 0 or less meets it."""
        if self.goal.max_bytes is not None:
            return float(np.log2(len(file.data) / self.goal.max_bytes))
        assert self.goal.psnr is not None
        return self.goal.psnr - float(decibels(file.error))

    def finished(self, found: Candidate | None, effort: int) -> Candidate | None:
        """The file once more with full effort, and with finer steps if bytes are left for them."""
        if found is None:
            return None
        request = replace(found.request, effort=effort)
        if request.lookaheads:
            found = replace(found, draft=self._analyse(self._rgb, request))
        if request.step is not None:
            file = self._file(found.draft, request, request.step)
            return file if self._excess(file) <= 0 else found
        fitted = self._fitted(found.draft, request, found.step) or found
        if self.goal.max_bytes is None or fitted.draft.problem is None:
            return fitted
        files = [fitted]
        # A slightly finer step may fit with a larger multiplier.
        for finer in range(1, request.settings.finer + 1):
            low, high = np.log2(MULTIPLIERS)
            for _ in range(SQUEEZES):
                middle = (low + high) / 2
                step = max(fitted.step - finer, 0)
                file = self._file(found.draft, request, step, 2.0**middle)
                if self._excess(file) <= 0:
                    files.append(file)
                    high = middle
                else:
                    low = middle
        return min(files, key=lambda file: file.error)

    def most_samples(self, request: Request) -> Candidate | None:
        """The file of lossless samples with the highest rate that fits."""
        found = None
        low, high = 1 / self.area, 1.0
        for _ in range(BISECTIONS):
            asked = replace(request, rate=float(np.sqrt(low * high)))
            draft = self._analyse(self._rgb, asked)
            data = analysis.write_symbols(draft, asked, None, draft.coefficients.astype(np.int32))
            if self.goal.max_bytes is not None and len(data) <= self.goal.max_bytes:
                found, low = Candidate(data, 0.0, asked, draft), asked.rate
            else:
                high = asked.rate
        return found
