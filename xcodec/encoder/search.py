"""The encoder's effort: which rate, density and step to send where a target is to be met.

Candidates are real files. For each rate and density the step is found that just meets the target;
rates are climbed while that pays, densities are tried at the best rate, and the winner's symbols
are chosen once more with all effort, and its last bytes used up. The error is that of the classical
fill; from effort 4 on, symbols are chosen at last for what the generator makes of it
(foresight.py), and efforts 8 and 9 tune the winner through the generator itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from xcodec.coding import quantizer
from xcodec.coding.synthesis import GREY
from xcodec.encoder import analysis
from xcodec.encoder.analysis import Analysis, usual_block
from xcodec.encoder.request import Request
from xcodec.errors import InputError
from xcodec.kriging.fill import fill_matrix
from xcodec.pictures.colour import from_ycocg
from xcodec.reconstruction.classical import SMOOTH
from xcodec.types import RGB

BITS_A_SAMPLE = 1.06
"""About what a sample costs at the best rate of a size: where the search begins."""
RATE_STEP = 2.0**0.5
CLIMBING, TRYING, THOROUGH = 2, 4, 6
"""Efforts from which rates are climbed, densities tried, and more of them, with better files."""
STRENGTHS = (0.4, 1.0)
STEPS_AN_OCTAVE = 14.0
"""Step indices that halve a file, about; so the search takes few looks."""
STEPS_A_DECIBEL = 6.0
LOOKS = 10
HIGHEST_RATE = 0.5
MULTIPLIERS = 1.0, 3.0
"""Range of the multiplier with which the last bytes are used up, relative to the usual one."""


@dataclass(frozen=True)
class Goal:
    """What a file must meet: bytes at most, or PSNR of its classical fill at least, in dB."""

    size: int | None = None
    psnr: float | None = None


@dataclass(frozen=True)
class Candidate:
    """A file, what it was made from, and its squared error through the classical fill.

    error   : mean over R, G and B
    symbols : None where the samples are lossless
    """

    data: bytes
    error: float
    request: Request
    draft: Analysis
    step: int = 0
    symbols: NDArray[np.int32] | None = None


def best(rgb: RGB, request: Request, goal: Goal) -> bytes:
    """The best file that meets a goal: least error within a size, fewest bytes at a PSNR.

    Raises InputError where no file meets it.
    """
    search = Search(rgb, goal)
    if request.lossless:
        found = search.most_samples(request)
    elif not isinstance(request.mask, str):
        found = search.finished(search.at(request), request.effort)
    else:
        found = search.finished(search.over_densities(request), request.effort)
    if found is None:
        raise InputError(f"no file of this picture {wish(goal)}")
    if request.rounds and goal.size is not None and found.symbols is not None:
        return _tuned(rgb, found, request.rounds, goal.size)
    return found.data


def at_rate(rgb: RGB, request: Request) -> bytes:
    """The file with the rate and step that were asked for."""
    draft = analysis.analyse(rgb, request)
    if request.lossless:
        return analysis.write_symbols(draft, request, None, draft.coefficients.astype(np.int32))
    step = request.step_index
    symbols = draft.quantise(step, request.effort)
    data = analysis.write_symbols(draft, request, step, symbols)
    if not request.rounds:
        return data
    return _tuned(rgb, Candidate(data, 0.0, request, draft, step, symbols), request.rounds)


def _tuned(rgb: RGB, file: Candidate, rounds: int, limit: int | None = None) -> bytes:
    from xcodec.encoder.tuning import tune  # Only here: it starts torch.

    assert file.symbols is not None
    return tune(rgb, file.draft, file.request, file.step, file.symbols, rounds, limit)


def wish(goal: Goal) -> str:
    """What a goal asks for, in words."""
    if goal.size is not None:
        return f"fits {goal.size} bytes"
    return f"reaches {goal.psnr:g} dB by its classical fill"


class Search:
    """The search for one picture and goal."""

    def __init__(self, rgb: RGB, goal: Goal, step: int | None = None) -> None:
        """step : where to begin to look for the step that meets the goal"""
        self._rgb, self._goal = rgb, goal
        self._area = rgb.shape[0] * rgb.shape[1]
        self._step = step
        self._files: dict[tuple[int, int, float], Candidate] = {}
        self._weights: tuple[Analysis, csr_array] | None = None

    def toward(self, goal: Goal) -> "Search":
        """A search of the same picture for another goal, which knows the files seen last."""
        other = Search(self._rgb, goal)
        other._files = self._files
        return other

    def over_densities(self, request: Request) -> Candidate | None:
        """The best of densities, each at the rate that is best for the first."""
        quick = replace(request, effort=min(request.effort, 1))
        found = self._climb(quick, RATE_STEP, request.effort >= CLIMBING)
        if found is None or request.effort < TRYING:
            return found
        for other in self._others(found.request, request):
            found = self._better(found, self.at(other))
        if request.effort >= THOROUGH:
            start = found.request
            for factor in (2**0.25, 2**-0.25):
                found = self._better(found, self.at(self._with_rate(start, factor * start.rate)))
        return found

    @staticmethod
    def _others(here: Request, asked: Request) -> Iterator[Request]:
        """Other densities than the one of ``here``, where the caller left them open."""
        if asked.density == "uniform":
            return
        if asked.density == "sobel" and asked.strength is None:  # What nobody asked for.
            yield replace(here, density="uniform")
        if asked.block is None:
            block = usual_block(here.rate)
            yield from (replace(here, block=block * 2), replace(here, block=block // 2))
        if asked.strength is None and asked.effort >= THOROUGH:
            yield from (replace(here, strength=strength) for strength in STRENGTHS)

    def _climb(self, request: Request, factor: float, further: bool) -> Candidate | None:
        """The best file over rates, going up or down from a guess while that pays."""
        tried: dict[int, Candidate | None] = {}
        guess = request.rate
        if self._goal.size is not None:
            beside = 16 + sum(len(content) for content in request.sections.values())
            guess = 8 * max(self._goal.size - beside, 1) / BITS_A_SAMPLE / self._area

        def at(k: int) -> float:
            if k not in tried:
                tried[k] = self.at(self._with_rate(request, guess * factor**k))
            return self._cost(tried[k])

        # A rate that is far too high fits with no step at all, one that is too low is never good.
        here, direction = 0, -1 if self._goal.size is not None else 1
        while np.isinf(at(here)) and abs(here) < 24 and guess * factor**here < HIGHEST_RATE:
            here += direction
        if here == 0:
            direction = 1 if further and at(1) < at(0) else -1
        while further and abs(here) < 24 and at(here + direction) < at(here):
            here += direction
        return tried[here]

    def _with_rate(self, request: Request, rate: float) -> Request:
        return replace(request, rate=float(min(max(rate, 1 / self._area), 1.0)))

    def _cost(self, found: Candidate | None) -> float:
        """What is to be small: the error within a size, the bytes at a PSNR."""
        if found is None:
            return np.inf
        return found.error if self._goal.size is not None else len(found.data)

    def _better(self, one: Candidate, other: Candidate | None) -> Candidate:
        return other if other is not None and self._cost(other) < self._cost(one) else one

    def at(self, request: Request) -> Candidate | None:
        """The best file at a rate and density: that with the step that just meets the goal."""
        draft = analysis.analyse(self._rgb, request)
        if request.step is not None:
            file = self._file(draft, request, request.step)
            return file if self._excess(file) <= 0 else None
        return self._fitted(draft, request, self._step)

    def _fitted(self, draft: Analysis, request: Request, start: int | None) -> Candidate | None:
        """The file with the step that just meets the goal, looking from a step on."""
        # Coarser steps meet a size, finer ones a PSNR; places count toward those that meet it.
        toward = 1 if self._goal.size is not None else -1
        speed = STEPS_AN_OCTAVE if toward > 0 else STEPS_A_DECIBEL
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
            if failing in seen and passing in seen:  # Both sides known: between them.
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
        """The file, which is made once as long as the draft stays the same."""
        if self._files and next(iter(self._files.values())).draft is not draft:
            self._files.clear()
        key = step, request.effort, multiplier
        if key not in self._files:
            symbols = draft.quantise(step, request.effort, multiplier)
            data = analysis.write_symbols(draft, request, step, symbols)
            error = self._error(draft, request, symbols, step)
            self._files[key] = Candidate(data, error, request, draft, step, symbols)
        return self._files[key]

    def _error(
        self, draft: Analysis, request: Request, symbols: NDArray[np.int32], step: int
    ) -> float:
        samples = draft.samples(symbols, step)
        if draft.problem is not None and self._goal.psnr is None:
            return draft.problem.error((samples.values - GREY)[:, : symbols.shape[1]])
        # What is promised is what is seen; the weights serve all files of a draft.
        if self._weights is None or self._weights[0] is not draft:
            self._weights = draft, fill_matrix(samples.points, SMOOTH)
        painted = from_ycocg((self._weights[1] @ samples.values).reshape(*self._rgb.shape))
        return float(np.square(np.clip(np.rint(painted), 0, 255) - self._rgb).mean())

    def _excess(self, file: Candidate) -> float:
        """How far a file is from the goal: octaves of bytes, or decibels; 0 or less meets it."""
        if self._goal.size is not None:
            return float(np.log2(len(file.data) / self._goal.size))
        assert self._goal.psnr is not None
        return self._goal.psnr - 10 * float(np.log10(255**2 / max(file.error, 1e-9)))

    def finished(self, found: Candidate | None, effort: int) -> Candidate | None:
        """The file again with all effort, and with finer steps where bytes are left for them."""
        if found is None:
            return None
        request = replace(found.request, effort=effort)
        if request.looks:
            found = replace(found, draft=analysis.analyse(self._rgb, request))
        if request.step is not None:
            file = self._file(found.draft, request, request.step)
            return file if self._excess(file) <= 0 else found
        fitted = self._fitted(found.draft, request, found.step) or found
        if self._goal.size is None or effort < TRYING or fitted.draft.problem is None:
            return fitted
        files = [fitted]
        # A step that is a little too fine fits where bits count for more.
        for finer in (1, 2) if effort >= THOROUGH else (1,):
            low, high = np.log2(MULTIPLIERS)
            for _ in range(4):
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
        low, high = 1 / self._area, 1.0
        for _ in range(LOOKS):
            asked = replace(request, rate=float(np.sqrt(low * high)))
            draft = analysis.analyse(self._rgb, asked)
            data = analysis.write_symbols(draft, asked, None, draft.coefficients.astype(np.int32))
            if self._goal.size is not None and len(data) <= self._goal.size:
                found, low = Candidate(data, 0.0, asked, draft), asked.rate
            else:
                high = asked.rate
        return found
