"""Context models: which static table codes which symbol.

A symbol's magnitude is guessed from magnitudes that are already known: those of its nearest coarser
points, of the levels above, and of the planes before it at the same point. The guess is what a
small network of integers makes of them; it is cut into bins, and each bin has its table. All of it
is integer arithmetic with constants fitted by scripts/fit_tables.py on training photos and shipped
as tables.json.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.lifting import NEIGHBOURS, PARTS, Hierarchy
from xcodec.types import Ints

KINDS = ("coefficients", "pixels", "density", "counts")
PLANES = 3
MEAN_SCALE = 16
"""Fixed point of the mean magnitude of the levels above."""
FINEST = 6
"""Octaves from the finest are told apart up to this many."""
FEATURES = NEIGHBOURS + PLANES + (PLANES - 1) + 3
"""Neighbours, levels above, earlier planes, coarsest level or not, octaves from the finest, one."""
HIDDEN_SHIFT = 8
"""Bits that the sums of the first layer lose on their way to the second."""
DIRECT = 12
"""Magnitudes below this are tokens of their own; above, tokens cover 2, 4, 8 ... magnitudes."""
TOKENS = DIRECT + 15
_TOGETHER = 512
"""Symbols guessed at a time: few enough for the cache, and not worth a thread of BLAS's."""


@dataclass(frozen=True)
class Tables:
    """The context model of one kind of symbol.

    clip        : magnitudes count up to this in a context
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


@cache
def tables(kind: str) -> Tables:
    """The shipped tables of one of KINDS."""
    raw = json.loads(files("xcodec.coding").joinpath("tables.json").read_text())[kind]
    arrays = {name: np.array(raw[name], np.int64) for name in raw if name != "clip"}
    return Tables(clip=raw["clip"], **arrays)


@cache
def token_bits(kind: str) -> NDArray[np.float64]:
    """Bits of each token with its sign and rest, (planes, bins, TOKENS)."""
    frequencies = tables(kind).frequencies
    tokens = np.arange(TOKENS)
    rest = first_of(tokens)[1] + (tokens > 0)
    bits: NDArray[np.float64] = rest - np.log2(frequencies / frequencies.sum(-1)[..., None])
    return bits


def features(tree: Hierarchy, level: int, plane: int, magnitudes: Ints) -> NDArray[np.int64]:
    """What is known about the symbols of a level and plane, (m, FEATURES), not negative.

    magnitudes : integers (n, planes), clipped; known for coarser levels and, at this level, for
                 earlier planes
    """
    span = tree.span(level)
    known = np.zeros((span.stop - span.start, FEATURES), np.int64)
    if level:
        index = tree.neighbours[level]
        # Where there are fewer neighbours than slots, the farthest one fills the rest.
        slots = np.minimum(np.arange(NEIGHBOURS), index.shape[1] - 1)
        known[:, :NEIGHBOURS] = magnitudes[index[:, slots], plane]
        above = magnitudes[tree.bounds[max(0, level - PARTS)] : span.start]
        means = MEAN_SCALE * above.sum(0, dtype=np.int64) // len(above)
        known[:, NEIGHBOURS : NEIGHBOURS + len(means)] = means
    else:
        known[:, -3] = 1
    earlier = magnitudes[span, :plane]
    known[:, NEIGHBOURS + PLANES : NEIGHBOURS + PLANES + plane] = earlier
    known[:, -2] = min(tree.finest - tree.depths[level], FINEST)
    known[:, -1] = 1
    return known


def guesses(model: Tables, plane: int, known: Ints) -> NDArray[np.int64]:
    """The guess (m,) that features (m, FEATURES) lead to."""
    # All numbers are integers below 2 ** 53: float64 adds them exactly, in any order, and fast.
    hidden = model.hidden[plane].T.astype(np.float64)
    output = model.output[plane].astype(np.float64)
    guess = np.empty(len(known), np.int64)
    for start in range(0, len(known), _TOGETHER):
        part = slice(start, start + _TOGETHER)
        units = known[part].astype(np.float64) @ hidden
        np.maximum(units, 0, out=units)
        units *= 2.0**-HIDDEN_SHIFT
        guess[part] = np.floor(units, out=units) @ output
    return guess


def contexts(
    model: Tables, tree: Hierarchy, level: int, plane: int, magnitudes: Ints
) -> NDArray[np.int64]:
    """Bin of each symbol of a level and plane, (m,)."""
    guess = guesses(model, plane, features(tree, level, plane, magnitudes))
    bins: NDArray[np.int64] = np.searchsorted(model.thresholds[plane], guess, side="right")
    return bins


def tokens_of(magnitudes: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Tokens of magnitudes, and the width and value of the bits that tell the rest."""
    beyond = np.maximum(magnitudes.astype(np.int64) - DIRECT + 2, 1)
    # frexp is exact for integers of this size: the exponent is the bit length.
    width = np.maximum(np.frexp(beyond.astype(np.float64))[1].astype(np.int64) - 1, 0)
    direct = magnitudes < DIRECT
    token = np.where(direct, magnitudes, DIRECT - 1 + width)
    return token, np.where(direct, 0, width), np.where(direct, 0, beyond - (1 << width))


def first_of(tokens: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Smallest magnitude of tokens, and the width of the bits that tell the rest."""
    width = np.maximum(tokens.astype(np.int64) - DIRECT + 1, 0)
    return np.where(tokens < DIRECT, tokens, (1 << width) + DIRECT - 2), width
