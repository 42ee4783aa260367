"""Sizes of pictures whose readers take memory as soon as they open a file.

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
        return _jxl_size(int.from_bytes(data[start + 2 : start + 16], "little"))
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


def _jxl_size(bits: int) -> tuple[int, int]:
    """Width and height in a JPEG XL codestream (ISO/IEC 18181-1, SizeHeader)."""

    def take(count: int) -> int:
        nonlocal bits
        value = bits & (1 << count) - 1
        bits >>= count
        return value

    def side(small: int) -> int:
        return (take(5) + 1) * 8 if small else take((9, 13, 18, 30)[take(2)]) + 1

    small = take(1)
    height = side(small)
    ratio = take(3)
    if ratio == 0:
        return side(small), height
    over, under = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
    return height * over // under, height
