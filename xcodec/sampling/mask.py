"""From density to mask: which pixels are sampled, in which order.

Every position of a picture has a rank from a blue-noise tile. A position is sampled if the density
of its block exceeds a threshold: the rank itself (blue noise), or a hash of the position (random,
the X-GANs paper, section 4). The decoder repeats this, so it is all integer arithmetic, and part of
the format (docs/format.md, section 3).
"""

from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import product
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
"""Steps of Density.scale per octave of density."""
MAX_SCALE = (RANK_BITS + 16) * SCALE_STEPS
"""Largest Density.scale: every pixel is sampled, even in blocks with exponent 0."""
MAX_EXPONENT = 15
MAX_SAMPLES = 1 << 23
"""Limit on the samples of a picture."""
FEW = 16
"""Blue-noise masks with fewer samples than FEW / 128 of the pixels are found without looking at the
rest: a matter of time alone."""
_WIDE = 1 << 13
"""Columns that are looked at together."""
FREE_SAMPLES, SAMPLES_PER_BYTE = 1 << 17, 64
"""Samples that any file may have, and further ones per byte of its payload. Without this limit, a
file of a few bytes could demand any amount of work."""


@cache
def _tile() -> NDArray[np.int64]:
    with files("xcodec.sampling").joinpath("blue_noise.npy").open("rb") as file:
        tile: NDArray[np.uint16] = np.load(file, allow_pickle=False)
    return tile.astype(np.int64)


@cache
def _tile_places() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the pixels of the tile, by rank."""
    rows, cols = np.unravel_index(_tile().argsort(axis=None), (TILE, TILE))
    return rows, cols


@cache
def _tile_order() -> NDArray[np.int64]:
    """Order among 16x16 tiles: a Bayer matrix (16, 16), where consecutive tiles are far apart."""
    matrix = np.zeros((1, 1), np.int64)
    while len(matrix) < 16:
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix


def ranks(rows: Ints, cols: Ints) -> NDArray[np.int64]:
    """Return the blue-noise ranks of positions (broadcast), 0 .. 2**RANK_BITS - 1."""
    within = _tile()[rows % TILE, cols % TILE]
    return within * 256 + _tile_order()[rows // TILE % 16, cols // TILE % 16]


def _hash(rows: Ints, cols: Ints, seed: int) -> NDArray[np.int64]:
    """A pseudo-random threshold for each position: splitmix64 of (seed, row, column).

    Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
    """
    x = np.asarray(rows, np.uint64) << np.uint64(32) | np.asarray(cols, np.uint64)
    x = x + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    x = x ^ x >> np.uint64(31)
    return (x >> np.uint64(64 - RANK_BITS)).astype(np.int64)


@cache
def mantissas(steps: int) -> tuple[int, ...]:
    """floor(2**16 * 2**(i / steps)), by integer roots, so that all machines agree.

    steps : of an octave, a power of two
    """
    result = []
    for i in range(steps):
        value = 1 << (16 * steps + i)
        for _ in range(steps.bit_length() - 1):
            value = isqrt(value)
        result.append(value)
    return tuple(result)


@cache
def _mantissas() -> NDArray[np.int64]:
    return np.array(mantissas(SCALE_STEPS), np.int64)


def thresholds(density: Density) -> NDArray[np.int64]:
    """Return the limit below which ranks are sampled, for each block: (block rows, columns)."""
    return _limits(density.exponents.astype(np.int64) * SCALE_STEPS + density.scale)


def _limits(scales: Ints) -> NDArray[np.int64]:
    """The limit for each Density.scale at exponent 0; an exponent adds SCALE_STEPS to the scale."""
    octave, step = scales // SCALE_STEPS, scales % SCALE_STEPS
    # Scale 0 means 2**-16 samples per 2**22 ranks: room for exponents to add octaves.
    mantissa = _mantissas()[step]
    shift = np.minimum(np.maximum(octave - 32, -62), RANK_BITS)
    raised = mantissa << np.maximum(shift, 0)
    limits: NDArray[np.int64] = np.minimum(raised >> np.maximum(-shift, 0), 1 << RANK_BITS)
    return limits


def _threshold_field(rows: Ints, cols: Ints, kind: str, seed: int) -> NDArray[np.int64]:
    """The threshold that the density must exceed at each position for it to be sampled."""
    return ranks(rows, cols) if kind == "blue" else _hash(rows, cols, seed)


def most_samples(payload: int) -> int:
    """Return the limit on the samples of a file with this many bytes of payload."""
    return min(MAX_SAMPLES, FREE_SAMPLES + SAMPLES_PER_BYTE * payload)


def points_from_density(
    density: Density,
    height: int,
    width: int,
    kind: str = "blue",
    seed: int = 0,
    most: int = MAX_SAMPLES,
    origin: tuple[int, int] = (0, 0),
) -> Points:
    """Return the points that a density marks, in coding order.

    kind   : "blue" (blue-noise threshold) or "random" (seeded; the X-GANs paper, section 4)
    seed   : of a random mask, 0 .. 2**32 - 1
    most   : limit on the number of points
    origin : row and column of this tile's corner in the whole picture

    Raises LimitError if there are more than ``most``.
    """
    rows, cols, count = [], [], 0
    limits = thresholds(density)
    block = density.block
    for r, c in _candidates(height, width, origin, int(limits.max()), kind):
        field = _threshold_field(r + origin[0], c + origin[1], kind, seed)
        marked = field < limits[r // block, c // block]
        rows.append(np.broadcast_to(r, marked.shape)[marked])
        cols.append(np.broadcast_to(c, marked.shape)[marked])
        count += len(rows[-1])
        check_count(count, most)
    return order_points(height, width, np.concatenate(rows), np.concatenate(cols), origin)


def _candidates(
    height: int, width: int, origin: tuple[int, int], limit: int, kind: str
) -> Iterator[tuple[Ints, Ints]]:
    """Rows and columns (broadcast) of all pixels whose threshold may lie below a limit, in pieces,
    so that memory stays bounded."""
    if kind != "blue" or limit > FEW << RANK_BITS - 7:
        for top, left in product(range(0, height, TILE), range(0, width, _WIDE)):
            rows = np.arange(top, min(top + TILE, height))[:, None]
            yield rows, np.arange(left, min(left + _WIDE, width))[None, :]
        return
    # Few samples: few places of a blue-noise tile.
    in_rows, in_cols = (places[: -(-limit >> 8)] for places in _tile_places())
    for top in range(-(origin[0] % TILE), height, TILE):
        lefts = np.arange(-(origin[1] % TILE), width, TILE)[:, None]
        rows, cols = (each.ravel() for each in np.broadcast_arrays(in_rows + top, in_cols + lefts))
        inside = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
        yield rows[inside], cols[inside]


def order_points(
    height: int, width: int, rows: Ints, cols: Ints, origin: tuple[int, int] = (0, 0)
) -> Points:
    """Return points at the given positions in coding order: by rank, then row, then column.

    rows, cols : integers (n,)
    origin     : as for ``points_from_density``

    Raises LimitError if there are more than MAX_SAMPLES.
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
    """Raise LimitError if ``count`` samples are more than ``most``."""
    if count > most:
        raise LimitError(f"at least {count} samples, more than the limit of {most}")


def points_from_mask(mask: NDArray[np.bool_], origin: tuple[int, int] = (0, 0)) -> Points:
    """Return the points of an explicit mask, bool (height, width); raises LimitError.

    origin : as for ``points_from_density``
    """
    rows, cols = np.nonzero(mask)
    return order_points(mask.shape[0], mask.shape[1], rows, cols, origin)


def scale_for_count(
    exponents: Ints, block: int, height: int, width: int, count: int, kind: str, seed: int
) -> int:
    """Return the Density.scale whose mask has ``count`` samples, or the nearest number above 0."""
    # Each pixel is sampled from some scale on: count the pixels by that scale.
    earlier = exponents.astype(np.int32) * SCALE_STEPS
    # Samples are evenly spread: nearly twice as many are never needed to see that it is enough.
    limit = min(1 << RANK_BITS, (2 * count << RANK_BITS + int(exponents.max())) // (height * width))
    for most in (limit, 1 << RANK_BITS):
        entering = np.zeros(MAX_SCALE + 1, np.int64)
        for rows, cols in _candidates(height, width, (0, 0), most, kind):
            first = _entries()[_threshold_field(rows, cols, kind, seed)]
            scales = np.maximum(first - earlier[rows // block, cols // block], 0)
            entering += np.bincount(scales.ravel(), minlength=MAX_SCALE + 1)
        marked = np.cumsum(entering)
        low = max(0, int(np.searchsorted(marked, count)) - 1)
        if _limits(np.array(low + 1 + earlier.max())) <= most:
            break
    below, above = int(marked[low]), int(marked[low + 1])
    return low if below and count - below <= above - count else low + 1


def scale_about(exponents: Ints, rate: float) -> int:
    """Return the Density.scale whose mask has about ``rate`` samples per pixel, without counting
    them."""
    counts = np.bincount(exponents.ravel())
    raised = SCALE_STEPS * np.arange(len(counts))

    def samples(scale: int) -> float:
        return float((counts * _limits(raised + scale)).sum())

    wanted = rate * exponents.size * (1 << RANK_BITS)
    return bisect_left(range(MAX_SCALE), wanted, key=samples)


@cache
def _entries() -> NDArray[np.int16]:
    """The lowest Density.scale, at exponent 0, that samples each threshold, (2**RANK_BITS,)."""
    scales = np.arange(MAX_SCALE + 1)
    counts = np.diff(_limits(scales), prepend=0)
    return np.repeat(scales.astype(np.int16), counts)
