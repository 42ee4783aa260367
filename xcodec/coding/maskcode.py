"""An explicit mask to bytes and back, in whichever of three ways is smallest.

bitmap : the bits in row order, eight a byte, as a zstandard frame
runs   : gaps between sampled pixels in row order, a byte each, 255 as carry; a zstandard frame
blocks : samples of each 16x16 block, coded like a density, then each pixel range-coded with its
         block's share as probability; best where the mask is random
"""

import numpy as np
import zstandard
from bitarray import bitarray
from numpy.typing import NDArray

from xcodec.coding.context import tables
from xcodec.coding.layers import read_grid, write_grid
from xcodec.coding.rangecoder import TABLE_BITS, Decoder, Encoder
from xcodec.errors import FormatError

MODES = ("bitmap", "runs", "blocks")
BLOCK = 16


def write_mask(mask: NDArray[np.bool_]) -> bytes:
    """Bytes of a mask (height, width): the mode, then the smallest of the three ways."""
    ways = _bitmap(mask), _runs(mask), _blocks(mask)
    mode = min(range(len(ways)), key=lambda i: len(ways[i]))
    return bytes([mode]) + ways[mode]


def read_mask(data: bytes, height: int, width: int) -> NDArray[np.bool_]:
    """The mask of ``write_mask``. Raises FormatError where the bytes hold none of this size."""
    if not data or data[0] >= len(MODES):
        raise FormatError("damaged: the mask is coded in no known way")
    body, area = data[1:], height * width
    if MODES[data[0]] == "blocks":
        return _read_blocks(body, height, width)
    if MODES[data[0]] == "bitmap":
        bits = bitarray()
        bits.frombytes(_unzstd(body, (area + 7) // 8))
        if len(bits) < area:
            raise FormatError("damaged: the mask is too short")
        flat = np.frombuffer(bits.unpack(), np.bool_)[:area]
        return flat.reshape(height, width)
    gaps = np.frombuffer(_unzstd(body, area + area // 255 + 1), np.uint8)
    ends = np.flatnonzero(gaps < 255)
    # A gap is its own byte plus 255 for each carry before it; a position follows each gap.
    position = np.cumsum(gaps, dtype=np.int64)[ends] + np.arange(len(ends))
    if len(position) and position[-1] >= area:
        raise FormatError("damaged: the mask is longer than the picture")
    mask = np.zeros(area, bool)
    mask[position] = True
    return mask.reshape(height, width)


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=19).compress(data)


def _unzstd(data: bytes, limit: int) -> bytes:
    try:
        size = zstandard.frame_content_size(data)
        if not 0 <= size <= limit:
            raise FormatError("damaged: the mask has no size or is too large")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=limit)
    except zstandard.ZstdError as error:
        raise FormatError("damaged: the mask cannot be unpacked") from error


def _bitmap(mask: NDArray[np.bool_]) -> bytes:
    bits = bitarray()
    bits.pack(mask.tobytes())
    return _zstd(bits.tobytes())


def _runs(mask: NDArray[np.bool_]) -> bytes:
    gaps = np.diff(np.flatnonzero(mask), prepend=-1) - 1
    carries = gaps // 255
    stream = np.full(int(carries.sum()) + len(gaps), 255, np.uint8)
    stream[np.cumsum(carries + 1) - 1] = gaps % 255
    return _zstd(stream.tobytes())


def _areas(height: int, width: int) -> NDArray[np.int64]:
    """Pixels of each block, (blocks high, blocks wide)."""
    tops, lefts = np.arange(0, height, BLOCK), np.arange(0, width, BLOCK)
    high, wide = np.minimum(BLOCK, height - tops), np.minimum(BLOCK, width - lefts)
    return high[:, None].astype(np.int64) * wide[None, :]


def _groups(
    counts: NDArray[np.int64], height: int, width: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pixels in row order with the same odds, as flat indices, and the table that codes them."""
    odds = (counts << TABLE_BITS) // _areas(height, width)
    spread = np.repeat(np.repeat(odds, BLOCK, 0)[:height], BLOCK, 1)[:, :width].ravel()
    order = np.argsort(spread, kind="stable")
    values, starts = np.unique(spread[order], return_index=True)
    total = 1 << TABLE_BITS
    return [
        (group, np.array([total - value, value]))
        for group, value in zip(np.split(order, starts[1:]), values, strict=True)
        if 0 < value < total
    ]


def _blocks(mask: NDArray[np.bool_]) -> bytes:
    height, width = mask.shape
    tops, lefts = np.arange(0, height, BLOCK), np.arange(0, width, BLOCK)
    counts = np.add.reduceat(np.add.reduceat(mask.astype(np.int64), tops, 0), lefts, 1)
    coder = Encoder()
    write_grid(coder, counts, tables("density"))
    for group, frequencies in _groups(counts, height, width):
        coder.symbols(mask.ravel()[group].astype(np.int32), frequencies)
    return coder.finish()


def _read_blocks(data: bytes, height: int, width: int) -> NDArray[np.bool_]:
    coder = Decoder(data)
    areas = _areas(height, width)
    counts = read_grid(coder, areas.shape, tables("density"))
    if (counts < 0).any() or (counts > areas).any():
        raise FormatError("damaged: a block of the mask holds more samples than pixels")
    # Full blocks have no group: they need no bits.
    full = np.repeat(np.repeat(counts == areas, BLOCK, 0)[:height], BLOCK, 1)[:, :width]
    mask = full.ravel().copy()
    for group, frequencies in _groups(counts, height, width):
        mask[group] = coder.symbols(len(group), frequencies) > 0
    return mask.reshape(height, width)
