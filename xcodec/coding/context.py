"""Context models: which static table codes which symbol.

A small network predicts the magnitude of a symbol from those already known: at its nearest coarser
points, in the levels above, and in earlier planes at the same point. The prediction falls into one
of several bins, and each bin has a table of frequencies. All of this is integer arithmetic, and
part of the format (docs/format.md, section 5). The constants in tables.json were fitted by
scripts/fit_tables.py on training photos; docs/research/contexts.md compares other models.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.lifting import NEAR, PARTS, Hierarchy
from xcodec.system.lazy import lazy
from xcodec.types import Ints

KINDS = ("coefficients", "pixels", "density", "counts")
"""Kinds of symbols, each with tables of its own."""
PLANES = 3
MEAN_SCALE = 16
"""Scale of the mean magnitude of the levels above, as an integer."""
FINEST = 6
"""The distance of an octave from the finest counts up to this many octaves."""
FEATURES = NEAR + PLANES + (PLANES - 1) + 3
"""Neighbours, levels above, earlier planes, coarsest level or not, octaves from the finest, 1."""
HIDDEN_SHIFT = 8
"""Low bits that the sums of the first layer lose before the second."""
DIRECT = 12
"""Magnitudes below this have tokens of their own; further tokens cover 2, 4, 8, ... magnitudes."""
TOKENS = DIRECT + 15
_CHUNK = 512
"""Symbols that are predicted at a time: few enough for the cache, and for BLAS to use no thread."""


@dataclass(frozen=True)
class Tables:
    """The context model of one kind of symbol.

    clip        : limit on the magnitudes that the network sees
    hidden      : int64 (planes, units, FEATURES), first layer
    output      : int64 (planes, units), second layer
    thresholds  : int64 (planes, bins - 1), ascending
    frequencies : int64 (planes, bins, TOKENS), each row summing to 2 ** TABLE_BITS
    """

    clip: int
    hidden: NDArray[np.int64]
    output: NDArray[np.int64]
    thresholds: NDArray[np.int64]
    frequencies: NDArray[np.int64]

    @lazy
    def floats(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Both layers of each plane, (FEATURES, units) and (units,)."""
        hidden = self.hidden.transpose(0, 2, 1).astype(np.float64)
        return list(zip(hidden, self.output.astype(np.float64), strict=True))


@cache
def tables(kind: str) -> Tables:
    """Return the tables of one of KINDS."""
    raw = json.loads(files("xcodec.coding").joinpath("tables.json").read_text("utf-8"))[kind]
    arrays = {name: np.array(raw[name], np.int64) for name in raw if name != "clip"}
    return Tables(clip=raw["clip"], **arrays)


def features(tree: Hierarchy, level: int, plane: int, magnitudes: Ints) -> NDArray[np.int64]:
    """Return the inputs of the network for a level and plane, (m, FEATURES), not negative.

    magnitudes : integers (n, planes), clipped; only those of coarser levels, and of earlier planes
                 of this level, are used
    """
    span = tree.span(level)
    known = np.zeros((span.stop - span.start, FEATURES), np.int64)
    if level:
        known[:, :NEAR] = magnitudes[tree.neighbours[span, :NEAR], plane]
        above = magnitudes[tree.bounds[max(0, level - PARTS)] : span.start]
        means = MEAN_SCALE * above.sum(0, dtype=np.int64) // len(above)
        known[:, NEAR : NEAR + len(means)] = means
    else:
        known[:, -3] = 1
    earlier = magnitudes[span, :plane]
    known[:, NEAR + PLANES : NEAR + PLANES + plane] = earlier
    known[:, -2] = min(tree.finest - tree.depths[level], FINEST)
    known[:, -1] = 1
    return known


def guesses(model: Tables, plane: int, known: Ints) -> NDArray[np.int64]:
    """Return the predictions (m,) of the network from features (m, FEATURES)."""
    # All values are integers below 2 ** 53: float64 adds them exactly, in any order, and fast.
    hidden, output = model.floats[plane]
    guess = np.empty(len(known), np.int64)
    for start in range(0, len(known), _CHUNK):
        part = slice(start, start + _CHUNK)
        units = known[part].astype(np.float64) @ hidden
        np.maximum(units, 0, out=units)
        units *= 2.0**-HIDDEN_SHIFT
        guess[part] = np.floor(units, out=units) @ output
    return guess


def contexts(
    model: Tables, tree: Hierarchy, level: int, plane: int, magnitudes: Ints
) -> NDArray[np.int64]:
    """Return the bin of each symbol of a level and plane, (m,)."""
    guess = guesses(model, plane, features(tree, level, plane, magnitudes))
    bins: NDArray[np.int64] = np.searchsorted(model.thresholds[plane], guess, side="right")
    return bins


def tokens_of(magnitudes: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return tokens of magnitudes, and the number and value of the bits that follow each."""
    beyond = np.maximum(magnitudes.astype(np.int64) - DIRECT + 2, 1)
    # frexp is exact for integers of this size: the exponent is the bit length.
    width = np.maximum(np.frexp(beyond.astype(np.float64))[1].astype(np.int64) - 1, 0)
    direct = magnitudes < DIRECT
    token = np.where(direct, magnitudes, DIRECT - 1 + width)
    return token, np.where(direct, 0, width), np.where(direct, 0, beyond - (1 << width))


def first_of(tokens: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the smallest magnitude of tokens, and the number of bits that follow each."""
    first, width = _firsts()
    return first[tokens], width[tokens]


@cache
def _firsts() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``first_of`` of all tokens."""
    tokens = np.arange(TOKENS)
    width = np.maximum(tokens - DIRECT + 1, 0)
    return np.where(tokens < DIRECT, tokens, (1 << width) + DIRECT - 2), width
