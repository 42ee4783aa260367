"""The payload of a file: density or mask, then the symbols, level by level.

Layer 0 has the density (or, before its stream, the length and bytes of an explicit mask) and the
coarse octaves. Each further layer has one finer octave, in a stream of its own. A tile is written
like a picture, except that octaves and ranks are those of the whole picture.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.context import tables
from xcodec.coding.explicit_mask import read_mask, write_mask
from xcodec.coding.header import Header
from xcodec.coding.lifting import Hierarchy, Lifting, hierarchy
from xcodec.coding.planes import PlaneCoder, read_grid, write_grid
from xcodec.coding.primitives import Reader, varint
from xcodec.coding.rangecoder import Decoder, Encoder
from xcodec.coding.tiles import Box
from xcodec.coding.value_contexts import ValueCoder, ValueContexts
from xcodec.errors import FormatError
from xcodec.sampling.mask import (
    FREE_SAMPLES,
    MAX_EXPONENT,
    MAX_SAMPLES,
    SAMPLES_PER_BYTE,
    check_count,
    most_samples,
    points_from_density,
    points_from_mask,
)
from xcodec.types import Density, Ints, Points

LAYERED_FROM = 4096
"""Bytes of payload from which a file is divided into layers, each with a checksum."""
FINE_LAYERS = 4
"""Largest number of layers after the first."""

Tally = Callable[[str, int], None]
"""Called after each part with "density", "luma" or "chroma" and the bits that it took."""


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
    contexts: ValueContexts | None,
    tally: Tally = _ignore,
) -> list[bytes]:
    """Return the layers of a file: a single one if it is small, else one for each fine octave.

    contexts : of the points; None if the samples are lossless
    """
    shares = _octaves_of_layers(tree, 1)
    layers = _write(header, density, points, tree, symbols, contexts, shares, tally)
    octaves = len(tree.octaves)
    if len(layers[0]) >= LAYERED_FROM and octaves >= 2:
        shares = _octaves_of_layers(tree, min(octaves, FINE_LAYERS + 1))
        layers = _write(header, density, points, tree, symbols, contexts, shares, _ignore)
    return _long_enough(layers, len(points))


def write_tile(
    header: Header,
    density: Density | None,
    points: Points,
    tree: Hierarchy,
    symbols: Ints,
    contexts: ValueContexts | None,
    layers: int,
    tally: Tally = _ignore,
) -> list[bytes]:
    """Return the layers of a tile, some of which may be empty.

    contexts : as for ``write``
    layers   : their number, the same for all tiles
    """
    if density is None and not len(points):
        return [b""] * layers
    shares = _octaves_of_tile(tree, layers)
    written = _write(header, density, points, tree, symbols, contexts, shares, tally)
    return _long_enough(written, len(points))


def _long_enough(layers: list[bytes], samples: int) -> list[bytes]:
    """Pad layers with zeros to the size that decoders require for this number of samples."""
    # Symbols that are nearly all 0 take almost no bytes.
    least = -(-(samples - FREE_SAMPLES) // SAMPLES_PER_BYTE)
    layers[-1] += bytes(max(0, least - sum(len(layer) for layer in layers)))
    return layers


def _octaves_of_layers(tree: Hierarchy, layers: int) -> list[list[range]]:
    """Return the octaves of each layer: one in each but the first, which has the rest."""
    octaves = tree.octaves
    coarse = len(octaves) - layers + 1
    return [octaves[:coarse], *([octave] for octave in octaves[coarse:])]


def _octaves_of_tile(tree: Hierarchy, layers: int) -> list[list[range]]:
    """Return the octaves of each layer of a tile, by depth, so that all tiles agree."""
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
    contexts: ValueContexts | None,
    shares: list[list[range]],
    tally: Tally,
) -> list[bytes]:
    """Return one layer for each share of the octaves."""
    front = b""
    coder = Encoder()
    if density is None:
        mask = write_mask(_mask_of(points))
        front = varint(len(mask)) + mask
        tally("density", 8 * len(front))
    elif not header.uniform:
        write_grid(coder, density.exponents, tables("density"))
        tally("density", coder.size())
    planes = _plane_coder(header, tree, contexts)
    written = []
    for octaves in shares:
        for level, plane in _planes(octaves, header.planes):
            before = coder.size()
            planes.write_plane(coder, symbols, level, plane)
            tally("chroma" if plane else "luma", coder.size() - before)
        written.append(coder.finish())
        coder = Encoder()
    written[0] = front + written[0]
    return written


def _plane_coder(
    header: Header, tree: Hierarchy, contexts: ValueContexts | None
) -> PlaneCoder | ValueCoder:
    if contexts is None:
        return PlaneCoder(tree, tables("pixels"))
    assert header.step is not None
    return ValueCoder(contexts, header.step, header.planes)


def _planes(octaves: list[range], planes: int) -> Iterator[tuple[int, int]]:
    """Yield levels and planes of octaves in coding order."""
    for octave in octaves:
        yield from itertools.product(octave, range(planes))


def read_points(
    header: Header, layers: list[bytes], whole: bool, box: Box | None = None
) -> tuple[Decoder, Density | None, Points]:
    """Read the points of a file or tile.

    Returns the decoder of layer 0, in front of the first symbol; the density, or None with an
    explicit mask; and the points.

    layers : those that are present
    whole  : whether all layers are present and complete
    box    : the pixels of a tile, which may have no samples; None if the picture is not tiled

    Raises FormatError, or LimitError if there are too many points for so few bytes.
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
) -> tuple[Hierarchy, ValueContexts | None, NDArray[np.int32]]:
    """Read the symbols of a file or tile.

    Returns the hierarchy; contexts, or None if samples are lossless; and symbols
    int32 (n, planes), which are 0 beyond the layers that are present.

    coder  : as returned by ``read_points``
    layers : those that are present
    count  : the number of layers in the index
    whole  : whether the present layers are complete; if not, symbols are read as far as possible
    finest : depth of the picture's finest octave; None if the picture is not tiled

    Raises FormatError.
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
    contexts = None
    if not header.lossless:
        contexts = ValueContexts(points, tree, Lifting(points, tree))
    planes = _plane_coder(header, tree, contexts)
    symbols = np.zeros((len(points), header.planes), np.int32)
    for layer, octaves in enumerate(shares[: len(layers)]):
        if layer:
            coder = Decoder(layers[layer])
        for level, plane in _planes(octaves, header.planes):
            try:
                planes.read_plane(coder, symbols, level, plane)
            except FormatError:
                if whole:
                    raise
                return tree, contexts, symbols
    return tree, contexts, symbols
