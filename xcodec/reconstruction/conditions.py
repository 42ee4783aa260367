"""The input of a generator, and the scale of its numbers. No torch here."""

import numpy as np
from numpy.typing import NDArray

from xcodec.types import Fill, Floats, Ints, Samples

CHANNELS = 7
"""Planes of the input: RGB of the fill, deviation, mask, step, tone."""
GREY_LEVEL = np.float32(2 / 255)
"""One grey level on the network's scale."""


def conditions(
    samples: Samples, fill: Fill, rows: slice = slice(None), cols: slice = slice(None)
) -> NDArray[np.float32]:
    """The generator's input for a picture or a window of it: float32 (7, height, width).

    rows, cols : the window; slices without a step, within the picture
    """
    points = samples.points
    top, bottom, _ = rows.indices(points.height)
    left, right, _ = cols.indices(points.width)
    mask = np.zeros((bottom - top, right - left), np.float32)
    inside = (points.rows >= top) & (points.rows < bottom)
    inside &= (points.cols >= left) & (points.cols < right)
    mask[points.rows[inside] - top, points.cols[inside] - left] = 1.0
    rgb, deviation = fill.rgb[rows, cols], fill.deviation[rows, cols]
    return stack(rgb, deviation, mask, samples.step, samples.tone)


def stack(
    rgb: Floats | Ints, deviation: Floats, mask: Floats | Ints, step: float, tone: str
) -> NDArray[np.float32]:
    """The generator's input from its parts: float32 (7, height, width).

    rgb       : classical fill (height, width, 3), grey levels; clipped to 0..255 here
    deviation : kriging standard deviation (height, width), 0..1
    mask      : 1 on a sample and 0 elsewhere (height, width)
    step      : quantiser step of the finest luma level, grey levels
    tone      : one of ``choices.TONES``: tells the network whether values are exact pixels
                ("point") or fitted
    """
    planes = np.empty((CHANNELS, *mask.shape), np.float32)
    planes[:3] = to_network(np.asarray(np.moveaxis(rgb, -1, 0), np.float32).clip(0, 255))
    planes[3] = deviation
    planes[4] = mask
    planes[5] = step_plane(step)
    planes[6] = tone == "point"
    return planes


def step_plane(step: float | Floats) -> Floats:
    """The input plane for quantiser steps in grey levels (0: exact values): log2(1 + step) / 6."""
    return np.asarray(np.log2(1.0 + np.asarray(step)) / 6.0, np.float32)


def to_network(grey: Floats | Ints) -> NDArray[np.float32]:
    """Grey levels 0..255 on the network's scale -1..1."""
    return np.asarray(grey, np.float32) * GREY_LEVEL - np.float32(1)


def from_network(values: Floats) -> NDArray[np.float32]:
    """Grey levels 0..255, not clipped, of values on the network's scale -1..1."""
    return (np.asarray(values, np.float32) + np.float32(1)) * np.float32(255 / 2)
