"""A thin layer over constriction's range coder: integer tables in, no needless byte out.

Frequencies are integers that sum to 2 ** TABLE_BITS. constriction takes float probabilities only;
these are dyadic and exact in float64, and with ``perfect=False`` it turns them into 24-bit
probabilities by plain arithmetic that a pure-integer decoder repeats (docs/format.md).
"""

from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

from xcodec.errors import FormatError, TruncatedError
from xcodec.types import Ints

TABLE_BITS = 15
_WORD = 4


_MANY = constriction.stream.model.Categorical(perfect=False)


def _binary(ones: Ints) -> NDArray[np.float64]:
    """Probabilities (n, 2) of 0 and 1, exact in float64."""
    return np.stack([(1 << TABLE_BITS) - ones, ones], 1).astype(np.float64) / (1 << TABLE_BITS)


def _categorical(frequencies: Ints) -> constriction.stream.model.Categorical:
    probabilities = np.asarray(frequencies, np.float64) / (1 << TABLE_BITS)
    return constriction.stream.model.Categorical(probabilities, perfect=False)


class Encoder:
    """Symbols to bytes, first in, first out."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()

    def symbols(self, values: Ints, frequencies: Ints) -> None:
        """Encode values (n,) in 0 .. len(frequencies) - 1, all with one table."""
        if len(values):
            self._coder.encode(values.astype(np.int32), _categorical(frequencies))

    def choices(self, values: Ints, ones: Ints) -> None:
        """Encode values (n,) of 0 or 1, each with a table of its own.

        ones : (n,), frequency of 1 of 2 ** TABLE_BITS, and neither none nor all of them
        """
        if len(values):
            self._coder.encode(values.astype(np.int32), _MANY, _binary(ones))

    def bits(self, values: Ints, widths: Ints) -> None:
        """Encode values (n,) as plain bits, value i in widths[i] >= 1 bits."""
        if len(values):
            sizes = np.left_shift(1, widths).astype(np.int32)
            self._coder.encode(values.astype(np.int32), constriction.stream.model.Uniform(), sizes)

    def size(self) -> int:
        """Bits written so far, to within a word; for telling where the bytes of a file go."""
        position, (_, width) = self._coder.pos()
        return 32 * int(position) + 64 - int(width).bit_length()

    def finish(self, sealed: bool = False) -> bytes:
        """The shortest bytes that the decoder, which reads zeros beyond them, tells apart.

        sealed : the shortest that it tells apart whatever follows them

        constriction seals with whole words; any number in the final interval does, so take the one
        with the fewest bytes.
        """
        position, (lower, width) = self._coder.pos()
        position = int(position)
        words = self._coder.get_compressed()
        number = int.from_bytes(words.astype(">u4").tobytes(), "big")
        # The sealed point, as a number with position words before the coder's two-word state.
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
    """Bytes to symbols. Raises FormatError where the bytes cannot have come from the encoder.

    whole : whether all bytes are there; of a stream that was cut, symbols are given only as long
            as they are the same whatever followed, then TruncatedError is raised
    """

    def __init__(self, data: bytes, whole: bool = True) -> None:
        # What the encoder left out are zeros; of a cut stream, anything from zeros to ones.
        self._coders = [_decoder(data, fill) for fill in (b"\0" if whole else b"\0\xff")]

    def symbols(self, count: int, frequencies: Ints) -> NDArray[np.int32]:
        """The next ``count`` values, all coded with one table."""
        if not count:
            return np.empty(0, np.int32)
        return self._decode(_categorical(frequencies), count)

    def choices(self, ones: Ints) -> NDArray[np.int32]:
        """The next values of 0 or 1, with the tables of ``Encoder.choices``."""
        if not len(ones):
            return np.empty(0, np.int32)
        return self._decode(_MANY, _binary(ones))

    def bits(self, widths: Ints) -> NDArray[np.int32]:
        """The next values of widths[i] >= 1 plain bits each."""
        if not len(widths):
            return np.empty(0, np.int32)
        sizes = np.left_shift(1, widths).astype(np.int32)
        return self._decode(constriction.stream.model.Uniform(), sizes)

    def _decode(self, model: Any, what: Any) -> NDArray[np.int32]:
        try:
            values, *others = [coder.decode(model, what) for coder in self._coders]
        except (AssertionError, ValueError) as error:
            raise FormatError("damaged: the entropy-coded data makes no sense") from error
        if not all(np.array_equal(values, other) for other in others):
            raise TruncatedError("cut short: the entropy-coded data ends early")
        return np.asarray(values, np.int32)


def _decoder(data: bytes, fill: int) -> constriction.stream.queue.RangeDecoder:
    """constriction's decoder over data, then as many bytes of ``fill`` as it can read ahead."""
    padded = data + bytes([fill]) * (-len(data) % _WORD + 3 * _WORD)
    return constriction.stream.queue.RangeDecoder(np.frombuffer(padded, ">u4").astype(np.uint32))
