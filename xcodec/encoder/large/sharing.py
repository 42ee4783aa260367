"""Sharing out bytes or error among the tiles of a picture."""

import numpy as np
from numpy.typing import NDArray

from xcodec.types import Floats

OCTAVES, HALVINGS = 24, 40
"""The price is searched this far from the ratio of the means, in octaves, with so many halvings."""


def shared_out(spent: Floats, lost: Floats, limit: float) -> NDArray[np.int64] | None:
    """Choose one of several settings for each tile: the least sum of what is lost, while the sum of
    what is spent keeps to a limit. None if nothing keeps to it.

    A price makes both comparable, and each tile then chooses for itself: the method of Lagrange
    multipliers (Everett, "Generalized Lagrange Multiplier Method", Operations Research, 1963).

    spent, lost : (tiles, settings)
    """
    tiles = np.arange(len(spent))

    def total(which: NDArray[np.int64]) -> float:
        return float(spent[tiles, which].sum())

    best: NDArray[np.int64] = lost.argmin(1)
    if total(best) <= limit:
        return best
    best = spent.argmin(1)
    if total(best) > limit:
        return None
    usual = max(float(lost.mean()), 1e-9) / max(float(spent.mean()), 1e-9)
    low, high = -float(OCTAVES), float(OCTAVES)
    for _ in range(HALVINGS):
        octaves = (low + high) / 2
        which = (lost + usual * 2.0**octaves * spent).argmin(1)
        if total(which) <= limit:
            best, high = which, octaves
        else:
            low = octaves
    return _filled(spent, lost, limit, best)


def _filled(
    spent: Floats, lost: Floats, limit: float, which: NDArray[np.int64]
) -> NDArray[np.int64]:
    """What is left of the limit spent on single tiles, on those that gain most by it first."""
    which, left = which.copy(), limit - spent[np.arange(len(spent)), which].sum()
    gain = lost[np.arange(len(lost)), which] - lost.min(1)
    for tile in np.argsort(-gain, kind="stable"):
        more = spent[tile] - spent[tile, which[tile]]
        fits = np.flatnonzero((more <= left) & (lost[tile] < lost[tile, which[tile]]))
        if len(fits):
            chosen = fits[lost[tile, fits].argmin()]
            left -= more[chosen]
            which[tile] = chosen
    return which
