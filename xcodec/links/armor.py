"""Packets as lines of text: base64 and base32 (RFC 4648, without padding), Ascii85 (PostScript's).

base32 is for links with capitals and digits only. RFC 9285's base45 would be 6 % shorter there, but
needs the space and eight signs, some of which such links lose; base32 survives a change of case,
too. ``links.finding`` finds packets in text that was altered on its way.
"""

import base64
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.packets import MIN_SIZE

ARMORS: dict[str, tuple[int, int]] = {"base64": (3, 4), "ascii85": (4, 5), "base32": (5, 8)}
"""For each encoding as text: so many bytes become so many characters."""
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": lambda packet: base64.b64encode(packet).rstrip(b"="),
    "ascii85": base64.a85encode,
    "base32": lambda packet: base64.b32encode(packet).rstrip(b"="),
}
ALPHABETS: dict[str, tuple[bytes, ...]] = {
    "base64": (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",),
    "ascii85": (bytes(range(33, 33 + 85)),),
    "base32": (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"abcdefghijklmnopqrstuvwxyz234567"),
}
"""Characters in the order of the digits that they stand for."""
BREAK = 255
"""Stands for a character that is no digit."""
ZEROS, ZERO = ord("z"), ord("!")
"""Ascii85 writes four zero bytes as one ``z``, instead of five digits."""


def carried(characters: int, armor: str) -> int:
    """Largest size in bytes of a packet that fits a line of ``characters``."""
    numerator, denominator = ARMORS[armor]
    return characters * numerator // denominator


def length(size: int, armor: str) -> int:
    """Number of characters of a packet of ``size`` bytes, the longest if it depends on them."""
    numerator, denominator = ARMORS[armor]
    return -(-size * denominator // numerator)


def shortest(armor: str) -> int:
    """Number of characters of the shortest packet, counting a ``z`` as five."""
    return length(MIN_SIZE, armor)


def line(packet: bytes, armor: str) -> bytes:
    """A packet as a line of text, without a newline."""
    return ENCODERS[armor](packet)


def lines(data: Sequence[bytes], armor: str) -> bytes:
    """Packets as lines of text, each with a newline."""
    return b"".join(line(packet, armor) + b"\n" for packet in data)


@cache
def _digit_of(armor: str) -> NDArray[np.uint8]:
    """The digit that each byte stands for, or BREAK: uint8 (256,)."""
    table = np.full(256, BREAK, np.uint8)
    for alphabet in ALPHABETS[armor]:
        table[np.frombuffer(alphabet, np.uint8)] = np.arange(len(alphabet))
    return table


def spelled(text: bytes, armor: str) -> NDArray[np.uint8]:
    """Characters of a text, uint8 (n,), after each ``z`` of Ascii85 was spelled out."""
    codes = np.frombuffer(text, np.uint8)
    if armor != "ascii85":
        return codes
    zeros = codes == ZEROS
    return np.repeat(np.where(zeros, np.uint8(ZERO), codes), np.where(zeros, 5, 1))


def digits(codes: NDArray[np.uint8], armor: str) -> NDArray[np.uint8]:
    """The digits that characters stand for, or BREAK."""
    return _digit_of(armor)[codes]


def decoded(
    values: NDArray[np.uint8], armor: str
) -> tuple[NDArray[np.uint8], list[NDArray[np.uint8]]]:
    """Decode digits, from the first one on.

    values : uint8 (n,), digits

    Returns the bytes, and, for Ascii85, the bytes of a last group of 2, 3 or 4 digits in place of
    each whole group, uint8 (groups, 1..3). The other encodings need no such: their first digits are
    the first bits.
    """
    size, count = ARMORS[armor]
    padded = np.concatenate([values, np.zeros(-len(values) % count + count, np.uint8)])
    base = len(ALPHABETS[armor][0])
    number = np.zeros(len(padded) // count, np.uint64)
    for place in range(count):
        number = number * np.uint64(base) + padded[place::count]
    endings = []
    for rest in range(1, size) if armor == "ascii85" else ():
        # Digits that are left out count as the highest one.
        unit = np.uint64(base ** (size - rest))
        endings.append(_octets(number // unit * unit + unit - np.uint64(1), size)[:, :rest])
    return _octets(number, size).reshape(-1), endings


def _octets(number: NDArray[np.uint64], size: int) -> NDArray[np.uint8]:
    """The lowest ``size`` bytes of numbers, the highest first: uint8 (n, size)."""
    return number.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - size :]
