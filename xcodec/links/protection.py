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
from math import comb

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.packets import Range
from xcodec.types import Floats

SPREAD = 2.0
"""Losses from none to this many times the planned one count alike: nobody knows the real one."""
LOSSES = 9
FINE = 30.0
"""dB for each dB that the picture is below its floor where nothing is lost."""
FALL, STEEP = 1.2, 1.0
"""dB that it may be worse on the mean at the planned loss, and dB for each dB beyond."""
WHOLE = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Weights of no loss, beside what the losses have, with which plans are begun."""
BISECTIONS = 24
DESCRIPTION = 2
"""Bytes that describe a range at least."""
ONE_BYTE = 127
"""Largest threshold or number of columns that is described by one byte."""
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
    every: NDArray[np.float64] = np.mean([binomial(count, p) for p in losses], 0)
    return every


def binomial(count: int, loss: float) -> NDArray[np.float64]:
    """Probability that m of ``count`` packets arrive, (count + 1,), each lost independently."""
    number = np.arange(count + 1)
    ways = np.array([comb(count, m) for m in number], np.float64)
    every: NDArray[np.float64] = ways * (1 - loss) ** number * loss ** (count - number)
    return every


@dataclass(frozen=True)
class Aim:
    """What a plan is to be good for.

    chances : of each number of packets to arrive, (count + 1,): the mean over losses, as from
              ``arrivals``
    planned : the same at the planned loss alone, as from ``binomial``
    floor   : dB that the picture is to have where nothing is lost
    """

    chances: NDArray[np.float64]
    planned: NDArray[np.float64]
    floor: float = 0.0

    @property
    def count(self) -> int:
        """Number of packets."""
        return len(self.chances) - 1

    def worth(self, qualities: NDArray[np.float64]) -> float:
        """How good pictures of these qualities in dB, by number of packets, are on the mean, less
        fines where the best one is below the floor or falls far at the planned loss."""
        whole = float(qualities[-1])
        fall = whole - float((self.planned * qualities).sum())
        fine = FINE * max(self.floor - whole, 0.0) + STEEP * max(fall - FALL, 0.0)
        return float((self.chances * qualities).sum()) - fine


def aim_for(count: int, loss: float, floor: float = 0.0) -> Aim:
    """The aim where ``loss`` is planned for, of ``count`` packets."""
    return Aim(arrivals(count, loss), binomial(count, loss), floor)


@dataclass(frozen=True)
class Plan:
    """Ranges, and what they are worth in dB."""

    ranges: tuple[Range, ...]
    quality: float


def choose(curve: Curve, aim: Aim, columns: int) -> Plan:
    """The ranges that are best for an aim.

    curve   : of the stream
    columns : bytes of a packet for shares
    """
    search = _Search(curve, aim, columns)
    return search.improved(search.started())


def estimate(curve: Curve, aim: Aim, columns: int) -> float:
    """About what ``choose`` reaches, found faster."""
    search = _Search(curve, aim, columns)
    return search.quality(search.started())


class _Search:
    """One stream, number of packets and size of them. A plan in the making is columns by threshold,
    int64 (count + 1,)."""

    def __init__(self, curve: Curve, aim: Aim, columns: int) -> None:
        self._curve, self._aim, self._columns = curve, aim, columns
        self._hull = curve.hull()

    def started(self) -> NDArray[np.int64]:
        """The best of several plans: the more no loss counts, the better is the floor met."""
        whole = np.zeros(self._aim.count + 1)
        whole[-1] = 1.0
        plans = [self._rounded(self._aim.chances + weight * whole) for weight in WHOLE]
        return max(plans, key=self.quality)

    def _rounded(self, chances: NDArray[np.float64]) -> NDArray[np.int64]:
        """Columns by a multiplier, rounded."""
        tail = np.cumsum(chances[::-1])[::-1]  # At least so many packets arrive, by number.
        low, high = -30.0, 10.0  # Logarithm of the quality that a column must bring.
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            if self._bought(2.0**middle, tail).sum() > self._columns:
                low = middle
            else:
                high = middle
        bought = self._bought(2.0**high, tail)
        plan = np.floor(bought).astype(np.int64)
        # What is left goes to the range that most of the stream is in.
        plan[1 + int(np.argmax(bought[1:]))] += self._columns - plan.sum()
        return plan

    def _bought(self, price: float, tail: NDArray[np.float64]) -> NDArray[np.float64]:
        """Columns (count + 1,) that pay at a price in dB a column."""
        sizes, rises = np.diff(self._hull.sizes), np.diff(self._hull.quality)
        thresholds = np.arange(1, len(tail))
        worth = rises[:, None] * tail[1:] - price * sizes[:, None] / thresholds
        most = np.argmax(worth, 1)
        pays = np.logical_and.accumulate(worth[np.arange(len(most)), most] > 0)
        columns = (sizes / thresholds[most])[pays]
        return np.bincount(most[pays] + 1, columns, len(tail)).astype(np.float64)

    def quality(self, plan: NDArray[np.int64]) -> float:
        """What a plan is worth in dB."""
        used = np.flatnonzero(plan)
        described = DESCRIPTION + (used > ONE_BYTE) + (plan[used] > ONE_BYTE)
        held = plan * np.arange(len(plan))
        # Each range but the last also holds the description of the next.
        held[used[:-1]] -= described[1:]
        # That of the first is in the header: where it is long, the largest range makes room.
        largest = used[np.argmax(plan[used])]
        held[largest] -= largest * (described[0] - DESCRIPTION)
        sizes = np.maximum(np.cumsum(held), 0)
        return self._aim.worth(self._curve.at(sizes))

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
