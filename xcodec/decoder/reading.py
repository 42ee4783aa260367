"""Reading a file tile by tile, whole or damaged."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import container, lifting, payload, quantizer
from xcodec.coding.container import Contents
from xcodec.coding.header import Header
from xcodec.coding.lifting import Hierarchy, Lifting
from xcodec.coding.primitives import Data
from xcodec.coding.synthesis import GREY, synthesise
from xcodec.coding.tiles import Box
from xcodec.coding.value_contexts import ValueContexts
from xcodec.errors import FormatError
from xcodec.pictures.colour import from_ycocg_r, to_ycocg
from xcodec.sampling.mask import MAX_SCALE
from xcodec.types import Density, Points, Samples

LIMITS = MAX_SCALE, quantizer.MAX_STEP_INDEX
"""Largest scale and index of the step in a header."""


@dataclass(frozen=True)
class Tile:
    """A tile, or a picture that is not tiled.

    box     : its pixels
    layers  : number of layers of the file
    whole   : whether all that was read has a valid checksum
    points   : rows and columns are counted from the corner of the box
    contexts : None if samples are lossless
    symbols  : int32 (n, planes)
    """

    header: Header
    box: Box
    layers: int
    whole: bool
    density: Density | None
    points: Points
    tree: Hierarchy
    contexts: ValueContexts | None
    symbols: NDArray[np.int32]

    def pixels(self) -> NDArray[np.uint8]:
        """RGB, uint8 (n, 3), of lossless samples."""
        planes = np.zeros((len(self.symbols), len(GREY)), np.int64)
        planes[:, : self.header.planes] = lifting.restore(self.symbols, self.tree)
        planes += GREY
        return np.clip(from_ycocg_r(planes.astype(np.int32)), 0, 255).astype(np.uint8)

    def samples(self) -> Samples:
        """The samples that a picture is reconstructed from."""
        if self.header.step is None or self.contexts is None:
            return Samples(self.points, to_ycocg(self.pixels()), tone="point")
        lifting, step, tone = self.contexts.lifting, self.header.step, self.header.tone
        return synthesise(self.points, self.tree, lifting, self.symbols, step, tone)

    def coarser(self, depth: int) -> "Tile":
        """This tile without the octaves finer than a depth; at least one octave is kept."""
        tree, points = self.tree, self.points
        levels = sum(own <= max(depth, tree.depths[0]) for own in tree.depths) if len(tree) else 0
        end = tree.bounds[levels]
        if end == len(points):
            return self
        cut = Hierarchy(
            tree.bounds[: levels + 1],
            tree.depths[:levels],
            tree.finest,
            tree.neighbours[:end],
            tree.distances[:levels],
            tree.spacing[:end],
        )
        rows, cols, ranks = points.rows[:end], points.cols[:end], points.ranks[:end]
        fewer = Points(points.height, points.width, rows, cols, ranks)
        contexts = None if self.contexts is None else ValueContexts(fewer, cut, Lifting(fewer, cut))
        symbols = self.symbols[:end]
        return replace(self, points=fewer, tree=cut, contexts=contexts, symbols=symbols)


@dataclass(frozen=True)
class Coded:
    """The bytes of a tile, and what a worker needs to read them.

    box, finest : of the tile; None if the picture is not tiled
    layers      : the layers that are present
    count       : number of layers of the file
    whole       : whether each layer has a valid checksum
    """

    header: Header
    box: Box | None
    finest: int | None
    layers: list[bytes]
    count: int
    whole: bool


def coded(contents: Contents, number: int = 0) -> Coded:
    """The bytes of a tile. Raises FormatError if they are damaged."""
    box = None if contents.finest is None else contents.grid.box(number)
    layers, whole = contents.tile(number)
    return Coded(contents.header, box, contents.finest, layers, contents.layers, whole)


def parsed(coded: Coded) -> Tile:
    """Read a tile from its bytes. Raises FormatError if they are damaged, or no layer is left."""
    header, layers = coded.header, coded.layers
    if not layers:
        raise FormatError("damaged: nothing is left of a tile")
    coder, density, points = payload.read_points(header, layers, coded.whole, coded.box)
    tree, contexts, symbols = payload.read_symbols(
        header, coder, points, layers, coded.count, coded.whole, coded.finest
    )
    box = coded.box or Box(0, 0, header.height, header.width)
    return Tile(header, box, coded.count, coded.whole, density, points, tree, contexts, symbols)


def opened(data: Data, max_pixels: int, partial: bool = False, check: bool = True) -> Contents:
    """Read the header and the index of a file.

    partial : accept a damaged file, with a warning
    check   : verify the checksum of a tiled file; otherwise tiles are verified when read

    Raises FormatError if the file is damaged, LimitError if it has more than ``max_pixels``.
    """
    try:
        return container.read(data, max_pixels=max_pixels, limits=LIMITS, check=check)
    except FormatError:
        if not partial:
            raise
    contents = container.read(data, max_pixels=max_pixels, limits=LIMITS, partial=True)
    unchecked = ""
    if contents.finest is None and not contents.tile()[1]:
        unchecked = ", which has no checksum of its own"
    warnings.warn(f"damaged or cut short: decoded from what is left{unchecked}", stacklevel=3)
    return contents


def tiles(contents: Contents) -> Iterator[Tile]:
    """The tiles of a whole file, one after another."""
    return (parsed(coded(contents, i)) for i in range(len(contents.grid)))


def single(data: bytes, max_pixels: int, partial: bool) -> Tile:
    """Read a picture that is not tiled. Raises FormatError if the bytes are damaged."""
    return parsed(coded(opened(data, max_pixels, partial)))
