"""Collecting the samples around any part of a picture, tile by tile."""

from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import quantizer
from xcodec.coding.container import Contents
from xcodec.coding.tiles import Box
from xcodec.decoder import reading
from xcodec.errors import FormatError
from xcodec.kriging.fill import NEIGHBOURS
from xcodec.kriging.neighbours import nearest
from xcodec.reconstruction import seams
from xcodec.system.processes import Pool, result
from xcodec.types import Floats, Ints, Points, Samples

MARGIN = 64
"""Initial margin in pixels around a window from which samples are taken."""
SPACING = 32
"""Distance in pixels of the border positions at which the margin is checked."""
FULL_DEPTH = 13
"""Depth up to which octaves can have a sample at every pixel; half as many for each less."""


@dataclass(frozen=True)
class TileSamples:
    """The samples of one tile or several.

    tiles      : number of the tile of each sample, (n,)
    rows, cols : positions in the picture that is drawn, (n,)
    ranks      : as in ``Points``, (n,)
    values     : as in ``Samples``, (n, planes)
    exact      : RGB, uint8 (n, 3), if samples are lossless
    """

    tiles: Ints
    rows: Ints
    cols: Ints
    ranks: Ints
    values: Floats
    exact: NDArray[np.uint8] | None


@dataclass(frozen=True)
class _TileTask:
    """A tile to read.

    downsample : how many times smaller the picture is drawn
    """

    number: int
    coded: reading.Coded
    downsample: int


class Mosaic:
    """A file whose tiles are read when a window needs them, and dropped when they are done with.

    step : quantiser step in grey levels; 0 if samples are exact
    """

    def __init__(self, contents: Contents, downsample: int, pool: Pool) -> None:
        self._contents, self._downsample, self._pool = contents, downsample, pool
        grid = contents.grid
        self.whole = Box(0, 0, -(-grid.height // downsample), -(-grid.width // downsample))
        self._tiles: dict[int, Future[TileSamples]] = {}
        step = contents.header.step
        self.step = 0.0 if step is None else quantizer.step_of(step)

    def ask(self, window: Box) -> None:
        """Start reading the tiles that a window needs, in this process or another."""
        for number in self._touching(window):
            if number not in self._tiles:
                self._tiles[number] = self._read(number)

    def forget_above(self, row: int) -> None:
        """Drop tiles that end above a row."""
        for number in list(self._tiles):
            if self._contents.grid.box(number).bottom <= row * self._downsample:
                del self._tiles[number]

    def around(self, window: Box) -> tuple[Samples, NDArray[np.uint8] | None]:
        """The samples that a window depends on, counted from its corner, and their RGB,
        uint8 (n, 3), if they are lossless.

        Raises FormatError if a tile is damaged or there is no sample.
        """
        margin = MARGIN
        while True:
            near = window.grown(margin, self.whole)
            known = self._samples_in(near)
            if near == self.whole or _enough(known, window, margin):
                break
            margin *= 2
        if not len(known.rows):
            raise FormatError("damaged: the file holds no sample")
        points = Points(
            window.height,
            window.width,
            known.rows - window.top,
            known.cols - window.left,
            known.ranks,
        )
        values = known.values
        if self.step:
            places = np.stack([known.rows, known.cols], 1)
            values = seams.joined(places, known.tiles, values, self.step)
        tone = self._contents.header.tone
        return Samples(points, values, self.step, tone), known.exact

    def _touching(self, window: Box) -> list[int]:
        n, whole = self._downsample, self._contents.grid.whole
        top, left = window.top * n, window.left * n
        height = min(window.bottom * n, whole.height) - top
        return self._contents.grid.touching(
            Box(top, left, height, min(window.right * n, whole.width) - left)
        )

    def _read(self, number: int) -> "Future[TileSamples]":
        coded = reading.coded(self._contents, number)
        return self._pool.submit(_tile_samples, _TileTask(number, coded, self._downsample))

    def _samples_in(self, box: Box) -> TileSamples:
        """The samples in a box."""
        self.ask(box)
        parts = [result(self._tiles[number]) for number in self._touching(box)]
        if len(parts) == 1 and box == self.whole:
            return parts[0]
        rows = np.concatenate([part.rows for part in parts])
        cols = np.concatenate([part.cols for part in parts])
        inside = (rows >= box.top) & (rows < box.bottom) & (cols >= box.left) & (cols < box.right)
        exact = [part.exact for part in parts if part.exact is not None]
        return TileSamples(
            np.concatenate([part.tiles for part in parts])[inside],
            rows[inside],
            cols[inside],
            np.concatenate([part.ranks for part in parts])[inside],
            np.concatenate([part.values for part in parts])[inside],
            np.concatenate(exact)[inside] if exact else None,
        )


def _enough(known: TileSamples, window: Box, margin: int) -> bool:
    """Whether the margin holds every neighbour that the window's pixels need."""
    if len(known.rows) < NEIGHBOURS:
        return False
    # If the margin suffices for the border, it suffices for the inside.
    bottom, right = window.bottom - 1, window.right - 1
    rows = np.append(np.arange(window.top, bottom, SPACING), bottom)
    cols = np.append(np.arange(window.left, right, SPACING), right)
    edges = (window.top, cols), (bottom, cols), (rows, window.left), (rows, right)
    border = np.concatenate([np.stack(np.broadcast_arrays(*edge), 1) for edge in edges])
    d2 = nearest(np.stack([known.rows, known.cols], 1), border, NEIGHBOURS)[1]
    return bool(np.sqrt(d2[:, -1].max()) + SPACING / 2 <= margin)


def _tile_samples(task: _TileTask) -> TileSamples:
    """Read the samples of a tile, in a worker."""
    n = task.downsample
    if not task.coded.layers:
        nothing = np.zeros(0, np.int32)
        exact = np.zeros((0, 3), np.uint8) if task.coded.header.lossless and n == 1 else None
        return TileSamples(nothing, nothing, nothing, nothing, np.zeros((0, 3), np.float32), exact)
    tile = reading.parsed(task.coded)
    # Octaves with more than one sample per drawn pixel would change nothing.
    tile = tile.coarser(FULL_DEPTH - 2 * (n.bit_length() - 1))
    samples, points = tile.samples(), tile.points
    rows, cols = points.rows + np.int32(tile.box.top), points.cols + np.int32(tile.box.left)
    tiles = np.full(len(points), task.number, np.int32)
    if n == 1:
        exact = tile.pixels() if tile.header.lossless else None
        return TileSamples(tiles, rows, cols, points.ranks, samples.values, exact)
    rows, cols = rows // n, cols // n
    # If several samples fall on a pixel, keep the coarsest: it represents the largest area.
    _, first = np.unique(rows.astype(np.int64) << 32 | cols, return_index=True)
    ranks, values = points.ranks[first], samples.values[first]
    return TileSamples(tiles[first], rows[first], cols[first], ranks, values, None)
