"""What all bytes of xcodec are written with: varints, checksums, zstandard frames."""

import mmap

import google_crc32c
import zstandard

from xcodec.errors import FormatError, TruncatedError

Data = bytes | mmap.mmap

CHECKSUM = 4
"""Bytes of a CRC-32C."""


def checksum(data: bytes) -> bytes:
    """CRC-32C of bytes, big-endian."""
    return int(google_crc32c.value(data)).to_bytes(CHECKSUM, "big")


def varint(value: int) -> bytes:
    """Base-128 varint, low bits first."""
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    result.append(value)
    return bytes(result)


class Reader:
    """Bytes from front to back. Raises TruncatedError where they end too early."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        piece = self._data[self.at : self.at + count]
        if len(piece) < count:
            raise TruncatedError("cut short: the file ends before its payload")
        self.at += count
        return piece

    def so_far(self) -> bytes:
        """The checksum of all bytes up to here."""
        return checksum(self._data[: self.at])

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self, limit: int, what: str) -> int:
        """A varint of at most ``limit``; FormatError beyond it or where it has needless bytes."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            if shift > 35:
                raise FormatError(f"damaged: {what} has too many bytes")
        if value > limit or (byte == 0 and shift > 7):
            raise FormatError(f"damaged: {what} is out of range")
        return value


def pack(content: bytes) -> bytes:
    """Bytes as a zstandard frame that states its size."""
    return zstandard.ZstdCompressor(level=19).compress(content)


def unpack(packed: bytes, limit: int) -> bytes:
    """What a zstandard frame holds, at most ``limit`` bytes. Raises FormatError."""
    try:
        if not 0 <= zstandard.frame_content_size(packed) <= limit:
            raise FormatError("damaged: a section has no size or is too large")
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=limit)
    except zstandard.ZstdError as error:
        raise FormatError("damaged: a section cannot be unpacked") from error
