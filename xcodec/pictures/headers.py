"""Sizes of pictures whose readers take memory as soon as they open a file, and orientations.

The plug-in for JPEG XL decodes files when it opens them, and Pillow allocates WebP pictures.
"""

_JXL = b"\0\0\0\x0cJXL \r\n\x87\n"


def size(data: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG XL or WebP picture; (0, 0) for any other."""
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X" and len(data) >= 30:
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    start = _codestream(data)
    if data[start : start + 2] == b"\xff\x0a":
        return _jxl_size(_Bits(int.from_bytes(data[start + 2 : start + 16], "little")))
    return 0, 0


def _codestream(data: bytes) -> int:
    """Where the codestream of a JPEG XL file begins, if it is one."""
    if not data.startswith(_JXL):
        return 0
    at = 0
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        head = 8
        if length == 1:  # The length is in 64 bits.
            length, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        if kind in (b"jxlc", b"jxlp"):
            return at + head + (4 if kind == b"jxlp" else 0)  # A part begins with its number.
        if length < head:
            break
        at += length
    return len(data)


def is_turned(data: bytes) -> bool:
    """Whether a JPEG XL picture is decoded otherwise than its pixels are stored."""
    start = _codestream(data)
    if data[start : start + 2] != b"\xff\x0a":
        return False
    bits = _Bits(int.from_bytes(data[start + 2 : start + 16], "little"))
    _jxl_size(bits)
    plain, more, orientation = bits.take(1), bits.take(1), bits.take(3)
    return not plain and bool(more) and orientation != 0


class _Bits:
    """The first bits of a JPEG XL codestream."""

    def __init__(self, bits: int) -> None:
        self._bits = bits

    def take(self, count: int) -> int:
        value = self._bits & (1 << count) - 1
        self._bits >>= count
        return value


def _jxl_size(bits: _Bits) -> tuple[int, int]:
    """Width and height in a JPEG XL codestream (ISO/IEC 18181-1, SizeHeader)."""

    def side(small: int) -> int:
        if small:
            return (bits.take(5) + 1) * 8
        return bits.take((9, 13, 18, 30)[bits.take(2)]) + 1

    small = bits.take(1)
    height = side(small)
    ratio = bits.take(3)
    if ratio == 0:
        return side(small), height
    over, under = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
    return height * over // under, height
