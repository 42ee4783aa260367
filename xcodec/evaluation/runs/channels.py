"""Links that lose packets, from fixed seeds: which packets of a picture arrive."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.ranges import MAX_COUNT
from xcodec.evaluation.runs import direwolf

RANDOM, BURSTS = "random", "bursts"
CHANNELS = (RANDOM, BURSTS)
"""Simulated ones."""
AUDIO = "audio"
"""The sound of a packet radio, see ``heard``."""
MEAN_BURST = 3.0
"""Mean number of packets in a row that a burst loses."""


def arrived(channel: str, loss: float, *seed: int, count: int = MAX_COUNT) -> NDArray[np.bool_]:
    """Draw which of ``count`` packets arrive; fewer packets are the first ones of more.

    channel : RANDOM (independent losses) or BURSTS (Gilbert-Elliott model: a good state that loses
              no packet and a bad one that loses all)
    loss    : mean share of lost packets, below 1
    seed    : numbers that identify the draw; draws for different losses use the same random numbers
    """
    numbers = np.random.default_rng(seed).random(count + 1)
    if channel == RANDOM:
        kept: NDArray[np.bool_] = numbers[1:] >= loss
        return kept
    recovers = min(1 / MEAN_BURST, (1 - loss) / max(loss, 1e-9))
    fails = recovers * loss / (1 - loss)
    bad, result = bool(numbers[0] < loss), np.empty(count, bool)
    for place, number in enumerate(numbers[1:]):
        result[place] = not bad
        bad = number >= recovers if bad else number < fails
    return result


@lru_cache(32)
def heard(count: int, size: int, level: float, *seed: int) -> NDArray[np.bool_]:
    """Tell which packets arrive through the noisy sound of a packet radio, bool (count,).

    The packets hold random bytes, since their size decides how many are lost, not what they hold.

    size  : of a packet in bytes, ``kiss.SIZE`` at most
    level : of noise, see ``direwolf.noisy``
    seed  : numbers that identify the draw

    Raises DependencyError if pyham-ax25 is missing, and XcodecError if a program fails.
    """
    if not count:
        return np.zeros(0, bool)
    return direwolf.kept(*_spoken(count, size), level, *seed)


@lru_cache(8)
def _spoken(count: int, size: int) -> tuple[tuple[bytes, ...], direwolf.Sound]:
    """Packets of random bytes, and their sound."""
    numbers = np.random.default_rng(size).integers(0, 256, (count, size), np.uint8)
    packets = tuple(row.tobytes() for row in numbers)
    return packets, direwolf.modulated(packets)
