"""Links that lose packets, simulated with fixed seeds: which packets of a picture arrive."""

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.packets import MAX_COUNT

RANDOM, BURSTS = "random", "bursts"
CHANNELS = (RANDOM, BURSTS)
BURST = 3.0
"""Packets that are lost in a row on the mean, where losses come in bursts."""


def arrived(channel: str, loss: float, *seed: int) -> NDArray[np.bool_]:
    """Which of MAX_COUNT packets arrive; a picture of n packets takes the first n.

    channel : RANDOM (each is lost independently) or BURSTS (Gilbert-Elliott: a good state that
              loses nothing and a bad one that loses all)
    loss    : share of packets that is lost on the mean, below 1
    seed    : numbers that say which draw this is; draws of two losses share their numbers
    """
    numbers = np.random.default_rng(seed).random(MAX_COUNT + 1)
    if channel == RANDOM:
        kept: NDArray[np.bool_] = numbers[1:] >= loss
        return kept
    recovers = min(1 / BURST, (1 - loss) / max(loss, 1e-9))
    fails = recovers * loss / (1 - loss)
    bad, result = bool(numbers[0] < loss), np.empty(MAX_COUNT, bool)
    for place, number in enumerate(numbers[1:]):
        result[place] = not bad
        bad = number >= recovers if bad else number < fails
    return result
