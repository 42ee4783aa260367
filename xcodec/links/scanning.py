"""Where in bytes are packets? Every piece with a right checksum is found, in one pass.

A CRC is the remainder of a polynomial over GF(2), modulo a fixed one in which x has an inverse. Let
q(i) be the sum of all bytes before place i as such polynomials, each multiplied by a power of x
that depends only on its own place. Then a piece from place s to place m has the checksum that
stands behind it exactly if

    q(s) + start(s)  =  q(m) + checksum(m) / x^(8 m)

where the left side depends on s alone and the right side on m alone. So all pieces come from one
sorted list, instead of from a CRC for each start and each end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import packets
from xcodec.coding.primitives import CHECKSUM, SHORT, SHORT_CHECKSUM

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint32]
Places = NDArray[np.int64]

WINDOW = 1 << 15
"""Bytes that are searched at once."""
STRIDE = WINDOW - packets.MAX_SIZE
"""Bytes from window to window; no packet that begins in a stride ends behind its window."""
ENDS = 4
"""Ends that are looked at for each start. By chance, one start in 140 has one, and hardly one has
four; only bytes that were made for it have more."""


@dataclass(frozen=True)
class Code:
    """A CRC that begins with ones and is inverted at the end.

    size       : of the checksum in bytes
    polynomial : without its first term
    reflected  : whether the lowest bit of a byte comes first
    least      : fewest bytes before the checksum
    most       : most bytes before it
    """

    size: int
    polynomial: int
    reflected: bool
    least: int
    most: int


CODES = (
    Code(SHORT_CHECKSUM, 0x1021, False, packets.MIN_SIZE - SHORT_CHECKSUM, SHORT - 1),
    Code(CHECKSUM, 0x1EDC6F41, True, SHORT, packets.MAX_SIZE - CHECKSUM),
)
"""CRC-16/GENIBUS and CRC-32C, as ``coding.primitives.ending`` uses them."""
REFLECTED = np.packbits(
    np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1
)[:, 0]
"""Each byte with its bits in the opposite order."""


def _times(code: Code, a: int, b: int) -> int:
    """The product of two polynomials."""
    bits, total = 8 * code.size, 0
    for bit in range(bits):
        total ^= a if b >> bit & 1 else 0
        a = (a << 1) ^ ((1 << bits | code.polynomial) if a >> (bits - 1) else 0)
    return total


@cache
def _powers(code: Code) -> Words:
    """x^(bit - 8 place), uint32 (bits, WINDOW + 1): the row of a bit, the column of a place."""
    bits = 8 * code.size
    step = 1
    for _ in range(8):
        step = _times(code, step, (1 << bits | code.polynomial) >> 1)  # x times this is 1.
    first = np.ones(1, np.uint32)
    while len(first) < WINDOW + 1:
        first = np.concatenate([first, _product(_multiples(code, step), first)])
        step = _times(code, step, step)
    found = np.empty((bits, WINDOW + 1), np.uint32)
    found[0] = first[: WINDOW + 1]
    for bit in range(1, bits):
        above = found[bit - 1]
        carry = (above >> np.uint32(bits - 1)) * np.uint32(code.polynomial)
        found[bit] = (above << np.uint32(1) & np.uint32((1 << bits) - 1)) ^ carry
    return found


@cache
def _beginnings(code: Code) -> Words:
    """What the ones that a CRC begins with add, for each place, uint32 (WINDOW + 1,)."""
    ones: Words = np.bitwise_xor.reduce(_powers(code), axis=0)
    return ones


@cache
def _multiples(code: Code, factor: int) -> Words:
    """A factor times each value of each byte of a polynomial: uint32 (bytes, 256)."""
    basis = [np.uint32(_times(code, factor, 1 << bit)) for bit in range(8 * code.size)]
    values = np.arange(256, dtype=np.uint32)
    rows = [basis[low : low + 8] for low in range(0, len(basis), 8)]
    return np.array(
        [
            np.bitwise_xor.reduce([(values >> bit & 1) * row[bit] for bit in range(8)])
            for row in rows
        ],
        np.uint32,
    )


def _product(multiples: Words, values: Words) -> Words:
    """Polynomials times a factor, by its multiples."""
    total: Words = multiples[0][values & np.uint32(255)]
    for place, table in enumerate(multiples[1:], 1):
        total ^= table[values >> np.uint32(8 * place) & np.uint32(255)]
    return total


def _added(code: Code, data: Bytes, places: Places | slice) -> Words:
    """What bytes at some places add to the sum."""
    total = np.zeros(data.shape, np.uint32)
    for bit, row in enumerate(_powers(code)[-8:]):
        total ^= (data >> bit & 1) * row[places]
    return total


def _standing(code: Code, added: Words, place: int) -> Words:
    """What bytes contribute as byte number ``place`` of a checksum, whose last byte comes first in
    the sum if it is reflected; otherwise they are in order, and it is what they add anyway."""
    if not code.reflected:
        return added
    away = 16 * place - 8 * (code.size - 1)
    power = _powers(code)[max(away, 0), max(-away, 0) // 8]
    return _product(_multiples(code, int(power)), added)


def pieces(data: Bytes, starts: Places, endings: Sequence[Bytes] = ()) -> tuple[Places, Places]:
    """Return the starts and ends of all pieces that have the size and checksum of a packet.

    data    : uint8 (n,)
    starts  : places where pieces may begin, ascending
    endings : if bytes come in groups of 4, and the last group of a piece may be a part of one that
              has other bytes than the whole: for 1 to 3 bytes, those of each group, uint8
              (groups, 1..3)

    At most ENDS ends are given for each start. It takes time in proportion to n.
    """
    found: list[tuple[Places, Places]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    for low in range(0, len(data), STRIDE):
        here = starts[np.searchsorted(starts, low) : np.searchsorted(starts, low + STRIDE)] - low
        if not len(here):
            continue
        window = data[low : low + WINDOW]
        groups = slice(low // 4, (low + WINDOW) // 4)
        parts = [each[groups] for each in endings]
        for code in CODES:
            if len(window) - here[0] >= code.least + code.size:
                begun, ended = _in_window(code, window, here, parts)
                found.append((begun + low, ended + low))
    first, last = zip(*found, strict=True)
    return np.concatenate(first), np.concatenate(last)


def _in_window(
    code: Code, data: Bytes, starts: Places, endings: list[Bytes]
) -> tuple[Places, Places]:
    """``pieces`` for one CRC, in at most WINDOW bytes."""
    if code.reflected:
        data, endings = REFLECTED[data], [REFLECTED[each] for each in endings]
    added = _added(code, data, slice(len(data)))
    sums = np.zeros(len(data) + 1, np.uint32)
    np.bitwise_xor.accumulate(added, out=sums[1:])
    standing = [_standing(code, added, place) for place in range(code.size)]
    keys = []
    for ends, tail in _ends(code, data, endings):
        middle, rest = ends - code.size, tail.shape[1]
        value = sums[np.minimum(middle, ends - rest)] ^ _beginnings(code)[middle]
        for place in range(min(code.size - rest, 0), code.size):
            if place < code.size - rest:
                value ^= standing[place][middle + place]
                continue
            # In the last group, the checksum, or a byte before it.
            byte = _added(code, tail[:, place - code.size + rest], middle + place)
            value ^= byte if place < 0 else _standing(code, byte, place)
        keys.append(value.astype(np.uint64) << np.uint64(16) | middle.astype(np.uint64))
    listed = np.sort(np.concatenate(keys))
    sought = (sums[starts] ^ _beginnings(code)[starts]).astype(np.uint64) << np.uint64(16)
    at = np.searchsorted(listed, sought | (starts + code.least).astype(np.uint64))
    limits = sought | np.minimum(starts + code.most, 0xFFFF).astype(np.uint64)
    listed = np.append(listed, np.full(ENDS, np.iinfo(np.uint64).max))
    first, last = [], []
    for more in range(ENDS):
        fits = listed[at + more] <= limits
        first.append(starts[fits])
        last.append((listed[at + more][fits] & np.uint64(0xFFFF)).astype(np.int64) + code.size)
    return np.concatenate(first), np.concatenate(last)


def _ends(code: Code, data: Bytes, endings: list[Bytes]) -> list[tuple[Places, Bytes]]:
    """The places where pieces may end, and the bytes of their last group, as far as it differs."""
    least = code.least + code.size
    if not endings:
        return [(np.arange(least, len(data) + 1), np.empty((len(data) + 1 - least, 0), np.uint8))]
    found = []
    for rest, parts in enumerate([np.empty((len(data), 0), np.uint8), *endings]):
        ends = np.arange(rest, len(data) + 1, 4)
        ends = ends[ends >= least]
        found.append((ends, parts[ends // 4]))
    return found
