"""What is fuzzed fast: from bytes to symbols, without a fill or a painting.

Each target is a function of bytes, of which the first says how the rest is read:

container   a file, up to the bytes of its tiles and sections: 0 as it is; 1 likewise, ``partial``;
            2 with its checksum corrected
payload     a file, up to the symbols of its tiles and to its alpha: likewise; 3 truncated
packets     the packets of a bundle, up to symbols: 0 as they are; 1 with their checksums corrected;
            2, 3 likewise, by way of an inbox
armor       a text or a stream: 0 packets are looked for; 1 it arrives as frames of SLIP or KISS

A target returns how far it came, one of its DEPTHS. Any exception but FormatError and LimitError is
a finding, and so is a message of several lines.
"""

import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import sliplib

from xcodec.coding import packets
from xcodec.coding.header import ALPHA
from xcodec.coding.packets import LONG_CHECKSUM_VERSION
from xcodec.coding.primitives import CHECKSUM, checksum, content_size, ending
from xcodec.coding.ranges import Restored
from xcodec.decoder import alpha, inspection, reading, truncation
from xcodec.decoder.sections import comment_of
from xcodec.errors import FormatError, InputError, LimitError
from xcodec.links import packet_files, receiving, requests
from xcodec.links.inbox import Inbox
from xcodec.links.transports import Message, kiss
from xcodec.links.transports.streams import Frames, Stream
from xcodec.types import Floats

MAX_PIXELS = 64 * 64
LENGTH = 1500
"""Largest input in bytes."""
ERRORS = FormatError, LimitError
"""What parsers may raise."""
CHUNKS = 7, 200
"""How many bytes of a stream arrive at once, in turn."""

DEPTHS: dict[str, tuple[str, ...]] = {
    "container": ("header", "index", "tiles", "all"),
    "payload": ("container", "points", "symbols", "alpha", "all"),
    "packets": ("packet", "ranges", "points", "symbols"),
    "armor": ("nothing", "frames", "packets"),
}
"""How far an input may come, by target: the names say what was being read in the end. The range
decoder has read symbols from "symbols" on; explicit masks and densities are read for "points"."""
DEEP = {"container": "all", "payload": "symbols", "packets": "symbols", "armor": "frames"}
"""The first of the depths that most executions should come to."""
_READING: dict[str, dict[str, str]] = {
    "container": {"tile": "tiles", "read_header": "header", "read": "index"},
    "payload": {
        "luma_of": "alpha",
        "read_symbols": "symbols",
        "read_points": "points",
        "opened": "container",
        "read": "alpha",
    },
    "packets": {"symbols_in": "points", "restored": "ranges"},
    "armor": {},
}
"""What a function was reading that raised an error, by target; the first that is there tells."""


def run(name: str, data: bytes) -> tuple[str, int]:
    """Try an input; any exception that it raises is a finding.

    Returns how far it came, one of DEPTHS, and where it ended, as a number that is equal for inputs
    that end alike.
    """
    depths = DEPTHS[name]
    if not data:
        return depths[0], 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            depth = TARGETS[name](data[0], data[1:])
        return depth, hash(depth)
    except ERRORS as error:
        if not str(error) or "\n" in str(error):
            raise AssertionError(f"an error of {str(error)!r}") from error
        functions, reading_ = {place.name for place in _places(error)}, _READING[name]
        depth = next((reading_[each] for each in reading_ if each in functions), depths[0])
        return depth, place_of(error)


def is_deep(name: str, depth: str) -> bool:
    """Whether a depth is as great as it should be."""
    depths = DEPTHS[name]
    return depth in depths[depths.index(DEEP[name]) :]


def one(name: str, data: bytes) -> None:
    """``run``, for callers that want to know about findings only."""
    run(name, data)


def place_of(error: BaseException) -> int:
    """A number for the lines that an error went through."""
    return hash(tuple(_places(error)))


class _Place(NamedTuple):
    name: str
    line: int


def _places(error: BaseException) -> list[_Place]:
    """The functions and lines that an error went through."""
    trace, found = error.__traceback__, []
    while trace is not None:
        found.append(_Place(trace.tb_frame.f_code.co_name, trace.tb_lineno))
        trace = trace.tb_next
    return found


def mended(file: bytes) -> bytes:
    """Replace the last bytes of a file by the checksum of the others."""
    content = file[: content_size(len(file))]
    return content + ending(content)


def read_container(way: int, file: bytes) -> str:
    """Read the header, the index, and the bytes of sections and tiles."""
    file = mended(file) if way % 3 == 2 else file
    inspection.peek(file, max_pixels=MAX_PIXELS)
    contents = reading.opened(file, MAX_PIXELS, way % 3 == 1)
    for number in range(len(contents.grid)):
        reading.coded(contents, number)
    comment_of(contents.header.sections)
    return "all"


def read_payload(way: int, file: bytes) -> str:
    """Read points, symbols, lossless pixels and alpha; or cut a file."""
    file = mended(file) if way % 4 >= 2 else file
    if way % 4 == 3:
        with suppress(InputError):  # Too few bytes.
            truncation.truncate(file, len(file) * (1 + way // 4) // 64, max_pixels=MAX_PIXELS)
        return "container"  # At least: symbols are read only where there are no layers.
    contents = reading.opened(file, MAX_PIXELS, way % 4 == 1)
    header = contents.header
    for coded in (reading.coded(contents, number) for number in range(len(contents.grid))):
        if coded.layers:  # There is none if all of a tile is damaged.
            tile = reading.parsed(coded)
            if header.lossless:
                tile.pixels()

    def luma_of(data: bytes) -> Floats:
        reading.single(data, MAX_PIXELS, partial=False)
        return np.zeros((header.height, header.width), np.float32)

    if ALPHA in header.sections:
        alpha.read(header.sections[ALPHA], header.height, header.width, luma_of)
    return "all"


def packet_mended(packet: bytes) -> bytes:
    """Replace the last bytes of a packet by the checksum of the others."""
    if packet and packet[0] >> 5 == LONG_CHECKSUM_VERSION:
        return packet[:-CHECKSUM] + checksum(packet[:-CHECKSUM])
    return mended(packet)


def read_packets(way: int, data: bytes) -> str:
    """Collect packets, restore their ranges, and read symbols."""
    pieces = packets.unbundle(packets.MAGIC + data)
    if way % 4:
        pieces = [packet_mended(each) for each in pieces]
    if way % 4 < 2:
        collection = receiving.Collection()
        for each in pieces:
            collection.add(each)
        collection.left_out()
        return _symbols(collection.restored(), len(pieces[0]))
    inbox = Inbox()
    for each in pieces:
        inbox.add(Message(each))
    depth = DEPTHS["packets"][0]
    for arrival in inbox:
        arrival.text()
        if not arrival.file:
            depth = _symbols(arrival.restored, len(arrival.data[0]))
            if arrival.complete and max(arrival.packets) + 1 < packets.MAX_COUNT:
                packets.further(arrival.data, 2, reading.LIMITS)
    return depth


def _symbols(restored: Restored, length: int) -> str:
    if restored.parameters is None:
        return "ranges"
    receiving.check_size(restored, MAX_PIXELS)
    receiving.symbols_in(restored, length)
    return "symbols"


def read_text(way: int, data: bytes) -> str:
    """Look for packets in a text or a stream, or take frames."""
    if way % 2 == 0:
        return "packets" if any(map(receiving.is_packet, packet_files.split(data))) else "nothing"
    frames = Frames(_Arriving(data), sliplib)
    depth = "nothing"
    for _ in range(1 + len(data) // min(CHUNKS)):
        while (frame := frames.receive(0)) is not None:
            depth = "frames" if depth == "nothing" else depth
            kiss.unpack(frame[1:])
            requests.parse(frame)
            depth = "packets" if receiving.is_packet(frame) else depth
    return depth


class _Arriving(Stream):
    """A stream whose bytes arrive in pieces."""

    name = "stream"

    def __init__(self, data: bytes) -> None:
        self._data, self._pieces = data, 0

    def read(self, timeout: float) -> bytes:
        size = CHUNKS[self._pieces % len(CHUNKS)]
        self._pieces += 1
        piece, self._data = self._data[:size], self._data[size:]
        return piece

    def write(self, data: bytes) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


TARGETS: dict[str, Callable[[int, bytes], str]] = {
    "container": read_container,
    "payload": read_payload,
    "packets": read_packets,
    "armor": read_text,
}
