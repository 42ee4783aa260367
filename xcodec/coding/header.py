"""The header of a .xgc file, field by field. docs/format.md describes the same in prose.

Most files have the short form, 5 bytes, and 2 varints if the size is not one of SIZES:

version        1 byte: 0xB0 | version
fields         4 bytes: 0, model 1 bit, uniform, log2(block) - 3 in 3 bits, size 5 bits, scale 13
               bits, step 8 bits; REDUCED in place of a block of 64 pixels: original follows size

Files that the short form cannot describe have the long one:

version        1 byte: 0xB0 | version
fields         2 bytes: 1, mask 2 bits, tone 2 bits, lossless, uniform, grey; sections, layered,
               model 3 bits, log2(block) - 3 in 3 bits
size           1 byte: place in SIZES, from 1; or 0, and width and height less one as varints;
               32 more if original follows
scale          varint, unless the mask is explicit
seed           varint, if the mask is random
step           1 byte, unless lossless
original       see ``coding.original``; only if the picture was made smaller
sections       if flagged: varint count, then tag, varint length and bytes of each
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from xcodec.choices import TONES
from xcodec.coding.original import MAX_SIDE, Size, read_original, write_original
from xcodec.coding.primitives import Reader, pack, unpack, varint
from xcodec.errors import FormatError, InputError, LimitError

VERSION = 5
START = bytes([0xB0 | VERSION])
"""The first byte of a file. No text in UTF-8 begins with it."""
MASKS = ("blue", "random", "explicit")
MODELS = ("photo", "face")
"""Names of models by their number in the file; the rest of 0..7 is reserved."""
SIZES = (
    *((64, 64), (128, 128), (192, 192), (256, 256), (320, 320), (384, 384), (512, 512)),
    *((1024, 1024), (320, 256)),
    *((160, 120), (256, 192), (320, 240), (640, 480), (800, 600), (1024, 768)),
    *((120, 160), (192, 256), (240, 320), (480, 640), (600, 800), (768, 1024)),
    *((384, 256), (768, 512), (640, 360), (1280, 720), (1920, 1080)),
    *((256, 384), (512, 768), (360, 640), (720, 1280), (1080, 1920)),
)
"""Widths and heights, in pixels, that have a number in the file: their place, counted from 1."""
_SHORT = (1, 1, 1, 3, 5, 13, 8)
_LONG = (1, 2, 2, 1, 1, 1, 1, 1, 3, 3)
"""Bits of the fields of each form; the first one tells them apart."""
REDUCED, REDUCED_BLOCK = 5, 64
"""What the short form has for the block of a picture that was made smaller: always 64 pixels."""
_ORIGINAL = 32
"""Flag in the byte of the size in the long form."""
COMMENT, ALPHA, EXIF, XMP, PROFILE, SOURCE = 1, 2, 3, 4, 5, 6
"""Tags of sections, 0..63."""
SECTIONS = (COMMENT, ALPHA, EXIF, XMP, PROFILE, SOURCE)
PACKED, NEEDED = 64, 128
"""Flags added to a tag: the section is a zstandard frame; decoders must not skip it."""
MAX_SEED = (1 << 32) - 1
MAX_SECTION, MAX_UNPACKED = 1 << 26, 1 << 22
"""Largest size, in bytes, of a section in a file, and of the content of a compressed one."""


@dataclass(frozen=True)
class Header:
    """The fields of a file before its payload.

    width, height : in pixels
    mask          : one of MASKS
    tone          : one of choices.TONES
    lossless      : whether samples are exact pixels
    uniform       : whether all blocks have the same density
    model         : number of the model, 0..7
    block         : side of a block in pixels
    grey          : whether only luma is coded
    scale         : of Density
    seed          : of a random mask
    step          : index for quantizer.step_of, None if lossless
    original      : width and height of the picture that it was made of; None: as large as it
    sections      : contents, uncompressed, by tag
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
    original: Size | None = None
    sections: dict[int, bytes] = field(default_factory=dict)

    @property
    def planes(self) -> int:
        """The number of planes that are coded: luma, and chroma unless the picture is grey."""
        return 1 if self.grey else 3


def write_header(header: Header, layered: bool) -> bytes:
    """Return a file up to its index or its payload."""
    size, block = (header.width, header.height), header.block.bit_length() - 4
    place = SIZES.index(size) + 1 if size in SIZES else 0
    varints = b"" if place else varint(header.width - 1) + varint(header.height - 1)
    before = b"" if header.original is None else write_original(size, header.original)
    flagged = bool(header.sections)
    if header.step is not None and _is_plain(header, flagged, layered):
        block = REDUCED if before else block
        short = 0, header.model, header.uniform, block, place, header.scale, header.step
        return START + _joined(short, _SHORT) + varints + before
    long = (
        1,
        MASKS.index(header.mask),
        TONES.index(header.tone),
        header.lossless,
        header.uniform,
        header.grey,
        flagged,
        layered,
        header.model,
        block,
    )
    place |= _ORIGINAL if before else 0
    out = bytearray(START + _joined(long, _LONG) + bytes([place]) + varints)
    if header.mask != "explicit":
        out += varint(header.scale)
    if header.mask == "random":
        out += varint(header.seed)
    if header.step is not None:
        out.append(header.step)
    out += before
    if flagged:
        out += varint(len(header.sections))
        for tag, content in sorted(header.sections.items()):
            out += section(tag, content)
    return bytes(out)


def _is_plain(header: Header, flagged: bool, layered: bool) -> bool:
    """Whether a header has the short form.

    flagged : whether the file has sections
    """
    unusual = header.lossless or header.grey or flagged or layered or header.model > 1
    if header.original is not None:
        unusual |= header.block != REDUCED_BLOCK
    return header.mask == "blue" and header.tone == "least-squares" and not unusual


def _joined(fields: Sequence[int], widths: Sequence[int]) -> bytes:
    """Fields of so many bits each as bytes, the first one in the highest bits."""
    number = 0
    for field_, width in zip(fields, widths, strict=True):
        number = number << width | field_
    return number.to_bytes(sum(widths) // 8, "big")


def _divided(data: bytes, widths: Sequence[int]) -> list[int]:
    """The fields that ``_joined`` made bytes of."""
    number, fields = int.from_bytes(data, "big"), []
    for width in reversed(widths):
        fields.append(number & (1 << width) - 1)
        number >>= width
    return fields[::-1]


def section(tag: int, content: bytes) -> bytes:
    """Return a section as it is written to a file, compressed if that is smaller.

    Raises InputError if it is too large.
    """
    if len(content) > MAX_SECTION:
        raise InputError(f"{len(content)} bytes are too many for a section of a file")
    packed = pack(content)
    if len(packed) < len(content) <= MAX_UNPACKED:
        tag, content = tag | PACKED, packed
    return bytes([tag]) + varint(len(content)) + content


def read_header(reader: Reader, max_pixels: int, limits: tuple[int, int]) -> tuple[Header, bool]:
    """Read the header of a file; also return whether an index follows it.

    max_pixels : limit on the pixels of the picture
    limits     : largest scale and largest step index

    Raises FormatError, TruncatedError or LimitError.
    """
    max_scale, max_step = limits
    version = version_of(reader.ahead(3))
    if version is None:
        raise FormatError("not an xcodec file")
    if version != VERSION:
        raise FormatError(f"format version {version}: this release reads {VERSION} only")
    reader.take(len(START))
    if reader.ahead(1) < b"\x80":
        header, layered = _read_short(reader, max_pixels), False
    else:
        header, layered = _read_long(reader, max_pixels, max_scale)
    if header.scale > max_scale or (header.step or 0) > max_step:
        raise FormatError("damaged: the scale or the step is out of range")
    return header, layered


def version_of(start: bytes) -> int | None:
    """Return the version of the format by the first three bytes of a file; None if it is no .xgc
    file."""
    if start[:2] == b"XG" and b"\xc0" < start[2:3] < b"\xc4":
        return start[2] & 15  # Versions 1 to 3.
    return start[0] & 15 if start and start[0] & 0xF0 == START[0] & 0xF0 else None


def _read_short(reader: Reader, max_pixels: int) -> Header:
    _, model, uniform, block, place, scale, step = _divided(reader.take(4), _SHORT)
    width, height = _read_size(reader, place, max_pixels)
    reduced = block == REDUCED
    return Header(
        width=width,
        height=height,
        mask="blue",
        tone="least-squares",
        lossless=False,
        uniform=bool(uniform),
        model=model,
        block=REDUCED_BLOCK if reduced else _side(block),
        scale=scale,
        step=step,
        original=read_original(reader, (width, height)) if reduced else None,
    )


def _read_long(reader: Reader, max_pixels: int, max_scale: int) -> tuple[Header, bool]:
    fields = _divided(reader.take(2), _LONG)
    _, mask, tone, lossless, uniform, grey, flagged, layered, model, block = fields
    if mask >= len(MASKS) or tone >= len(TONES):
        raise FormatError("damaged: a field of the header is out of range")
    if lossless and TONES[tone] != "point":
        raise FormatError("damaged: lossless samples that are not points")
    place = reader.byte()
    width, height = _read_size(reader, place & ~_ORIGINAL, max_pixels)
    header = Header(
        width=width,
        height=height,
        mask=MASKS[mask],
        tone=TONES[tone],
        lossless=bool(lossless),
        uniform=bool(uniform),
        model=model,
        block=_side(block),
        grey=bool(grey),
        scale=0 if MASKS[mask] == "explicit" else reader.varint(max_scale, "the scale"),
        seed=reader.varint(MAX_SEED, "the seed") if MASKS[mask] == "random" else 0,
        step=None if lossless else reader.byte(),
        original=read_original(reader, (width, height)) if place & _ORIGINAL else None,
        sections=_read_sections(reader) if flagged else {},
    )
    if _is_plain(header, bool(flagged), bool(layered)):
        raise FormatError("damaged: a header that is longer than necessary")
    return header, bool(layered)


def _side(logarithm: int) -> int:
    """The side of a block in pixels."""
    if logarithm > 4:
        raise FormatError("damaged: a field of the header is out of range")
    return 8 << logarithm


def _read_size(reader: Reader, place: int, max_pixels: int) -> tuple[int, int]:
    """Width and height in pixels, by their place in SIZES, or from the varints that follow."""
    if place > len(SIZES):
        raise FormatError("damaged: a field of the header is out of range")
    if place:
        width, height = SIZES[place - 1]
    else:
        width = reader.varint(MAX_SIDE - 1, "the width") + 1
        height = reader.varint(MAX_SIDE - 1, "the height") + 1
        if (width, height) in SIZES:
            raise FormatError("damaged: a header that is longer than necessary")
    if width * height > max_pixels:
        raise LimitError(
            f"{width}x{height} pixels, more than the {max_pixels} allowed: --max-pixels raises the "
            "limit"
        )
    return width, height


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


def cost(content: bytes) -> int:
    """Return the size of a section in a file, in bytes."""
    return len(section(0, content))
