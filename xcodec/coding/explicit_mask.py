"""Explicit masks to bytes and back, in the smallest of three ways.

bitmap : one bit per pixel in row order, as a zstandard frame
runs   : gaps between sampled pixels in row order, one byte each with 255 as carry, as a zstandard
         frame
blocks : the number of samples of each 16x16 block, then every pixel range-coded with the ratio of
         remaining samples to remaining pixels of its block; the best way for random masks
"""

from collections.abc import Iterator

import numpy as np
from bitarray import bitarray
from numpy.typing import NDArray

from xcodec.coding.context import tables
from xcodec.coding.planes import read_grid, write_grid
from xcodec.coding.primitives import pack, unpack
from xcodec.coding.rangecoder import TABLE_BITS, Decoder, Encoder
from xcodec.errors import FormatError
from xcodec.sampling.density import block_areas, block_sums

MODES = ("bitmap", "runs", "blocks")
"""By their number in the first byte."""
BLOCK = 16
"""Side, in pixels, of the blocks whose samples are counted."""


def write_mask(mask: NDArray[np.bool_]) -> bytes:
    """Return a mask, bool (height, width), as bytes: the mode, then the smallest of the ways."""
    ways = _bitmap(mask), _runs(mask), _blocks(mask)
    mode = min(range(len(ways)), key=lambda i: len(ways[i]))
    return bytes([mode]) + ways[mode]


def read_mask(data: bytes, height: int, width: int) -> NDArray[np.bool_]:
    """Return the mask, bool (height, width), that ``write_mask`` wrote.

    Raises FormatError if the data is damaged, or of a mask of another size.
    """
    if not data or data[0] >= len(MODES):
        raise FormatError("damaged: the mask is coded in no known way")
    body, area = data[1:], height * width
    if MODES[data[0]] == "blocks":
        return _read_blocks(body, height, width)
    if MODES[data[0]] == "bitmap":
        bits = bitarray()
        bits.frombytes(unpack(body, (area + 7) // 8, "the mask"))
        if len(bits) < area:
            raise FormatError("damaged: the mask is too short")
        flat = np.frombuffer(bits.unpack(), np.bool_)[:area]
        return flat.reshape(height, width)
    gaps = np.frombuffer(unpack(body, area + area // 255 + 1, "the mask"), np.uint8)
    ends = np.flatnonzero(gaps < 255)
    # A gap is its own byte plus 255 for each carry before it; a sampled pixel follows each gap.
    position = np.cumsum(gaps, dtype=np.int64)[ends] + np.arange(len(ends))
    if len(position) and position[-1] >= area:
        raise FormatError("damaged: the mask is longer than the picture")
    mask = np.zeros(area, bool)
    mask[position] = True
    return mask.reshape(height, width)


def _bitmap(mask: NDArray[np.bool_]) -> bytes:
    bits = bitarray()
    bits.pack(mask.tobytes())
    return pack(bits.tobytes())


def _runs(mask: NDArray[np.bool_]) -> bytes:
    gaps = np.diff(np.flatnonzero(mask), prepend=-1) - 1
    carries = gaps // 255
    stream = np.full(int(carries.sum()) + len(gaps), 255, np.uint8)
    stream[np.cumsum(carries + 1) - 1] = gaps % 255
    return pack(stream.tobytes())


def counts_of(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the samples of each block, (block rows, block columns)."""
    counts: NDArray[np.int64] = block_sums(mask.astype(np.int64), BLOCK)
    return counts


def _cells(height: int, width: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield one pixel of every block at a time: flat indices of the blocks and of the pixels."""
    wide = -(-width // BLOCK)
    tops, lefts = np.arange(0, height, BLOCK), np.arange(0, width, BLOCK)
    for row, col in np.ndindex(min(BLOCK, height), min(BLOCK, width)):
        rows, cols = tops[tops + row < height] + row, lefts[lefts + col < width] + col
        blocks = (rows // BLOCK)[:, None] * wide + cols // BLOCK
        yield blocks.ravel(), (rows[:, None] * width + cols).ravel()


def _odds(samples: int, pixels: int) -> NDArray[np.int64]:
    """Return the table of a pixel in a block with so many samples and pixels remaining."""
    total = 1 << TABLE_BITS
    share = (samples << TABLE_BITS) // pixels
    return np.array([total - share, share])


def _uncertain(
    samples: NDArray[np.int64], pixels: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.int64]]]:
    """Yield groups of blocks with the same samples and pixels remaining, and their tables, if both
    outcomes are possible."""
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
        # If all remaining pixels of a block are samples, they need no bits.
        marks = samples[blocks] == pixels[blocks]
        for group, frequencies in _uncertain(samples[blocks], pixels[blocks]):
            marks[group] = coder.symbols(int(group.sum()), frequencies) > 0
        mask[cells] = marks
        samples[blocks] -= marks
        pixels[blocks] -= 1
    return mask.reshape(height, width)
