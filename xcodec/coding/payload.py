"""What lies between the header and the checksum: density or mask, then the symbols level by level.

Layer 0 holds the density (or, before its stream, an explicit mask with its length) and the coarse
octaves; each later layer holds one finer octave, a stream of its own.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import container
from xcodec.coding.container import Header
from xcodec.coding.context import tables
from xcodec.coding.layers import read_grid, read_plane, write_grid, write_plane
from xcodec.coding.lifting import Hierarchy, hierarchy
from xcodec.coding.maskcode import read_mask, write_mask
from xcodec.coding.rangecoder import Decoder, Encoder
from xcodec.errors import FormatError
from xcodec.samples import Density, Ints, Points
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

LAYERED_FROM = 4096
"""Bytes of payload from which a file has layers with checksums of their own."""
FINE_LAYERS = 4

Tally = Callable[[str, int], None]
"""Told after each part: "density", "luma" or "chroma", and the bits that it took."""


def grid_shape(header: Header) -> tuple[int, int]:
    """Blocks of a picture's density, (high, wide)."""
    return -(-header.height // header.block), -(-header.width // header.block)


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
    layers = _write(header, density, points, tree, symbols, 1, tally)
    octaves = len(tree.octaves)
    if len(layers[0]) >= LAYERED_FROM and octaves >= 2:
        count = min(octaves, FINE_LAYERS + 1)
        layers = _write(header, density, points, tree, symbols, count, _ignore)
    # Where hardly a symbol differs from 0, zeros are added until decoders take the file.
    least = -(-(len(points) - FREE_SAMPLES) // SAMPLES_A_BYTE)
    layers[-1] += bytes(max(0, least - sum(len(layer) for layer in layers)))
    return layers


def _octaves_of_layers(tree: Hierarchy, layers: int) -> list[list[range]]:
    """The octaves in each layer: all that are left in the first, one in each other."""
    octaves = tree.octaves
    coarse = len(octaves) - layers + 1
    return [octaves[:coarse], *([octave] for octave in octaves[coarse:])]


def _write(
    header: Header,
    density: Density | None,
    points: Points,
    tree: Hierarchy,
    symbols: Ints,
    layers: int,
    tally: Tally,
) -> list[bytes]:
    front = b""
    coder = Encoder()
    if density is None:
        mask = write_mask(_mask_of(points))
        front = container.varint(len(mask)) + mask
        tally("density", 8 * len(front))
    elif not header.uniform:
        write_grid(coder, density.exponents, tables("density"))
        tally("density", coder.size())
    model = tables("pixels" if header.lossless else "coefficients")
    written = []
    for octaves in _octaves_of_layers(tree, layers):
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
    header: Header, layers: list[bytes], whole: bool
) -> tuple[Decoder, Density | None, Points]:
    """The points of a file, and the stream of its layer 0 where the symbols begin.

    whole : whether all layers are there

    Raises FormatError, or LimitError where there are too many points for so few bytes.
    """
    layer = layers[0]
    most = most_samples(sum(map(len, layers))) if whole else MAX_SAMPLES
    if header.mask == "explicit":
        reader = container.Reader(layer)
        mask = reader.take(reader.varint(len(layer), "the length of the mask"))
        marked = read_mask(mask, header.height, header.width)
        if not marked.any():
            raise FormatError("damaged: the file holds no sample")
        check_count(int(np.count_nonzero(marked)), most)
        points = points_from_mask(marked)
        return Decoder(layer[reader.at :], whole), None, points
    coder = Decoder(layer, whole)
    exponents: Ints = np.zeros(grid_shape(header), np.int64)
    if not header.uniform:
        exponents = read_grid(coder, exponents.shape, tables("density"))
        if exponents.min() < 0 or exponents.max() > MAX_EXPONENT:
            raise FormatError("damaged: a density is out of range")
    density = Density(exponents, header.block, header.scale)
    points = points_from_density(
        density, header.height, header.width, header.mask, header.seed, most
    )
    if not len(points):
        raise FormatError("damaged: the file holds no sample")
    return coder, density, points


def read_symbols(
    header: Header, coder: Decoder, points: Points, layers: list[bytes], count: int, whole: bool
) -> tuple[Hierarchy, NDArray[np.int32]]:
    """Hierarchy and symbols (n, planes) of a file; zeros beyond the layers that are there.

    coder  : the stream of layer 0 after ``read_points``
    layers : those that are there, of ``count``
    whole  : whether each of them is; else symbols end where the bytes do
    """
    tree = hierarchy(points)
    if not 1 <= count <= len(tree.octaves):
        raise FormatError("damaged: more layers than octaves")
    model = tables("pixels" if header.lossless else "coefficients")
    symbols = np.zeros((len(points), header.planes), np.int32)
    for layer, octaves in enumerate(_octaves_of_layers(tree, count)[: len(layers)]):
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
