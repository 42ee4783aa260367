"""A thin layer over constriction's range coder, with integer tables and minimal output.

Frequencies are integers that sum to 2 ** TABLE_BITS. constriction takes probabilities as floats;
these are dyadic, so exact in float64. With ``perfect=False`` it converts them to 24-bit
probabilities by arithmetic that a decoder can repeat in integers (docs/format.md, section 2).
"""

from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

from xcodec.errors import FormatError, TruncatedError
from xcodec.types import Ints

TABLE_BITS = 15
"""Frequencies of a table sum to 2 ** TABLE_BITS."""
_WORD = 4
"""Bytes of a word of the coder."""

_MANY = constriction.stream.model.Categorical(perfect=False)


def _probabilities(frequencies: Ints) -> NDArray[np.float64]:
    """Return the probabilities of tables, exact in float64."""
    return np.asarray(frequencies, np.float64) / (1 << TABLE_BITS)


def _binary(ones: Ints) -> Ints:
    """Return the tables of 0 and 1, (n, 2)."""
    tables = np.empty((len(ones), 2), np.int64)
    tables[:, 0], tables[:, 1] = (1 << TABLE_BITS) - ones, ones
    return tables


def _categorical(frequencies: Ints) -> constriction.stream.model.Categorical:
    return constriction.stream.model.Categorical(_probabilities(frequencies), perfect=False)


class Encoder:
    """Symbols to bytes, first in, first out."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()

    def symbols(self, values: Ints, frequencies: Ints) -> None:
        """Encode values (n,), each in 0 .. len(frequencies) - 1, with one table."""
        if len(values):
            self._coder.encode(values.astype(np.int32), _categorical(frequencies))

    def choices(self, values: Ints, ones: Ints) -> None:
        """Encode values (n,) of 0 or 1, each with its own probability.

        ones : (n,), frequencies of 1, each in 1 .. 2 ** TABLE_BITS - 1
        """
        self.each(values, _binary(ones))

    def each(self, values: Ints, frequencies: Ints) -> None:
        """Encode values (n,), each with a table of its own, (n, k)."""
        if len(values):
            self._coder.encode(values.astype(np.int32), _MANY, _probabilities(frequencies))

    def bits(self, values: Ints, widths: Ints) -> None:
        """Encode values (n,) without a table, value i in widths[i] >= 1 bits."""
        if len(values):
            sizes = np.left_shift(1, widths).astype(np.int32)
            self._coder.encode(values.astype(np.int32), constriction.stream.model.Uniform(), sizes)

    def size(self) -> int:
        """Return the number of bits written so far, to within a word."""
        position, (_, width) = self._coder.pos()
        return 32 * int(position) + 64 - int(width).bit_length()

    def finish(self, sealed: bool = False) -> bytes:
        """Return the shortest encoding.

        Any number in the final interval identifies the symbols. constriction writes whole words;
        this finds the number with the fewest bytes.

        sealed : whether the encoding must decode correctly whatever bytes follow it; otherwise
                 zeros are assumed to follow
        """
        position, (lower, width) = self._coder.pos()
        position = int(position)
        words = self._coder.get_compressed()
        number = int.from_bytes(words.astype(">u4").tobytes(), "big")
        # The sealed point as a number: ``position`` words, then the two words of the state.
        point = number << max(0, 32 * (position + 2 - len(words)))
        low = point - (point - int(lower)) % (1 << 64)
        high = low + int(width)
        for spare in range(64, -1, -8):
            shortest = -(-low >> spare)
            if (shortest + int(sealed) << spare) < high + int(sealed):
                break
        data = shortest.to_bytes(_WORD * (position + 2) - spare // 8, "big")
        return data if sealed else data.rstrip(b"\0")


class Decoder:
    """Bytes to symbols. Raises FormatError if the bytes cannot have come from the encoder.

    whole : whether the stream is complete. From a truncated one, symbols are returned as long as
            they do not depend on what followed; then TruncatedError is raised
    """

    def __init__(self, data: bytes, whole: bool = True) -> None:
        # The encoder leaves out trailing zeros. After a truncated stream, anything from all zeros
        # to all ones may follow: symbols on which both agree are certain.
        self._coders = [_decoder(data, fill) for fill in (b"\0" if whole else b"\0\xff")]

    def symbols(self, count: int, frequencies: Ints) -> NDArray[np.int32]:
        """Decode ``count`` values with one table."""
        if not count:
            return np.empty(0, np.int32)
        return self._decode(_categorical(frequencies), count)

    def choices(self, ones: Ints) -> NDArray[np.int32]:
        """Decode a value of 0 or 1 for each of ``ones``, as for ``Encoder.choices``."""
        return self.each(_binary(ones))

    def each(self, frequencies: Ints) -> NDArray[np.int32]:
        """Decode a value for each of the tables (n, k)."""
        if not len(frequencies):
            return np.empty(0, np.int32)
        return self._decode(_MANY, _probabilities(frequencies))

    def bits(self, widths: Ints) -> NDArray[np.int32]:
        """Decode values of widths[i] >= 1 bits each."""
        if not len(widths):
            return np.empty(0, np.int32)
        sizes = np.left_shift(1, widths).astype(np.int32)
        return self._decode(constriction.stream.model.Uniform(), sizes)

    def _decode(self, model: Any, what: Any) -> NDArray[np.int32]:
        try:
            values, *others = [coder.decode(model, what) for coder in self._coders]
        except (AssertionError, ValueError) as error:
            raise FormatError("damaged: the entropy-coded data makes no sense") from error
        if any((values != other).any() for other in others):
            raise TruncatedError("cut short: the entropy-coded data ends early")
        return np.asarray(values, np.int32)


def _decoder(data: bytes, fill: int) -> constriction.stream.queue.RangeDecoder:
    """Return constriction's decoder of data, followed by as many bytes ``fill`` as it may read."""
    padded = data + bytes([fill]) * (-len(data) % _WORD + 3 * _WORD)
    return constriction.stream.queue.RangeDecoder(np.frombuffer(padded, ">u4").astype(np.uint32))
