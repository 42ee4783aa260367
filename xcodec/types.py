"""The types that several subpackages share: arrays, densities, points, samples, fills."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]
RGB = NDArray[np.uint8]
"""A picture: uint8 (height, width, 3), sRGB."""
Alpha = NDArray[np.uint8]
"""Opacity: uint8 (height, width), 255 is opaque."""

MAX_PIXELS = 100_000_000
"""Default limit on the pixels of a picture; callers can raise it."""


@dataclass(frozen=True)
class Density:
    """Sampling density of each block of a picture: 2 ** exponent times a common scale.

    exponents : integers (block rows, block columns), 0..15
    block     : side of a block in pixels
    scale     : common scale in 1/128 octave, 0..sampling.mask.MAX_SCALE
    """

    exponents: Ints
    block: int
    scale: int


@dataclass(frozen=True)
class Points:
    """The sampled positions of a picture, coarse to fine.

    rows, cols : int32 (n,), pixel positions, all different
    ranks      : int32 (n,), blue-noise rank of each position, ascending
    """

    height: int
    width: int
    rows: Ints
    cols: Ints
    ranks: Ints

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Samples:
    """Points and their values, as a decoder knows them.

    values : float32 (n, 3), luma and the two chroma planes of YCoCg: Y in 0..255, Co and Cg
             in -255..255 (quantised values may overshoot)
    step   : quantiser step of the finest luma level in grey levels; 0 if values are exact
    tone   : one of choices.TONES
    """

    points: Points
    values: Floats
    step: float = 0.0
    tone: str = "point"


@dataclass(frozen=True)
class Fill:
    """A picture interpolated from samples: the input of a network, or its replacement.

    rgb       : float32 (height, width, 3), nominally 0..255, not clipped
    deviation : float32 (height, width), kriging standard deviation, 0 at a sample to 1 far from
                all samples
    """

    rgb: Floats
    deviation: Floats


Region = tuple[int, int, int, int, float]
"""x, y, width and height in pixels, and weight."""


class EncodeKeywords(TypedDict, total=False):
    """The keywords of ``xcodec.encode`` beside ``rate``: the fields of EncodeOptions."""

    max_bytes: int | None
    bpp: float | None
    max_side: int | None
    psnr: float | None
    step: float | None
    density: str
    mask: str | NDArray[np.bool_]
    tone: str
    lossless_samples: bool
    strength: float | None
    floor: float | None
    block: int | None
    seed: int | None
    model: str
    comment: str | None
    effort: int
    decoder: str | None
    roi: Sequence[Region]
    roi_mask: NDArray[np.uint8] | None
    saliency: bool
    alpha_quality: int
    keep: bool | None
    tile: int | None
    jobs: int


class ArrayKeywords(TypedDict, total=False):
    """The keywords of ``decode_array`` beside ``bit_depth``: fields of DecodeOptions."""

    decoder: str
    model: str
    device: str
    partial: bool
    max_pixels: int
    region: tuple[int, int, int, int] | None
    downsample: int
    jobs: int
    realism: float
    original_size: bool


class DecodeKeywords(ArrayKeywords, total=False):
    """The keywords of ``xcodec.decode``: the fields of DecodeOptions."""

    bit_depth: int | None
    strip: bool
