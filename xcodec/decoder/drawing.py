"""Reconstructing pictures from files window by window, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.container import Contents
from xcodec.coding.tiles import Box
from xcodec.decoder.mosaic import Mosaic
from xcodec.errors import InputError
from xcodec.kriging.fill import FINENESS, LARGEST_SQUARE
from xcodec.options import DecodeOptions
from xcodec.pictures.modes import to_depth
from xcodec.reconstruction import runtime, tiling
from xcodec.reconstruction.architecture import MULTIPLE
from xcodec.reconstruction.classical import SMOOTH, fill
from xcodec.reconstruction.painter import Painter
from xcodec.system import threads
from xcodec.system.processes import Pool, workers
from xcodec.types import Fill, Floats, Points, Samples

WHOLE = 1 << 21
"""The classical decoder fills parts of at most this many pixels in one piece."""
SIDE = 1024
"""Side in pixels of the windows that larger parts are filled in: a multiple of LARGEST_SQUARE."""
WORTH_WORKERS = 1 << 20
"""Number of pixels from which starting other processes saves more time than it takes."""
AHEAD = 4
"""Number of windows whose tiles are requested ahead."""


@dataclass(frozen=True)
class _Window:
    """A window of a picture and the samples that it is reconstructed from.

    exact : RGB of the samples, uint8 (n, 3), if they are lossless
    """

    box: Box
    samples: Samples
    exact: NDArray[np.uint8] | None


def part_of(whole: Box, options: DecodeOptions) -> Box:
    """The part of a picture that is decoded, in pixels of the downsampled picture.

    Raises InputError if the region lies outside the picture.
    """
    left, top, width, height = options.region or (0, 0, whole.width, whole.height)
    right, bottom = min(left + width, whole.width), min(top + height, whole.height)
    if left >= right or top >= bottom:
        raise InputError(f"the region lies outside the picture of {whole.width}x{whole.height}")
    n = options.downsample
    left, top, right, bottom = left // n, top // n, -(-right // n), -(-bottom // n)
    return Box(top, left, bottom - top, right - left)


def part_of_plane(plane: NDArray[np.uint8], options: DecodeOptions) -> NDArray[np.uint8]:
    """The decoded part of a plane, uint8 (height, width), of the whole picture."""
    n, box = options.downsample, part_of(Box(0, 0, *plane.shape), options)
    part = plane[box.top * n : box.bottom * n, box.left * n : box.right * n, None]
    return part[..., 0] if n == 1 else to_depth(_means(part.astype(np.float32), n)[..., 0], 8)


def draw(contents: Contents, options: DecodeOptions, deep: bool) -> NDArray[np.uint8] | Floats:
    """Reconstruct a picture, RGB (height, width, 3), uint8.

    deep    : return float32 instead, not clipped
    options : with the name or path of a model, not "auto"

    Raises FormatError if the file is damaged, ModelError if weights are missing.
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
    """The factor by which a picture is smaller when it is reconstructed, before averaging makes it
    ``downsample`` times smaller."""
    # Samples lie between the pixels of a coarse grid: averages over a finer grid are far better.
    return downsample if downsample < 2 else max(2, downsample // 4)


def strips(contents: Contents, options: DecodeOptions, pool: Pool) -> Iterator[Floats]:
    """Reconstruct a picture in strips of rows, top down, float32 (rows, width, 3), not clipped."""
    grid = grid_for(options.downsample)
    mosaic, region = Mosaic(contents, grid, pool), part_of(contents.grid.whole, options)
    each = options.downsample // grid
    top, left = region.top * each, region.left * each
    height = min(region.height * each, mosaic.whole.height - top)
    width = min(region.width * each, mosaic.whole.width - left)
    box = Box(top, left, height, width)
    if options.decoder == "classical":
        # Averaging hides the differences across squares that SMOOTH avoids.
        painted = _classical(mosaic, box, pool, SMOOTH if each == 1 else FINENESS)
    else:
        painted = _by_generator(mosaic, box, options, pool)
    return painted if each == 1 else _averaged(painted, each)


def _averaged(strips: Iterator[Floats], each: int) -> Iterator[Floats]:
    """Strips of a picture downsampled by averaging squares of ``each`` by ``each`` pixels."""
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
    """Means of squares; the last column and row are repeated to complete squares."""
    short = [(0, -side % each) for side in rows.shape[:2]]
    full = np.pad(rows, [*short, (0, 0)], "edge")
    high, wide = full.shape[0] // each, full.shape[1] // each
    means: Floats = full.reshape(high, each, wide, each, -1).mean((1, 3))
    return means


def _classical(mosaic: Mosaic, region: Box, pool: Pool, fineness: float) -> Iterator[Floats]:
    """The classical fill, from windows on the same grid as those of the whole picture."""
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
    """The generator's picture. This process runs the network while others compute fills."""
    start = threads.later(partial(_generator, options, region.area, mosaic.step))
    # A region is reconstructed with the margin that windows of the whole picture have.
    box = _aligned(region.grown(tiling.MARGIN, mosaic.whole), MULTIPLE)
    windows = [
        Box(box.top + top, box.left + left, bottom - top, right - left)
        for top, bottom, left, right in tiling.windows(box.height, box.width)
    ]
    fills = pool.map(_filled, _prepared(mosaic, windows))
    fills = chain([next(fills)], fills)  # Compute the first fill while the network loads.
    painter = start.result()
    pictures = (_put_back(window, painter.window(window.samples, fill)) for window, fill in fills)
    top, cols = box.top, slice(region.left - box.left, region.right - box.left)
    for strip in tiling.blended(box.height, box.width, pictures):
        rows = slice(max(region.top - top, 0), max(region.bottom - top, 0))
        top += len(strip)
        if len(cut := strip[rows, cols]):
            yield cut


def _generator(options: DecodeOptions, pixels: int, step: float) -> Painter:
    """The generator, loaded and ready to draw a picture of this many pixels and this step."""
    fine = step < runtime.FINE
    return runtime.generator(options.model, options.device, pixels, options.realism, fine)


def _aligned(region: Box, unit: int) -> Box:
    """A region whose corner is moved out to a multiple of ``unit`` pixels."""
    top, left = region.top // unit * unit, region.left // unit * unit
    return Box(top, left, region.bottom - top, region.right - left)


def _prepared(mosaic: Mosaic, windows: list[Box]) -> Iterator[_Window]:
    """Windows in row order, with the samples around them; their tiles are requested ahead."""
    for number, box in enumerate(windows):
        for later in windows[number : number + AHEAD]:
            mosaic.ask(later)
        samples, exact = mosaic.around(box)
        yield _Window(box, samples, exact)
        if number + 1 < len(windows) and windows[number + 1].top > box.top:
            mosaic.forget_above(box.top)


def _filled(window: _Window) -> tuple[_Window, Fill]:
    """The work of a worker for the generator: a window and its fill."""
    return window, fill(window.samples)


def _filled_rgb(window: _Window, fineness: float) -> Floats:
    """The work of a worker for the classical decoder: RGB (height, width, 3) of a window."""
    return _put_back(window, fill(window.samples, fineness).rgb)


def _put_back(window: _Window, rgb: Floats) -> Floats:
    """A reconstructed window with its lossless samples put back."""
    return rgb if window.exact is None else put_back(rgb, window.samples.points, window.exact)


def put_back(rgb: Floats, points: Points, colours: NDArray[np.uint8]) -> Floats:
    """Put known colours back into a reconstructed picture.

    rgb     : (height, width, 3)
    points  : n positions, some of which may lie outside
    colours : uint8 (n, 3)
    """
    inside = (points.rows >= 0) & (points.rows < points.height)
    inside &= (points.cols >= 0) & (points.cols < points.width)
    rgb = rgb.copy()
    rgb[points.rows[inside], points.cols[inside]] = colours[inside]
    return rgb


def reconstructed(samples: Samples, options: DecodeOptions) -> Floats:
    """Reconstruct a picture from samples, RGB (height, width, 3), not clipped.

    options : decoder, device, and a model that is not "auto"; other fields have no effect

    Raises ModelError if weights are missing.
    """
    if options.decoder == "classical":
        return fill(samples, SMOOTH).rgb
    pixels = samples.points.height * samples.points.width
    painter, filled = _generator(options, pixels, samples.step), fill(samples)
    return tiling.in_windows(
        samples.points.height,
        samples.points.width,
        lambda rows, cols: painter.window(samples, filled, rows, cols),
    )
