"""Lookahead: the encoder estimates what the generator will make of a fill, without torch.

Symbols are chosen by the error of the classical fill, but most files are decoded by a generator. A
small proxy network stands in for it. The gradient of the proxy's error with respect to the fill,
minus the fill's own error, tells how the fill should differ from the picture
(docs/research/lookahead.md).
"""

from concurrent.futures import Future
from functools import lru_cache

import numpy as np

from xcodec.pictures.colour import from_ycocg, to_ycocg
from xcodec.reconstruction import model_files, tiling
from xcodec.reconstruction.conditions import from_network, stack
from xcodec.reconstruction.opencv_painter import ProxyGradient, painter, proxy_gradient
from xcodec.system import threads
from xcodec.types import RGB, Floats, Points

MODEL = "proxy"


class Lookahead:
    """What the proxy network makes of a fill: an ``rdoq.Ahead``.

    Methods take the fill, (height, width, planes), as differences from the origin; its standard
    error (height, width) in grey levels; and the quantiser step in grey levels. They raise
    ModelError if the proxy network's weights are missing.
    """

    def __init__(self, rgb: RGB, points: Points, origin: Floats, tone: str) -> None:
        """rgb    : uint8 (height, width, 3), the picture
        points : its samples
        origin : YCoCg colour (3,) that planes are differences from
        tone   : tone of the samples, an input of the network
        """
        self._gradient: Future[ProxyGradient] = threads.later(_proxy_gradient)
        self._rgb, self._origin, self._tone = rgb, origin, tone
        self._mask = np.zeros(rgb.shape[:2], np.uint8)
        self._mask[points.rows, points.cols] = 1

    def correction(self, planes: Floats, deviation: Floats, step: float) -> Floats:
        """The correction of the target, (height, width, planes): minus the gradient of the proxy's
        squared error, plus the fill's own error."""
        fill = self._fill(planes)

        def window(rows: slice, cols: slice) -> Floats:
            part = (rows, cols)
            seen = stack(fill[part], deviation[part], self._mask[part], step, self._tone)
            return self._gradient.result().minus_error(seen, fill[part] - self._rgb[part])

        gradient = tiling.in_windows(planes.shape[0], planes.shape[1], window)
        correction: Floats = to_ycocg(-gradient)
        return correction[..., : planes.shape[2]]

    def error(
        self, planes: Floats, deviation: Floats, step: float, weights: Floats | None
    ) -> float:
        """Mean squared error over R, G and B of what the proxy network paints.

        weights : (height, width), of the squared errors; None: all 1
        """
        fill, paint = self._fill(planes), painter((model_files.find(MODEL),))

        def window(rows: slice, cols: slice) -> Floats:
            part = (rows, cols)
            seen = stack(fill[part], deviation[part], self._mask[part], step, self._tone)
            painted = from_network(np.moveaxis(paint(seen), 0, -1)).clip(0, 255)
            return np.square(painted - self._rgb[part])

        squared = tiling.in_windows(planes.shape[0], planes.shape[1], window)
        return float(squared.mean() if weights is None else (squared * weights[..., None]).mean())

    def _fill(self, planes: Floats) -> Floats:
        """The fill in R, G and B, (height, width, 3)."""
        shown = np.zeros((*planes.shape[:2], 3), np.float32)
        shown[..., : planes.shape[2]] = planes
        fill: Floats = np.clip(from_ycocg(shown + self._origin), 0, 255)
        return fill


@lru_cache(maxsize=1)
def _proxy_gradient() -> ProxyGradient:
    return proxy_gradient(model_files.find(MODEL))
