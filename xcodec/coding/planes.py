"""The symbols of one level and plane to entropy-coded data and back: writers beside readers."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.context import Tables, contexts, first_of, tokens_of
from xcodec.coding.lifting import Hierarchy, hierarchy, residuals, restore
from xcodec.coding.rangecoder import Decoder, Encoder
from xcodec.sampling.mask import order_points
from xcodec.types import Ints


def write_plane(
    coder: Encoder, symbols: Ints, tree: Hierarchy, level: int, plane: int, model: Tables
) -> None:
    """Encode one level and plane of symbols (n, planes): tokens bin by bin, then the other bits."""
    values = symbols[tree.span(level), plane]
    token, width, rest = tokens_of(np.abs(values))
    bins = contexts(model, tree, level, plane, np.minimum(np.abs(symbols), model.clip))
    frequencies = model.frequencies[plane]
    for which in np.unique(bins):
        coder.symbols(token[bins == which], frequencies[which])
    coded = token > 0
    # One number per symbol: the remaining bits of its magnitude, above its sign.
    coder.bits((rest << 1 | (values < 0))[coded], width[coded] + 1)


def read_plane(
    coder: Decoder,
    symbols: NDArray[np.int32],
    tree: Hierarchy,
    level: int,
    plane: int,
    model: Tables,
) -> None:
    """Decode what ``write_plane`` wrote into symbols (n, planes), changed in place.

    symbols : all that were coded before are present

    Raises FormatError or TruncatedError.
    """
    span = tree.span(level)
    bins = contexts(model, tree, level, plane, np.minimum(np.abs(symbols), model.clip))
    frequencies = model.frequencies[plane]
    token = np.empty(span.stop - span.start, np.int64)
    for which in np.unique(bins):
        here = bins == which
        token[here] = coder.symbols(int(here.sum()), frequencies[which])
    magnitude, width = first_of(token)
    coded = token > 0
    rest = coder.bits(width[coded] + 1)
    magnitude[coded] += rest >> 1
    magnitude[coded] *= 1 - 2 * (rest & 1)
    symbols[span, plane] = magnitude


class PlaneCoder:
    """``write_plane`` and ``read_plane`` for one hierarchy and one model."""

    def __init__(self, tree: Hierarchy, model: Tables) -> None:
        self._tree, self._model = tree, model

    def write_plane(self, coder: Encoder, symbols: Ints, level: int, plane: int) -> None:
        """Encode one level and plane."""
        write_plane(coder, symbols, self._tree, level, plane, self._model)

    def read_plane(
        self, coder: Decoder, symbols: NDArray[np.int32], level: int, plane: int
    ) -> None:
        """Decode one level and plane."""
        read_plane(coder, symbols, self._tree, level, plane, self._model)


def write_grid(coder: Encoder, grid: Ints, model: Tables) -> None:
    """Encode a grid of integers (rows, cols), such as a density, by the lossless transform."""
    tree, where = grid_tree(grid.shape)
    differences = residuals(grid[where][:, None], tree)
    for level in range(len(tree)):
        write_plane(coder, differences, tree, level, 0, model)


def read_grid(coder: Decoder, shape: tuple[int, int], model: Tables) -> NDArray[np.int64]:
    """Decode the grid that ``write_grid`` wrote. Raises FormatError or TruncatedError."""
    tree, where = grid_tree(shape)
    differences = np.zeros((len(where[0]), 1), np.int32)
    for level in range(len(tree)):
        read_plane(coder, differences, tree, level, 0, model)
    grid = np.empty(shape, np.int64)
    grid[where] = restore(differences, tree)[:, 0]
    return grid


@lru_cache(maxsize=32)
def grid_tree(shape: tuple[int, int]) -> tuple[Hierarchy, tuple[Ints, Ints]]:
    """Return the cells of a grid as a hierarchy, and their rows and columns in its order."""
    rows, cols = np.indices(shape).reshape(2, -1)
    points = order_points(*shape, rows, cols)
    return hierarchy(points), (points.rows, points.cols)
