"""The search over rates and densities, whichever way files are tried or estimated."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from xcodec.encoder.request import Request
from xcodec.options import MAX_RATE
from xcodec.sampling.density import BLOCK

BITS_PER_SAMPLE = 1.06
"""Initial guess of bits per sample when a byte budget is given (docs/research/density.md)."""
RATE_STEP = 2.0**0.5
"""Ratio of neighbouring rates in the search."""
OTHER_BLOCKS = BLOCK * 2, BLOCK // 2
"""Sides of density blocks that are tried beside the default."""
STRENGTHS = (0.4, 1.0)
"""Strengths of the density that are tried beside the default (docs/research/density.md)."""
BESIDE = 7
"""Estimated bytes of a file beside its samples and sections."""
ORIGINAL = 2
"""Estimated bytes of the size of a larger original."""


@dataclass(frozen=True)
class Goal:
    """What a file must meet: a largest size, or a least PSNR of its classical fill.

    max_bytes : largest size of the whole file
    psnr      : least PSNR in dB
    densest   : rate from which on no larger one is tried for a PSNR
    decoded   : whether the PSNR is that of the decoded picture, rounded and clipped. Otherwise, and
                within a byte budget, the error is that of ``rdoq.Problem``
    """

    max_bytes: int | None = None
    psnr: float | None = None
    decoded: bool = True
    densest: float = MAX_RATE

    def limit(self, area: int) -> float:
        """The largest size in bytes, or squared error summed over R, G and B.

        area : of the picture in pixels
        """
        if self.max_bytes is not None:
            return float(self.max_bytes)
        assert self.psnr is not None
        return float(3 * area * 255**2 / 10 ** (self.psnr / 10))

    def __str__(self) -> str:
        if self.max_bytes is not None:
            return f"fits {self.max_bytes} bytes"
        return f"reaches {self.psnr:g} dB by its classical fill"


class _Found(Protocol):
    """A file that was tried or estimated."""

    @property
    def request(self) -> Request: ...


Found = TypeVar("Found", bound=_Found)


def beside(request: Request) -> int:
    """Bytes of a file beside its samples, about."""
    before = 0 if request.original is None else ORIGINAL
    return BESIDE + before + sum(len(content) for content in request.sections.values())


def affordable(size: int, request: Request, area: int, bits: float = BITS_PER_SAMPLE) -> float:
    """The rate that a byte budget allows.

    size : of the file in bytes
    area : of the picture in pixels
    bits : per sample
    """
    return 8 * max(size - beside(request), 1) / bits / area


class RateSearch(ABC, Generic[Found]):
    """A search over rates and densities.

    goal : what files must meet
    area : of the picture in pixels
    """

    def __init__(self, goal: Goal, area: int) -> None:
        self.goal, self.area = goal, area

    @abstractmethod
    def at(self, request: Request) -> Found | None:
        """A file with a request's rate and density that just meets the goal; None if none does."""

    @abstractmethod
    def cost(self, found: Found | None) -> float:
        """What is minimised: the error within a byte budget, the bytes for a PSNR; inf for None."""

    def over_densities(self, request: Request) -> Found | None:
        """The best file over rates, then over densities at the rate that is best for the first."""
        settings = request.settings
        effort, searched = settings.candidates, True
        if self.goal.max_bytes is not None and request.lookaheads:
            # The fill of little effort tells too little about what the generator paints.
            effort, searched = request.effort, settings.guided
        here = replace(request, effort=effort)
        found = self.climb(here, RATE_STEP, settings.rates and searched)
        if found is None or not (settings.densities and searched):
            return found
        for other in self._others(found.request, request):
            found = self.better(found, self.at(other))
        if settings.strengths:
            start = found.request
            for factor in (2**0.25, 2**-0.25):
                found = self.better(found, self.at_rate(start, factor * start.rate))
        return found

    @staticmethod
    def _others(here: Request, asked: Request) -> Iterator[Request]:
        """Requests with other densities than that of ``here``, as far as the options leave them
        open."""
        if asked.density == "uniform":
            return
        if asked.density == "sobel" and asked.strength is None:  # The defaults.
            yield replace(here, density="uniform")
        if asked.block is None:
            yield from (replace(here, block=block) for block in OTHER_BLOCKS)
        if asked.strength is None and asked.settings.strengths:
            yield from (replace(here, strength=strength) for strength in STRENGTHS)

    def climb(
        self, request: Request, factor: float, further: bool, bits: float = BITS_PER_SAMPLE
    ) -> Found | None:
        """The best file over rates, up or down from a guess while that pays.

        factor  : ratio of neighbouring rates
        further : whether to look beyond the guess, or the nearest rate that meets the goal
        bits    : bits per sample, for the guess within a byte budget
        """
        costs: dict[int, float] = {}
        files: dict[int, Found | None] = {}
        guess = request.rate
        if self.goal.max_bytes is not None:
            guess = affordable(self.goal.max_bytes, request, self.area, bits)

        def file(k: int) -> Found | None:
            if k not in files:
                for other in files.keys() - {here}:  # Drafts are large.
                    del files[other]
                files[k] = self.at_rate(request, guess * factor**k)
            return files[k]

        def at(k: int) -> float:
            if k not in costs:  # Not before it is compared: it takes time.
                costs[k] = self.cost(file(k))
            return costs[k]

        # No step meets a byte budget if the rate is far too high, or a PSNR if it is too low.
        here, direction = 0, -1 if self.goal.max_bytes is not None else 1
        while file(here) is None and abs(here) < 24:
            if direction > 0 and guess * factor**here >= self.goal.densest:
                break
            here += direction
            while direction < 0 and guess * factor**here > 1:  # These are the rate 1 as well.
                here += direction
        if here == 0:
            direction = 1 if further and at(1) < at(0) else -1
        while further and abs(here) < 24 and at(here + direction) < at(here):
            here += direction
        return files[here]

    def at_rate(self, request: Request, rate: float) -> Found | None:
        """What ``at`` finds, with another rate."""
        return self.at(replace(request, rate=float(min(max(rate, 1 / self.area), 1.0))))

    def better(self, one: Found, other: Found | None) -> Found:
        """The better one of two files."""
        return other if other is not None and self.cost(other) < self.cost(one) else one
