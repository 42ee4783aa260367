"""The byte layout of .xgc, and nothing else. docs/format.md says the same in prose.

"XG", 0xC0 | version
flags          1 byte: mask 2 bits, tone 2 bits, lossless, uniform, sections, layered
kinds          1 byte: grey, model 4 bits, log2(block) - 3 in 3 bits
width, height  varints, less one
scale          varint            unless the mask is explicit
seed           varint            where the mask is random
step           1 byte            unless lossless
sections       varint count, then tag, varint length, bytes of each; where flagged
tiles, layers  0, varint count, then varint length and CRC-32C of each; where layered
payload        one range-coded stream, or one a layer
checksum       CRC-32C of everything before, 4 bytes, big-endian
"""

from dataclasses import dataclass, field

import google_crc32c
import zstandard

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


class Reader:
    """Bytes from front to back. Raises TruncatedError where they end too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        piece = self._data[self.at : self.at + count]
        if len(piece) < count:
            raise TruncatedError("cut short: the file ends before its payload")
        self.at += count
        return piece

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
        out += bytes([0]) + varint(len(layers))  # One tile.
        for layer in layers:
            out += varint(len(layer)) + checksum(layer)
    out += b"".join(layers)
    return bytes(out) + checksum(bytes(out))


def read_header(data: bytes, *, max_pixels: int, limits: tuple[int, int]) -> Header:
    """The header alone; arguments and errors as of ``read``."""
    return _read_header(Reader(data), max_pixels, limits)[0]


def read(
    data: bytes, *, max_pixels: int, limits: tuple[int, int], partial: bool = False
) -> tuple[Header, list[bytes], int, bool]:
    """Header and layers of a file, how many layers it had, and whether those given are whole.

    limits  : largest scale and largest step index
    partial : give what is left of a cut or damaged file: whole layers that pass their checksum, or
              where there is none what there is of the first, unchecked

    Raises FormatError, TruncatedError or LimitError.
    """
    reader = Reader(data)
    header, layered = _read_header(reader, max_pixels, limits)
    sound = len(data) >= reader.at + CHECKSUM and checksum(data[:-CHECKSUM]) == data[-CHECKSUM:]
    if not layered:
        if sound:
            return header, [data[reader.at : -CHECKSUM]], 1, True
        if not partial:
            raise FormatError("damaged or cut short: the checksum does not match")
        # The last bytes may be those of the checksum: they must not be taken for symbols.
        return header, [data[reader.at : -CHECKSUM]], 1, False
    if reader.byte() != 0:
        raise FormatError("tiled files need a later release")
    count = reader.varint(MAX_LAYERS, "the number of layers")
    if not count:
        raise FormatError("damaged: the file holds no layer")
    index = []
    for _ in range(count):
        length = reader.varint((1 << 32) - 1, "the length of a layer")
        index.append((length, reader.take(CHECKSUM)))
    if not partial:
        expected = reader.at + sum(length for length, _ in index) + CHECKSUM
        if len(data) < expected:
            raise TruncatedError(f"cut short: {len(data)} of {expected} bytes are there")
        if len(data) > expected or not sound:
            raise FormatError("damaged: the checksum does not match")
    layers: list[bytes] = []
    for length, sum_of_layer in index:
        layer = data[reader.at : reader.at + length]
        if len(layer) < length or checksum(layer) != sum_of_layer:
            if not partial:
                raise FormatError("damaged: the checksum of a layer does not match")
            return header, layers or [layer], count, bool(layers)
        layers.append(layer)
        reader.at += length
    return header, layers, count, True
