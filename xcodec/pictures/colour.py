"""Colour transforms: YCoCg in floats, and the reversible YCoCg-R in integers.

Source: Malvar and Sullivan, "YCoCg-R: A Color Space with RGB Reversibility", JVT-I014, 2003.
"""

import numpy as np
from numpy.typing import NDArray

from xcodec.types import RGB, Floats, Ints


def to_ycocg(rgb: RGB | Floats) -> NDArray[np.float32]:
    """Convert RGB to Y, Co and Cg, float32 (..., 3), without rounding.

    rgb : (..., 3), 0..255; Y is then in 0..255, Co and Cg in -255..255
    """
    red, green, blue = np.moveaxis(np.asarray(rgb, np.float32), -1, 0)
    mean = (red + blue) / 2
    return np.stack([(mean + green) / 2, red - blue, green - mean], -1)


def from_ycocg(planes: Floats) -> NDArray[np.float32]:
    """Convert Y, Co and Cg, (..., 3), to RGB, float32 (..., 3), not clipped.

    The inverse of ``to_ycocg``.
    """
    luma, orange, green = np.moveaxis(np.asarray(planes, np.float32), -1, 0)
    mean = luma - green / 2
    return np.stack([mean + orange / 2, luma + green / 2, mean - orange / 2], -1)


def to_ycocg_r(rgb: RGB | Ints) -> NDArray[np.int32]:
    """Convert RGB to YCoCg-R, int32 (..., 3), reversibly.

    rgb : integers (..., 3), 0..255; Y is then in 0..255, Co and Cg in -255..255
    """
    red, green, blue = np.moveaxis(np.asarray(rgb, np.int32), -1, 0)
    orange = red - blue
    mean = blue + (orange >> 1)
    return np.stack([mean + (green - mean >> 1), orange, green - mean], -1)


def from_ycocg_r(planes: Ints) -> NDArray[np.int32]:
    """Convert YCoCg-R, integers (..., 3), to RGB, int32 (..., 3): the exact inverse."""
    luma, orange, green = np.moveaxis(np.asarray(planes, np.int32), -1, 0)
    mean = luma - (green >> 1)
    blue = mean - (orange >> 1)
    return np.stack([blue + orange, green + mean, blue], -1)
