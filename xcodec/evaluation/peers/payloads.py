"""Bytes of a file that hold coded pixels, without container and headers that could be agreed on."""

import struct
from collections.abc import Iterator

BOX_HEADER = 8
"""Bytes of the length and the type of a box."""
HEVC_SLICES = range(32)
"""Types of HEVC's NAL units that hold slices."""


def av1(data: bytes) -> int:
    """Return the bytes of an AVIF file's media data: temporal delimiter, sequence and frame."""
    return sum(map(len, media_data(data)))


def hevc(data: bytes) -> int:
    """Return the bytes of the slices in a HEIC file: no parameter sets, no lengths of units."""
    return sum(
        len(unit)
        for part in media_data(data)
        for unit in _counted(part)
        if (unit[0] >> 1) & 63 in HEVC_SLICES
    )


def media_data(data: bytes) -> Iterator[bytes]:
    """Yield the contents of the ``mdat`` boxes of a file of the ISO base media format.

    Raises ValueError if the boxes do not add up to the file.
    """
    place = 0
    while place < len(data):
        header = data[place : place + BOX_HEADER]
        length, kind = struct.unpack(">I4s", header) if len(header) == BOX_HEADER else (0, b"")
        if not BOX_HEADER <= length <= len(data) - place:
            raise ValueError("not a file of the ISO base media format, or one of large boxes")
        if kind == b"mdat":
            yield data[place + BOX_HEADER : place + length]
        place += length


def _counted(part: bytes) -> Iterator[bytes]:
    """NAL units that follow their lengths, 4 bytes each."""
    place = 0
    while place < len(part):
        (length,) = struct.unpack_from(">I", part, place)
        yield part[place + 4 : place + 4 + length]
        place += 4 + length
