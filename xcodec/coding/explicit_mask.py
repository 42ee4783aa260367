"""An explicit mask to bytes and back, in whichever of three ways is smallest.

bitmap : the bits in row order, eight a byte, as a zstandard frame
runs   : gaps between sampled pixels in row order, a byte each, 255 as carry; a zstandard frame
blocks : samples of each 16x16 block, coded as a grid, then each pixel range-coded with the
         share of its block's samples among the pixels that are left; best where the mask is random
"""

from collections.abc import Iterator

import numpy as np
import zstandard
from bitarray import bitarray
from numpy.typing import NDArray

from xcodec.coding.context import tables
from xcodec.coding.planes import read_grid, write_grid
from xcodec.coding.rangecoder import TABLE_BITS, Decoder, Encoder
from xcodec.errors import FormatError
from xcodec.sampling.density import block_areas, block_sums

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


def counts_of(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Samples of each block, (blocks high, blocks wide)."""
    counts: NDArray[np.int64] = block_sums(mask.astype(np.int64), BLOCK)
    return counts


def _cells(height: int, width: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The pixels of all blocks, one of each block at a time: their blocks and themselves, flat."""
    wide = -(-width // BLOCK)
    tops, lefts = np.arange(0, height, BLOCK), np.arange(0, width, BLOCK)
    for row, col in np.ndindex(BLOCK, BLOCK):
        rows, cols = tops[tops + row < height] + row, lefts[lefts + col < width] + col
        blocks = (rows // BLOCK)[:, None] * wide + cols // BLOCK
        yield blocks.ravel(), (rows[:, None] * width + cols).ravel()


def _odds(samples: int, pixels: int) -> NDArray[np.int64]:
    """Table of a pixel of a block that has so many samples and pixels left."""
    total = 1 << TABLE_BITS
    share = (samples << TABLE_BITS) // pixels
    return np.array([total - share, share])


def _uncertain(
    samples: NDArray[np.int64], pixels: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.int64]]]:
    """Groups of blocks with the same samples and pixels left, where both outcomes are possible."""
    for key in np.unique(samples << 9 | pixels):
        left, area = int(key) >> 9, int(key) & 511
        if 0 < left < area:
            yield (samples == left) & (pixels == area), _odds(left, area)


def _blocks(mask: NDArray[np.bool_]) -> bytes:
    height, width = mask.shape
    counts = counts_of(mask)
    coder = Encoder()
    write_grid(coder, counts, tables("counts"))
    samples, pixels = counts.ravel(), block_areas(height, width, BLOCK).ravel()
    for blocks, cells in _cells(height, width):
        marks = mask.ravel()[cells].astype(np.int32)
        for group, frequencies in _uncertain(samples[blocks], pixels[blocks]):
            coder.symbols(marks[group], frequencies)
        samples[blocks] -= marks
        pixels[blocks] -= 1
    return coder.finish()


def _read_blocks(data: bytes, height: int, width: int) -> NDArray[np.bool_]:
    coder = Decoder(data)
    pixels = block_areas(height, width, BLOCK)
    samples = read_grid(coder, pixels.shape, tables("counts"))
    if (samples < 0).any() or (samples > pixels).any():
        raise FormatError("damaged: a block of the mask holds more samples than pixels")
    mask = np.zeros(height * width, bool)
    samples, pixels = samples.ravel(), pixels.ravel()
    for blocks, cells in _cells(height, width):
        # A block that is full from here on needs no bits.
        marks = samples[blocks] == pixels[blocks]
        for group, frequencies in _uncertain(samples[blocks], pixels[blocks]):
            marks[group] = coder.symbols(int(group.sum()), frequencies) > 0
        mask[cells] = marks
        samples[blocks] -= marks
        pixels[blocks] -= 1
    return mask.reshape(height, width)
