"""The size at which a picture is encoded: a smaller one, where few bytes have to show many pixels.

A small picture that is scaled up again is then better than a full-size one, and takes less time.
"""

from dataclasses import replace
from functools import partial
from math import sqrt

import numpy as np

from xcodec.coding.header import SIZES
from xcodec.coding.original import MAX_SIDE
from xcodec.errors import InputError
from xcodec.options import EncodeOptions
from xcodec.pictures import scaling
from xcodec.pictures.modes import Picture
from xcodec.pictures.opening import Reading
from xcodec.system import checks
from xcodec.types import Region

PIXELS_PER_BYTE = 200
"""Pixels that a byte of a budget shows best (docs/research/scale-to-fit.md)."""
TOLERATED = 3.5
"""Pictures of up to this many times as many pixels are left alone: less than 0.1 dB is gained."""
COMMON = 0.7, 1.2
"""Pixels of a common size that is taken instead, relative to the best number: its number in the
file saves 2 to 4 bytes."""
SMALLEST_SIDE = 64
"""The budget alone makes no longer side smaller than this, in pixels."""


def side_for(
    width: int, height: int, options: EncodeOptions, max_bytes: int | None = None
) -> int | None:
    """Return the longer side in pixels that a picture is scaled down to; None: it stays as it is.

    width, height : of the picture in pixels
    max_bytes     : the budget, if it is not that of the options

    ``max_side`` is obeyed as it is. Without it, a budget of bytes decides.
    """
    longest, area = max(width, height), width * height
    if options.max_side is not None:
        return options.max_side if 0 < options.max_side < longest else None
    budget = options.max_bytes if max_bytes is None else max_bytes
    if options.bpp is not None:
        budget = int(options.bpp * area / 8)
    if budget is None or not options.reducible or area <= TOLERATED * PIXELS_PER_BYTE * budget:
        return None
    shown = PIXELS_PER_BYTE * budget
    common = [
        size
        for size in SIZES
        if COMMON[0] * shown <= size[0] * size[1] <= COMMON[1] * shown
        and scaling.within((width, height), max(size)) == size
    ]
    side = max(map(max, common)) if common else int(longest * sqrt(shown / area))
    side = max(side, SMALLEST_SIDE)
    return side if side < longest else None


def reading_for(reading: Reading, options: EncodeOptions, max_bytes: int | None = None) -> Reading:
    """Return how a picture is read that is encoded with these options: no larger than needed.

    max_bytes : as for ``side_for``
    """
    return replace(reading, side=partial(side_for, options=options, max_bytes=max_bytes))


def reduced(
    picture: Picture, options: EncodeOptions, max_bytes: int | None = None
) -> tuple[Picture, EncodeOptions]:
    """Scale a picture down as far as its options ask for, unless that was done when it was read.

    max_bytes : as for ``side_for``

    Returns the picture, and options whose regions are those of the smaller picture.

    Raises InputError for a picture with a side that no file can tell.
    """
    height, width = picture.rgb.shape[:2]
    longest = max(picture.original or (width, height))
    if longest > MAX_SIDE:
        raise InputError(f"a side of {longest} pixels is too long: {MAX_SIDE} is the most")
    side = None
    if picture.original is None:
        side = side_for(width, height, options, max_bytes)
    smaller = picture if side is None else scaling.reduced(picture, side)
    if smaller.original is None or not (options.roi or options.roi_mask is not None):
        return smaller, options
    size = smaller.rgb.shape[1], smaller.rgb.shape[0]
    roi = [_scaled(region, smaller.original, size) for region in options.roi]
    mask = options.roi_mask
    if mask is not None and mask.shape != smaller.rgb.shape[:2]:
        checks.same_size("the region mask", mask, smaller.original[::-1])
        mask = np.ascontiguousarray(scaling.resized(mask, size))
    return smaller, replace(options, roi=roi, roi_mask=mask)


def _scaled(region: Region, before: tuple[int, int], after: tuple[int, int]) -> Region:
    """A region of a picture that had the size ``before``, at the size ``after``.

    If it had pixels of the picture, it has some still. If not, it is returned unchanged: an error
    will tell what was given.
    """
    *corner, wide, high, weight = region
    places, lengths = list[int](), list[int]()
    for start, length, old, new in zip(corner, (wide, high), before, after, strict=True):
        if length < 1 or start >= old or start + length <= 0:
            return region
        scale = new / old
        lengths.append(max(round(length * scale), 1))
        places.append(min(max(round(start * scale), 1 - lengths[-1]), new - 1))
    return (places[0], places[1], lengths[0], lengths[1], weight)
