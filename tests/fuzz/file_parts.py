"""How files are altered by their parts."""

import random
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from tests.fuzz.alteration import altered, within
from tests.fuzz.parsers import MAX_PIXELS, mended
from xcodec.choices import TONES
from xcodec.coding import container
from xcodec.coding.header import MASKS, SECTIONS, SIZES, Header, write_header
from xcodec.coding.primitives import CHECKSUM, Reader, checksum, content_size, ending, varint
from xcodec.decoder import reading
from xcodec.errors import FormatError, XcodecError
from xcodec.sampling.mask import MAX_SCALE


@dataclass(frozen=True)
class Parts:
    """A file in parts.

    side, finest : of a tiled file, as for ``container.write_tiled``; None if it is not tiled
    tiles        : the layers of each tile
    """

    header: Header
    side: int | None
    finest: int | None
    tiles: list[list[bytes]]


@lru_cache(maxsize=1 << 10)
def apart(file: bytes) -> Parts | None:
    """Take a file apart; None if its header or index cannot be read."""
    try:
        contents = container.read(
            file, max_pixels=MAX_PIXELS, limits=reading.LIMITS, partial=True, check=False
        )
    except XcodecError:
        return None
    tiles = [
        [file[layer[number].start :][: layer[number].length] for layer in contents.pieces]
        for number in range(len(contents.grid))
    ]
    side = None if contents.finest is None else contents.grid.side
    return Parts(contents.header, side, contents.finest, tiles)


def together(parts: Parts) -> bytes:
    """Put a file together, with its lengths and checksums."""
    if parts.side is None or parts.finest is None:
        return container.write(parts.header, parts.tiles[0])
    return container.write_tiled(parts.header, parts.side, parts.finest, parts.tiles)


def file_altered(file: bytes, rng: random.Random, other: bytes) -> bytes:
    """A file with a part altered, or its bytes, mostly with a right checksum."""
    parts = apart(file) if rng.random() < 0.85 else None
    if parts is None:
        return _bytes_altered(file, rng, other)
    theirs = apart(other)
    kind = rng.random()
    if kind < 0.25:
        parts = replace(parts, header=_header_altered(parts.header, rng))
    elif kind < 0.35 and parts.header.sections:
        parts = replace(parts, header=_sections_altered(parts.header, rng))
    elif kind < 0.45:
        parts = _pieces_altered(parts, rng, theirs)
    elif kind < 0.55 and parts.finest is not None:
        return _index_altered(parts, rng)
    else:
        tiles = [list(layers) for layers in parts.tiles]
        layers = rng.choice(tiles)
        which = rng.randrange(len(layers))
        source = rng.choice(rng.choice(theirs.tiles)) if theirs else other
        explicit = which == 0 and parts.header.mask == "explicit"
        change = _explicit_altered if explicit else altered
        layers[which] = change(layers[which], rng, source)
        parts = replace(parts, tiles=tiles)
    try:
        return together(parts)
    except (XcodecError, ValueError, AssertionError, OverflowError):
        return _bytes_altered(file, rng, other)  # The writer refuses what was made of it.


def _bytes_altered(file: bytes, rng: random.Random, other: bytes) -> bytes:
    changed = altered(file, rng, other)
    return changed if rng.random() < 0.1 else mended(changed)


def _header_altered(header: Header, rng: random.Random) -> Header:
    """A header with one or two fields of other values, which are possible."""
    fields: dict[str, Any] = {}
    for _ in range(rng.choice((1, 1, 2))):
        name = rng.choice(
            ("size", "mask", "tone", "lossless", "uniform", "model", "block", "grey", "scale",
             "scale", "seed", "step", "original", "sections")
        )  # fmt: skip
        if name == "size":
            small = rng.randint(1, 20), rng.randint(1, 20)
            width, height = rng.choice((small, small, (rng.randint(1, 64), 1), rng.choice(SIZES)))
            fields |= {"width": width, "height": height, "original": None}
        elif name == "mask":
            fields["mask"] = rng.choice(MASKS)
        elif name == "tone":
            fields["tone"] = rng.choice(TONES)
        elif name == "lossless":
            fields |= {"lossless": True, "tone": "point", "step": None}
            if header.lossless:
                fields |= {"lossless": False, "step": rng.randrange(200)}
        elif name == "scale":
            near = header.scale + rng.randint(-150, 150)  # 128 more are twice the samples.
            fields["scale"] = min(max(near, 0), MAX_SCALE)
        elif name == "seed":
            fields["seed"] = rng.getrandbits(32)
        elif name == "step" and header.step is not None and "step" not in fields:
            fields["step"] = rng.randrange(256)
        elif name == "original":
            wide = fields.get("width", header.width), fields.get("height", header.height)
            fields["original"] = rng.choice(
                (None, tuple(rng.randint(2, 9) * side for side in wide))
            )
        elif name == "sections":
            section = {rng.choice(SECTIONS): rng.randbytes(rng.randrange(12))}
            fields["sections"] = rng.choice(({}, header.sections | section))
        elif name in ("uniform", "grey"):
            fields[name] = not getattr(header, name)
        elif name == "model":
            fields["model"] = rng.randrange(8)
        elif name == "block":
            fields["block"] = 8 << rng.randrange(5)
    return replace(header, **fields)


def _sections_altered(header: Header, rng: random.Random) -> Header:
    sections = dict(header.sections)
    tag = rng.choice(list(sections))
    sections[tag] = within(sections[tag], rng)
    return replace(header, sections=sections)


def _pieces_altered(parts: Parts, rng: random.Random, theirs: Parts | None) -> Parts:
    """A file with other layers or tiles."""
    tiles = [list(layers) for layers in parts.tiles]
    layers, kind = rng.choice(tiles), rng.randrange(5)
    which = rng.randrange(len(layers))
    if kind == 0:
        layers[which] = b""
    elif kind == 1 and theirs:
        layers[which] = rng.choice(rng.choice(theirs.tiles))
    elif kind == 2 and parts.finest is not None:
        return replace(parts, finest=rng.randrange(16))
    elif kind == 3:
        for each in tiles:  # A layer more, or fewer.
            each[-1:] = [each[-1], b""] if rng.random() < 0.5 else []
            each[:] = each or [b""]
    else:
        layers[which] += layers[rng.randrange(len(layers))]
    return replace(parts, tiles=tiles)


def _index_altered(parts: Parts, rng: random.Random) -> bytes:
    """A tiled file whose index says something else, with a right checksum."""
    file = together(parts)
    start, end = len(write_header(parts.header, True)), content_size(len(file))
    pieces = end - sum(len(layer) for layers in parts.tiles for layer in layers)
    front = file[:start] + altered(file[start : pieces - CHECKSUM], rng)
    content = front + checksum(front) + file[pieces:end]
    return content + ending(content)


def _explicit_altered(layer: bytes, rng: random.Random, other: bytes) -> bytes:
    """A layer with an explicit mask in front, of which one or the other is altered."""
    reader = Reader(layer)
    try:
        mask = reader.take(reader.varint(len(layer), "the length of the mask"))
    except FormatError:
        return altered(layer, rng, other)
    rest = layer[reader.at :]
    if rng.random() < 0.6:
        mask = within(mask, rng)
    else:
        rest = altered(rest, rng, other)
    return varint(len(mask)) + mask + rest
