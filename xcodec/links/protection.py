"""Unequal protection of an embedded stream: the encoder's choice of ranges and thresholds.

A receiver that gets m of n packets recovers every range whose threshold is at most m. Given the
quality of each prefix of the stream, the thresholds maximise the expected quality over the losses
that are planned for: unequal erasure protection (Mohr, Riskin, Ladner, "Unequal loss protection",
2000). A Lagrange multiplier over the upper hull of the quality gives a first choice (Puri,
Ramchandran, "Multiple description source coding through forward error correction codes", 1999); a
local search improves it after rounding.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.ranges import PARAMETERS, Range
from xcodec.types import Floats

LOSS_SPREAD = 2.0
"""The true loss is unknown: the expectation covers 0 to this many times the planned one
(docs/links.md)."""
LOSS_STEPS = 9
"""Number of losses in that range that are averaged."""
BELOW_FLOOR_PENALTY = 30.0
"""Penalty in dB for each dB that the picture at zero loss is below the floor
(docs/research/packet-prices.md)."""
ALLOWED_FALL, FALL_PENALTY = 1.2, 1.0
"""Mean drop in dB from zero loss to the planned loss that is free of penalty, and penalty in dB for
each dB beyond (docs/research/packet-prices.md)."""
NO_LOSS_WEIGHTS = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Extra weights of zero loss, one for each first choice of thresholds."""
BISECTIONS = 24
"""Steps of the search for the Lagrange multiplier."""
DESCRIPTION = 2
"""Smallest size in bytes of the description of a range."""
ONE_BYTE = 127
"""Largest threshold or number of columns that a description stores in one byte."""
SMALLEST = 6
"""Smallest size in bytes of a range that another one follows: it holds the description of that one,
up to 4 bytes. The first range also holds the parameters."""


@dataclass(frozen=True)
class Curve:
    """Quality of the prefixes of a stream, or of parameters and a stream.

    sizes   : bytes, ascending from 0
    quality : PSNR in dB at each size; linear between sizes, constant beyond the last
    parameters : bytes that come before the stream
    """

    sizes: NDArray[np.float64]
    quality: NDArray[np.float64]
    parameters: int = PARAMETERS

    def at(self, sizes: Floats) -> NDArray[np.float64]:
        """Quality of prefixes of these sizes."""
        return np.interp(sizes, self.sizes, self.quality)

    def hull(self) -> "Curve":
        """The upper concave hull of this curve."""
        kept: list[int] = []
        for place in range(len(self.sizes)):
            while len(kept) > 1 and self._slope(kept[-2], kept[-1]) <= self._slope(kept[-1], place):
                kept.pop()
            kept.append(place)
        return Curve(self.sizes[kept], self.quality[kept], self.parameters)

    def _slope(self, one: int, other: int) -> float:
        rise = self.quality[other] - self.quality[one]
        return float(rise / max(self.sizes[other] - self.sizes[one], 1e-9))


def arrivals(count: int, loss: float) -> NDArray[np.float64]:
    """Probabilities (count + 1,) that m of ``count`` packets arrive when planning for ``loss``: the
    mean of binomial distributions for losses from 0 to LOSS_SPREAD times the planned one."""
    losses = np.linspace(0, min(LOSS_SPREAD * loss, 0.95), LOSS_STEPS) if loss else np.zeros(1)
    every: NDArray[np.float64] = np.mean([binomial(count, p) for p in losses], 0)
    return every


def binomial(count: int, loss: float) -> NDArray[np.float64]:
    """Probabilities (count + 1,) that m of ``count`` packets arrive, each lost independently with
    probability ``loss``."""
    number = np.arange(count + 1)
    ways = np.array([comb(count, m) for m in number], np.float64)
    every: NDArray[np.float64] = ways * (1 - loss) ** number * loss ** (count - number)
    return every


@dataclass(frozen=True)
class Aim:
    """What protection is optimised for.

    chances : probability of each number of received packets, (count + 1,), averaged over losses, as
              from ``arrivals``
    planned : the same at the planned loss, as from ``binomial``
    floor   : PSNR in dB that the picture should reach at zero loss
    """

    chances: NDArray[np.float64]
    planned: NDArray[np.float64]
    floor: float = 0.0

    @property
    def count(self) -> int:
        """Number of packets."""
        return len(self.chances) - 1

    def worth(self, qualities: NDArray[np.float64]) -> float:
        """Expected quality in dB, less penalties for a picture below the floor at zero loss and for
        a deep fall at the planned loss.

        qualities : PSNR in dB with m packets, (count + 1,)
        """
        whole = float(qualities[-1])
        fall = whole - float((self.planned * qualities).sum())
        penalty = BELOW_FLOOR_PENALTY * max(self.floor - whole, 0.0) + FALL_PENALTY * max(
            fall - ALLOWED_FALL, 0.0
        )
        return float((self.chances * qualities).sum()) - penalty


def aim_for(count: int, loss: float, floor: float = 0.0) -> Aim:
    """The aim for ``count`` packets when planning for ``loss``."""
    return Aim(arrivals(count, loss), binomial(count, loss), floor)


@dataclass(frozen=True)
class Protection:
    """The protection of a stream.

    ranges  : from the start of the stream to its end
    quality : their expected quality in dB, less penalties: ``Aim.worth``
    """

    ranges: tuple[Range, ...]
    quality: float


def choose(curve: Curve, aim: Aim, columns: int) -> Protection:
    """Choose the ranges that are best for an aim.

    curve   : quality of the stream's prefixes
    columns : bytes of a packet that are left for shares
    """
    search = _Search(curve, aim, columns)
    return search.improved(search.started())


def estimate(curve: Curve, aim: Aim, columns: int) -> float:
    """Estimate the quality in dB that ``choose`` reaches, without its local search."""
    search = _Search(curve, aim, columns)
    return search.quality(search.started())


class _Search:
    """The search for one stream and one number and size of packets. Candidates are numbers of
    columns by threshold, int64 (count + 1,)."""

    def __init__(self, curve: Curve, aim: Aim, columns: int) -> None:
        self._curve, self._aim, self._columns = curve, aim, columns
        self._hull = curve.hull()

    def started(self) -> NDArray[np.int64]:
        """The best of several first choices; those with more weight on zero loss stay closer to the
        floor."""
        whole = np.zeros(self._aim.count + 1)
        whole[-1] = 1.0
        plans = [self._rounded(self._aim.chances + weight * whole) for weight in NO_LOSS_WEIGHTS]
        return max(plans, key=self.quality)

    def _rounded(self, chances: NDArray[np.float64]) -> NDArray[np.int64]:
        """Columns by threshold that fill the packets, by bisection over the multiplier."""
        tail = np.cumsum(chances[::-1])[::-1]  # Probability that at least m packets arrive.
        low, high = -30.0, 10.0  # log2 of the quality in dB that a column must gain.
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            if self._bought(2.0**middle, tail).sum() > self._columns:
                low = middle
            else:
                high = middle
        bought = self._bought(2.0**high, tail)
        plan = np.floor(bought).astype(np.int64)
        # What rounding leaves goes to the range with the most columns.
        plan[1 + int(np.argmax(bought[1:]))] += self._columns - plan.sum()
        return plan

    def _bought(self, price: float, tail: NDArray[np.float64]) -> NDArray[np.float64]:
        """Columns by threshold, float64 (count + 1,), that gain more than ``price`` dB each."""
        sizes, rises = np.diff(self._hull.sizes), np.diff(self._hull.quality)
        thresholds = np.arange(1, len(tail))
        worth = rises[:, None] * tail[1:] - price * sizes[:, None] / thresholds
        most = np.argmax(worth, 1)
        pays = np.logical_and.accumulate(worth[np.arange(len(most)), most] > 0)
        columns = (sizes / thresholds[most])[pays]
        return np.bincount(most[pays] + 1, columns, len(tail)).astype(np.float64)

    def quality(self, plan: NDArray[np.int64]) -> float:
        """Expected quality of a candidate in dB, less penalties."""
        plan = self._merged(plan)
        used = np.flatnonzero(plan)
        described = DESCRIPTION + (used > ONE_BYTE) + (plan[used] > ONE_BYTE)
        held = plan * np.arange(len(plan))
        # Each range but the last also holds the description of the next.
        held[used[:-1]] -= described[1:]
        sizes = np.maximum(np.cumsum(held), 0)
        return self._aim.worth(self._curve.at(sizes))

    def improved(self, plan: NDArray[np.int64]) -> Protection:
        """The candidate after all moves of columns between thresholds that gain quality."""
        best = self.quality(plan)
        move = max(self._columns // 4, 1)
        while move:
            better = max(
                ((self.quality(other), tuple(other)) for other in self._moves(plan, move)),
                default=(-np.inf, ()),
            )
            if better[0] > best + 1e-6:
                best, plan = better[0], np.array(better[1])
            else:
                move //= 2
        plan = self._merged(plan)
        return Protection(tuple(Range(int(k), int(plan[k])) for k in np.flatnonzero(plan)), best)

    def _moves(self, plan: NDArray[np.int64], move: int) -> Iterator[NDArray[np.int64]]:
        """Candidates with some or all columns of one threshold moved to another."""
        used = np.flatnonzero(plan)
        last = self._aim.count
        near = sorted({int(k) + step for k in used for step in (-2, -1, 0, 1, 2)} | {last})
        for source in used:
            for target in near:
                if target == source or not 1 <= target <= last:
                    continue
                for amount in {min(move, int(plan[source])), int(plan[source])}:
                    other = plan.copy()
                    other[source] -= amount
                    other[target] += amount
                    yield other

    def _merged(self, plan: NDArray[np.int64]) -> NDArray[np.int64]:
        """A candidate in which ranges too small for what they begin with are part of the next."""
        merged, least = plan, SMALLEST + self._curve.parameters
        for k, following in pairwise(np.flatnonzero(plan)):
            if k * merged[k] >= least:
                least = SMALLEST
                continue
            merged = plan.copy() if merged is plan else merged
            merged[following] += merged[k]
            merged[k] = 0
        return merged
