"""The encoder's guess of what the generator will make of a fill. No torch here.

Symbols are chosen by the error of the classical fill, but most files are painted by a generator. A
small network stands in for it: the gradient of that network's error with respect to the fill, less
the fill's own error, says what the fill should show instead of the picture.
"""

from concurrent.futures import Future
from functools import lru_cache

import numpy as np

from xcodec.pictures.colour import from_ycocg, to_ycocg
from xcodec.reconstruction import model_files, opencv_painter, tiling
from xcodec.reconstruction.conditions import stack
from xcodec.system import threads
from xcodec.types import RGB, Floats, Points

MODEL = "proxy"


class Foresight:
    """What to add to the picture that a fill should show: the ``rdoq.Foresight``."""

    def __init__(self, rgb: RGB, points: Points, origin: Floats, tone: str) -> None:
        """rgb    : uint8 (height, width, 3), the picture
        origin : YCoCg colour (3,) that planes are differences from
        """
        self._critic: Future[opencv_painter.Critic] = threads.later(_critic)
        self._rgb, self._origin, self._tone = rgb, origin, tone
        self._mask = np.zeros(rgb.shape[:2], np.uint8)
        self._mask[points.rows, points.cols] = 1

    def __call__(self, planes: Floats, deviation: Floats, step: float) -> Floats:
        """Raises ModelError without the network's weights."""
        channels = planes.shape[2]
        shown = np.zeros((*planes.shape[:2], 3), np.float32)
        shown[..., :channels] = planes
        fill = np.clip(from_ycocg(shown + self._origin), 0, 255)

        def window(rows: slice, cols: slice) -> Floats:
            part = (rows, cols)
            seen = stack(fill[part], deviation[part], self._mask[part], step, self._tone)
            return self._critic.result().excess(seen, fill[part] - self._rgb[part])

        excess = tiling.painted(planes.shape[0], planes.shape[1], window)
        more: Floats = to_ycocg(-excess)
        return more[..., :channels]


@lru_cache(maxsize=1)
def _critic() -> opencv_painter.Critic:
    return opencv_painter.critic(model_files.find(MODEL))
