"""Symbols as an embedded stream, of which every prefix decodes to a picture.

A prefix of a stream that goes from coarse to fine octaves is a poor picture: for so few bytes, its
coarse coefficients are far too precise. Here the stream has stages. Stage j of ``stages`` leaves
out the finest ``stages - 1 - j`` octaves and as many low bits of every magnitude. The next stage
adds one bit to each magnitude so far, then one octave. This is bit-plane coding, as in embedded
wavelet codecs (Shapiro, "Embedded Image Coding Using Zerotrees of Wavelet Coefficients", 1993;
Taubman, "High Performance Scalable Image Compression with EBCOT", 2000).

The bits that a stage adds are coded with the same context models: of a table of tokens, only the
two that agree with the bits known so far are possible.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.context import DIRECT, PLANES, Tables, contexts, tables
from xcodec.coding.lifting import Hierarchy
from xcodec.coding.planes import read_plane, write_plane
from xcodec.coding.rangecoder import TABLE_BITS, Decoder, Encoder
from xcodec.errors import FormatError
from xcodec.types import Ints

KIND = "coefficients"
"""Kind of symbols, one of context.KINDS."""


@dataclass(frozen=True)
class KnownBits:
    """The bits of symbols that a prefix of a stream determines.

    symbols : int32 (n, 3), the known high bits with the sign, zeros below
    missing : int32 (n, 3), the number of unknown low bits
    levels  : the number of levels with known bits; 0 if there are none
    """

    symbols: NDArray[np.int32]
    missing: NDArray[np.int32]
    levels: int


@dataclass(frozen=True)
class _Pass:
    """The unit of the stream: a level and plane, refined to ``shift`` missing bits.

    first : whether no bits were known before
    """

    level: int
    plane: int
    shift: int
    first: bool


def _passes(tree: Hierarchy, stages: int) -> Iterator[_Pass]:
    """Yield all passes in the order of the stream."""
    octaves = tree.octaves
    started = 0
    for shift in reversed(range(stages)):
        count = max(1, len(octaves) - shift)
        for place, levels in enumerate(octaves[:count]):
            for level in levels:
                for plane in range(PLANES):
                    yield _Pass(level, plane, shift, place >= started)
        started = count


def states(symbols: Ints, tree: Hierarchy, stages: int) -> Iterator[tuple[int, KnownBits]]:
    """Yield the states of a decoder at the useful ends of prefixes.

    These are the ends of every octave in every stage, and of every level in the last octave. Each
    comes with the number of its last pass. The arrays of a state change with the next one.
    """
    seen = np.zeros(symbols.shape, np.int32)
    missing = np.full(symbols.shape, stages, np.int32)
    parts = list(_passes(tree, stages))
    ends, last = {levels.stop - 1 for levels in tree.octaves}, tree.octaves[-1]
    levels = 0
    for place, part in enumerate(parts):
        span = tree.span(part.level)
        seen[span, part.plane] = _cleared(symbols[span, part.plane], part.shift)
        missing[span, part.plane] = part.shift
        levels = max(levels, part.level + 1)
        whole = part.level in ends or (not part.shift and part.level in last)
        if whole and part.plane == PLANES - 1:
            yield place, KnownBits(seen, missing, levels)


def _shifted(symbols: Ints, shift: int) -> NDArray[np.int32]:
    """Drop the ``shift`` low bits of symbols."""
    kept: NDArray[np.int32] = (np.sign(symbols) * (np.abs(symbols) >> shift)).astype(np.int32)
    return kept


def _cleared(symbols: Ints, shift: int) -> NDArray[np.int32]:
    """Set the ``shift`` low bits of symbols to zero."""
    return _shifted(symbols, shift) * (1 << shift)


def _chances(model: Tables, plane: int, bins: Ints, before: Ints) -> NDArray[np.int64]:
    """Return the chances, of 2 ** TABLE_BITS, that magnitudes ``before`` (m,) go on with a 1."""
    low = np.minimum(2 * before, DIRECT - 2)
    frequencies = model.frequencies[plane][bins]
    rows = np.arange(len(bins))
    zero, one = frequencies[rows, low], frequencies[rows, low + 1]
    chance = (one << TABLE_BITS) // (zero + one)
    half = 1 << (TABLE_BITS - 1)
    chance = np.where(2 * before < DIRECT, chance, half)
    bounded: NDArray[np.int64] = np.minimum(np.maximum(chance, 1), (1 << TABLE_BITS) - 1)
    return bounded


def write(symbols: Ints, tree: Hierarchy, stages: int) -> tuple[bytes, list[int]]:
    """Return the stream of symbols (n, 3), and its length in bits after each pass.

    The lengths are exact to within a word. The stream decodes completely whatever bytes follow it.
    """
    coder, model = Encoder(), tables(KIND)
    ends = []
    at: dict[int, NDArray[np.int32]] = {}
    for part in _passes(tree, stages):
        if part.shift not in at:
            at[part.shift] = _shifted(symbols, part.shift)
        now = at[part.shift]
        if part.first:
            write_plane(coder, now, tree, part.level, part.plane, model)
        else:
            _write_refinement(coder, now, at[part.shift + 1], tree, part, model)
        ends.append(coder.size())
    return coder.finish(sealed=True), ends


def _write_refinement(
    coder: Encoder, now: Ints, before: Ints, tree: Hierarchy, part: _Pass, model: Tables
) -> None:
    span = tree.span(part.level)
    known, values = np.abs(before[span, part.plane]), now[span, part.plane]
    bins = contexts(model, tree, part.level, part.plane, np.minimum(np.abs(now), model.clip))
    coder.choices(np.abs(values) & 1, _chances(model, part.plane, bins, known))
    fresh = values[(known == 0) & (values != 0)]
    coder.bits((fresh < 0).astype(np.int64), np.ones(len(fresh), np.int64))


def read(data: bytes, tree: Hierarchy, count: int, stages: int) -> KnownBits:
    """Decode the stream of ``count`` symbols, or a prefix of it."""
    coder, model = Decoder(data, whole=False), tables(KIND)
    symbols = np.zeros((count, PLANES), np.int32)
    missing = np.full(symbols.shape, stages, np.int32)
    levels, shift = 0, stages
    now = before = symbols
    for part in _passes(tree, stages):
        if part.shift != shift:
            shift, before, now = part.shift, now, np.zeros_like(symbols)
        try:
            if part.first:
                read_plane(coder, now, tree, part.level, part.plane, model)
            else:
                _read_refinement(coder, now, before, tree, part, model)
        except FormatError:  # The end of the prefix.
            break
        span = tree.span(part.level)
        symbols[span, part.plane] = now[span, part.plane] * (1 << shift)
        missing[span, part.plane] = shift
        levels = max(levels, part.level + 1)
    return KnownBits(symbols, missing, levels)


def _read_refinement(
    coder: Decoder,
    now: NDArray[np.int32],
    before: Ints,
    tree: Hierarchy,
    part: _Pass,
    model: Tables,
) -> None:
    span = tree.span(part.level)
    known = before[span, part.plane]
    bins = contexts(model, tree, part.level, part.plane, np.minimum(np.abs(now), model.clip))
    bit = coder.choices(_chances(model, part.plane, bins, np.abs(known)))
    magnitude = 2 * np.abs(known) + bit
    sign = np.where(known < 0, -1, 1)
    fresh = (known == 0) & (magnitude != 0)
    sign[fresh] = 1 - 2 * coder.bits(np.ones(int(fresh.sum()), np.int64))
    now[span, part.plane] = sign * magnitude
