"""Pictures from files, in strips of rows: a window at a time, in bounded memory."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.container import Contents
from xcodec.coding.tiles import Box
from xcodec.decoder.mosaic import Mosaic
from xcodec.errors import InputError
from xcodec.kriging.fill import FINENESS, LARGEST_SQUARE
from xcodec.options import DecodeOptions
from xcodec.pictures.modes import to_depth
from xcodec.reconstruction import opencv_painter, tiling
from xcodec.reconstruction.architecture import MULTIPLE
from xcodec.reconstruction.classical import SMOOTH, fill
from xcodec.system import threads
from xcodec.system.processes import Pool, workers
from xcodec.types import Fill, Floats, Points, Samples

WHOLE = 1 << 21
"""Pictures of at most this many pixels are filled in one piece."""
SIDE = 1024
"""Side of the windows that larger ones are filled in: a multiple of LARGEST_SQUARE."""
WORTH_WORKERS = 1 << 20
"""Pixels from which starting other processes takes less time than it saves."""
AHEAD = 4
"""Windows whose tiles are read before they are painted."""


@dataclass(frozen=True)
class _Window:
    """A window of a picture and what it is painted from.

    exact : RGB of the samples where they are lossless
    """

    box: Box
    samples: Samples
    exact: NDArray[np.uint8] | None


def part_of(whole: Box, options: DecodeOptions) -> Box:
    """The pixels of a picture that are decoded, counted in those of the smaller picture.

    Raises InputError where the region lies outside.
    """
    left, top, width, height = options.region or (0, 0, whole.width, whole.height)
    right, bottom = min(left + width, whole.width), min(top + height, whole.height)
    if left >= right or top >= bottom:
        raise InputError(f"the region lies outside the picture of {whole.width}x{whole.height}")
    n = options.downsample
    left, top, right, bottom = left // n, top // n, -(-right // n), -(-bottom // n)
    return Box(top, left, bottom - top, right - left)


def part_of_plane(plane: NDArray[np.uint8], options: DecodeOptions) -> NDArray[np.uint8]:
    """The part of a plane of the whole picture, (height, width), that is decoded."""
    n, box = options.downsample, part_of(Box(0, 0, *plane.shape), options)
    part = plane[box.top * n : box.bottom * n, box.left * n : box.right * n, None]
    return part[..., 0] if n == 1 else to_depth(_means(part.astype(np.float32), n)[..., 0], 8)


def draw(contents: Contents, options: DecodeOptions, deep: bool) -> NDArray[np.uint8] | Floats:
    """The picture, RGB (height, width, 3): uint8, or where ``deep``, float32 and not clipped.

    options : with the name or path of a model, not "auto"
    """
    box = part_of(contents.grid.whole, options)
    rgb = np.empty((box.height, box.width, 3), np.float32 if deep else np.uint8)
    top = 0
    with workers(options.jobs if box.area >= WORTH_WORKERS else 1) as pool:
        for strip in strips(contents, options, pool):
            rgb[top : top + len(strip)] = strip if deep else to_depth(strip, 8)
            top += len(strip)
    return rgb


def grid_for(downsample: int) -> int:
    """How many times smaller a picture is reconstructed before it is averaged to be ``downsample``
    times smaller."""
    # Samples lie between pixels of a coarse grid: averages of a finer one are far better.
    return downsample if downsample < 2 else max(2, downsample // 4)


def strips(contents: Contents, options: DecodeOptions, pool: Pool) -> Iterator[Floats]:
    """The picture as strips of whole rows from the top, float32 (rows, width, 3), not clipped."""
    grid = grid_for(options.downsample)
    mosaic, region = Mosaic(contents, grid, pool), part_of(contents.grid.whole, options)
    each = options.downsample // grid
    top, left = region.top * each, region.left * each
    height = min(region.height * each, mosaic.whole.height - top)
    width = min(region.width * each, mosaic.whole.width - left)
    box = Box(top, left, height, width)
    if options.decoder == "classical":
        # Averages hide the differences between neighbours.
        painted = _classical(mosaic, box, pool, SMOOTH if each == 1 else FINENESS)
    else:
        painted = _by_generator(mosaic, box, options, pool)
    return painted if each == 1 else _averaged(painted, each)


def _averaged(strips: Iterator[Floats], each: int) -> Iterator[Floats]:
    """Strips of a picture made smaller: means of squares of ``each`` by ``each`` pixels."""
    waiting = np.empty((0, 0, 3), np.float32)
    for strip in strips:
        rows = np.concatenate([waiting, strip]) if len(waiting) else strip
        ready = len(rows) // each * each
        if ready:
            yield _means(rows[:ready], each)
        waiting = rows[ready:]
    if len(waiting):
        yield _means(waiting, each)


def _means(rows: Floats, each: int) -> Floats:
    """Means of squares, which the last column and row are repeated to fill."""
    short = [(0, -side % each) for side in rows.shape[:2]]
    full = np.pad(rows, [*short, (0, 0)], "edge")
    high, wide = full.shape[0] // each, full.shape[1] // each
    means: Floats = full.reshape(high, each, wide, each, -1).mean((1, 3))
    return means


def _classical(mosaic: Mosaic, region: Box, pool: Pool, fineness: float) -> Iterator[Floats]:
    """The fill, from windows that lie where those of the whole picture do."""
    box = _aligned(region, LARGEST_SQUARE)
    side = SIDE if region.area > WHOLE else max(box.height, box.width)
    windows = [
        Box(top, left, min(side, box.bottom - top), min(side, box.right - left))
        for top in range(box.top, box.bottom, side)
        for left in range(box.left, box.right, side)
    ]
    work = partial(_filled_rgb, fineness=fineness)
    painted = zip(windows, pool.map(work, _prepared(mosaic, windows)), strict=True)
    strip: list[Floats] = []
    for window, rgb in painted:
        strip.append(rgb)
        if window.right == box.right:
            rows = np.concatenate(strip, 1)
            first = max(region.top - window.top, 0)
            yield rows[first:, region.left - box.left :]
            strip = []


def _by_generator(
    mosaic: Mosaic, region: Box, options: DecodeOptions, pool: Pool
) -> Iterator[Floats]:
    """The generator's picture: this process paints while others prepare fills."""
    start = threads.later(partial(_painter, options, region.area))
    # A part sees as much around it as a tile of the whole picture does.
    box = _aligned(region.grown(tiling.MARGIN, mosaic.whole), MULTIPLE)
    windows = [
        Box(box.top + top, box.left + left, bottom - top, right - left)
        for top, bottom, left, right in tiling.windows(box.height, box.width)
    ]
    fills = pool.map(_filled, _prepared(mosaic, windows))
    fills = chain([next(fills)], fills)  # Meanwhile.
    painter = start.result()
    pictures = (_kept(window, painter.window(window.samples, fill)) for window, fill in fills)
    top, cols = box.top, slice(region.left - box.left, region.right - box.left)
    for strip in tiling.blended(box.height, box.width, pictures):
        rows = slice(max(region.top - top, 0), max(region.bottom - top, 0))
        top += len(strip)
        if len(cut := strip[rows, cols]):
            yield cut


class _Painter(Protocol):
    """A generator where it paints."""

    def window(self, samples: Samples, fill: Fill, rows: slice = ..., cols: slice = ...) -> Floats:
        """RGB float32 (rows, cols, 3) of samples and their classical fill, not clipped."""


def _painter(options: DecodeOptions, pixels: int) -> _Painter:
    """The generator for so many pixels, by the runtime that is ready first."""
    if opencv_painter.suits(options.device, pixels):
        return opencv_painter.painter(options.model, options.realism)
    gc.disable()  # Garbage collection in vain is a sixth of the time that torch takes to load.
    try:
        from xcodec.reconstruction import torch_painter
    finally:
        gc.enable()
    return torch_painter.painter(options.model, options.device, options.realism)


def _aligned(region: Box, unit: int) -> Box:
    """A region whose corner is moved out to a multiple of some pixels."""
    top, left = region.top // unit * unit, region.left // unit * unit
    return Box(top, left, region.bottom - top, region.right - left)


def _prepared(mosaic: Mosaic, windows: list[Box]) -> Iterator[_Window]:
    """Windows in row order with the samples around them; tiles are read a little ahead."""
    for number, box in enumerate(windows):
        for later in windows[number : number + AHEAD]:
            mosaic.ask(later)
        samples, exact = mosaic.around(box)
        yield _Window(box, samples, exact)
        if number + 1 < len(windows) and windows[number + 1].top > box.top:
            mosaic.forget_above(box.top)


def _filled(window: _Window) -> tuple[_Window, Fill]:
    """A worker's part where a network paints."""
    return window, fill(window.samples)


def _filled_rgb(window: _Window, fineness: float) -> Floats:
    """A worker's part where none does."""
    return _kept(window, fill(window.samples, fineness).rgb)


def _kept(window: _Window, rgb: Floats) -> Floats:
    """A painted window with known pixels put back."""
    return rgb if window.exact is None else kept(rgb, window.samples.points, window.exact)


def kept(rgb: Floats, points: Points, colours: NDArray[np.uint8]) -> Floats:
    """A painted picture with the colours (n, 3) of those points put back that lie in it."""
    inside = (points.rows >= 0) & (points.rows < points.height)
    inside &= (points.cols >= 0) & (points.cols < points.width)
    rgb = rgb.copy()
    rgb[points.rows[inside], points.cols[inside]] = colours[inside]
    return rgb


def reconstructed(samples: Samples, options: DecodeOptions) -> Floats:
    """The picture of samples, RGB (height, width, 3), not clipped.

    options : decoder, device, and a model that is not "auto"; the others have no effect
    """
    if options.decoder == "classical":
        return fill(samples, SMOOTH).rgb
    pixels = samples.points.height * samples.points.width
    painter, filled = _painter(options, pixels), fill(samples)
    return tiling.in_windows(
        samples.points.height,
        samples.points.width,
        lambda rows, cols: painter.window(samples, filled, rows, cols),
    )
