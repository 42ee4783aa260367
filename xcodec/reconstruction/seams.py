"""Joins tiles: moves sample values near a border toward their neighbours across it.

Tiles are coded independently, so their errors jump at the borders. A value may move as far as the
quantiser leaves it undetermined, which is enough to hide most of the jump: docs/research/seams.md
has the measurements.
"""

import numpy as np

from xcodec.coding.quantizer import GROWTH
from xcodec.kriging.neighbours import kriging, nearest
from xcodec.types import Floats, Ints

AROUND = 8
"""Neighbours that a value is predicted from."""
PULL = 0.7
"""Fraction of the way to the prediction, for a value with all its neighbours in other tiles."""
OPEN = 0.6
"""Largest difference that counts, in quantiser steps; above 1/2 because of the dead zone."""


def joined(places: Ints, tiles: Ints, values: Floats, step: float) -> Floats:
    """Sample values (n, 3) of several tiles, those near borders moved.

    places : (n, 2), row and column of each sample, all different
    tiles  : (n,), number of each sample's tile
    step   : as in ``types.Samples``
    """
    if len(places) <= AROUND or (tiles == tiles[0]).all():
        return values
    found, _ = nearest(places, places, AROUND + 1)
    near = np.flatnonzero((tiles[found] != tiles[found[:, :1]]).any(1))
    if not len(near):
        return values
    around = found[near, 1:]
    weights = kriging(places[around], places[near, None])[0][:, 0]
    expected = np.einsum("mk,mkc->mc", weights, values[around])
    size = np.abs(weights)
    across = (size * (tiles[around] != tiles[near, None])).sum(1) / size.sum(1)
    most = OPEN * step * np.array(GROWTH)
    result = values.copy()
    result[near] += PULL * across[:, None] * np.clip(expected - values[near], -most, most)
    return result
