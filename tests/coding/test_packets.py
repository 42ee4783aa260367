"""Packets: any subset gives the prefix that its number promises, and nothing else."""

import random
from collections.abc import Iterator
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import reference_packets as reference
from xcodec.coding import packets
from xcodec.coding.primitives import SHORT, checksum, content_size, ending
from xcodec.coding.ranges import Parameters, Range, Restored, capacity, parameters_size
from xcodec.errors import FormatError, InputError

LIMITS = 4864, 191
SIZE = 256, 192
PARAMETERS = Parameters(1, 100, 4376, 3, 0xABCD)
RANGES = [Range(1, 13), Range(3, 20), Range(5, 11), Range(8, 9)]
STREAM = random.Random(1).randbytes(1000)


def made(
    ranges: list[Range] = RANGES,
    count: int = 10,
    stream: bytes = STREAM,
    size: tuple[int, int] = SIZE,
) -> list[bytes]:
    return packets.write(size, PARAMETERS, ranges, stream, count)


def restored(data: list[bytes]) -> Restored:
    return packets.restored(map(packets.parse, data), LIMITS)


def test_a_packet_has_the_header_that_the_format_describes() -> None:
    for index, data in enumerate(made()):
        assert len(data) == 8 + 13 + 20 + 11 + 9
        assert data[0] == 4 << 5 | 11
        assert data[3] == index
        assert data[4:6] == bytes([1, 13])
        assert data[6:12] == bytes([1, 100]) + (4376 << 3 | 2).to_bytes(2, "big") + b"\xab\xcd"
        assert data[12:14] == bytes([3, 20])
        assert data[14:19] == STREAM[:5]
        assert data[-2:] == ending(data[:-2])
        packet = packets.parse(data)
        assert (packet.width, packet.height) == SIZE
        assert restored([data]).parameters == PARAMETERS


def test_sides_without_a_number_are_in_the_header() -> None:
    data = made(size=(255, 4096))[7]
    assert len(data) == 8 + 3 + 13 + 20 + 11 + 9
    assert data[0] == 4 << 5
    assert data[4:7] == (254 << 12 | 4095).to_bytes(3, "big")
    assert data[7:9] == bytes([1, 13])
    packet = packets.parse(data)
    assert (packet.width, packet.height) == (255, 4096)


@pytest.mark.parametrize("size", [SIZE, (255, 4096)])
@pytest.mark.parametrize("length", [40, 60, 254, 255, 256, 257, 511, 512, 513, 514, 515, 4096])
def test_packets_are_filled(size: tuple[int, int], length: int) -> None:
    """To the byte, but for the three sizes that packets do not have."""
    columns = length - packets.overhead(*size, length)
    (data,) = made([Range(1, columns)], 1, size=size)
    assert len(data) == {257: 256, 512: 511, 513: 511}.get(length, length)
    assert (
        data[-4:] == checksum(data[:-4]) if length > SHORT + 3 else data[-2:] == ending(data[:-2])
    )
    assert restored([data]).complete
    if length < packets.MAX_SIZE:
        (more,) = made([Range(1, columns + 1)], 1, size=size)
        assert len(more) > length


def test_the_number_of_packets_says_how_much_of_the_stream_is_known() -> None:
    data = made()
    ends = {1: 7 - 2, 3: 5 + 60 - 2, 5: 63 + 55 - 2, 8: 116 + 72}
    rng = random.Random(2)
    for count in range(1, 11):
        known = restored(rng.sample(data, count))
        end = ends[max(k for k in ends if k <= count)]
        assert known.stream == STREAM[:end]
        assert known.parameters == PARAMETERS
        assert known.complete == (count >= 8)
        assert known.needed == min((k for k in ends if k > count), default=8)


def test_too_few_packets_for_the_first_range_give_the_size_alone() -> None:
    data = made([Range(3, 20), Range(5, 20)])
    for count in (1, 2):
        assert restored(data[-count:]) == Restored(*SIZE, None, (), (), b"", False, 3)
    known = restored(data[-3:])
    assert (known.parameters, known.stream) == (PARAMETERS, STREAM[: 60 - 6 - 2])
    assert (known.complete, known.needed) == (False, 5)


def test_the_first_range_may_hold_no_more_than_the_parameters() -> None:
    data = made([Range(1, 8), Range(2, 30)], 2)
    known = restored(data[:1])
    assert (known.parameters, known.stream) == (PARAMETERS, b"")
    assert (known.complete, known.needed) == (False, 2)
    assert restored(data).stream == STREAM[:60]


def test_order_and_duplicates_do_not_matter() -> None:
    data = made()
    rng = random.Random(3)
    for _ in range(100):
        chosen = rng.sample(data, rng.randint(1, 10))
        again = chosen + rng.choices(chosen, k=3)
        rng.shuffle(again)
        assert restored(again) == restored(chosen)


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[Range], int]:
    """Ranges, and a number of packets that may carry them."""
    count = draw(st.integers(1, 40))
    thresholds = sorted(draw(st.sets(st.integers(1, count), min_size=1, max_size=5)))
    columns = draw(st.lists(st.integers(10, 200), min_size=5, max_size=5))
    ranges = [Range(*pair) for pair in zip(thresholds, columns, strict=False)]
    missing = packets.MIN_SIZE - packets.overhead(*SIZE, packets.MIN_SIZE)
    return [*ranges[:-1], Range(thresholds[-1], ranges[-1].columns + missing)], count


@settings(max_examples=50, deadline=None, derandomize=True)
@given(plans(), st.randoms(use_true_random=False))
def test_an_independent_decoder_agrees(plan: tuple[list[Range], int], rng: random.Random) -> None:
    ranges, count = plan
    stream = rng.randbytes(capacity(ranges) - rng.randint(0, 3))
    data = made(ranges, count, stream)
    chosen = rng.sample(data, rng.randint(1, count))
    ours = restored(chosen)
    fields, theirs = reference.join(chosen)
    assert ours.stream == theirs
    assert ours.stream == stream.ljust(capacity(ranges), b"\0")[: len(theirs)]
    assert fields["width"] == 256
    assert fields["height"] == 192
    if ours.parameters is None:
        assert "step" not in fields
    else:
        known = asdict(PARAMETERS)
        assert known.pop("original") is None
        assert {name: fields[name] for name in known} == known


@pytest.mark.parametrize("original", [(1024, 768), (1000, 751)])
def test_the_size_of_the_original_is_in_the_first_range(original: tuple[int, int]) -> None:
    parameters = replace(PARAMETERS, original=original)
    data = packets.write(SIZE, parameters, RANGES, STREAM, 10)
    begun = parameters_size(SIZE, original)
    assert begun in (8, 9)
    assert restored(data[:1]).parameters == parameters
    assert restored(data).stream == STREAM[: capacity(RANGES, begun)]
    fields, stream = reference.join(data)
    assert (fields["original_width"], fields["original_height"]) == original
    assert fields["model"] == 1
    assert stream == restored(data).stream


def test_any_bit_error_is_found() -> None:
    data = made()[4]
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError):
            packets.parse(bytes(damaged))


def test_pictures_are_told_apart() -> None:
    one, other = made(), made(stream=STREAM[::-1])
    keys = {packets.parse(data).picture for data in one}
    assert len(keys) == 1
    assert keys.isdisjoint({packets.parse(data).picture for data in other})


def resealed(data: bytes) -> bytes:
    return data + ending(data)


def contradictions() -> Iterator[bytes]:
    """Packets with right checksums that no encoder writes."""
    good = made()[0][:-2]
    yield resealed(bytes([2 << 5]) + good[1:])  # Another version.
    yield resealed(bytes([4 << 5]) + good[1:4] + b"\x0f\xf0\xbf" + good[4:])  # A needless size.
    yield resealed(good[:4] + bytes([0, 13]) + good[6:])  # A threshold of none.
    yield resealed(good[:4] + bytes([1, 0]) + good[6:])  # A range of nothing.
    yield resealed(good[:4] + bytes([1, 127]) + good[6:])  # A range longer than the packet.
    yield resealed(good[:4] + bytes([1, 5]) + good[6:])  # A range shorter than the parameters.
    yield resealed(good[:4] + bytes([1, 7]) + good[6:])  # ... or than what describes the next one.
    yield resealed(good[:6] + bytes([8]) + good[7:])  # A model that there isn't.
    yield resealed(good[:7] + bytes([192]) + good[8:])  # A step that there isn't.
    yield resealed(good[:8] + b"\xff\xff" + good[10:])  # A scale that there isn't.
    yield resealed(good[:12] + bytes([1, 120]) + good[14:])  # A second range that is too long.
    yield resealed(good[:12] + bytes([0, 7]) + good[14:])  # ... or needs no packet.
    yield resealed(good[:12] + b"\x80\x00" + good[14:])  # A needless byte.


def test_contradictions_are_errors() -> None:
    for data in contradictions():
        assert packets.sound(data)
        with pytest.raises(FormatError):
            restored([data])


def test_packets_of_version_1_are_refused_by_their_version() -> None:
    old = bytes([1 << 5]) + made()[0][1:-2]
    old += checksum(old)
    assert packets.sound(old)
    with pytest.raises(FormatError, match="packet version 1: this release reads 4 only"):
        packets.parse(old)


@pytest.mark.parametrize("size", [0, 4, 39, 4097])
def test_sizes_have_limits(size: int) -> None:
    with pytest.raises(FormatError):
        packets.parse(resealed(bytes(content_size(size)))[:size])


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
        made([Range(1, 7), Range(2, 40)])
    with pytest.raises(InputError):
        made(size=(4097, 9))


def test_bundles_give_their_packets_back_also_where_they_were_cut() -> None:
    data = made()
    whole = packets.bundle(data)
    assert packets.unbundle(whole) == data
    assert packets.unbundle(whole[:-1]) == data[:-1]
    assert packets.unbundle(packets.bundle([])) == []
