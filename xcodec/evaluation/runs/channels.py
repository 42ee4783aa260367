"""Simulated links that lose packets, from fixed seeds: which packets of a picture arrive."""

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.ranges import MAX_COUNT

RANDOM, BURSTS = "random", "bursts"
CHANNELS = (RANDOM, BURSTS)
MEAN_BURST = 3.0
"""Mean number of packets in a row that a burst loses."""


def arrived(channel: str, loss: float, *seed: int) -> NDArray[np.bool_]:
    """Draw which of MAX_COUNT packets arrive; a picture of n packets uses the first n.

    channel : RANDOM (independent losses) or BURSTS (Gilbert-Elliott model: a good state that loses
              no packet and a bad one that loses all)
    loss    : mean share of lost packets, below 1
    seed    : numbers that identify the draw; draws for different losses use the same random numbers
    """
    numbers = np.random.default_rng(seed).random(MAX_COUNT + 1)
    if channel == RANDOM:
        kept: NDArray[np.bool_] = numbers[1:] >= loss
        return kept
    recovers = min(1 / MEAN_BURST, (1 - loss) / max(loss, 1e-9))
    fails = recovers * loss / (1 - loss)
    bad, result = bool(numbers[0] < loss), np.empty(MAX_COUNT, bool)
    for place, number in enumerate(numbers[1:]):
        result[place] = not bad
        bad = number >= recovers if bad else number < fails
    return result
