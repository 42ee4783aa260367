"""Symbols by what the values around them tell: a table for each symbol, with its sign.

docs/format.md, section 5.2.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import network
from xcodec.coding.lifting import Hierarchy, Lifting
from xcodec.coding.rangecoder import Decoder, Encoder
from xcodec.coding.surroundings import Surroundings
from xcodec.coding.values import Values
from xcodec.types import Ints, Points

_CHUNK = 1024
"""Symbols that are predicted at a time: few enough for the cache."""


class ValueContexts:
    """What contexts follow from before any symbol is known: points, their order and transform.

    octaves : the number of the octave of each level
    """

    def __init__(self, points: Points, tree: Hierarchy, lifting: Lifting) -> None:
        self.tree, self.lifting = tree, lifting
        self.octaves = [
            number for number, levels in enumerate(tree.octaves) for _ in range(len(levels))
        ]
        self._surroundings = Surroundings(points, tree)

    def logits(
        self, where: slice, plane: int, symbols: Ints, values: Values
    ) -> Iterator[NDArray[np.int64]]:
        """Yield ``network.logits`` of samples in a plane, some at a time. Arguments as for
        ``Surroundings.of``."""
        for start in range(where.start, where.stop, _CHUNK):
            part = slice(start, min(start + _CHUNK, where.stop))
            yield network.logits(plane, self._surroundings.of(part, plane, symbols, values))

    def bits(self, where: slice, plane: int, symbols: Ints, values: Values) -> NDArray[np.float32]:
        """About the bits that each signed token would take, (m, SIGNED), without those that follow
        it. Arguments as for ``Surroundings.of``."""
        return np.concatenate(
            [network.bits(each) for each in self.logits(where, plane, symbols, values)]
        )


class ValueCoder:
    """Writes or reads the symbols of a picture, level by level and plane by plane, from the
    coarsest on."""

    def __init__(self, contexts: ValueContexts, step: int, planes: int) -> None:
        """step : index of ``quantizer.step_of``"""
        self._contexts = contexts
        self._values = Values(contexts.tree, contexts.lifting, step, planes)
        self._octave = -1

    def write_plane(self, coder: Encoder, symbols: Ints, level: int, plane: int) -> None:
        """Encode one level and plane of symbols (n, planes): tokens, then the other bits."""
        values = symbols[self._contexts.tree.span(level), plane]
        token, width, rest = network.signed_tokens(values)
        at = 0
        for tables in self._tables(level, plane, symbols):
            coder.each(token[at : at + len(tables)], tables)
            at += len(tables)
        coder.bits(rest[width > 0], width[width > 0])
        self._values.put(level, plane, values)

    def read_plane(
        self, coder: Decoder, symbols: NDArray[np.int32], level: int, plane: int
    ) -> None:
        """Decode what ``write_plane`` wrote into symbols (n, planes), changed in place.

        Raises FormatError or TruncatedError.
        """
        token = np.concatenate([coder.each(each) for each in self._tables(level, plane, symbols)])
        magnitude, width, sign = network.symbols_of(token)
        magnitude[width > 0] += coder.bits(width[width > 0])
        values = sign * magnitude
        symbols[self._contexts.tree.span(level), plane] = values
        self._values.put(level, plane, values)

    def _tables(self, level: int, plane: int, symbols: Ints) -> Iterator[NDArray[np.int64]]:
        octave = self._contexts.octaves[level]
        if octave != self._octave:
            if self._octave >= 0:
                self._values.finish(self._octave)
            self._values.begin(octave)
            self._octave = octave
        where = self._contexts.tree.span(level)
        for each in self._contexts.logits(where, plane, symbols, self._values):
            yield network.frequencies(each)
