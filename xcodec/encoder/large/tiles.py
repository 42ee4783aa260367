"""Encoding large pictures tile by tile, in bounded memory.

A first pass measures the whole picture (``tile_plan``). A second pass codes each tile on its own.
It reads the tile with a margin, because the fill near a border also depends on the samples of
neighbouring tiles.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import container, payload
from xcodec.coding.header import Header
from xcodec.coding.tiles import Box
from xcodec.encoder import analysis
from xcodec.encoder.analysis import Analysis, Share, within
from xcodec.encoder.large.tile_plan import Source, TilePlan, part_of, plan
from xcodec.encoder.request import Request
from xcodec.reconstruction.classical import fill
from xcodec.sampling.mask import points_from_density, points_from_mask
from xcodec.system.processes import Pool
from xcodec.types import RGB, Density

TILED_FROM = 1 << 21
"""Pictures with more pixels than this are cut into tiles."""
SIDE = 1024
"""Side of a tile in pixels."""
CHANNELS = 3


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
    step = None if request.lossless else request.step_index
    coded = [tile for (tile,) in code_all(source, shared, [QuantiserSetting(step)], pool)]
    return written(shared, step, coded)


@dataclass(frozen=True)
class CodedTile:
    """A tile with one setting.

    error : what it adds to the squared error of the picture, summed over R, G and B: an estimate,
            since the neighbours' symbols are not known; 0 if it was not asked for
    """

    layers: list[bytes]
    error: float = 0.0

    @property
    def size(self) -> int:
        """The bytes that it adds to a file."""
        return sum(map(container.cost, self.layers))


def code_all(
    source: Source,
    plan: TilePlan,
    settings: Sequence[QuantiserSetting],
    pool: Pool,
    numbers: Sequence[int] | None = None,
    errors: bool = False,
) -> Iterator[list[CodedTile]]:
    """Code tiles: the second pass. Yields them with each setting.

    numbers : which tiles, ascending; None: all
    errors  : whether errors are asked for
    """
    return pool.map(partial(code, errors=errors), _jobs(source, plan, settings, numbers))


def code(job: TileJob, errors: bool = False) -> list[CodedTile]:
    """Code a tile in a worker, with each setting. Arguments as for ``code_all``."""
    draft, coded = _analysed(job), []
    for step, group in itertools.groupby(job.settings, lambda setting: setting.step):
        header = replace(job.header, step=step)
        if step is None:
            chosen = [draft.coefficients.astype(np.int32)]
        else:
            multipliers = [setting.multiplier for setting in group]
            chosen = draft.quantise_each(step, job.request.effort, multipliers)
        for symbols in chosen:
            parts = draft.density, draft.points, draft.tree, symbols, draft.contexts
            layers = payload.write_tile(header, *parts, job.layers)
            error = _error(draft, symbols, step, job) if errors and step is not None else 0.0
            coded.append(CodedTile(layers, error))
    return coded


def _error(draft: Analysis, symbols: NDArray[np.int32], step: int, job: TileJob) -> float:
    """The error of ``CodedTile``."""
    if not len(draft.points):
        return 0.0
    samples = draft.samples(symbols, step)
    own, window = job.share.box, job.window
    if draft.problem is None:
        painted = fill(samples).rgb
        return float(np.square(painted - job.rgb[own.slices].astype(np.float32)).sum())
    values = (samples.values - draft.origin)[:, : symbols.shape[1]]
    # The margin shows what quantisation does to neighbours, and has an error of its own besides.
    free = draft.problem.error(draft.problem.values)
    added = draft.problem.error(values) - free
    return CHANNELS * (own.area * free + window.area * added)


def written(plan: TilePlan, step: int | None, tiles: Sequence[CodedTile]) -> bytes:
    """The bytes of a file from its tiles.

    step : index of the step that the tiles were coded with; None if samples are lossless
    """
    layers = [tile.layers for tile in tiles]
    return container.write_tiled(plan.header(step), plan.grid.side, plan.finest, layers)


def _jobs(
    source: Source,
    plan: TilePlan,
    settings: Sequence[QuantiserSetting],
    numbers: Sequence[int] | None,
) -> Iterator[TileJob]:
    grid, mask = plan.grid, plan.request.mask
    header = replace(plan.header(None), sections={})
    # Workers get the parts of arrays that their windows need, not those of the whole picture.
    request = replace(plan.request, weights=None, sections={})
    if not isinstance(mask, str):
        request = replace(request, mask="blue")
    weights = plan.request.weights
    rows, strip = (-1, -1), np.empty((0, 0, 3), np.uint8)
    for number in range(len(grid)) if numbers is None else numbers:
        box = grid.box(number)
        window = box.grown(plan.margin, grid.whole)
        if (window.top, window.bottom) != rows:
            rows = window.top, window.bottom
            strip = source.rows(*rows)
        inner = Box(box.top - window.top, box.left - window.left, box.height, box.width)
        density = None
        if plan.density is not None:
            density = part_of(plan.density, _aligned(window, plan.density.block, grid.whole))
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
    return analysis.transformed(job.rgb, part_of(job.density, own), points, job.request, job.share)


def _aligned(window: Box, block: int, whole: Box) -> Box:
    """The pixels of the blocks that a window touches."""
    top, left = window.top // block * block, window.left // block * block
    bottom = min(-(-window.bottom // block) * block, whole.bottom)
    right = min(-(-window.right // block) * block, whole.right)
    return Box(top, left, bottom - top, right - left)
