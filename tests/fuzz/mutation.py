"""How inputs are altered: bytes anywhere, and files, packets and texts by their parts.

Bytes that are changed at random hardly ever have a right checksum, length or zstandard frame. So
most inputs are taken apart, altered in a part, and put together again by the package's own writers.
"""

import random
from collections.abc import Callable
from contextlib import suppress

from tests.fuzz.alteration import altered
from tests.fuzz.file_parts import file_altered
from tests.fuzz.parsers import LENGTH, mended, packet_mended
from tests.links import mangling
from xcodec.coding import packets, ranges
from xcodec.coding.primitives import content_size
from xcodec.decoder import reading
from xcodec.errors import FormatError
from xcodec.links import armor

WORDS = (
    *(b"\n", b"\r\n", b"> ", b"=\n", b"z", b"!", b"=", b": ", b"\xc0", b"\xdb\xdc", b"\xdb\xdd"),
    *(b"XGP", b"XGR", b"\xff\xfe", b"\xef\xbb\xbf", b"\x00\xc0", b"\x03\xf0", b"AB1CD>APRS:"),
)
"""What texts and streams may hold around packets."""


def bundle_altered(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Packets, as in a bundle without its magic, altered one by one or all together."""
    pieces = packets.unbundle(packets.MAGIC + data)
    kind = rng.random()
    if not pieces or kind < 0.1:
        return altered(data, rng, other)
    if kind < 0.35:
        pieces = _contents_altered(pieces, rng)
    elif kind < 0.55:
        # The same change in all, which still belong together.
        start = rng.getrandbits(32)
        pieces = [packet_mended(altered(each, random.Random(start))) for each in pieces]
    elif kind < 0.75:
        which = rng.randrange(len(pieces))
        body = altered(pieces[which], rng, other)
        # Of another length, it would be of another picture.
        pieces[which] = packet_mended(body.ljust(len(pieces[which]), b"\0")[: len(pieces[which])])
    elif kind < 0.9:
        which = rng.randrange(len(pieces))
        index = bytes([rng.choice((which & 255, rng.randrange(256)))])
        pieces.append(packet_mended(pieces[which][:3] + index + pieces[which][4:]))
        rng.shuffle(pieces)
    else:
        pieces += packets.unbundle(packets.MAGIC + other)
        rng.shuffle(pieces)
        del pieces[rng.randint(1, len(pieces)) :]
    return packets.bundle(pieces)[len(packets.MAGIC) :]


def _contents_altered(pieces: list[bytes], rng: random.Random) -> list[bytes]:
    """The sound packets of a picture, of which a range holds something else."""
    sound: list[tuple[bytes, packets.Packet]] = []
    for each in pieces:
        with suppress(FormatError):
            sound.append((each, packets.parse(each)))
    known = None
    if sound:
        first, one = sound[0]
        bodies = {packet.index: packet.body for _, packet in sound if packet.picture == one.picture}
        with suppress(FormatError):
            known = ranges.restored((one.width, one.height), one.first, bodies, reading.LIMITS)
    if known is None or not known.contents:
        return [packet_mended(altered(each, rng)) for each in pieces]
    contents = list(known.contents)
    which = rng.randrange(len(contents))
    size = known.ranges[which].size
    contents[which] = altered(contents[which], rng).ljust(size, b"\0")[:size]
    shares = ranges.shares(known.ranges, contents, max(bodies) + 1)
    head = first[: content_size(one.length) - len(one.body)]
    found = []
    for index, body in bodies.items():
        share = shares[index] + body[len(shares[index]) :]
        packet = head[:3] + bytes([index]) + head[4:] + share
        found.append(mended(packet.ljust(one.length, b"\0")))
    return found


def text_altered(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """A text or a stream that is altered, or another way to write the packets in a bundle."""
    if rng.random() < 0.6:
        return altered(data, rng, other, WORDS)
    some = _sent(rng)
    kind = rng.random()
    if kind < 0.7:
        name = rng.choice(list(armor.ARMORS))
        text = rng.choice((b"\n", b" ", b"\n> ", b"\r\n")).join(
            armor.line(each, name) for each in some
        )
    elif kind < 0.85:
        text = mangling.mangled(some, rng).data
    else:
        text = mangling.framed(some, rng).data
    return altered(text, rng, other, WORDS) if rng.random() < 0.5 else text[:LENGTH]


def _sent(rng: random.Random) -> list[bytes]:
    """One to three packets of a picture, which hold anything."""
    size = rng.choice((40, 40, 41, 43, 60))
    head = bytes([packets.VERSION << 5 | rng.randint(1, 3)]) + rng.randbytes(2)
    shares = size - len(head) - 5
    found = []
    for index in rng.sample(range(9), rng.choice((1, 1, 1, 2, 3))):
        body = bytes([index, 1, shares]) + rng.randbytes(shares)
        found.append(mended(head + body + bytes(2)))
    return found


_WAYS: dict[str, Callable[[bytes, random.Random, bytes], bytes]] = {
    "container": file_altered,
    "payload": file_altered,
    "packets": bundle_altered,
    "armor": text_altered,
}


def mutated(name: str, data: bytes, rng: random.Random, other: bytes) -> bytes:
    """An input of a target, altered.

    other : another input of it
    """
    way = data[:1] or b"\0"
    if rng.random() < 0.05:
        way = bytes([rng.randrange(8) if rng.random() < 0.8 else rng.randrange(256)])
    return way + _WAYS[name](data[1:], rng, other[1:])[:LENGTH]
