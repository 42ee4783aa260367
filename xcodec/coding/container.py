"""The byte layout of .xgc, and nothing else. docs/format.md says the same in prose.

"XG", 0xC0 | version
flags          1 byte: mask 2 bits, tone 2 bits, lossless, uniform, sections, layered
kinds          1 byte: grey, model 4 bits, log2(block) - 3 in 3 bits
width, height  varints, less one
scale          varint            unless the mask is explicit
seed           varint            where the mask is random
step           1 byte            unless lossless
sections       varint count, then tag, varint length, bytes of each; where flagged
index          where layered: the side of a tile / 128 or 0, varint count of layers, and varint
               length and CRC-32C of each layer; where tiled, the depth of the finest octave before
               them, length and CRC-32C of each tile in each layer, none for length 0, and CRC-32C
               of all bytes so far
payload        one range-coded stream, or one a layer, or one for each tile in each layer
checksum       CRC-32C of everything before, 4 bytes, big-endian
"""

import itertools
import mmap
from collections.abc import Sequence
from dataclasses import dataclass, field

import google_crc32c
import zstandard

from xcodec.coding.grid import UNIT, Grid
from xcodec.errors import FormatError, InputError, LimitError, TruncatedError
from xcodec.samples import TONES

MAGIC = b"XG"
VERSION = 3
MASKS = ("blue", "random", "explicit")
MODELS = ("photo", "face")
"""Names of models by their number in the file; the rest of 0..15 is reserved."""
COMMENT, ALPHA, EXIF, XMP, PROFILE, SOURCE = 1, 2, 3, 4, 5, 6
"""Sections by tag, 0..63."""
SECTIONS = (COMMENT, ALPHA, EXIF, XMP, PROFILE, SOURCE)
PACKED, NEEDED = 64, 128
"""Added to a tag: the section is a zstandard frame; it may not be skipped."""
MAX_SIDE = 1 << 20
MAX_SEED = (1 << 32) - 1
MAX_SECTION, MAX_UNPACKED = 1 << 26, 1 << 22
"""Most bytes of a section as it stands in a file, and of a packed one once it is unpacked."""
MAX_LAYERS = 32
MAX_DEPTH = 13
"""Of the finest octave: where ranks end."""
CHECKSUM = 4


@dataclass(frozen=True)
class Header:
    """Every field of a file before its payload.

    grey  : luma alone is coded; block : pixels; scale : of Density
    step  : index into quantizer.step_of, None where samples are lossless
    sections : tag -> unpacked bytes
    """

    width: int
    height: int
    mask: str
    tone: str
    lossless: bool
    uniform: bool
    model: int
    block: int
    grey: bool = False
    scale: int = 0
    seed: int = 0
    step: int | None = None
    sections: dict[int, bytes] = field(default_factory=dict)

    @property
    def planes(self) -> int:
        """Planes that are coded: luma, and chroma unless the picture is grey."""
        return 1 if self.grey else 3


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


Data = bytes | mmap.mmap


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


def _write_header(header: Header, layered: bool) -> bytes:
    flags = (
        MASKS.index(header.mask)
        | TONES.index(header.tone) << 2
        | header.lossless << 4
        | header.uniform << 5
        | bool(header.sections) << 6
        | layered << 7
    )
    out = bytearray(MAGIC)
    kinds = header.grey << 7 | header.model << 3 | header.block.bit_length() - 4
    out += bytes([0xC0 | VERSION, flags, kinds])
    out += varint(header.width - 1) + varint(header.height - 1)
    if header.mask != "explicit":
        out += varint(header.scale)
    if header.mask == "random":
        out += varint(header.seed)
    if header.step is not None:
        out.append(header.step)
    if header.sections:
        out += varint(len(header.sections))
        for tag, content in sorted(header.sections.items()):
            out += section(tag, content)
    return bytes(out)


def pack(content: bytes) -> bytes:
    """Bytes as a zstandard frame that states its size."""
    return zstandard.ZstdCompressor(level=19).compress(content)


def section(tag: int, content: bytes) -> bytes:
    """A section as it stands in a file: packed where that is smaller.

    Raises InputError where it is too large.
    """
    if len(content) > MAX_SECTION:
        raise InputError(f"{len(content)} bytes are too many for a section of a file")
    packed = pack(content)
    if len(packed) < len(content) <= MAX_UNPACKED:
        tag, content = tag | PACKED, packed
    return bytes([tag]) + varint(len(content)) + content


def _read_header(reader: Reader, max_pixels: int, limits: tuple[int, int]) -> tuple[Header, bool]:
    max_scale, max_step = limits
    if reader.take(2) != MAGIC or (version := reader.byte()) >> 4 != 0xC:
        raise FormatError("not an xcodec file")
    if version & 15 != VERSION:
        raise FormatError(f"format version {version & 15}: this release reads {VERSION} only")
    flags, kinds = reader.byte(), reader.byte()
    mask, tone = flags & 3, flags >> 2 & 3
    if mask >= len(MASKS) or tone >= len(TONES) or kinds & 7 > 4:
        raise FormatError("damaged: a field of the header is out of range")
    width = reader.varint(MAX_SIDE - 1, "the width") + 1
    height = reader.varint(MAX_SIDE - 1, "the height") + 1
    if width * height > max_pixels:
        raise LimitError(f"{width}x{height} pixels are more than the limit of {max_pixels}")
    lossless, uniform = bool(flags & 16), bool(flags & 32)
    if lossless and TONES[tone] != "point":
        raise FormatError("damaged: lossless samples that are not points")
    header = Header(
        width=width,
        height=height,
        mask=MASKS[mask],
        tone=TONES[tone],
        lossless=lossless,
        uniform=uniform,
        model=kinds >> 3 & 15,
        block=8 << (kinds & 7),
        grey=bool(kinds & 128),
        scale=0 if MASKS[mask] == "explicit" else reader.varint(max_scale, "the scale"),
        seed=reader.varint(MAX_SEED, "the seed") if MASKS[mask] == "random" else 0,
        step=None if lossless else reader.byte(),
        sections=_read_sections(reader) if flags & 64 else {},
    )
    if header.step is not None and header.step > max_step:
        raise FormatError("damaged: the step is out of range")
    return header, bool(flags & 128)


def _read_sections(reader: Reader) -> dict[int, bytes]:
    sections: dict[int, bytes] = {}
    for _ in range(reader.varint(64, "the number of sections")):
        kind = reader.byte()
        content = reader.take(reader.varint(MAX_SECTION, "the length of a section"))
        tag = kind & 63
        if tag in sections:
            raise FormatError("damaged: a section is there twice")
        if tag in SECTIONS:
            sections[tag] = unpack(content, MAX_UNPACKED) if kind & PACKED else content
        elif kind & NEEDED:
            raise FormatError(f"section {tag} is needed and unknown to this release")
    return sections


def unpack(packed: bytes, limit: int) -> bytes:
    """What a zstandard frame holds, at most ``limit`` bytes. Raises FormatError."""
    try:
        if not 0 <= zstandard.frame_content_size(packed) <= limit:
            raise FormatError("damaged: a section has no size or is too large")
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=limit)
    except zstandard.ZstdError as error:
        raise FormatError("damaged: a section cannot be unpacked") from error


def write(header: Header, layers: list[bytes]) -> bytes:
    """A whole file. One layer is written bare, several with an index that checks each of them."""
    layered = len(layers) > 1
    out = bytearray(_write_header(header, layered))
    if layered:
        out += bytes([0]) + varint(len(layers))
        for layer in layers:
            out += varint(len(layer)) + checksum(layer)
    out += b"".join(layers)
    return bytes(out) + checksum(bytes(out))


def read_header(data: bytes, *, max_pixels: int, limits: tuple[int, int]) -> Header:
    """The header alone; arguments and errors as of ``read``."""
    return _read_header(Reader(data), max_pixels, limits)[0]


def write_tiled(header: Header, side: int, finest: int, tiles: Sequence[Sequence[bytes]]) -> bytes:
    """A whole file of the layers of each tile.

    side   : of a tile in pixels, as in Grid
    finest : depth of the finest octave of the picture
    """
    out = bytearray(_write_header(header, True))
    out += bytes([side // UNIT]) + varint(len(tiles[0])) + bytes([finest])
    pieces = list(itertools.chain.from_iterable(zip(*tiles, strict=True)))
    for piece in pieces:
        out += varint(len(piece)) + (checksum(piece) if piece else b"")
    out += checksum(bytes(out))
    out += b"".join(pieces)
    return bytes(out) + checksum(bytes(out))


@dataclass(frozen=True)
class Piece:
    """Where a tile's part of a layer is: its first byte, its length, and its CRC-32C if any."""

    start: int
    length: int
    checksum: bytes | None


@dataclass(frozen=True)
class Contents:
    """A file whose header and index have been read.

    layers : how many there are
    finest : depth of the finest octave of a tiled picture; None where it isn't tiled
    pieces : of each layer those of all tiles, in the order of the grid
    sound  : whether the checksum of the whole file is right
    """

    header: Header
    layers: int
    grid: Grid
    finest: int | None
    pieces: list[list[Piece]]
    data: Data
    sound: bool
    partial: bool

    def tile(self, number: int = 0) -> tuple[list[bytes], bool]:
        """Layers of a tile, and whether each that is given is whole.

        Of damaged files, where ``partial``: whole leading layers; where there is none of a picture
        that isn't tiled, what there is of the first. Raises FormatError without ``partial``.
        """
        layers: list[bytes] = []
        for piece in (layer[number] for layer in self.pieces):
            layer = self.data[piece.start : piece.start + piece.length]
            if piece.checksum is None:
                if self.sound or self.finest is not None:  # An empty piece has no checksum.
                    layers.append(layer)
                    continue
                # The last bytes may be those of the checksum: they mustn't be taken for symbols.
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
    """Header and index of a file.

    limits  : largest scale and largest step index
    partial : accept a file that was cut or damaged after these
    check   : look at all bytes of a tiled file; else tiles are checked when they are read

    Raises FormatError, TruncatedError or LimitError.
    """
    reader = Reader(data)
    header, layered = _read_header(reader, max_pixels, limits)
    side = reader.byte() * UNIT if layered else 0
    grid = Grid(header.height, header.width, side or max(header.height, header.width))
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
        pieces = [[Piece(reader.at, max(0, len(data) - CHECKSUM - reader.at), None)]]
    end = max(piece.start + piece.length for layer in pieces for piece in layer) + CHECKSUM
    whole = len(data) >= end and len(data) >= reader.at + CHECKSUM
    sound = whole and ((bool(side) and not check) or checksum(data[:-CHECKSUM]) == data[-CHECKSUM:])
    if not partial:
        if layered and not whole:
            raise TruncatedError(f"cut short: {len(data)} of {end} bytes are there")
        if len(data) > end or not sound:
            cut = "" if layered else " or cut short"
            raise FormatError(f"damaged{cut}: the checksum does not match")
    return Contents(header, count, grid, finest, pieces, data, sound, partial)


def _read_pieces(reader: Reader, layers: int, tiles: int, tiled: bool) -> list[list[Piece]]:
    """The index from its lengths on, and its own checksum where the picture is tiled."""
    index = []
    for _ in range(layers * tiles):
        length = reader.varint((1 << 32) - 1, "the length of a layer")
        index.append((length, reader.take(CHECKSUM) if length or not tiled else None))
    if tiled and reader.so_far() != reader.take(CHECKSUM):
        raise FormatError("damaged: the checksum of the index does not match")
    starts = itertools.accumulate((length for length, _ in index), initial=reader.at)
    found = [Piece(start, *entry) for start, entry in zip(starts, index, strict=False)]
    return [found[at : at + tiles] for at in range(0, len(found), tiles)]
