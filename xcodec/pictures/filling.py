"""Filling pixels that have no colour of their own from those around them.

Both functions build a pyramid of weighted means and fill each level from the next coarser one.
They differ in how partly covered pixels of coarse levels count, and must stay as they are: files
depend on the one, the weights of the restoration networks on the other.

Source: pull-push, Gortler et al., "The Lumigraph", SIGGRAPH 1996.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.types import RGB, Alpha, Floats

_Plane = NDArray[np.float32]


def surroundings(rgb: RGB | Floats, alpha: Alpha) -> _Plane:
    """Return colours float32 (height, width, 3) that continue those seen where alpha is 0.

    In each level, every pixel that is covered at all has the mean of what covers it.

    rgb : (height, width, 3); counts where alpha is not 0. If that is nowhere, the result is white
    """
    seen = (alpha > 0).astype(np.float32)
    colours = rgb * seen[..., None]
    levels = [(colours, seen)]
    while min(levels[-1][1].shape) > 1:
        height, width = levels[-1][1].shape
        levels.append(_reduced(*levels[-1], ((height + 1) // 2, (width + 1) // 2)))
    total = seen.sum()
    mean = colours.sum((0, 1), dtype=np.float64) / total if total else np.full(3, 255.0)
    filled = np.broadcast_to(mean.astype(np.float32), levels[-1][0].shape)
    for part, weight in reversed(levels):
        filled = _enlarged(filled, weight.shape)
        own = part / np.maximum(weight, 1e-6)[..., None]
        filled = np.where(weight[..., None] > 0, own, filled).astype(np.float32)
    return filled


def pull_push(colours: _Plane, weights: _Plane) -> _Plane:
    """Return weighted means, float32 (height, width, 3), of pixels and the coarser ones above.

    In each level, a pixel of weight w has w of its own mean and 1 - w of the coarser one.

    colours : (height, width, 3), multiplied by their weights
    weights : (height, width), 0..1
    """
    height, width = weights.shape
    own = np.asarray(colours / np.maximum(weights, np.float32(1e-6))[..., None], np.float32)
    if max(height, width) == 1:
        return own
    half = (max(height // 2, 1), max(width // 2, 1))
    coarse = _enlarged(pull_push(*_reduced(colours, weights, half)), (height, width))
    share = np.minimum(weights, 1)[..., None]
    mixed = share * own + (1 - share) * coarse
    return mixed.astype(np.float32)


def _reduced(colours: _Plane, weights: _Plane, shape: tuple[int, int]) -> tuple[_Plane, _Plane]:
    """Area means of colours and weights."""
    size = shape[::-1]
    return (
        np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA), np.float32),
        np.asarray(cv2.resize(weights, size, interpolation=cv2.INTER_AREA), np.float32),
    )


def _enlarged(colours: _Plane, shape: tuple[int, ...]) -> _Plane:
    """Colours interpolated linearly to (height, width)."""
    large = cv2.resize(
        np.ascontiguousarray(colours), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(large, np.float32).reshape(*shape, 3)
