"""How strongly each part of an embedded stream is protected: the encoder's choice of ranges.

The receiver gets m of n packets and with them every range whose threshold is at most m. Given how
good each prefix of the stream is, the thresholds are chosen for the best picture on the mean over
the losses that are planned for: unequal erasure protection (Mohr, Riskin, Ladner, "Unequal loss
protection", 2000), by a multiplier over the upper hull of the quality (Puri, Ramchandran,
"Multiple description source coding through forward error correction codes", 1999), then by local
search over what rounding left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import binom  # scipy.stats takes half a second to load.

from xcodec.coding.packets import Range
from xcodec.samples import Floats

SPREAD = 2.0
"""Losses from none to this many times the planned one count alike: nobody knows the real one."""
LOSSES = 9
FINE = 30.0
"""dB for a stream of half the bytes that it should have."""
DESCRIPTION = 2
"""Bytes that describe a range, about."""
SMALLEST = 6
"""Bytes of a range at least: a threshold and columns take up to 4."""


@dataclass(frozen=True)
class Curve:
    """How good the prefixes of a stream are.

    sizes   : bytes, ascending from 0
    quality : dB of PSNR at each; between them it is linear, beyond the last it stays
    """

    sizes: NDArray[np.float64]
    quality: NDArray[np.float64]

    def at(self, sizes: Floats) -> NDArray[np.float64]:
        """Quality of prefixes of these sizes."""
        return np.interp(sizes, self.sizes, self.quality)

    def hull(self) -> "Curve":
        """The least concave curve on or above this one."""
        kept: list[int] = []
        for place in range(len(self.sizes)):
            while len(kept) > 1 and self._slope(kept[-2], kept[-1]) <= self._slope(kept[-1], place):
                kept.pop()
            kept.append(place)
        return Curve(self.sizes[kept], self.quality[kept])

    def _slope(self, one: int, other: int) -> float:
        rise = self.quality[other] - self.quality[one]
        return float(rise / max(self.sizes[other] - self.sizes[one], 1e-9))


def arrivals(count: int, loss: float) -> NDArray[np.float64]:
    """Probability that m of ``count`` packets arrive, (count + 1,), where ``loss`` is planned for:
    the mean of binomial distributions from no loss to SPREAD times the planned one."""
    losses = np.linspace(0, min(SPREAD * loss, 0.95), LOSSES) if loss else np.zeros(1)
    number = np.arange(count + 1)
    ways = binom(count, number)
    every: NDArray[np.float64] = np.mean(
        [ways * (1 - p) ** number * p ** (count - number) for p in losses], 0
    )
    return every


@dataclass(frozen=True)
class Plan:
    """Ranges, and the mean quality in dB that they lead to."""

    ranges: tuple[Range, ...]
    quality: float


def choose(curve: Curve, chances: NDArray[np.float64], columns: int, least: float = 0.0) -> Plan:
    """The ranges that give the best picture on the mean.

    curve   : of the stream
    chances : of each number of packets to arrive, as from ``arrivals``
    columns : bytes of a packet for shares
    least   : bytes that all packets together are to give, if the stream has so many
    """
    search = _Search(curve, chances, columns, least)
    return search.improved(search.started())


def estimate(curve: Curve, chances: NDArray[np.float64], columns: int, least: float = 0.0) -> float:
    """About the quality in dB that ``choose`` reaches, found faster."""
    search = _Search(curve, chances, columns, least)
    return search.quality(search.started())


class _Search:
    """One stream, number of packets and size of them. A plan in the making is columns by threshold,
    int64 (count + 1,)."""

    def __init__(
        self, curve: Curve, chances: NDArray[np.float64], columns: int, least: float
    ) -> None:
        self._curve, self._chances, self._columns = curve, chances, columns
        self._count = len(chances) - 1
        self._least = min(least, curve.sizes[-1], (columns - DESCRIPTION) * self._count)
        # At least so many packets arrive, by number.
        self._tail = np.cumsum(chances[::-1])[::-1]

    def started(self) -> NDArray[np.int64]:
        """Columns by a multiplier, rounded."""
        low, high = -30.0, 10.0  # Logarithm of the quality that a column must bring.
        for _ in range(40):
            middle = (low + high) / 2
            if self._bought(2.0**middle).sum() > self._columns:
                low = middle
            else:
                high = middle
        bought = self._bought(2.0**high)
        plan = np.floor(bought).astype(np.int64)
        # What is left goes to the range that most of the stream is in.
        plan[int(np.argmax(bought))] += self._columns - plan.sum()
        return plan

    def _bought(self, price: float) -> NDArray[np.float64]:
        """Columns (count + 1,) that pay at a price in dB a column."""
        hull = self._curve.hull()
        thresholds = np.arange(1, self._count + 1)
        columns = np.zeros(self._count + 1)
        for (start, end), (low, high) in zip(
            pairwise(hull.sizes), pairwise(hull.quality), strict=True
        ):
            worth = (high - low) * self._tail[1:] - price * (end - start) / thresholds
            best = int(np.argmax(worth))
            if worth[best] <= 0:
                break
            columns[best + 1] += (end - start) / thresholds[best]
        return columns

    def quality(self, plan: NDArray[np.int64]) -> float:
        """Mean quality of a plan in dB, less a fine where it holds less than it should."""
        held = np.cumsum(plan * np.arange(len(plan)))
        # Each range but the last also holds the description of the next.
        described = np.minimum(np.cumsum(plan > 0), np.count_nonzero(plan) - 1)
        sizes = np.maximum(held - DESCRIPTION * described, 0)
        fine = FINE * max(np.log2(self._least / max(sizes[-1], 1)), 0) if self._least > 0 else 0.0
        return float((self._chances * self._curve.at(sizes)).sum() - fine)

    def improved(self, plan: NDArray[np.int64]) -> Plan:
        """The plan after all moves of columns between thresholds that pay."""
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
        return Plan(tuple(_ranges(plan)), best)

    def _moves(self, plan: NDArray[np.int64], move: int) -> Iterator[NDArray[np.int64]]:
        """Plans with columns moved from one threshold to another, also all of them."""
        used = np.flatnonzero(plan)
        near = sorted({int(k) + step for k in used for step in (-2, -1, 0, 1, 2)} | {self._count})
        for source in used:
            for target in near:
                if target == source or not 1 <= target <= self._count:
                    continue
                for amount in {min(move, int(plan[source])), int(plan[source])}:
                    other = plan.copy()
                    other[source] -= amount
                    other[target] += amount
                    yield other


def _ranges(plan: NDArray[np.int64]) -> list[Range]:
    """The ranges of a plan; one that is too small to describe the next goes with it."""
    ranges: list[Range] = []
    spare = 0
    used = np.flatnonzero(plan)
    for k in used:
        columns = int(plan[k]) + spare
        if k != used[-1] and k * columns < SMALLEST:
            spare = columns
            continue
        ranges.append(Range(int(k), columns))
        spare = 0
    return ranges
