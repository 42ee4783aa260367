"""The header of a .xgc file, field by field. docs/format.md describes the same in prose.

"XG", 0xC0 | version
flags          1 byte: mask 2 bits, tone 2 bits, lossless, uniform, sections, layered
kinds          1 byte: grey, model 4 bits, log2(block) - 3 in 3 bits
width, height  varints, less one
scale          varint, unless the mask is explicit
seed           varint, if the mask is random
step           1 byte, unless lossless
sections       if flagged: varint count, then tag, varint length and bytes of each
"""

from dataclasses import dataclass, field

from xcodec.choices import TONES
from xcodec.coding.primitives import Reader, pack, unpack, varint
from xcodec.errors import FormatError, InputError, LimitError

MAGIC = b"XG"
VERSION = 3
MASKS = ("blue", "random", "explicit")
MODELS = ("photo", "face")
"""Names of models by their number in the file; the rest of 0..15 is reserved."""
COMMENT, ALPHA, EXIF, XMP, PROFILE, SOURCE = 1, 2, 3, 4, 5, 6
"""Tags of sections, 0..63."""
SECTIONS = (COMMENT, ALPHA, EXIF, XMP, PROFILE, SOURCE)
PACKED, NEEDED = 64, 128
"""Flags added to a tag: the section is a zstandard frame; decoders must not skip it."""
MAX_SIDE = 1 << 20
"""Largest width and height of a picture, in pixels."""
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
    model         : number of the model, 0..15
    block         : side of a block in pixels
    grey          : whether only luma is coded
    scale         : of Density
    seed          : of a random mask
    step          : index for quantizer.step_of, None if lossless
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
    sections: dict[int, bytes] = field(default_factory=dict)

    @property
    def planes(self) -> int:
        """The number of planes that are coded: luma, and chroma unless the picture is grey."""
        return 1 if self.grey else 3


def write_header(header: Header, layered: bool) -> bytes:
    """Return a file up to its index or its payload."""
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
        raise LimitError(
            f"{width}x{height} pixels, more than the {max_pixels} allowed: --max-pixels raises the "
            "limit"
        )
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


def cost(content: bytes) -> int:
    """Return the size of a section in a file, in bytes."""
    return len(section(0, content))
