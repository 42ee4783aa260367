"""Encoding large pictures tile by tile, in bounded memory.

A first pass measures the edges of the whole picture, so that all tiles share one density. A second
pass codes each tile on its own. It reads the tile with a margin, because the fill near a border
also depends on the samples of neighbouring tiles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import container, payload
from xcodec.coding.header import Header
from xcodec.coding.lifting import depth_of
from xcodec.coding.tiles import UNIT, Box, TileGrid
from xcodec.encoder import analysis
from xcodec.encoder.analysis import Share, within
from xcodec.encoder.request import Request
from xcodec.errors import InputError
from xcodec.pictures.colour import to_ycocg
from xcodec.sampling import density as densities
from xcodec.sampling.mask import points_from_density, points_from_mask, scale_for_count, thresholds
from xcodec.system.processes import Pool
from xcodec.types import RGB, Density

TILED_FROM = 1 << 21
"""Pictures with more pixels than this are cut into tiles."""
SIDE = 1024
"""Side of a tile in pixels."""
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

    def header(self, step: int | None) -> Header:
        """The file's header."""
        grid = self.grid
        return analysis.header_of(grid.height, grid.width, self.density, self.request, step)


@dataclass(frozen=True)
class QuantiserSetting:
    """A setting of the quantiser.

    step       : index of ``quantizer.step_of``; None if samples are lossless
    multiplier : factor on the default Lagrange multiplier
    """

    step: int | None
    multiplier: float = 1.0


@dataclass(frozen=True)
class TileJob:
    """A tile and everything that a worker needs to code it.

    window  : the pixels of ``rgb``: the tile, ``box``, and its margin
    density : of the blocks that the window touches; None if the mask is explicit
    mask    : of the window, bool (height, width), if it is explicit
    """

    header: Header
    request: Request
    layers: int
    window: Box
    box: Box
    share: Share
    rgb: RGB
    density: Density | None
    mask: NDArray[np.bool_] | None
    settings: Sequence[QuantiserSetting]


def side_for(height: int, width: int, asked: int | None) -> int | None:
    """The side of a picture's tiles in pixels; None if the file has no tiles.

    asked : the option ``tile``: 0 for no tiles; None: by the picture's size
    """
    if asked is None:
        return SIDE if height * width > TILED_FROM else None
    return asked or None


def at_rate(source: Source, request: Request, side: int, pool: Pool) -> bytes:
    """Encode a picture with the requested rate and step."""
    shared = plan(source, request, side)
    setting = QuantiserSetting(None if request.lossless else request.step_index)
    tiles = [layers for (layers,) in code_all(source, shared, [setting], pool)]
    return written(shared, setting.step, tiles)


def plan(source: Source, request: Request, side: int) -> TilePlan:
    """Measure the whole picture: the first pass.

    side : of a tile in pixels

    Raises InputError if an explicit mask does not fit the picture or marks no pixel.
    """
    grid = TileGrid(source.height, source.width, side)
    area = grid.whole.area
    density = None
    if isinstance(request.mask, str):
        density = _density(source, request)
        limits = thresholds(density)
        # A random mask marks pixels of any rank.
        blue = request.mask == "blue"
        finest = depth_of(int(limits.max()) - 1) if blue else container.MAX_DEPTH
        spread = 1 / request.rate
    else:
        if request.mask.shape != (grid.height, grid.width) or request.mask.dtype != np.bool_:
            raise InputError(f"the mask must be bool ({grid.height}, {grid.width})")
        if not (count := np.count_nonzero(request.mask)):
            raise InputError("the mask marks no pixel: at least one sample is needed")
        finest = max(_finest(request.mask, grid.box(number)) for number in range(len(grid)))
        spread = area / count
    margin = ALIGNED * ceil(SPACINGS * sqrt(spread) / ALIGNED)
    return TilePlan(grid, request, density, finest, spread, min(margin, UNIT))


Layers = list[bytes]


def code_all(
    source: Source, plan: TilePlan, settings: Sequence[QuantiserSetting], pool: Pool
) -> Iterator[list[Layers]]:
    """Code all tiles in order: the second pass. Yields the layers with each setting, by tile."""
    return pool.map(code, _jobs(source, plan, settings))


def code(job: TileJob) -> list[Layers]:
    """Code a tile in a worker: its layers with each setting."""
    draft = _analysed(job)
    written = []
    for setting in job.settings:
        if setting.step is None:
            symbols = draft.coefficients.astype(np.int32)
        else:
            symbols = draft.quantise(setting.step, job.request.effort, setting.multiplier)
        parts = draft.density, draft.points, draft.tree, symbols
        written.append(payload.write_tile(job.header, *parts, job.layers))
    return written


def written(plan: TilePlan, step: int | None, tiles: Sequence[Sequence[bytes]]) -> bytes:
    """The bytes of a file from the layers of its tiles.

    step  : index of the step that the tiles were coded with; None if samples are lossless
    tiles : layers, by tile
    """
    return container.write_tiled(plan.header(step), plan.grid.side, plan.finest, tiles)


def _density(source: Source, request: Request) -> Density:
    """The density of the whole picture, measured in strips."""
    shape = request.shape
    kind, block = shape.kind, shape.block
    height, width = source.height, source.width
    if kind == "uniform":
        strengths = np.zeros((-(-height // block), -(-width // block)))
    else:
        strips = [
            _edges(source, top, min(top + STRIP, height), kind, block)
            for top in range(0, height, STRIP)
        ]
        strengths = np.concatenate(strips)
    emphasis = None if request.weights is None else densities.block_means(request.weights, block)
    exponents = densities.exponents_by(strengths, shape.strength, shape.floor, emphasis)
    count = max(1, round(request.rate * height * width))
    assert isinstance(request.mask, str)
    scale = scale_for_count(exponents, block, height, width, count, request.mask, request.seed)
    return Density(exponents, block, scale)


def _edges(source: Source, top: int, bottom: int, kind: str, block: int) -> NDArray[np.float64]:
    """Edge strength of the blocks in a strip of rows."""
    first, last = max(0, top - HALO), min(source.height, bottom + HALO)
    luma = to_ycocg(source.rows(first, last))[..., 0]
    edges = densities.edges(luma, kind)[top - first : bottom - first]
    return densities.block_means(edges, block)


def _finest(mask: NDArray[np.bool_], box: Box) -> int:
    """Depth of the finest octave of an explicit mask in a tile."""
    points = points_from_mask(mask[box.slices], (box.top, box.left))
    return depth_of(int(points.ranks.max(initial=0)))


def _jobs(
    source: Source, plan: TilePlan, settings: Sequence[QuantiserSetting]
) -> Iterator[TileJob]:
    grid, mask = plan.grid, plan.request.mask
    header = replace(plan.header(None), sections={})
    # Workers get the parts of arrays that their windows need, not those of the whole picture.
    request = replace(plan.request, weights=None, sections={})
    if not isinstance(mask, str):
        request = replace(request, mask="blue")
    weights = plan.request.weights
    top, strip = -1, np.empty((0, 0, 3), np.uint8)
    for number in range(len(grid)):
        box = grid.box(number)
        window = box.grown(plan.margin, grid.whole)
        if window.top != top:
            top, strip = window.top, source.rows(window.top, window.bottom)
        inner = Box(box.top - window.top, box.left - window.left, box.height, box.width)
        density = None
        if plan.density is not None:
            density = _part(plan.density, _aligned(window, plan.density.block, grid.whole))
        yield TileJob(
            header=header,
            request=request
            if weights is None
            else replace(request, weights=weights[window.slices]),
            layers=plan.layers,
            window=window,
            box=box,
            share=Share(inner, plan.finest, plan.spread),
            rgb=np.ascontiguousarray(strip[:, window.left : window.right]),
            density=density,
            mask=None if isinstance(mask, str) else mask[window.slices],
            settings=settings,
        )


def _analysed(job: TileJob) -> analysis.Analysis:
    """A tile, sampled and transformed."""
    window, header = job.window, job.header
    if job.density is None:
        assert job.mask is not None
        points = points_from_mask(job.mask, (window.top, window.left))
        return analysis.transformed(job.rgb, None, points, job.request, job.share)
    whole = Box(0, 0, header.height, header.width)
    blocks = _aligned(window, header.block, whole)
    points = points_from_density(
        job.density,
        blocks.height,
        blocks.width,
        header.mask,
        header.seed,
        origin=(blocks.top, blocks.left),
    )
    inner = Box(window.top - blocks.top, window.left - blocks.left, window.height, window.width)
    points = within(points, inner)[1]
    own = Box(job.box.top - blocks.top, job.box.left - blocks.left, job.box.height, job.box.width)
    return analysis.transformed(job.rgb, _part(job.density, own), points, job.request, job.share)


def _aligned(window: Box, block: int, whole: Box) -> Box:
    """The pixels of the blocks that a window touches."""
    top, left = window.top // block * block, window.left // block * block
    bottom = min(-(-window.bottom // block) * block, whole.bottom)
    right = min(-(-window.right // block) * block, whole.right)
    return Box(top, left, bottom - top, right - left)


def _part(density: Density, box: Box) -> Density:
    """The density of the blocks of a box, whose corner is that of a block."""
    block = density.block
    rows = slice(box.top // block, -(-box.bottom // block))
    cols = slice(box.left // block, -(-box.right // block))
    return replace(density, exponents=density.exponents[rows, cols])
