"""What all tiles of a large picture share: the first pass of the encoder.

The edges of the whole picture are measured in strips, so that all tiles share one density.
"""

from dataclasses import dataclass, replace
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import container, payload
from xcodec.coding.header import Header
from xcodec.coding.lifting import depth_of
from xcodec.coding.primitives import CHECKSUM, content_size
from xcodec.coding.tiles import UNIT, Box, TileGrid
from xcodec.encoder import analysis
from xcodec.encoder.request import Request
from xcodec.pictures.colour import to_ycocg
from xcodec.sampling import density as densities
from xcodec.sampling.mask import points_from_mask, scale_about, scale_for_count, thresholds
from xcodec.types import RGB, Density

SPACINGS = 4
"""Width of a tile's margin, in spacings of the samples."""
ALIGNED = 16
"""Margins are multiples of this, so that the squares of the fill lie where the decoder has them."""
STRIP, HALO = 256, 16
"""Rows whose edges are measured at once, and rows of context above and below them."""
LAYER = 512
"""Approximate size in bytes of a layer of a tile: smaller ones are not worth their index entry."""
BYTES_PER_SAMPLE, BYTES_IF_LOSSLESS = 0.2, 1.5
"""Estimated bytes per sample, quantised and lossless."""


@dataclass(frozen=True)
class Source:
    """A picture in memory, uint8 (height, width, 3), read by rows."""

    rgb: RGB

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    def rows(self, top: int, bottom: int) -> RGB:
        """Rows top .. bottom - 1, uint8 (rows, width, 3)."""
        return self.rgb[top:bottom]


@dataclass(frozen=True)
class TilePlan:
    """What all tiles of a picture share.

    density : of the whole picture; None if the mask is explicit
    finest  : depth of the picture's finest octave
    spread  : pixels per sample
    margin  : width in pixels of the margin around a tile
    """

    grid: TileGrid
    request: Request
    density: Density | None
    finest: int
    spread: float
    margin: int

    @property
    def layers(self) -> int:
        """Number of layers of the file."""
        samples = self.grid.whole.area / self.spread / len(self.grid)
        size = samples * (BYTES_IF_LOSSLESS if self.request.lossless else BYTES_PER_SAMPLE)
        return max(1, min(self.finest + 1, payload.FINE_LAYERS + 1, int(size / LAYER)))

    @property
    def beside(self) -> int:
        """Bytes of the file beside its tiles and their entries in the index, with the checksum of
        a file that is not short."""
        empty = [[b""] * self.layers] * len(self.grid)
        file = container.write_tiled(self.header(0), self.grid.side, self.finest, empty)
        entries = sum(container.cost(layer) for tile in empty for layer in tile)
        return content_size(len(file)) - entries + CHECKSUM

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share of each tile in the samples, (tiles,); not for explicit masks."""
        assert self.density is not None
        boxes = (self.grid.box(number) for number in range(len(self.grid)))
        counts = [thresholds(part_of(self.density, box)).sum() for box in boxes]
        shares: NDArray[np.float64] = np.array(counts, np.float64) / sum(counts)
        return shares

    def header(self, step: int | None) -> Header:
        """The file's header."""
        grid = self.grid
        return analysis.header_of(grid.height, grid.width, self.density, self.request, step)


class Edges:
    """The edge strengths of a picture's blocks, measured in strips and remembered."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[tuple[str, int], NDArray[np.float64]] = {}

    def strengths(self, kind: str, block: int) -> NDArray[np.float64]:
        """The mean strength of each block, (block rows, block columns).

        kind  : as for ``DensityShape``
        block : side of a block in pixels
        """
        height, width = self._source.height, self._source.width
        if kind == "uniform":
            return np.zeros((-(-height // block), -(-width // block)))
        if (kind, block) not in self._known:
            finer = [side for other, side in self._known if other == kind and side < block]
            if finer:
                areas = densities.block_areas(height, width, max(finer))
                sums = self._known[kind, max(finer)] * areas
                found = densities.block_sums(sums, block // max(finer))
                found = found / densities.block_areas(height, width, block)
            else:
                tops = range(0, height, STRIP)
                found = np.concatenate([self._strip(top, kind, block) for top in tops])
            self._known[kind, block] = found
        return self._known[kind, block]

    def _strip(self, top: int, kind: str, block: int) -> NDArray[np.float64]:
        """Edge strength of the blocks in STRIP rows."""
        bottom = min(top + STRIP, self._source.height)
        first, last = max(0, top - HALO), min(self._source.height, bottom + HALO)
        luma = to_ycocg(self._source.rows(first, last))[..., 0]
        edges = densities.edges(luma, kind)[top - first : bottom - first]
        return densities.block_means(edges, block)


def plan(
    source: Source, request: Request, side: int, edges: Edges | None = None, about: bool = False
) -> TilePlan:
    """Measure the whole picture: the first pass.

    side  : of a tile in pixels
    edges : of the picture, if some may be known
    about : whether the rate need not be exact

    Raises InputError if an explicit mask does not fit the picture or marks no pixel.
    """
    grid = TileGrid(source.height, source.width, side)
    area = grid.whole.area
    density = None
    if isinstance(request.mask, str):
        density = _density(edges or Edges(source), request, grid, about)
        limits = thresholds(density)
        # A random mask marks pixels of any rank.
        blue = request.mask == "blue"
        finest = depth_of(int(limits.max()) - 1) if blue else container.MAX_DEPTH
        spread = 1 / request.rate
    else:
        analysis.check_mask(request.mask, (grid.height, grid.width))
        finest = max(_finest(request.mask, grid.box(number)) for number in range(len(grid)))
        spread = area / np.count_nonzero(request.mask)
    margin = ALIGNED * ceil(SPACINGS * sqrt(spread) / ALIGNED)
    return TilePlan(grid, request, density, finest, spread, min(margin, UNIT))


def part_of(density: Density, box: Box) -> Density:
    """The density of the blocks of a box, whose corner is that of a block."""
    block = density.block
    rows = slice(box.top // block, -(-box.bottom // block))
    cols = slice(box.left // block, -(-box.right // block))
    return replace(density, exponents=density.exponents[rows, cols])


def _density(edges: Edges, request: Request, grid: TileGrid, about: bool) -> Density:
    """The density of the whole picture."""
    assert isinstance(request.mask, str)
    shape, height, width = request.shape, grid.height, grid.width
    strengths = edges.strengths(shape.kind, shape.block)
    weights = request.weights
    emphasis = None if weights is None else densities.block_means(weights, shape.block)
    exponents = densities.exponents_by(strengths, shape.strength, shape.floor, emphasis)
    count = max(1, round(request.rate * height * width))
    if about:
        scale = scale_about(exponents, count / (height * width))
    else:
        mask, seed = request.mask, request.seed
        scale = scale_for_count(exponents, shape.block, height, width, count, mask, seed)
    return Density(exponents, shape.block, scale)


def _finest(mask: NDArray[np.bool_], box: Box) -> int:
    """Depth of the finest octave of an explicit mask in a tile."""
    points = points_from_mask(mask[box.slices], (box.top, box.left))
    return depth_of(int(points.ranks.max(initial=0)))
