"""From density to mask: which pixels are sampled, in which order.

Every position of a picture has a rank from a blue-noise tile; a position is sampled where the
density of its block exceeds a threshold, which is the rank itself (blue noise) or a hash of the
position (random, the paper's section 4). All of it is integer arithmetic: the decoder repeats it.
"""

from functools import cache
from importlib.resources import files
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import LimitError
from xcodec.types import Density, Ints, Points

TILE = 128
"""Side of the blue-noise tile in pixels."""
RANK_BITS = 22
"""Ranks and thresholds are 0 .. 2**RANK_BITS - 1: 14 bits within the tile, 8 among tiles."""
SCALE_STEPS = 128
"""Steps of Density.scale in one octave of density."""
MAX_SCALE = (RANK_BITS + 16) * SCALE_STEPS
"""Largest Density.scale: full even where the exponent is lowest."""
MAX_EXPONENT = 15
MAX_SAMPLES = 1 << 23
"""Most samples of a picture."""
FREE_SAMPLES, SAMPLES_A_BYTE = 1 << 17, 64
"""Samples that a file may have whatever its size, and more for each byte of its payload: else a
file of a few bytes could ask for any number of them."""


@cache
def _tile() -> NDArray[np.int64]:
    with files("xcodec.sampling").joinpath("blue_noise.npy").open("rb") as file:
        tile: NDArray[np.uint16] = np.load(file, allow_pickle=False)
    return tile.astype(np.int64)


@cache
def _tile_order() -> NDArray[np.int64]:
    """Order among 16x16 tiles, (16, 16), a Bayer matrix: tiles far apart follow one another."""
    matrix = np.zeros((1, 1), np.int64)
    while len(matrix) < 16:
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix


def ranks(rows: Ints, cols: Ints) -> NDArray[np.int64]:
    """Blue-noise rank of positions (broadcast together), 0 .. 2**RANK_BITS - 1."""
    within = _tile()[rows % TILE, cols % TILE]
    return within * 256 + _tile_order()[rows // TILE % 16, cols // TILE % 16]


def _hash(rows: Ints, cols: Ints, seed: int) -> NDArray[np.int64]:
    """A random threshold for each position: splitmix64 of (seed, row, column)."""
    x = np.asarray(rows, np.uint64) << np.uint64(32) | np.asarray(cols, np.uint64)
    x = x + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    x = x ^ x >> np.uint64(31)
    return (x >> np.uint64(64 - RANK_BITS)).astype(np.int64)


@cache
def _mantissas() -> tuple[int, ...]:
    """floor(2**16 * 2**(i / SCALE_STEPS)), by integer roots so that every machine agrees."""
    result = []
    for i in range(SCALE_STEPS):
        value = 1 << (16 * SCALE_STEPS + i)
        for _ in range(SCALE_STEPS.bit_length() - 1):
            value = isqrt(value)
        result.append(value)
    return tuple(result)


def thresholds(density: Density) -> NDArray[np.int64]:
    """Positions of a block are sampled where their rank is below this, (blocks high, wide)."""
    return _limits(density.exponents.astype(np.int64) * SCALE_STEPS + density.scale)


def _limits(scales: Ints) -> NDArray[np.int64]:
    """The threshold of each Density.scale of exponent 0; an exponent adds SCALE_STEPS to it."""
    octave, step = scales // SCALE_STEPS, scales % SCALE_STEPS
    # scale counts from 2**-16 of one sample a 2**22 ranks upwards, so that exponents may add.
    mantissa = np.array(_mantissas(), np.int64)[step]
    shift = np.clip(octave - 32, -62, RANK_BITS)
    raised = mantissa << np.maximum(shift, 0)
    limits: NDArray[np.int64] = np.minimum(raised >> np.maximum(-shift, 0), 1 << RANK_BITS)
    return limits


def _threshold_field(rows: Ints, cols: Ints, kind: str, seed: int) -> NDArray[np.int64]:
    """What a position's density must exceed for it to be sampled."""
    return ranks(rows, cols) if kind == "blue" else _hash(rows, cols, seed)


def most_samples(payload: int) -> int:
    """Most samples of a file with so many bytes of payload."""
    return min(MAX_SAMPLES, FREE_SAMPLES + SAMPLES_A_BYTE * payload)


def points_from_density(
    density: Density,
    height: int,
    width: int,
    kind: str = "blue",
    seed: int = 0,
    most: int = MAX_SAMPLES,
    origin: tuple[int, int] = (0, 0),
) -> Points:
    """The points that a density marks, in coding order.

    kind   : "blue" (blue-noise threshold) or "random" (seeded, the paper's section 4)
    origin : row and column of this picture's corner in the picture that it is a part of

    Raises LimitError where there are more than ``most``.
    """
    rows, cols, count = [], [], 0
    limits = thresholds(density)
    block = density.block
    for top in range(0, height, block):  # A strip at a time: memory stays bounded.
        r = np.arange(top, min(top + block, height))[:, None]
        c = np.arange(width)[None, :]
        field = _threshold_field(r + origin[0], c + origin[1], kind, seed)
        strip_rows, strip_cols = np.nonzero(field < limits[top // block][c // block])
        rows.append(strip_rows + top)
        cols.append(strip_cols)
        count += len(strip_rows)
        check_count(count, most)
    return order_points(height, width, np.concatenate(rows), np.concatenate(cols), origin)


def order_points(
    height: int, width: int, rows: Ints, cols: Ints, origin: tuple[int, int] = (0, 0)
) -> Points:
    """Points at the given positions in coding order: by rank, then row, then column.

    origin : as in ``points_from_density``

    Raises LimitError where there are more than MAX_SAMPLES.
    """
    check_count(len(rows))
    rank = ranks(rows + origin[0], cols + origin[1])
    order = np.lexsort((cols, rows, rank))
    return Points(
        height,
        width,
        rows[order].astype(np.int32),
        cols[order].astype(np.int32),
        rank[order].astype(np.int32),
    )


def check_count(count: int, most: int = MAX_SAMPLES) -> None:
    """Raise LimitError where a picture has more samples than ``most``."""
    if count > most:
        raise LimitError(f"{count} samples or more are over the limit of {most}")


def points_from_mask(mask: NDArray[np.bool_], origin: tuple[int, int] = (0, 0)) -> Points:
    """Points of an explicit mask, (height, width); ``origin`` as in ``points_from_density``."""
    rows, cols = np.nonzero(mask)
    return order_points(mask.shape[0], mask.shape[1], rows, cols, origin)


def scale_for_count(
    exponents: Ints, block: int, height: int, width: int, count: int, kind: str, seed: int
) -> int:
    """The Density.scale whose mask holds ``count`` samples, or as near as can be, at least one."""
    # Each pixel is marked from a scale of its own on: count the pixels by that scale.
    entering = np.zeros(MAX_SCALE + 1, np.int64)
    cols = np.arange(width)[None, :]
    for top in range(0, height, block):
        rows = np.arange(top, min(top + block, height))[:, None]
        first = _entries()[_threshold_field(rows, cols, kind, seed)]
        earlier = np.repeat(exponents[top // block].astype(np.int32) * SCALE_STEPS, block)
        scales = np.maximum(first - earlier[:width], 0)
        entering += np.bincount(scales.ravel(), minlength=MAX_SCALE + 1)
    marked = np.cumsum(entering)
    low = max(0, int(np.searchsorted(marked, count)) - 1)
    below, above = int(marked[low]), int(marked[low + 1])
    return low if below and count - below <= above - count else low + 1


@cache
def _entries() -> NDArray[np.int16]:
    """The lowest Density.scale of exponent 0 that marks each threshold, (2**RANK_BITS,)."""
    scales = np.arange(MAX_SCALE + 1)
    counts = np.diff(_limits(scales), prepend=0)
    return np.repeat(scales.astype(np.int16), counts)
