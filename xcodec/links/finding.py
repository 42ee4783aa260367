"""Finding packets in text that has travelled, and in streams of bytes that hold other things.

A right checksum alone proves little: in a megabyte of random bytes some 900 pieces have one of 16
bits. So a packet is believed if

- another packet with the same fields and length, but another index, is found beside it, or
- it begins and ends where lines, words, frames or other packets do; one of the two is enough if its
  checksum has 32 bits. See ``_Hit.stands_alone``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import packets
from xcodec.coding.packets import Packet
from xcodec.coding.primitives import SHORT, content_size
from xcodec.errors import FormatError
from xcodec.links import armor, scanning, streams, travelled
from xcodec.links.travelled import View

SLICE, OVERLAP = 1 << 22, 1 << 14
"""Bytes that are searched at once, and how many of them again: more than a packet as text takes."""
MARKS = 32
"""A part of a text with at most so many ends of lines may have a lone packet between any two."""
PRINTABLE = frozenset(range(32, 127)) | frozenset(b"\t\r\n")


@dataclass(frozen=True)
class _Hit:
    """A piece with a right checksum that may be a packet.

    data, packet : its bytes, and what they say
    start, end   : its place in a view
    begins, ends : how sure it is that something begins and ends there, 0..2, as in ``View.marks``
    inside       : the highest mark between
    few          : whether there are at most MARKS marks around
    """

    data: bytes
    packet: Packet
    start: int
    end: int
    begins: int
    ends: int
    inside: int
    few: bool

    def stands_alone(self, borders: set[int]) -> bool:
        """Whether it is believed without another packet of its picture.

        borders : where packets of the view begin or end that are believed already
        """
        begins = 2 if self.start in borders else self.begins
        ends = 2 if self.end in borders else self.ends
        if content_size(len(self.data)) >= SHORT and max(begins, ends) == 2:
            return True
        if min(begins, ends) == 0:
            return False
        return self.inside == 0 or self.few or (self.inside == 1 and max(begins, ends) == 2)


def found_in(data: bytes) -> list[bytes]:
    """Return the packets in a text or a stream of bytes, all different.

    It takes time in proportion to the number of bytes, whatever they are. docs/links.md says what
    may be around packets and between their pieces.
    """
    if len(data) < packets.MIN_SIZE:
        return []
    encoding = travelled.encoding_of(data)
    every: list[list[_Hit]] = []
    for low in range(0, max(len(data) - OVERLAP, 1), SLICE):
        part = data[low : low + SLICE + OVERLAP]
        every += [_hits(view) for view in travelled.views(part, encoding)]
        if not is_text(part):
            every += [_hits(view) for view in streams.views(part)]
    indices: dict[bytes, set[int]] = {}
    for hit in (hit for hits in every for hit in hits):
        indices.setdefault(hit.packet.picture, set()).add(hit.packet.index)
    agreeing = {picture: len(known) for picture, known in indices.items() if len(known) > 1}
    return list(dict.fromkeys(each for hits in every for each in _believed(hits, agreeing)))


def is_text(data: bytes) -> bool:
    """Whether all bytes are printable ASCII characters, spaces or ends of lines."""
    return PRINTABLE.issuperset(data)


def _believed(hits: list[_Hit], agreeing: dict[bytes, int]) -> Iterable[bytes]:
    """The packets among the hits of a view, in their order; no two of them overlap.

    agreeing : how many different packets there are of each picture that has more than one
    """
    taken = bytearray(max((hit.end for hit in hits), default=0))
    chosen: list[_Hit] = []
    borders: set[int] = set()
    order = sorted(hits, key=lambda hit: (-agreeing.get(hit.packet.picture, 0), hit.start))
    for hit in order:
        if hit.packet.picture not in agreeing and not hit.stands_alone(borders):
            continue
        if taken.find(1, hit.start, hit.end) < 0:
            taken[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
            borders |= {hit.start, hit.end}
            chosen.append(hit)
    return [hit.data for hit in sorted(chosen, key=lambda hit: hit.start)]


def _hits(view: View) -> list[_Hit]:
    """All pieces of a view that may be packets; where there are very many, the first ones."""
    found: list[_Hit] = []
    breaks = _sums(view.broken)
    marks = [_sums(view.marks >= least) for least in (1, 2)]
    runs = np.flatnonzero(view.broken)
    for start, end, data in _sound(view, breaks):
        if len(found) > len(view.values) // 16 + 1000:
            break
        try:
            packet = packets.parse(data)
        except FormatError:
            continue
        if is_text(data) or (view.armor and not _written(view, start, end, data)):
            continue
        inside = 1 + (marks[1][end] > marks[1][start + 1])
        inside *= bool(marks[0][end] > marks[0][start + 1])
        run = int(np.searchsorted(runs, start))
        low = int(runs[run - 1]) + 1 if run else 0
        high = int(runs[run]) if run < len(runs) else len(view.values)
        few = bool(marks[0][high + 1] - marks[0][low] <= MARKS)
        begins, ends = int(view.marks[start]), int(view.marks[end])
        found.append(_Hit(data, packet, start, end, begins, ends, int(inside), few))
    return found


def _sums(flags: NDArray[np.bool_]) -> NDArray[np.int32]:
    """How many flags are set before each place: int32 (n + 1,)."""
    return np.concatenate([[0], np.cumsum(flags, dtype=np.int32)]).astype(np.int32)


def _sound(view: View, breaks: NDArray[np.int32]) -> Iterator[tuple[int, int, bytes]]:
    """The start and end, in digits, and the bytes of pieces with a right checksum."""
    size, count = armor.ARMORS[view.armor] if view.armor else (1, 1)
    for phase in range(count):
        values = view.values[phase:]
        data, endings = armor.decoded(values, view.armor) if view.armor else (values, [])
        firsts = np.flatnonzero(data[::size] >> 5 == packets.VERSION)
        firsts = firsts[firsts * count < len(values)] * size
        if not len(firsts):
            continue
        starts, ends = scanning.pieces(data, firsts, endings)
        low = phase + starts // size * count
        high = low - (-(ends - starts) * count // size)
        fits = high <= len(view.values)
        fits[fits] = breaks[high[fits]] == breaks[low[fits]]
        for start, end, at, to in zip(
            low[fits].tolist(), high[fits].tolist(), starts[fits], ends[fits], strict=True
        ):
            rest = int(to) % size if endings else 0
            last = endings[rest - 1][int(to) // size].tobytes() if rest else b""
            yield start, end, data[at : to - rest].tobytes() + last


def _written(view: View, start: int, end: int, data: bytes) -> bool:
    """Whether a packet is written as its armor writes it. In base64, both cases must be there:
    hexadecimal numbers and names of things have only one."""
    line = armor.line(data, view.armor)
    if view.armor == "base64" and (line.islower() or line.isupper()):
        return False
    digits = armor.digits(armor.spelled(line, view.armor), view.armor)
    return np.array_equal(digits, view.values[start:end])
