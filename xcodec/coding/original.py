"""The size of the picture that a smaller one was made of: docs/format.md, section 1.

The longer side in two or three bytes, and the shorter one where the proportions do not give it.
"""

from xcodec.coding.primitives import Reader, varint
from xcodec.errors import FormatError

MAX_SIDE = 1 << 20
"""Largest width and height of a picture and of its original, in pixels."""

Size = tuple[int, int]
"""Width and height in pixels."""


def write_original(coded: Size, original: Size) -> bytes:
    """Return the bytes that tell the original's size.

    coded : size of the picture itself, another one
    """
    long, short = _ordered(coded, coded)
    longer, shorter = _ordered(coded, original)
    more = shorter - _proportional(long, short, longer)
    start = varint(2 * (longer - long) + (more != 0))
    return start if not more else start + varint(2 * more - 1 if more > 0 else -2 * more)


def read_original(reader: Reader, coded: Size) -> Size:
    """Read the original's size.

    Raises FormatError if it is out of range.
    """
    long, short = _ordered(coded, coded)
    number = reader.varint(2 * MAX_SIDE - 1, "the size of the original")
    longer = long + (number >> 1)
    shorter = _proportional(long, short, longer)
    if number & 1:
        code = reader.varint(2 * MAX_SIDE - 1, "the size of the original")
        shorter += (code + 1) // 2 if code & 1 else -(code // 2)
        number = number if code else 0
    if not number or longer > MAX_SIDE or not 1 <= shorter <= MAX_SIDE:
        raise FormatError("damaged: the size of the original is out of range")
    return _ordered(coded, (longer, shorter))


def _ordered(coded: Size, size: Size) -> Size:
    """The longer and the shorter side of a size, as they are in the coded picture, or back."""
    return size if coded[0] >= coded[1] else size[::-1]


def _proportional(long: int, short: int, longer: int) -> int:
    """The shorter side of the original if it has exactly the picture's proportions, rounded."""
    return (2 * longer * short + long) // (2 * long)
