"""Classical restoration for comparison with networks: fills of scattered points, noise filters.

A fill takes a damaged picture, uint8 (height, width, 3), and a mask of its known pixels, which it
keeps. Noise filters and xcodec's consensus get the picture alone, as nothing says what is noise.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.pictures.modes import to_depth
from xcodec.restoration.fills import fill_known
from xcodec.restoration.noise import fill_noise
from xcodec.system.packages import require
from xcodec.types import RGB

Mask = NDArray[np.bool_]
Positions = NDArray[np.integer[Any]]
TELEA_RADIUS = 3.0
"""Radius of OpenCV's inpainting in pixels."""


def restored(name: str, rgb: RGB, known: Mask) -> RGB:
    """Restore a damaged picture by a method of NAMES, which is named as in ``parsed``."""
    method, strength = parsed(name)
    if method in FILLS:
        return np.where(known[..., None], rgb, FILLS[method](rgb, known))
    if method in POINT_FILLS:
        height, width = known.shape
        filled = POINT_FILLS[method](np.argwhere(known), rgb[known], (height, width))
        return np.where(known[..., None], rgb, filled)
    if method == "consensus":
        return to_depth(fill_noise(rgb).rgb, 8)
    return FILTERS[method](rgb, strength)


def parsed(name: str) -> tuple[str, int]:
    """Return a method of NAMES, and its strength if it is a filter.

    The name of a filter may end in a colon and its strength: the side of the median's window in
    pixels, or the filter strength of non-local means in grey levels.

    Raises InputError for other names and strengths.
    """
    method, colon, text = name.partition(":")
    if method not in NAMES:
        raise InputError(f"no classical method {name!r}: methods are {', '.join(NAMES)}")
    if not colon:
        return method, FILTER_STRENGTHS.get(method, 0)
    if method not in FILTERS:
        raise InputError(f"{name}: only {' and '.join(FILTERS)} have a strength")
    most = STRONGEST[method]
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise InputError(f"{name}: the strength is a whole number in 1..{most}")
    return method, int(text)


def kriging(rgb: RGB, known: Mask) -> RGB:
    """xcodec's classical fill: block-wise ordinary kriging."""
    return to_depth(fill_known(rgb, known).rgb, 8)


def biharmonic(rgb: RGB, known: Mask) -> RGB:
    """Biharmonic inpainting of scikit-image. Raises DependencyError if that is not installed."""
    inpaint = require("skimage.restoration", "bench").inpaint_biharmonic
    filled: NDArray[np.float64] = inpaint(rgb, ~known, channel_axis=-1)
    return to_depth(filled * 255, 8)


def nearest(points: Positions, values: RGB, shape: tuple[int, int]) -> RGB:
    """The value of the nearest point."""
    from scipy.spatial import cKDTree

    every = np.indices(shape).reshape(2, -1).T
    filled: RGB = values[cKDTree(points).query(every)[1]].reshape(*shape, 3)
    return filled


def linear(points: Positions, values: RGB, shape: tuple[int, int]) -> RGB:
    """Linear interpolation over Delaunay triangles; the nearest point outside their hull."""
    from scipy.interpolate import LinearNDInterpolator

    rows, cols = np.indices(shape)
    try:
        filled = LinearNDInterpolator(points, values.astype(np.float64))(rows, cols)
    except (ValueError, RuntimeError):  # Fewer than three points, or all on a line.
        return nearest(points, values, shape)
    outside = np.isnan(filled[..., 0])
    filled[outside] = nearest(points, values, shape)[outside]
    return to_depth(filled, 8)


def telea(points: Positions, values: RGB, shape: tuple[int, int]) -> RGB:
    """Fast marching as in OpenCV.

    Source: Telea, "An Image Inpainting Technique Based on the Fast Marching Method", 2004.
    """
    picture, unknown = np.zeros((*shape, 3), np.uint8), np.ones(shape, np.uint8)
    picture[tuple(points.T)] = values
    unknown[tuple(points.T)] = 0
    return np.asarray(cv2.inpaint(picture, unknown, TELEA_RADIUS, cv2.INPAINT_TELEA))


def median(rgb: RGB, side: int) -> RGB:
    """Median over a square window around each pixel, channel by channel."""
    return np.asarray(cv2.medianBlur(np.ascontiguousarray(rgb), side | 1), np.uint8)


def non_local_means(rgb: RGB, strength: int) -> RGB:
    """OpenCV's non-local means for colour pictures."""
    done = cv2.fastNlMeansDenoisingColored(np.ascontiguousarray(rgb), None, strength, strength)
    return np.asarray(done, np.uint8)


FILLS: dict[str, Callable[[RGB, Mask], RGB]] = {"kriging": kriging, "biharmonic": biharmonic}
"""Fills of a picture and its mask."""
POINT_FILLS: dict[str, Callable[[Positions, RGB, tuple[int, int]], RGB]] = {
    "nearest": nearest,
    "linear": linear,
    "telea": telea,
}
"""Fills of positions (n, 2), their values (n, 3), and height and width of the picture."""
FILTERS: dict[str, Callable[[RGB, int], RGB]] = {"median": median, "nlm": non_local_means}
FILTER_STRENGTHS = {"median": 15, "nlm": 60}
"""Default strengths of the filters."""
STRONGEST = {"median": 31, "nlm": 255}
"""Highest strengths: a median's window of more than 31 pixels is not in OpenCV."""
NAMES = (*FILLS, *POINT_FILLS, *FILTERS, "consensus")
