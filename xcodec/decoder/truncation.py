"""Files cut short on purpose: as few bytes as give what a number of bytes can give."""

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import container
from xcodec.decoder import reading
from xcodec.errors import InputError, XcodecError
from xcodec.types import MAX_PIXELS


def truncate(data: bytes, size: int, *, max_pixels: int = MAX_PIXELS) -> bytes:
    """The leading bytes of a .xgc file, at most ``size``, cut where a layer or a plane of a level
    ends: bytes that would say nothing more are left out. ``decode(..., partial=True)`` draws them.

    Raises InputError where so few bytes give no picture, and what ``codec.decode`` raises where
    the file is not whole.
    """
    contents = container.read(data, max_pixels=max_pixels, limits=reading.LIMITS)
    if size >= len(data):
        return data
    pieces = [piece for layer in contents.pieces for piece in layer if piece.checksum is not None]
    ends = [end for piece in pieces if (end := piece.start + piece.length) <= size]
    if ends:
        return data[: max(ends)]
    aim = _symbols(data[: max(size, 0)], max_pixels)
    if not aim.any():
        raise InputError(f"{size} bytes hold nothing of this picture yet")
    too_few, enough = 0, size
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        same = np.array_equal(_symbols(data[:middle], max_pixels), aim)
        too_few, enough = (too_few, middle) if same else (middle, enough)
    return data[:enough]


def _symbols(data: bytes, max_pixels: int) -> NDArray[np.int32]:
    """The symbols of a picture that isn't tiled, zeros beyond the bytes; none where too few."""
    try:
        limits = reading.LIMITS
        contents = container.read(data, max_pixels=max_pixels, limits=limits, partial=True)
        return reading.parsed(reading.coded(contents)).symbols
    except XcodecError:
        return np.zeros((0, 3), np.int32)
