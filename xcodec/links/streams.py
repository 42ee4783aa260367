"""Streams of bytes that may hold packets: raw, as bundles, or in frames."""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import packets
from xcodec.coding.primitives import Reader
from xcodec.errors import FormatError
from xcodec.links.travelled import View

FEND, FESC = 0xC0, 0xDB
"""KISS and SLIP: what stands between frames, and what an escape begins with."""
ESCAPED = {0xDC: FEND, 0xDD: FESC}
"""The bytes that escapes end with, and what they stand for."""
_CALL = rb"[\x40\x60-\x72\x82-\xb4]{6}"
AX25 = re.compile(
    rb"(?:" + _CALL + rb"[\x60-\xfe]){1,9}" + _CALL + rb"[\x61-\xff]\x03\xf0", re.DOTALL
)
"""The header of an AX.25 frame (UI, no layer 3): call signs, each of its characters shifted by one
bit; the lowest bit of the last one's SSID is 1."""
FCS = 2
"""Bytes of the checksum that follows a frame of AX.25 where its sender kept it."""


def views(data: bytes) -> Iterator[View]:
    """The bytes as they are; and if there are frames of KISS or SLIP, those without escapes."""
    values = np.frombuffer(data, np.uint8)
    marks = np.zeros(len(data) + 1, np.uint8)
    marks[[0, -1]] = 2
    _mark_bundles(data, marks)
    _mark_headers(data, marks)
    yield View(values, np.zeros(len(data), bool), marks)
    if FEND in data:
        yield _frames(values)


def _mark_bundles(data: bytes, marks: NDArray[np.uint8]) -> None:
    """Mark where the packets of bundles begin and end."""
    seen: set[int] = set()
    for match in re.finditer(re.escape(packets.MAGIC), data):
        at = match.end()
        while at not in seen:
            seen.add(at)
            reader = Reader(data[at : at + 2])
            try:
                size = reader.varint(packets.MAX_SIZE, "the length of a packet")
            except FormatError:
                break
            start, at = at + reader.at, at + reader.at + size
            if size < packets.MIN_SIZE or at > len(data):
                break
            marks[[start, at]] = 2


def _mark_headers(data: bytes, marks: NDArray[np.uint8]) -> None:
    """Mark where headers of AX.25 end, and where the last frame ends, without its checksum."""
    for match in AX25.finditer(data):
        marks[match.end()] = 2
        marks[max(len(data) - FCS, 0)] = 2


def _frames(values: NDArray[np.uint8]) -> View:
    """The contents of frames of KISS or SLIP, with breaks between."""
    following = np.append(values[1:], np.uint8(0))
    escapes = (values == FESC) & np.isin(following, list(ESCAPED))
    broken = values == FEND
    plain = values.copy()
    for code, byte in ESCAPED.items():
        plain[1:][escapes[:-1] & (values[1:] == code)] = byte
    values, broken = plain[~escapes], broken[~escapes]
    marks = np.zeros(len(values) + 1, np.uint8)
    marks[[0, -1]] = 2
    marks[:-1][broken] = 2
    marks[1:][broken] = 2
    # The first byte of a frame of KISS: the number of a port, and 0 for data.
    commands = np.flatnonzero(broken[:-1] & (values[1:] & 15 == 0)) + 2
    marks[commands[commands < len(values)]] = 2
    _mark_headers(values.tobytes(), marks)
    return View(values, broken, marks)
