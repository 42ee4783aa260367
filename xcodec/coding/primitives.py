"""The building blocks of files and packets: varints, checksums, zstandard frames."""

import binascii
import mmap

import google_crc32c
import zstandard

from xcodec.errors import FormatError, TruncatedError

Data = bytes | mmap.mmap
"""A file in memory, or mapped into it."""

CHECKSUM = 4
"""Bytes of a CRC-32C."""
SHORT_CHECKSUM = 2
"""Bytes of a CRC-16."""
SHORT = 510
"""A file ends with a CRC-16 if less than this comes before it, in bytes, otherwise with a CRC-32C.
So no file has 512 or 513 bytes."""
ZSTANDARD_LEVEL = 19
"""Highest level of zstandard without its larger windows: frames are small, and size matters."""


def checksum(data: bytes) -> bytes:
    """Return the CRC-32C of bytes, big-endian."""
    return int(google_crc32c.value(data)).to_bytes(CHECKSUM, "big")


def ending(content: bytes) -> bytes:
    """Return the checksum at the end of a file, CRC-16/GENIBUS or CRC-32C, big-endian.

    content : all that comes before it
    """
    if len(content) < SHORT:
        # Inverted: otherwise a file with two zero bytes after it would have a right checksum, too.
        return (~binascii.crc_hqx(content, 0xFFFF) & 0xFFFF).to_bytes(SHORT_CHECKSUM, "big")
    return checksum(content)


def ending_size(content: int) -> int:
    """Return the bytes of the checksum after so many bytes of a file."""
    return SHORT_CHECKSUM if content < SHORT else CHECKSUM


def content_size(file: int) -> int:
    """Return the bytes before the checksum of a file of so many bytes.

    If the file was cut, these are the bytes that cannot belong to a checksum, whatever was lost.
    """
    return max(0, min(file - SHORT_CHECKSUM, max(file - CHECKSUM, SHORT)))


def varint(value: int) -> bytes:
    """Return a non-negative integer as a base-128 varint, low bits first."""
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    result.append(value)
    return bytes(result)


class Reader:
    """Reads bytes from front to back. Raises TruncatedError if they end too early."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """Read ``count`` bytes."""
        piece = self._data[self.at : self.at + count]
        if len(piece) < count:
            raise TruncatedError("cut short: the file ends before its payload")
        self.at += count
        return piece

    def ahead(self, count: int) -> bytes:
        """Return the next ``count`` bytes, or as many as there are, and stay before them."""
        return self._data[self.at : self.at + count]

    def checksum_so_far(self) -> bytes:
        """Return the checksum of all bytes read so far."""
        return checksum(self._data[: self.at])

    def byte(self) -> int:
        """Read one byte."""
        return self.take(1)[0]

    def varint(self, limit: int, what: str) -> int:
        """Read a varint. Raises FormatError if it is above ``limit`` or longer than necessary.

        what : the name of the value in messages
        """
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
    """Return bytes as a zstandard frame that states their number."""
    return zstandard.ZstdCompressor(level=ZSTANDARD_LEVEL).compress(content)


def unpack(packed: bytes, limit: int, what: str = "a section") -> bytes:
    """Return the content of a zstandard frame that states its size.

    limit : largest content that is accepted, in bytes; known before anything is unpacked
    what  : the name of the content in messages

    Raises FormatError.
    """
    try:
        if not 0 <= zstandard.frame_content_size(packed) <= limit:
            raise FormatError(f"damaged: {what} has no size or is too large")
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=limit)
    except zstandard.ZstdError as error:
        raise FormatError(f"damaged: {what} cannot be unpacked") from error
