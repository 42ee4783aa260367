"""The frozen dataclasses that travel between the parts of xcodec."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]
RGB = NDArray[np.uint8]
"""A picture, (height, width, 3), in sRGB."""
Alpha = NDArray[np.uint8]
"""Opacity, (height, width): 255 is opaque."""

CODED, PACKET = ".xgc", ".xgp"
"""Suffixes of files and of packets."""
MAX_PIXELS = 100_000_000
"""Pictures with more pixels than this are refused unless the caller raises the limit."""

TONES = ("least-squares", "mean", "point")
"""What a sample's value is: fitted through the fill, a local mean, or the pixel itself."""
DECODERS = ("generator", "classical")
"""What paints between samples: a trained network, or interpolation alone."""


@dataclass(frozen=True)
class Density:
    """How densely each block of a picture is sampled: 2 ** exponent times a common scale.

    exponents : integers (blocks high, blocks wide), 0..15
    block     : side of a block in pixels
    scale     : common scale in 1/128 octave, 0 .. sampling.mask.MAX_SCALE
    """

    exponents: Ints
    block: int
    scale: int


@dataclass(frozen=True)
class Points:
    """Where a picture is sampled, coarse to fine.

    rows, cols : int32 (n,), pixel positions, no position twice
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
    """Points with the values that a decoder knows there.

    values : float32 (n, 3), luma and the two chroma planes of YCoCg: Y in 0..255, Co and Cg
             in -255..255 (quantised values may overshoot)
    step   : quantiser step of the finest luma level in grey levels; 0 where values are exact
    tone   : one of TONES
    """

    points: Points
    values: Floats
    step: float = 0.0
    tone: str = "point"


@dataclass(frozen=True)
class Fill:
    """A picture painted from samples, before or instead of a network.

    rgb       : float32 (height, width, 3), nominally 0..255, not clipped
    deviation : float32 (height, width), kriging standard deviation in 0..1: 0 on a sample,
                1 where the samples say nothing
    """

    rgb: Floats
    deviation: Floats
