"""Where tiles meet: sample values drawn toward what their neighbours across the border say.

Tiles are coded without one another, so that their errors, smooth within, part at the border. What
the quantiser leaves open of a value is room enough to join them.
"""

import numpy as np

from xcodec.coding.quantizer import GROWTH
from xcodec.kriging.neighbours import kriging, nearest
from xcodec.types import Floats, Ints

AROUND = 8
"""Neighbours that a value is compared with."""
PULL = 0.7
"""How far a value goes to what its neighbours say, where all of them lie in other tiles."""
OPEN = 0.6
"""Most that the difference counts, in steps of the quantiser: more than half, for the dead zone."""


def joined(places: Ints, tiles: Ints, values: Floats, step: float) -> Floats:
    """Sample values (n, 3) of several tiles, those near borders joined.

    places : (n, 2), rows and columns, no place twice
    tiles  : (n,), the tile that each belongs to
    step   : as in Samples
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
