"""The encoder's guess of what the generator will make of a fill. No torch here.

Symbols are chosen by the error of the classical fill, but most files are painted by a generator. A
network a thirteenth of its size stands in for it: the gradient of that network's error with respect
to the fill says where the fill should rather be.
"""

from functools import lru_cache

import numpy as np

from xcodec import images
from xcodec.reconstruction import opencv, tiling, zoo
from xcodec.reconstruction.conditions import stack
from xcodec.samples import Floats, Points

MODEL = "proxy"


class Foresight:
    """What the fill of a sampled picture should rather show: the ``rdoq.Foresight``."""

    def __init__(self, rgb: images.RGB, points: Points, origin: Floats, tone: str) -> None:
        """rgb    : uint8 (height, width, 3), the picture
        origin : YCoCg colour (3,) that planes are differences from
        """
        self._rgb, self._origin, self._tone = rgb, origin, tone
        self._mask = np.zeros(rgb.shape[:2], np.uint8)
        self._mask[points.rows, points.cols] = 1

    def __call__(self, planes: Floats, deviation: Floats, step: float) -> Floats:
        """Raises ModelError without the network's weights."""
        channels = planes.shape[2]
        shown = np.zeros((*planes.shape[:2], 3), np.float32)
        shown[..., :channels] = planes
        fill = np.clip(images.from_ycocg(shown + self._origin), 0, 255)

        def window(rows: slice, cols: slice) -> Floats:
            part = (rows, cols)
            seen = stack(fill[part], deviation[part], self._mask[part], step, self._tone)
            return _critic().gradient(seen, fill[part] - self._rgb[part])

        gradient = tiling.painted(planes.shape[0], planes.shape[1], window)
        wanted: Floats = images.to_ycocg(fill - gradient) - self._origin
        return wanted[..., :channels]


@lru_cache(maxsize=1)
def _critic() -> opencv.Critic:
    return opencv.critic(zoo.find(MODEL))
