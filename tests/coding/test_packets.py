"""Packets: any subset gives the prefix that its number promises, and nothing else."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import reference_packets as reference
from xcodec.coding import packets
from xcodec.coding.packets import Joined, Parameters, Range
from xcodec.coding.primitives import checksum
from xcodec.errors import FormatError, InputError

LIMITS = 4864, 191
PARAMETERS = Parameters(256, 192, 1, 100, 4376, 3, 0xABCD)
RANGES = [Range(1, 7), Range(3, 20), Range(5, 11), Range(8, 9)]
STREAM = random.Random(1).randbytes(1000)


def made(ranges: list[Range] = RANGES, count: int = 10, stream: bytes = STREAM) -> list[bytes]:
    return packets.write(PARAMETERS, ranges, stream, count)


def joined(data: list[bytes]) -> Joined:
    return packets.join(packets.parse(each, LIMITS) for each in data)


def test_a_packet_has_the_header_that_the_format_describes() -> None:
    for index, data in enumerate(made()):
        assert len(data) == packets.OVERHEAD + 2 + 7 + 20 + 11 + 9
        assert data[0] == 1 << 5 | 1
        assert data[3] == index
        assert data[4:7] == (255 << 12 | 191).to_bytes(3, "big")
        assert data[7] == 100
        assert data[8:10] == (4376 << 3 | 2).to_bytes(2, "big")
        assert data[10:12] == b"\xab\xcd"
        assert data[12:14] == bytes([1, 7])
        assert data[-4:] == checksum(data[:-4])
        assert packets.parse(data, LIMITS).parameters == PARAMETERS


def test_the_number_of_packets_says_how_much_of_the_stream_is_known() -> None:
    data = made()
    ends = {1: 7 - 2, 3: 5 + 60 - 2, 5: 63 + 55 - 2, 8: 116 + 72}
    rng = random.Random(2)
    for count in range(1, 11):
        known = joined(rng.sample(data, count))
        end = ends[max(k for k in ends if k <= count)]
        assert known.stream == STREAM[:end]
        assert known.complete == (count >= 8)
        assert known.needed == min((k for k in ends if k > count), default=8)


def test_order_and_duplicates_do_not_matter() -> None:
    data = made()
    rng = random.Random(3)
    for _ in range(100):
        chosen = rng.sample(data, rng.randint(1, 10))
        again = chosen + rng.choices(chosen, k=3)
        rng.shuffle(again)
        assert joined(again) == joined(chosen)


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[Range], int]:
    """Ranges, and a number of packets that may carry them."""
    count = draw(st.integers(1, 40))
    thresholds = sorted(draw(st.sets(st.integers(1, count), min_size=1, max_size=5)))
    columns = draw(st.lists(st.integers(6, 200), min_size=5, max_size=5))
    ranges = [Range(*pair) for pair in zip(thresholds, columns, strict=False)]
    missing = packets.MIN_SIZE - packets.OVERHEAD
    return [*ranges[:-1], Range(thresholds[-1], ranges[-1].columns + missing)], count


@settings(max_examples=50, deadline=None, derandomize=True)
@given(plans(), st.randoms(use_true_random=False))
def test_an_independent_decoder_agrees(plan: tuple[list[Range], int], rng: random.Random) -> None:
    ranges, count = plan
    stream = rng.randbytes(packets.capacity(ranges) - rng.randint(0, 3))
    data = made(ranges, count, stream)
    chosen = rng.sample(data, rng.randint(1, count))
    ours = joined(chosen)
    fields, theirs = reference.join(chosen)
    assert ours.stream == theirs
    assert ours.stream == stream.ljust(packets.capacity(ranges), b"\0")[: len(theirs)]
    assert fields["width"] == 256
    assert fields["height"] == 192


def test_any_bit_error_is_found() -> None:
    data = made()[4]
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError):
            packets.parse(bytes(damaged), LIMITS)


def test_pictures_are_told_apart() -> None:
    one, other = made(), made(stream=STREAM[::-1])
    keys = {packets.parse(data, LIMITS).picture for data in one}
    assert len(keys) == 1
    assert keys.isdisjoint({packets.parse(data, LIMITS).picture for data in other})


def resealed(data: bytes) -> bytes:
    return data + checksum(data)


def contradictions() -> Iterator[bytes]:
    """Packets with right checksums that no encoder writes."""
    good = made()[0][:-4]
    yield resealed(bytes([2 << 5]) + good[1:])  # Another version.
    yield resealed(good[:7] + bytes([192]) + good[8:])  # A step that there isn't.
    yield resealed(good[:8] + b"\xff\xff" + good[10:])  # A scale that there isn't.
    yield resealed(good[:12] + bytes([0, 7]) + good[14:])  # A threshold of none.
    yield resealed(good[:12] + bytes([1, 0]) + good[14:])  # A range of nothing.
    yield resealed(good[:12] + bytes([1, 127]) + good[14:])  # A range longer than the packet.
    yield resealed(good[:14] + bytes([1, 120]) + good[16:])  # ... and a second one.
    yield resealed(good[:14] + bytes([0, 7]) + good[16:])
    yield resealed(good[:12] + b"\x80\x00" + good[14:])  # A needless byte.


def test_contradictions_are_errors() -> None:
    for data in contradictions():
        with pytest.raises(FormatError):
            joined([data])


@pytest.mark.parametrize("size", [0, 4, 39, 4097])
def test_sizes_have_limits(size: int) -> None:
    with pytest.raises(FormatError):
        packets.parse(resealed(bytes(max(size - 4, 0)))[:size], LIMITS)


def test_what_cannot_be_written_is_an_error() -> None:
    with pytest.raises(InputError):
        made(count=0)
    with pytest.raises(InputError):
        made(count=256)
    with pytest.raises(InputError):
        made([Range(1, 6)])
    with pytest.raises(InputError):
        made([Range(2, 4090)])
    with pytest.raises(InputError):
        packets.write(Parameters(4097, 9, 0, 0, 0, 1, 0), RANGES, STREAM, 10)


def test_bundles_give_their_packets_back_also_where_they_were_cut() -> None:
    data = made()
    whole = packets.bundle(data)
    assert packets.unbundle(whole) == data
    assert packets.unbundle(whole[:-1]) == data[:-1]
    assert packets.unbundle(packets.bundle([])) == []
