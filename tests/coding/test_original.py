"""The size of the original: what is written is read again, in few bytes, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xcodec.coding.original import MAX_SIDE, read_original, write_original
from xcodec.coding.primitives import Reader, varint
from xcodec.errors import FormatError
from xcodec.pictures.scaling import within

SIDES = st.integers(1, MAX_SIDE)


@given(SIDES, SIDES, st.integers(1, 4096))
def test_any_size_is_read_again(width: int, height: int, side: int) -> None:
    coded, original = within((width, height), side), (width, height)
    if coded == original:
        return
    data = write_original(coded, original)
    reader = Reader(data)
    assert read_original(reader, coded) == original
    assert reader.at == len(data) <= 6


@pytest.mark.parametrize(
    ("coded", "original", "size"),
    [
        ((256, 192), (4032, 3024), 2),
        ((320, 240), (8000, 6000), 2),
        ((256, 384), (4000, 6000), 2),
        ((150, 100), (5001, 3333), 3),
        ((640, 480), (12000, 9000), 3),
    ],
)
def test_what_it_takes(coded: tuple[int, int], original: tuple[int, int], size: int) -> None:
    assert len(write_original(coded, original)) == size


@pytest.mark.parametrize(
    "data",
    [
        varint(0),  # Not larger.
        varint(9) + varint(0),  # A difference that is none.
        varint(2 * MAX_SIDE - 1) + varint(1),  # Too large.
        varint(9) + varint(2 * MAX_SIDE - 1),
        varint(9) + varint(2 * 80),  # No pixel is left.
        varint(9),
    ],
)
def test_nothing_else_is_read(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_original(Reader(data), (100, 60))
