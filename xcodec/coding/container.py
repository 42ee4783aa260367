"""The byte layout of .xgc files. docs/format.md describes the same in prose.

header         see ``coding.header``
index          if layered: the side of a tile / 128 or 0, varint number of layers, then varint
               length and CRC-32C of each layer. If tiled: depth of the finest octave, then length
               and CRC-32C of each tile in each layer (no CRC for length 0), then CRC-32C of all so
               far
payload        one range-coded stream, or one per layer, or one per tile and layer
checksum       of everything before: CRC-16 if that is less than SHORT bytes, otherwise CRC-32C
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from xcodec.coding.header import Header, read_header, write_header
from xcodec.coding.primitives import (
    CHECKSUM,
    Data,
    Reader,
    checksum,
    content_size,
    ending,
    ending_size,
    varint,
)
from xcodec.coding.tiles import UNIT, TileGrid
from xcodec.errors import FormatError, TruncatedError

MAX_LAYERS = 32
MAX_DEPTH = 13
"""Depth of the finest octave that ranks reach."""


def write(header: Header, layers: list[bytes]) -> bytes:
    """Return a file. A single layer has no index; several have one, with a checksum each."""
    layered = len(layers) > 1
    out = bytearray(write_header(header, layered))
    if layered:
        out += bytes([0]) + varint(len(layers))
        for layer in layers:
            out += varint(len(layer)) + checksum(layer)
    out += b"".join(layers)
    return bytes(out) + ending(bytes(out))


def write_tiled(header: Header, side: int, finest: int, tiles: Sequence[Sequence[bytes]]) -> bytes:
    """Return a tiled file.

    side   : of a tile, in pixels, as in TileGrid
    finest : depth of the finest octave of the picture
    tiles  : the layers of each tile, in row order; all tiles have equally many
    """
    out = bytearray(write_header(header, True))
    out += bytes([side // UNIT]) + varint(len(tiles[0])) + bytes([finest])
    pieces = list(itertools.chain.from_iterable(zip(*tiles, strict=True)))
    for piece in pieces:
        out += _entry(piece)
    out += checksum(bytes(out))
    out += b"".join(pieces)
    return bytes(out) + ending(bytes(out))


def _entry(piece: bytes) -> bytes:
    """A piece's entry in the index of a tiled file."""
    return varint(len(piece)) + (checksum(piece) if piece else b"")


def cost(piece: bytes) -> int:
    """The bytes that a piece takes in a tiled file, with its entry in the index."""
    return len(_entry(piece)) + len(piece)


@dataclass(frozen=True)
class Piece:
    """A tile's part of a layer: position of its first byte, length in bytes, and CRC-32C if any."""

    start: int
    length: int
    checksum: bytes | None


@dataclass(frozen=True)
class Contents:
    """A file whose header and index have been read.

    layers  : their number
    grid    : the tiles; a single one if the picture is not tiled
    finest  : depth of the finest octave of a tiled picture, else None
    pieces  : by layer, then by tile, in row order
    data    : the whole file
    sound   : whether the checksum of the whole file is right
    partial : whether damaged layers are left out instead of raising FormatError
    """

    header: Header
    layers: int
    grid: TileGrid
    finest: int | None
    pieces: list[list[Piece]]
    data: Data
    sound: bool
    partial: bool

    def tile(self, number: int = 0) -> tuple[list[bytes], bool]:
        """Return the layers of a tile, and whether all of the returned ones are complete.

        For damaged files, if ``partial``, these are the complete leading layers; if there is none
        and the picture is not tiled, the rest of the first one. Raises FormatError if not
        ``partial``.
        """
        layers: list[bytes] = []
        for piece in (layer[number] for layer in self.pieces):
            layer = self.data[piece.start : piece.start + piece.length]
            if piece.checksum is None:
                if self.sound or self.finest is not None:  # An empty piece has no checksum.
                    layers.append(layer)
                    continue
                # The last bytes may belong to the checksum: they must not be read as symbols.
                return [layer], False
            if len(layer) < piece.length or checksum(layer) != piece.checksum:
                if not self.partial:
                    raise FormatError("damaged: the checksum of a layer does not match")
                return layers or ([layer] if self.finest is None else []), bool(layers)
            layers.append(layer)
        return layers, True


def read(
    data: Data,
    *,
    max_pixels: int,
    limits: tuple[int, int],
    partial: bool = False,
    check: bool = True,
) -> Contents:
    """Read the header and index of a file.

    max_pixels : limit on the pixels of the picture
    limits     : as for ``read_header``
    partial    : accept a file that is truncated or damaged after the index
    check      : verify the checksum of a tiled file; otherwise tiles are verified when read

    Raises FormatError, TruncatedError or LimitError.
    """
    reader = Reader(data)
    header, layered = read_header(reader, max_pixels, limits)
    side = reader.byte() * UNIT if layered else 0
    grid = TileGrid(header.height, header.width, side or max(header.height, header.width))
    count, finest = 1, None
    if layered:
        count = reader.varint(MAX_LAYERS, "the number of layers")
    if side:
        finest = reader.byte()
    if not count or (finest is not None and not count - 1 <= finest <= MAX_DEPTH):
        raise FormatError("damaged: the number of layers is out of range")
    if layered:
        pieces = _read_pieces(reader, count, len(grid), bool(side))
    else:
        length = max(0, content_size(len(data)) - reader.at)
        pieces = [[Piece(reader.at, length, None)]]
    content = max(piece.start + piece.length for layer in pieces for piece in layer)
    end = content + ending_size(content)
    whole = len(data) >= end
    sound = whole and ((bool(side) and not check) or data[content:] == ending(data[:content]))
    if not partial:
        if layered and not whole:
            raise TruncatedError(f"cut short: {len(data)} of {end} bytes are there")
        if len(data) > end or not sound:
            cut = "" if layered else " or cut short"
            raise FormatError(f"damaged{cut}: the checksum does not match")
    return Contents(header, count, grid, finest, pieces, data, sound, partial)


def _read_pieces(reader: Reader, layers: int, tiles: int, tiled: bool) -> list[list[Piece]]:
    """Read the lengths and checksums of the index, and verify its own checksum if tiled."""
    index = []
    for _ in range(layers * tiles):
        length = reader.varint((1 << 32) - 1, "the length of a layer")
        index.append((length, reader.take(CHECKSUM) if length or not tiled else None))
    if tiled and reader.checksum_so_far() != reader.take(CHECKSUM):
        raise FormatError("damaged: the checksum of the index does not match")
    starts = itertools.accumulate((length for length, _ in index), initial=reader.at)
    found = [Piece(start, *entry) for start, entry in zip(starts, index, strict=False)]
    return [found[at : at + tiles] for at in range(0, len(found), tiles)]
