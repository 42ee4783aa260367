"""What lies between the header and the checksum: density or mask, then the symbols level by level.

Layer 0 holds the density (or, before its stream, an explicit mask with its length) and the coarse
octaves; each later layer holds one finer octave, a stream of its own. A tile of a large picture is
written as a picture by itself, but for its octaves, which are those of the whole picture, and for
its ranks.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.context import tables
from xcodec.coding.explicit_mask import read_mask, write_mask
from xcodec.coding.header import Header
from xcodec.coding.lifting import Hierarchy, hierarchy
from xcodec.coding.planes import read_grid, read_plane, write_grid, write_plane
from xcodec.coding.primitives import Reader, varint
from xcodec.coding.rangecoder import Decoder, Encoder
from xcodec.coding.tiles import Box
from xcodec.errors import FormatError
from xcodec.sampling.mask import (
    FREE_SAMPLES,
    MAX_EXPONENT,
    MAX_SAMPLES,
    SAMPLES_A_BYTE,
    check_count,
    most_samples,
    points_from_density,
    points_from_mask,
)
from xcodec.types import Density, Ints, Points

LAYERED_FROM = 4096
"""Bytes of payload from which a file has layers with checksums of their own."""
FINE_LAYERS = 4

Tally = Callable[[str, int], None]
"""Told after each part: "density", "luma" or "chroma", and the bits that it took."""


def _mask_of(points: Points) -> NDArray[np.bool_]:
    mask = np.zeros((points.height, points.width), bool)
    mask[points.rows, points.cols] = True
    return mask


def _ignore(part: str, bits: int) -> None:
    pass


def write(
    header: Header,
    density: Density | None,
    points: Points,
    tree: Hierarchy,
    symbols: Ints,
    tally: Tally = _ignore,
) -> list[bytes]:
    """The layers of a file: one where it is small, else one for each of the finest octaves."""
    layers = _write(header, density, points, tree, symbols, _octaves_of_layers(tree, 1), tally)
    octaves = len(tree.octaves)
    if len(layers[0]) >= LAYERED_FROM and octaves >= 2:
        shares = _octaves_of_layers(tree, min(octaves, FINE_LAYERS + 1))
        layers = _write(header, density, points, tree, symbols, shares, _ignore)
    return _long_enough(layers, len(points))


def write_tile(
    header: Header,
    density: Density | None,
    points: Points,
    tree: Hierarchy,
    symbols: Ints,
    layers: int,
    tally: Tally = _ignore,
) -> list[bytes]:
    """The layers of a tile, of which some may be empty."""
    if density is None and not len(points):
        return [b""] * layers
    shares = _octaves_of_tile(tree, layers)
    written = _write(header, density, points, tree, symbols, shares, tally)
    return _long_enough(written, len(points))


def _long_enough(layers: list[bytes], samples: int) -> list[bytes]:
    """Layers with zeros added until decoders take them where hardly a symbol differs from 0."""
    least = -(-(samples - FREE_SAMPLES) // SAMPLES_A_BYTE)
    layers[-1] += bytes(max(0, least - sum(len(layer) for layer in layers)))
    return layers


def _octaves_of_layers(tree: Hierarchy, layers: int) -> list[list[range]]:
    """The octaves in each layer: all that are left in the first, one in each other."""
    octaves = tree.octaves
    coarse = len(octaves) - layers + 1
    return [octaves[:coarse], *([octave] for octave in octaves[coarse:])]


def _octaves_of_tile(tree: Hierarchy, layers: int) -> list[list[range]]:
    """The octaves in each layer of a tile: by their depth, so that all tiles agree."""
    shares: list[list[range]] = [[] for _ in range(layers)]
    for octave in tree.octaves:
        shares[max(0, layers - 1 - tree.finest + tree.depths[octave.start])].append(octave)
    return shares


def _write(
    header: Header,
    density: Density | None,
    points: Points,
    tree: Hierarchy,
    symbols: Ints,
    shares: list[list[range]],
    tally: Tally,
) -> list[bytes]:
    """A layer for each share of the octaves."""
    front = b""
    coder = Encoder()
    if density is None:
        mask = write_mask(_mask_of(points))
        front = varint(len(mask)) + mask
        tally("density", 8 * len(front))
    elif not header.uniform:
        write_grid(coder, density.exponents, tables("density"))
        tally("density", coder.size())
    model = tables("pixels" if header.lossless else "coefficients")
    written = []
    for octaves in shares:
        for level, plane in _planes(octaves, header.planes):
            before = coder.size()
            write_plane(coder, symbols, tree, level, plane, model)
            tally("chroma" if plane else "luma", coder.size() - before)
        written.append(coder.finish())
        coder = Encoder()
    written[0] = front + written[0]
    return written


def _planes(octaves: list[range], planes: int) -> Iterator[tuple[int, int]]:
    """Levels and planes of octaves in the order in which they are coded."""
    for octave in octaves:
        yield from itertools.product(octave, range(planes))


def read_points(
    header: Header, layers: list[bytes], whole: bool, box: Box | None = None
) -> tuple[Decoder, Density | None, Points]:
    """The points of a file or of a tile, and the stream of its layer 0 where the symbols begin.

    whole : whether all layers are there
    box   : the pixels of the tile, which may hold no sample; a picture that isn't tiled has some

    Raises FormatError, or LimitError where there are too many points for so few bytes.
    """
    tiled, box = box is not None, box or Box(0, 0, header.height, header.width)
    layer, origin = layers[0], (box.top, box.left)
    most = most_samples(sum(map(len, layers))) if whole else MAX_SAMPLES
    density = None
    if header.mask == "explicit":
        reader = Reader(layer)
        marked = np.zeros((box.height, box.width), bool)
        if layer or not tiled:
            mask = reader.take(reader.varint(len(layer), "the length of the mask"))
            marked = read_mask(mask, box.height, box.width)
        check_count(int(np.count_nonzero(marked)), most)
        points = points_from_mask(marked, origin)
        coder = Decoder(layer[reader.at :], whole)
    else:
        coder = Decoder(layer, whole)
        exponents: Ints = np.zeros(
            (-(-box.height // header.block), -(-box.width // header.block)), np.int64
        )
        if not header.uniform:
            exponents = read_grid(coder, exponents.shape, tables("density"))
            if exponents.min() < 0 or exponents.max() > MAX_EXPONENT:
                raise FormatError("damaged: a density is out of range")
        density = Density(exponents, header.block, header.scale)
        points = points_from_density(
            density, box.height, box.width, header.mask, header.seed, most, origin
        )
    if not len(points) and not tiled:
        raise FormatError("damaged: the file holds no sample")
    return coder, density, points


def read_symbols(
    header: Header,
    coder: Decoder,
    points: Points,
    layers: list[bytes],
    count: int,
    whole: bool,
    finest: int | None = None,
) -> tuple[Hierarchy, NDArray[np.int32]]:
    """Hierarchy and symbols (n, planes) of a file or tile; zeros beyond the layers that are there.

    coder  : the stream of layer 0 after ``read_points``
    layers : those that are there, of ``count``
    whole  : whether each of them is; else symbols end where the bytes do
    finest : of a tile, depth of the picture's finest octave
    """
    tree = hierarchy(points, finest)
    if finest is None:
        if not 1 <= count <= len(tree.octaves):
            raise FormatError("damaged: more layers than octaves")
        shares = _octaves_of_layers(tree, count)
    else:
        if tree.depths and tree.depths[-1] > finest:
            raise FormatError("damaged: a sample is finer than the finest octave")
        shares = _octaves_of_tile(tree, count)
    model = tables("pixels" if header.lossless else "coefficients")
    symbols = np.zeros((len(points), header.planes), np.int32)
    for layer, octaves in enumerate(shares[: len(layers)]):
        if layer:
            coder = Decoder(layers[layer])
        for level, plane in _planes(octaves, header.planes):
            try:
                read_plane(coder, symbols, tree, level, plane, model)
            except FormatError:
                if whole:
                    raise
                return tree, symbols
    return tree, symbols
