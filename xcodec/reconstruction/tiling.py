"""Overlapping tiles: pictures of any size in bounded memory, and no seam.

Tiles begin at multiples of the generator's coarsest grid, so that each sees the grid that the
whole picture would. What a tile's inner border spoils is thrown away, and beyond that the
neighbours are blended by a linear ramp.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec.reconstruction.architecture import MULTIPLE
from xcodec.types import Floats

WHOLE = 1024 * 1024
"""Pictures of at most this many pixels are painted in one piece."""
TILE = 1024
MARGIN = 32
"""Pixels at a tile's inner border that are not used: the generator misses the other side there."""
RAMP = 64
"""Pixels over which neighbouring tiles are blended."""
OVERLAP = 2 * MARGIN + RAMP

Window = Callable[[slice, slice], Floats]


@dataclass(frozen=True)
class Span:
    """A tile's part of an axis.

    weights : float32 (stop - start,), what the tile counts at each pixel; all spans that cover
              a pixel sum to 1
    """

    start: int
    stop: int
    weights: NDArray[np.float32]

    @property
    def slice(self) -> slice:
        return slice(self.start, self.stop)


def painted(height: int, width: int, window: Window) -> NDArray[np.float32]:
    """A picture float32 (height, width, 3), whole or by tiles.

    window : paints a window of the picture, given its rows and columns: (rows, cols, 3)
    """
    pictures = (
        window(slice(top, bottom), slice(left, right))
        for top, bottom, left, right in windows(height, width)
    )
    return np.concatenate(list(blended(height, width, pictures)))


def windows(height: int, width: int) -> list[tuple[int, int, int, int]]:
    """First and last row and column, the last ones excluded, of the windows that a picture is
    painted in, row by row.
    """
    down, right = _axes(height, width)
    return [(rows.start, rows.stop, cols.start, cols.stop) for rows in down for cols in right]


def blended(height: int, width: int, pictures: Iterable[Floats]) -> Iterator[NDArray[np.float32]]:
    """Strips of whole rows, from the top, of the painted ``windows`` of a picture."""
    down, right = _axes(height, width)
    painted = iter(pictures)
    top, strip = 0, np.zeros((0, width, 3), np.float32)
    for number, rows in enumerate(down):
        grown = np.zeros((rows.stop - top, width, 3), np.float32)
        grown[: len(strip)] = strip
        for cols in right:
            weights = rows.weights[:, None, None] * cols.weights[:, None]
            grown[rows.start - top :, cols.slice] += weights * next(painted)
        # The next row of windows adds to what lies below its start.
        ready = down[number + 1].start if number + 1 < len(down) else height
        yield grown[: ready - top]
        top, strip = ready, grown[ready - top :]


def _axes(height: int, width: int) -> "tuple[list[Span], list[Span]]":
    if height * width <= WHOLE:
        return [_all(height)], [_all(width)]
    return spans(height), spans(width)


def _all(length: int) -> "Span":
    return Span(0, length, np.ones(length, np.float32))


def spans(length: int) -> list[Span]:
    """The spans of at most TILE pixels that cover an axis, all of about the same length."""
    if length <= TILE:
        return [_all(length)]
    count = -(-(length - OVERLAP) // (TILE - OVERLAP))
    each = -(-(length + (count - 1) * OVERLAP) // count)
    each = -(-each // MULTIPLE) * MULTIPLE
    count = -(-(length - OVERLAP) // (each - OVERLAP))  # Rounded up, fewer may do.
    starts = [number * (each - OVERLAP) for number in range(count)]
    stops = [min(start + each, length) for start in starts]
    total = np.zeros(length, np.float32)
    ramps = []
    for start, stop in zip(starts, stops, strict=True):
        here = np.arange(stop - start, dtype=np.float32)
        ramp = np.ones(stop - start, np.float32)
        if start > 0:
            ramp = np.minimum(ramp, np.clip((here + 0.5 - MARGIN) / RAMP, 0, 1))
        if stop < length:
            ramp = np.minimum(ramp, np.clip((here[::-1] + 0.5 - MARGIN) / RAMP, 0, 1))
        total[start:stop] += ramp
        ramps.append(ramp)
    return [
        Span(start, stop, ramp / total[start:stop])
        for start, stop, ramp in zip(starts, stops, ramps, strict=True)
    ]
