"""Packets as text and in streams: written, altered on the way, and found again."""

import base64
import itertools
import random
import time
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from tests.links.mangling import framed, mangled
from xcodec.choices import ARMORS
from xcodec.coding import packets, ranges
from xcodec.coding.primitives import checksum, ending
from xcodec.coding.ranges import Parameters, Range
from xcodec.links import armor, finding, packet_files, scanning

MEGABYTE = 1 << 20
SECONDS = 15
"""Processor time that a megabyte may take: 0.1 to 5 s are usual."""


@cache
def pictures() -> list[list[bytes]]:
    """Packets of pictures: several, or one alone; of usual and unusual sizes; with short and long
    checksums; with zeros at the end, as short streams have."""
    rng, found = random.Random(27), []
    for length, count, first in ((40, 8, 1), (90, 6, 2), (200, 5, 2), (201, 1, 1), (340, 1, 1)):
        found.append(_picture(rng, (256, 256), length, count, first, 0))
    found.append(_picture(rng, (451, 300), 255, 4, 2, 60))
    found.append(_picture(rng, (451, 300), 511, 2, 1, 0))
    found.append(_picture(rng, (120, 96), 600, 3, 1, 40))
    found.append(_picture(rng, (120, 96), 4096, 1, 1, 0))
    return found


def _picture(
    rng: random.Random, size: tuple[int, int], length: int, count: int, first: int, zeros: int
) -> list[bytes]:
    parameters = Parameters(0, 90, 2000, 4, rng.randrange(1 << 16))
    columns = length - packets.overhead(*size, length)
    plan = [Range(first, 12), Range(max(first, count - 1), columns - 12)]
    stream = rng.randbytes(ranges.capacity(plan) - zeros)
    written = packets.write(size, parameters, plan, stream, count)
    assert len(written[0]) == length
    return written


def some(rng: random.Random) -> list[bytes]:
    """Some packets of one picture or two, in any order."""
    chosen = [*rng.choice(pictures())]
    if rng.random() < 0.3:
        chosen += rng.choice(pictures())
    chosen = list(dict.fromkeys(chosen))
    rng.shuffle(chosen)
    return chosen[: rng.randint(1, len(chosen))]


@pytest.mark.parametrize("name", ARMORS)
def test_lines_fit_and_come_back(name: str) -> None:
    assert set(armor.ARMORS) == set(ARMORS)
    for picture in pictures():
        text = armor.lines(picture, name)
        assert packet_files.split(text) == picture
        longest = max(map(len, text.splitlines()))
        if name != "ascii85":  # A line of zeros is shorter there.
            assert armor.carried(longest, name) == len(picture[0])
            assert armor.carried(longest - 1, name) < len(picture[0])
        assert longest <= armor.length(len(picture[0]), name)
    assert armor.lines([bytes(range(250, 256)) + b"?" * 9], "base32").rstrip().isalnum()


@pytest.mark.parametrize("part", range(5))
def test_intact_packets_are_found_in_mangled_texts(part: int) -> None:
    for seed in range(100 * part, 100 * part + 100):
        rng = random.Random(seed)
        text = mangled(some(rng), rng)
        assert set(finding.found_in(text.data)) == set(text.intact), f"{seed}: {text.how}"


def test_an_accent_costs_one_line() -> None:
    sent = pictures()[1]
    lines = armor.lines(sent, "base64").decode().splitlines()
    lines[2] = lines[2][:20] + "é" + lines[2][21:]
    for encoding in ("utf-8", "latin-1"):
        assert packet_files.split("\n".join(lines).encode(encoding)) == sent[:2] + sent[3:]


def test_prose_between_lines_is_no_packet() -> None:
    sent = pictures()[1]
    prose = b"Dear Anna, I send you a picture which has six packets; please tell me whether\n" * 40
    words = b"Yes\nand\nagain\nabc\ndefinitely\n" * 200
    assert finding.found_in(prose + armor.lines(sent, "base64") + words) == sent


@pytest.mark.parametrize("name", ARMORS)
def test_text_in_an_armor_is_no_packet_whatever_its_last_bytes(name: str) -> None:
    first = bytes([packets.VERSION << 5])  # In version 3, a printable character.
    contents = (
        first + b"picture of number %d among many that are alike" % n for n in range(1 << 20)
    )
    text = next(each + ending(each) for each in contents if finding.is_text(ending(each)))
    assert packets.parse(text)
    expected = [] if finding.is_text(text) else [text]
    assert finding.found_in(armor.lines([text], name)) == expected


@pytest.mark.parametrize("seed", range(4))
def test_packets_are_found_in_streams(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        stream = framed(some(rng), rng)
        assert set(finding.found_in(stream.data)) == set(stream.intact), stream.how


def test_packets_of_a_picture_are_found_without_any_frame() -> None:
    rng, sent = random.Random(1), pictures()[2]
    data = b"".join(rng.randbytes(rng.randrange(300)) + packet for packet in sent)
    assert finding.found_in(data + rng.randbytes(40_000)) == sent
    assert finding.found_in(b"".join(sent)) == sent
    text = b"".join(armor.line(packet, "base64") for packet in sent)
    assert finding.found_in(b"see" + text) == sent


def test_a_bundle_with_more_behind_it() -> None:
    one, other = pictures()[1], pictures()[2]
    damaged = one[0][:-1] + bytes([one[0][-1] ^ 1])
    assert packet_files.split(packets.bundle([damaged, *one[1:]])) == [damaged, *one[1:]]
    both = packets.bundle(one) + packets.bundle(other)
    assert set(packet_files.split(both)) >= {*one, *other}
    assert set(packet_files.split(packets.bundle(one)[:-5])) == set(one[:-1])


def test_what_holds_no_packet_is_returned_as_it_is() -> None:
    for data in (b"", b"hello\n", b"\0" * 100, pictures()[1][0][:30]):
        assert packet_files.split(data) == [data]


def test_packets_of_other_versions_keep_their_version() -> None:
    content = bytes([1 << 5]) + pictures()[1][0][1:-2]
    old = content + checksum(content)
    assert packet_files.split(armor.lines([old, old], "base64")) == [old, old]


def test_large_data_is_searched_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "SLICE", 1 << 15)
    rng, sent = random.Random(3), pictures()[1]
    gaps = [rng.randbytes(size) for size in (32_700, 60_000, 200, 90_000, 5, 40_000)]
    data = b"".join(gap + packet for gap, packet in zip(gaps, sent, strict=True))
    assert finding.found_in(data) == sent


def test_all_sound_pieces_are_found() -> None:
    """As many as a CRC for every start and end finds."""
    rng = random.Random(4)
    data = bytearray(rng.randbytes(3000))
    data[700:1260] = pictures()[7][0][:560]
    data[1400:2000] = pictures()[7][0]
    places = np.flatnonzero(np.frombuffer(data, np.uint8) >> 5 == packets.VERSION)
    starts, ends = scanning.pieces(np.frombuffer(data, np.uint8), places)
    expected = {
        (start, end)
        for start in places.tolist()
        for end in range(start + packets.MIN_SIZE, len(data) + 1)
        if packets.sound(bytes(data[start:end])) and end - start not in (512, 513)
    }
    assert set(zip(starts.tolist(), ends.tolist(), strict=True)) == expected
    assert (1400, 2000) in expected


def _lines_of(rng: random.Random, low: int, high: int) -> bytes:
    """A megabyte of lines in base64, of random widths."""
    every = (base64.b64encode(rng.randbytes(rng.randint(low, high))) for _ in itertools.count())
    return b"\n".join(itertools.islice(every, MEGABYTE * 3 // 2 // (low + high)))


HOSTILE: dict[str, Callable[[random.Random], bytes]] = {
    "one letter": lambda rng: b"A" * MEGABYTE,
    "a byte that begins packets": lambda rng: bytes([packets.VERSION << 5]) * MEGABYTE,
    "newlines": lambda rng: b"\n" * MEGABYTE,
    "spaces": lambda rng: b" " * MEGABYTE + b".",
    "padding": lambda rng: b"a" + b"=" * MEGABYTE,
    "quotes": lambda rng: b"> " * (MEGABYTE // 2),
    "colons": lambda rng: b"a:" * (MEGABYTE // 2),
    "short lines": lambda rng: b"Y\nbb\n" * (MEGABYTE // 5),
    "random base64": lambda rng: base64.encodebytes(rng.randbytes(MEGABYTE * 3 // 4)),
    "random base64, one line": lambda rng: base64.b64encode(rng.randbytes(MEGABYTE * 3 // 4)),
    "random base32": lambda rng: base64.b32encode(rng.randbytes(MEGABYTE * 5 // 8)),
    "random Ascii85": lambda rng: base64.a85encode(rng.randbytes(MEGABYTE * 4 // 5), wrapcol=76),
    "random lines": lambda rng: _lines_of(rng, 9, 90),
    "hexadecimal": lambda rng: rng.randbytes(MEGABYTE // 2).hex(" ", 32).encode(),
    "random bytes": lambda rng: rng.randbytes(MEGABYTE),
    "frames of random bytes": lambda rng: rng.randbytes(MEGABYTE).replace(b"\1", b"\xc0\0"),
    "empty frames": lambda rng: b"\xc0" * MEGABYTE,
    "bundles in bundles": lambda rng: b"XGP\x64" * (MEGABYTE // 4),
    "call signs": lambda rng: (b"\x82" * 6 + b"\x60") * (MEGABYTE // 7),
    "zeros": lambda rng: bytes(MEGABYTE),
    "UTF-16": lambda rng: ("Ya" * (MEGABYTE // 4)).encode("utf-16"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_megabyte_of_anything_takes_seconds_and_has_no_packet(name: str) -> None:
    data = HOSTILE[name](random.Random(name))
    start = time.process_time()
    assert finding.found_in(data) == []
    assert time.process_time() - start < SECONDS


def test_bytes_with_right_checksums_everywhere() -> None:
    """Packets of a picture, repeated without anything between."""
    sent = pictures()[0]
    start = time.process_time()
    assert finding.found_in(b"".join(sent) * (MEGABYTE // 320)) == sent
    assert time.process_time() - start < SECONDS
