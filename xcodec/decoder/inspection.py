"""Inspecting a file: every field, and how many bytes each part takes."""

from dataclasses import dataclass

import numpy as np

from xcodec.coding import payload, quantizer
from xcodec.coding.header import ALPHA, MODELS, VERSION, Header, cost, read_header
from xcodec.coding.primitives import Reader
from xcodec.decoder import reading
from xcodec.decoder.reading import LIMITS
from xcodec.decoder.sections import METADATA, comment_of, metadata_of, source_of
from xcodec.errors import ModelError
from xcodec.pictures import metadata, modes
from xcodec.types import MAX_PIXELS


@dataclass(frozen=True)
class Info:
    """Every field of a file, and how many bytes each part takes.

    samples, nonzero : number of samples, and of their coefficients that are not zero
    step, seed, block, tile, comment : None if the file has none
    original  : width and height of the picture before it was scaled down; None: it was not
    mode      : mode of the decoded picture, one of Pillow's
    rate      : samples per pixel
    bytes, bpp : size of the file in bytes, and in bits per pixel
    container, density, luma, chroma, alpha, metadata : bytes of each part, by its information
                content, rounded; density includes an explicit mask, metadata is EXIF, XMP and ICC
    """

    version: int
    width: int
    height: int
    original: tuple[int, int] | None
    mode: str
    mask: str
    seed: int | None
    uniform: bool
    block: int | None
    tone: str
    lossless: bool
    model: str
    step: float | None
    comment: str | None
    tile: int | None
    tiles: int
    layers: int
    levels: int
    samples: int
    rate: float
    nonzero: int
    bytes: int
    bpp: float
    container: int
    density: int
    luma: int
    chroma: int
    alpha: int
    metadata: int


@dataclass(frozen=True)
class Peek:
    """Facts about a picture from the header of its file.

    original : as in ``Info``
    mode     : mode of the decoded picture, one of Pillow's
    """

    width: int
    height: int
    original: tuple[int, int] | None
    mode: str
    metadata: metadata.Metadata


def peek(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Peek:
    """Read the header of a file only. Raises what ``decode`` raises."""
    header = read_header(Reader(data), max_pixels, LIMITS)[0]
    known = metadata_of(header.sections)
    return Peek(header.width, header.height, header.original, mode_of(header), known)


def mode_of(header: Header) -> str:
    """The mode of the decoded picture, one of Pillow's."""
    source = source_of(header.sections)
    return modes.mode_of(header.grey, ALPHA in header.sections, source)


def sample_count(data: bytes, *, max_pixels: int = MAX_PIXELS) -> int:
    """Count the samples of a file without reading their values. Raises what ``decode`` raises."""
    contents = reading.opened(data, max_pixels)
    every = (reading.coded(contents, number) for number in range(len(contents.grid)))
    return sum(
        len(payload.read_points(contents.header, tile.layers, tile.whole, tile.box)[2])
        for tile in every
    )


def info(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Info:
    """Read every field of a file, and how many bytes each part takes.

    data       : bytes of a .xgc file
    max_pixels : pictures with more pixels are refused

    Raises what ``decode`` raises.
    """
    contents = reading.opened(data, max_pixels)
    header = contents.header
    bits = {"density": 0.0, "luma": 0.0, "chroma": 0.0}

    def tally(part: str, more: float) -> None:
        bits[part] += more

    levels = samples = nonzero = 0
    for tile in reading.tiles(contents):
        # The size of each part is measured by writing it again.
        parts = tile.density, tile.points, tile.tree, tile.symbols, tile.contexts
        if contents.finest is None:
            payload.write(header, *parts, tally)
        else:
            payload.write_tile(header, *parts, contents.layers, tally)
        levels = max(levels, len(tile.tree))
        samples += len(tile.points)
        nonzero += int(np.count_nonzero(tile.symbols))
    share = {part: round(count / 8) for part, count in bits.items()}
    area = header.width * header.height
    beside = {tag: cost(content) for tag, content in header.sections.items()}
    share["alpha"] = beside.get(ALPHA, 0)
    share["metadata"] = sum(beside.get(tag, 0) for tag in METADATA)
    return Info(
        version=VERSION,
        width=header.width,
        height=header.height,
        original=header.original,
        mode=mode_of(header),
        mask=header.mask,
        seed=header.seed if header.mask == "random" else None,
        uniform=header.uniform,
        block=None if header.uniform or header.mask == "explicit" else header.block,
        tone=header.tone,
        lossless=header.lossless,
        model=model_name(header.model, strict=False),
        step=None if header.step is None else quantizer.step_of(header.step),
        comment=comment_of(header.sections),
        tile=None if contents.finest is None else contents.grid.side,
        tiles=len(contents.grid),
        layers=contents.layers,
        levels=levels,
        samples=samples,
        rate=samples / area,
        nonzero=nonzero,
        bytes=len(data),
        bpp=8 * len(data) / area,
        container=len(data) - sum(share.values()),
        density=share["density"],
        luma=share["luma"],
        chroma=share["chroma"],
        alpha=share["alpha"],
        metadata=share["metadata"],
    )


def model_name(number: int, strict: bool = True) -> str:
    """The name of a model by its number in a file.

    Raises ModelError if the number is unknown and ``strict`` is true.
    """
    if number < len(MODELS):
        return MODELS[number]
    if strict:
        raise ModelError(f"the file names model {number}, unknown to this release: choose a model")
    return f"model {number}"
