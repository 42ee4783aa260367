"""Leaving properties out of XMP packets.

Packets are searched by the usual prefixes rather than parsed: damaged ones are common, and what
stays keeps its bytes.
"""

import re
from collections.abc import Iterator

_FILE = rb"tiff:(?:Orientation|ImageWidth|ImageLength)|exif:Pixel[XY]Dimension|x[am]p:Thumbnails"
"""Properties of the file that a picture was read from: it is turned, and may be smaller now."""
_POSITION = rb"(?<![\w-])[\w-]+:G[Pp][Ss]\w*"


def without_file(packet: bytes) -> bytes:
    """Return a packet without what it says of its file."""
    return without(packet, _FILE)


def without_position(packet: bytes) -> bytes:
    """Return a packet without the place where the picture was taken (GPS)."""
    return without(packet, _POSITION)


def without(packet: bytes, names: bytes) -> bytes:
    """Return a packet without some properties; unchanged if it has none of them.

    names : a pattern of their names, with prefixes
    """
    if not re.search(names, packet):
        return packet
    packet = b"".join(_outside(packet, re.compile(rb"<(%s)(?=[\s/>])[^<>]*>" % names)))
    # Packets end in much white space: each run of it is tried once.
    attribute = rb"(?<!\s)\s+(?:%s)\s*=\s*(?:\"[^\"]*\"|'[^']*')"
    return re.sub(attribute % names, b"", packet)


def _outside(packet: bytes, start: re.Pattern[bytes]) -> Iterator[bytes]:
    """The parts of a packet outside of elements.

    start : their first tags, with the name as a group
    """
    at = 0
    last = {tag[1]: tag.start() for tag in re.finditer(rb"</([^\s<>]+)\s*>", packet)}
    for tag in start.finditer(packet):
        if tag.start() < at:
            continue  # It is inside another one.
        end = tag.end()
        if not tag[0].endswith(b"/>"):
            if last.get(tag[1], 0) < end:
                continue  # It is never closed.
            end = packet.index(b">", packet.index(b"</" + tag[1], end)) + 1
        yield packet[at : tag.start()]
        at = end
    yield packet[at:]
