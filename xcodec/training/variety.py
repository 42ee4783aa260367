"""Random variations of pictures before encoding, against overfitting. No torch here.

After a hundred epochs of the same 1,300 pictures a network has memorised them. The ranges below are
those measured in docs/research/training-on-gpus.md.
"""

import cv2
import numpy as np

from xcodec.pictures.modes import to_depth
from xcodec.types import RGB

ZOOM = 1.4
"""Largest factor by which a picture is enlarged or reduced."""
ANGLE = 0.2
"""Largest rotation either way, in radians."""
GAMMA = 1.3
"""Largest exponent of the tone curve; its inverse is the smallest."""
SATURATION = (0.6, 1.4)
"""Smallest and largest factor of saturation."""
BALANCE = 0.08
"""Largest relative change of one channel."""


def varied(rgb: RGB, smallest: int, rng: np.random.Generator) -> RGB:
    """A picture, uint8 (height, width, 3), at another size, angle and in other colours.

    Only enlarged pictures are turned, and only so far that no corner is empty.

    smallest : sides do not shrink below this many pixels
    """
    return _coloured(_turned(rgb, smallest, rng), rng)


def _turned(rgb: RGB, smallest: int, rng: np.random.Generator) -> RGB:
    height, width = rgb.shape[:2]
    least = min(max(smallest / min(height, width), 1 / ZOOM), 1.0)
    zoom = float(np.exp(rng.uniform(np.log(least), np.log(ZOOM))))
    if zoom < 1:  # Averages, like a camera with fewer pixels.
        size = (max(round(width * zoom), smallest), max(round(height * zoom), smallest))
        return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    # A window of the original size in the enlarged picture: its margin limits the rotation.
    longest, shortest = max(height, width), min(height, width)
    room = (zoom - 1) * shortest / longest
    angle = float(rng.uniform(-1, 1)) * min(room, ANGLE)
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, float(np.degrees(angle)), zoom)
    turned = cv2.warpAffine(
        rgb, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(turned, np.uint8)


def _coloured(rgb: RGB, rng: np.random.Generator) -> RGB:
    light = (rgb.astype(np.float32) / 255) ** float(GAMMA ** rng.uniform(-1, 1))
    grey = light.mean(2, keepdims=True)
    light = grey + (light - grey) * float(rng.uniform(*SATURATION))
    light *= 1 + rng.uniform(-BALANCE, BALANCE, 3).astype(np.float32)
    return to_depth(light * 255, 8)
