"""Context models: which static table codes which symbol.

A symbol's magnitude is guessed from magnitudes that are already known: those of its nearest coarser
points, of the whole level above, and of the planes before it at the same point. The guess is an
integer linear form, cut into bins; each bin has its table. All of it is integer arithmetic with
constants fitted by scripts/fit_tables.py on training photos and shipped as tables.json.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.lifting import NEIGHBOURS, Hierarchy
from xcodec.samples import Ints

KINDS = ("coefficients", "pixels", "density", "counts")
CLASSES = 7
"""Tables differ by level: the finest, five coarser ones counted from there, and the coarsest."""
MEAN_SCALE = 16
"""Fixed point of the mean magnitude of the level above."""
FEATURES = NEIGHBOURS + 4
"""Neighbours, level above, two earlier planes, one."""
DIRECT = 12
"""Magnitudes below this are tokens of their own; above, tokens cover 2, 4, 8 ... magnitudes."""
TOKENS = DIRECT + 15


@dataclass(frozen=True)
class Tables:
    """The context model of one kind of symbol.

    clip        : magnitudes count up to this in a context
    weights     : int64 (planes, CLASSES, FEATURES)
    thresholds  : int64 (planes, CLASSES, bins - 1), ascending
    frequencies : int64 (planes, CLASSES, bins, TOKENS), each row summing to 2 ** TABLE_BITS
    """

    clip: int
    weights: NDArray[np.int64]
    thresholds: NDArray[np.int64]
    frequencies: NDArray[np.int64]


@cache
def tables(kind: str) -> Tables:
    """The shipped tables of one of KINDS."""
    raw = json.loads(files("xcodec.coding").joinpath("tables.json").read_text())[kind]
    arrays = {name: np.array(raw[name], np.int64) for name in raw if name != "clip"}
    return Tables(clip=raw["clip"], **arrays)


def level_class(tree: Hierarchy, level: int) -> int:
    """Which of CLASSES a level belongs to."""
    return CLASSES - 1 if level == 0 else min(tree.depths[-1] - tree.depths[level], CLASSES - 2)


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
        above = magnitudes[tree.span(level - 1), plane]
        known[:, NEIGHBOURS] = MEAN_SCALE * int(above.sum()) // len(above)
    for earlier in range(plane):
        known[:, NEIGHBOURS + 1 + earlier] = magnitudes[span, earlier]
    known[:, -1] = 1
    return known


def contexts(
    model: Tables, tree: Hierarchy, level: int, plane: int, magnitudes: Ints
) -> NDArray[np.int64]:
    """Bin of each symbol of a level and plane, (m,)."""
    group = level_class(tree, level)
    guess = features(tree, level, plane, magnitudes) @ model.weights[plane, group]
    bins: NDArray[np.int64] = np.searchsorted(model.thresholds[plane, group], guess, side="right")
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
