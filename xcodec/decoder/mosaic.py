"""The samples of a file around any part of its picture, read a tile at a time."""

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
"""Pixels around a window whose samples are looked at, at first."""
SPACING = 32
"""Pixels from one place to the next where a window is asked whether it sees enough."""
FULL_DEPTH = 13
"""Octaves up to this one hold every pixel there may be; each one less, half as many."""


@dataclass(frozen=True)
class Known:
    """The samples of a tile, or of several.

    tiles      : number of the tile that each lies in
    rows, cols : in the picture that is drawn
    values     : as in Samples; exact : RGB (n, 3) of lossless samples
    """

    tiles: Ints
    rows: Ints
    cols: Ints
    ranks: Ints
    values: Floats
    exact: NDArray[np.uint8] | None


@dataclass(frozen=True)
class _Task:
    """A tile to be read, and how much smaller it is drawn."""

    number: int
    coded: reading.Coded
    downsample: int


class Mosaic:
    """A file whose tiles are read when a window needs them, and forgotten once it is above."""

    def __init__(self, contents: Contents, downsample: int, pool: Pool) -> None:
        self._contents, self._downsample, self._pool = contents, downsample, pool
        grid = contents.grid
        self.whole = Box(0, 0, -(-grid.height // downsample), -(-grid.width // downsample))
        self._tiles: dict[int, Future[Known]] = {}
        step = contents.header.step
        self._step = 0.0 if step is None else quantizer.step_of(step)

    def ask(self, window: Box) -> None:
        """Have the tiles that a window needs read, in this or another process."""
        for number in self._touching(window):
            if number not in self._tiles:
                self._tiles[number] = self._read(number)

    def forget_above(self, row: int) -> None:
        """Drop tiles that end above a row."""
        for number in list(self._tiles):
            if self._contents.grid.box(number).bottom <= row * self._downsample:
                del self._tiles[number]

    def around(self, window: Box) -> tuple[Samples, NDArray[np.uint8] | None]:
        """The samples that a window is painted from, counted from its corner, and exact colours."""
        margin = MARGIN
        while True:
            near = window.grown(margin, self.whole)
            known = self._known(near)
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
        if self._step:
            places = np.stack([known.rows, known.cols], 1)
            values = seams.joined(places, known.tiles, values, self._step)
        tone = self._contents.header.tone
        return Samples(points, values, self._step, tone), known.exact

    def _touching(self, window: Box) -> list[int]:
        n, whole = self._downsample, self._contents.grid.whole
        top, left = window.top * n, window.left * n
        height = min(window.bottom * n, whole.height) - top
        return self._contents.grid.touching(
            Box(top, left, height, min(window.right * n, whole.width) - left)
        )

    def _read(self, number: int) -> "Future[Known]":
        coded = reading.coded(self._contents, number)
        return self._pool.submit(_known, _Task(number, coded, self._downsample))

    def _known(self, box: Box) -> Known:
        """The samples in a box."""
        self.ask(box)
        parts = [result(self._tiles[number]) for number in self._touching(box)]
        if len(parts) == 1 and box == self.whole:
            return parts[0]
        rows = np.concatenate([part.rows for part in parts])
        cols = np.concatenate([part.cols for part in parts])
        inside = (rows >= box.top) & (rows < box.bottom) & (cols >= box.left) & (cols < box.right)
        exact = [part.exact for part in parts if part.exact is not None]
        return Known(
            np.concatenate([part.tiles for part in parts])[inside],
            rows[inside],
            cols[inside],
            np.concatenate([part.ranks for part in parts])[inside],
            np.concatenate([part.values for part in parts])[inside],
            np.concatenate(exact)[inside] if exact else None,
        )


def _enough(known: Known, window: Box, margin: int) -> bool:
    """Whether no pixel of a window would be painted from samples beyond its margin."""
    if len(known.rows) < NEIGHBOURS:
        return False
    # What the border sees within the margin, what lies inside sees all the more.
    bottom, right = window.bottom - 1, window.right - 1
    rows = np.append(np.arange(window.top, bottom, SPACING), bottom)
    cols = np.append(np.arange(window.left, right, SPACING), right)
    edges = (window.top, cols), (bottom, cols), (rows, window.left), (rows, right)
    border = np.concatenate([np.stack(np.broadcast_arrays(*edge), 1) for edge in edges])
    d2 = nearest(np.stack([known.rows, known.cols], 1), border, NEIGHBOURS)[1]
    return bool(np.sqrt(d2[:, -1].max()) + SPACING / 2 <= margin)


def _known(task: _Task) -> Known:
    """A worker's part: the samples of a tile."""
    n = task.downsample
    if not task.coded.layers:
        nothing = np.zeros(0, np.int32)
        exact = np.zeros((0, 3), np.uint8) if task.coded.header.lossless and n == 1 else None
        return Known(nothing, nothing, nothing, nothing, np.zeros((0, 3), np.float32), exact)
    tile = reading.parsed(task.coded)
    # Octaves that put more than a sample into every pixel say nothing that is drawn.
    tile = tile.coarser(FULL_DEPTH - 2 * (n.bit_length() - 1))
    samples, points = tile.samples(), tile.points
    rows, cols = points.rows + np.int32(tile.box.top), points.cols + np.int32(tile.box.left)
    tiles = np.full(len(points), task.number, np.int32)
    if n == 1:
        exact = tile.pixels() if tile.header.lossless else None
        return Known(tiles, rows, cols, points.ranks, samples.values, exact)
    rows, cols = rows // n, cols // n
    # Of samples in one pixel the coarsest stays, which stands for the most around it.
    _, first = np.unique(rows.astype(np.int64) << 32 | cols, return_index=True)
    ranks, values = points.ranks[first], samples.values[first]
    return Known(tiles[first], rows[first], cols[first], ranks, values, None)
