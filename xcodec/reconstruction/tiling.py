"""Overlapping windows: a generator on pictures of any size, in bounded memory and without seams.

Windows start at multiples of the generator's coarsest resolution, so that they are aligned like the
whole picture. Pixels near the inner border of a window, where the generator lacks context, are
dropped; beyond them neighbouring windows are blended by a linear ramp. The sizes are measured in
docs/research/opencv-or-torch.md.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec.reconstruction.architecture import MULTIPLE
from xcodec.types import Floats

WHOLE = 1024 * 1024
"""Pictures of at most this many pixels are one window."""
TILE = 1024
"""Largest side of a window in pixels."""
MARGIN = 32
"""Pixels dropped at the inner borders of a window."""
RAMP = 64
"""Pixels over which neighbouring windows are blended."""
OVERLAP = 2 * MARGIN + RAMP

Window = Callable[[slice, slice], Floats]
"""Computes a window (rows, cols, 3) of a picture from its rows and columns."""


@dataclass(frozen=True)
class Span:
    """A window's part of an axis.

    weights : float32 (stop - start,), weight of the window at each pixel; the weights of all spans
              that cover a pixel sum to 1
    """

    start: int
    stop: int
    weights: NDArray[np.float32]

    @property
    def slice(self) -> slice:
        return slice(self.start, self.stop)


def in_windows(height: int, width: int, window: Window) -> NDArray[np.float32]:
    """A picture float32 (height, width, 3), computed in ``windows`` and blended."""
    pictures = (
        window(slice(top, bottom), slice(left, right))
        for top, bottom, left, right in windows(height, width)
    )
    return np.concatenate(list(blended(height, width, pictures)))


def windows(height: int, width: int) -> list[tuple[int, int, int, int]]:
    """Top, bottom, left and right of the windows of a picture, row by row; ends are excluded."""
    down, right = _axes(height, width)
    return [(rows.start, rows.stop, cols.start, cols.stop) for rows in down for cols in right]


def blended(height: int, width: int, pictures: Iterable[Floats]) -> Iterator[NDArray[np.float32]]:
    """A picture in strips of whole rows, from the top.

    pictures : the ``windows`` of the picture, in their order
    """
    down, right = _axes(height, width)
    remaining = iter(pictures)
    top, strip = 0, np.zeros((0, width, 3), np.float32)
    for number, rows in enumerate(down):
        grown = np.zeros((rows.stop - top, width, 3), np.float32)
        grown[: len(strip)] = strip
        for cols in right:
            weights = rows.weights[:, None, None] * cols.weights[:, None]
            grown[rows.start - top :, cols.slice] += weights * next(remaining)
        # The next row of windows still adds to the rows below its start.
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
    """Spans of at most TILE pixels, about equally long, that cover an axis."""
    if length <= TILE:
        return [_all(length)]
    count = -(-(length - OVERLAP) // (TILE - OVERLAP))
    each = -(-(length + (count - 1) * OVERLAP) // count)
    each = -(-each // MULTIPLE) * MULTIPLE
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
