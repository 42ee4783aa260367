"""How bytes are altered, also those that end with a zstandard frame."""

import random
from collections.abc import Sequence

import zstandard

from tests.fuzz.parsers import LENGTH
from xcodec.coding.primitives import unpack
from xcodec.errors import FormatError

FRAME = b"\x28\xb5\x2f\xfd"
"""How a zstandard frame begins."""
UNPACKED = 1 << 13
"""Bytes of the content of a frame, up to which it is altered."""
INTERESTING = (0, 1, 2, 127, 128, 254, 255)
_ZSTANDARD = zstandard.ZstdCompressor(level=1)


def altered(
    data: bytes, rng: random.Random, other: bytes = b"", words: Sequence[bytes] = ()
) -> bytes:
    """Bytes with one to four changes.

    other : bytes of which a piece may be put in
    words : what may be put in as well
    """
    changed = bytearray(data)
    # What comes first decides most.
    limit = len(changed) if rng.random() < 0.6 else min(len(changed), 12)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        at = rng.randrange(limit + 1) if limit else 0
        at = min(at, len(changed))
        kind = rng.randrange(10)
        if kind < 3 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind < 5 and at < len(changed):
            changed[at] = rng.choice((rng.randrange(256), rng.choice(INTERESTING)))
        elif kind == 5 and at < len(changed):
            changed[at] = changed[at] + rng.choice((-1, 1)) & 255
        elif kind == 6:
            del changed[at : at + _few(rng)]
        elif kind == 7:
            changed[at:at] = rng.choice(words) if words else rng.randbytes(_few(rng))
        elif kind == 8:
            start = rng.randrange(len(other) + 1)
            changed[at : at + rng.randrange(9)] = other[start : start + 2 * _few(rng)]
        elif rng.random() < 0.3:
            del changed[at:]
        else:
            changed[at:at] = changed[at : at + 2 * _few(rng)]
    return bytes(changed[:LENGTH])


def _few(rng: random.Random) -> int:
    return rng.choice((1, 1, 2, 3, 4, 8, 16))


def within(data: bytes, rng: random.Random, other: bytes = b"") -> bytes:
    """Bytes that end with a zstandard frame, if they do, whose content is altered."""
    at = data.find(FRAME)
    if at >= 0 and rng.random() < 0.8:
        try:
            content = unpack(data[at:], UNPACKED)
        except FormatError:
            return altered(data, rng, other)
        return data[:at] + _ZSTANDARD.compress(altered(content, rng, other))
    return altered(data, rng, other)
