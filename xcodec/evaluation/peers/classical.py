"""Classical restoration to set networks beside: fills of scattered points, filters of noise.

Fills take a damaged picture, uint8 (height, width, 3), and where it is known, and keep what is
known. Filters and xcodec's consensus take the picture alone: nothing tells them what is noise.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError, XcodecError
from xcodec.evaluation.runs import points
from xcodec.restoration.fills import fill_known
from xcodec.restoration.noise import fill_noise
from xcodec.types import RGB, Floats

Known = NDArray[np.bool_]


def restored(name: str, rgb: RGB, known: Known) -> RGB:
    """A damaged picture as a method of ``NAMES`` restores it; raises InputError for another.

    Filters may be followed by a colon and their strength: side of the median's window in pixels,
    filter strength of non-local means in grey levels.
    """
    method, _, strength = name.partition(":")
    if method in FILLS or method in points.FILLS:
        if method in FILLS:
            painted = FILLS[method](rgb, known)
        else:
            height, width = known.shape
            painted = points.FILLS[method](np.argwhere(known), rgb[known], (height, width))
        return np.where(known[..., None], rgb, painted)
    if method == "consensus":
        return _rounded(fill_noise(rgb).rgb)
    if method in FILTERS:
        try:
            return FILTERS[method](rgb, int(strength) if strength else STRENGTHS[method])
        except ValueError as error:
            raise InputError(f"{name}: the strength is a whole number") from error
    raise InputError(f"no classical method {name!r}: there are {', '.join(NAMES)}")


def kriging(rgb: RGB, known: Known) -> RGB:
    """xcodec's own classical fill: block-wise ordinary kriging."""
    return _rounded(fill_known(rgb, known).rgb)


def biharmonic(rgb: RGB, known: Known) -> RGB:
    """Biharmonic inpainting of scikit-image; raises XcodecError where that isn't installed."""
    try:
        from skimage.restoration import inpaint_biharmonic
    except ImportError as error:
        raise XcodecError("biharmonic inpainting needs scikit-image") from error
    painted: NDArray[np.float64] = inpaint_biharmonic(rgb, ~known, channel_axis=-1)
    return _rounded(painted * 255)


def median(rgb: RGB, side: int) -> RGB:
    """Median of a square window around each pixel, channel by channel."""
    return np.asarray(cv2.medianBlur(np.ascontiguousarray(rgb), side | 1), np.uint8)


def non_local_means(rgb: RGB, strength: int) -> RGB:
    """OpenCV's non-local means for colour pictures."""
    done = cv2.fastNlMeansDenoisingColored(np.ascontiguousarray(rgb), None, strength, strength)
    return np.asarray(done, np.uint8)


FILLS: dict[str, Callable[[RGB, Known], RGB]] = {"kriging": kriging, "biharmonic": biharmonic}
FILTERS: dict[str, Callable[[RGB, int], RGB]] = {"median": median, "nlm": non_local_means}
STRENGTHS = {"median": 15, "nlm": 60}
NAMES = (*FILLS, *points.FILLS, *FILTERS, "consensus")


def _rounded(picture: Floats) -> RGB:
    levels: RGB = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return levels
