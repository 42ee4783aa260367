"""Pictures varied before they are coded, so that a network can't learn the few there are by heart.

A hundred rounds of the same 1,300 pictures teach a network these rather than pictures in general
(docs/models.md). No torch here.
"""

import cv2
import numpy as np

from xcodec.types import RGB

ZOOM = 1.4
"""Most that a picture grows; it shrinks by as much at most."""
ANGLE = 0.2
"""Most that it is turned either way, in radians."""
GAMMA = 1.3
SATURATION = (0.6, 1.4)
BALANCE = 0.08
"""Most that a channel's brightness differs from the mean of all, as a share."""


def varied(rgb: RGB, smallest: int, rng: np.random.Generator) -> RGB:
    """A picture, uint8 (height, width, 3), at another size, angle and in other colours.

    It is turned as far as its size leaves no empty corners in the middle part that is kept, whose
    sides are ``smallest`` at least where the picture's are.
    """
    return _coloured(_turned(rgb, smallest, rng), rng)


def _turned(rgb: RGB, smallest: int, rng: np.random.Generator) -> RGB:
    height, width = rgb.shape[:2]
    least = min(max(smallest / min(height, width), 1 / ZOOM), 1.0)
    zoom = float(np.exp(rng.uniform(np.log(least), np.log(ZOOM))))
    if zoom < 1:  # Averages, as a camera with fewer pixels would take.
        size = (max(round(width * zoom), smallest), max(round(height * zoom), smallest))
        return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    # A window of the picture's sides inside the larger picture, turned by what its margin allows.
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
    coloured: RGB = np.clip(np.rint(light * 255), 0, 255).astype(np.uint8)
    return coloured
