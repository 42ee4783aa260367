"""Shortening files to a size at a clean boundary."""

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import container
from xcodec.decoder import reading
from xcodec.errors import InputError, XcodecError
from xcodec.types import MAX_PIXELS


def truncate(data: bytes, max_bytes: int, *, max_pixels: int = MAX_PIXELS) -> bytes:
    """Shorten a .xgc file to at most ``max_bytes``, at the end of a layer or of a plane of a level.

    max_bytes : largest size of the result; bytes that would add nothing are left out

    ``decode(..., partial=True)`` decodes the result. Raises InputError if so few bytes give no
    picture, and what ``decode`` raises if the file is damaged or cut already.
    """
    contents = container.read(data, max_pixels=max_pixels, limits=reading.LIMITS)
    if max_bytes >= len(data):
        return data
    pieces = [piece for layer in contents.pieces for piece in layer if piece.checksum is not None]
    ends = [end for piece in pieces if (end := piece.start + piece.length) <= max_bytes]
    if ends:
        return data[: max(ends)]
    aim = _symbols(data[: max(max_bytes, 0)], max_pixels)
    if not aim.any():
        raise InputError(f"{max_bytes} bytes are too few for any part of this picture")
    too_few, enough = 0, max_bytes
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        same = np.array_equal(_symbols(data[:middle], max_pixels), aim)
        too_few, enough = (too_few, middle) if same else (middle, enough)
    return data[:enough]


def _symbols(data: bytes, max_pixels: int) -> NDArray[np.int32]:
    """The symbols (n, planes) of a picture that is not tiled, 0 beyond the bytes; none if there are
    too few bytes."""
    try:
        limits = reading.LIMITS
        contents = container.read(data, max_pixels=max_pixels, limits=limits, partial=True)
        return reading.parsed(reading.coded(contents)).symbols
    except XcodecError:
        return np.zeros((0, 3), np.int32)
