"""Classical fills of damaged pictures: from known pixels, and of holes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.pictures.colour import to_ycocg
from xcodec.reconstruction.classical import fill
from xcodec.sampling.mask import points_from_mask
from xcodec.types import RGB, Fill, Samples

REACH = 64
"""Pixels from the nearest known one at which a hole's middle is taken for unknown altogether."""


def fill_known(rgb: RGB, known: NDArray[np.bool_]) -> Fill:
    """The classical fill from pixels that are known exactly.

    rgb   : uint8 (height, width, 3), right where ``known``
    known : bool (height, width)

    Raises InputError where nothing is known, LimitError where too much is: see ``fill_hole``.
    """
    points = points_from_mask(known)
    return fill(Samples(points, to_ycocg(rgb[points.rows, points.cols])))


def fill_hole(rgb: RGB, known: NDArray[np.bool_]) -> Fill:
    """A smooth fill of holes in a picture that is mostly known: a pyramid of weighted means.

    The deviation is the distance to the nearest known pixel over REACH, at most 1. Source:
    pull-push, Gortler et al., "The Lumigraph", 1996.

    rgb   : uint8 (height, width, 3), right where ``known``
    known : bool (height, width), somewhere true
    """
    weights = known.astype(np.float32)
    colours = rgb.astype(np.float32) * weights[..., None]
    distance = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5)
    painted = _pulled(colours, weights)
    painted[known] = rgb[known]
    return Fill(painted, np.asarray(distance, np.float32).clip(0, REACH) / np.float32(REACH))


def _pulled(colours: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted means: where a pixel has no weight of its own, those of coarser pixels.

    colours : (height, width, 3), times their weight
    weights : (height, width)
    """
    height, width = weights.shape
    own = np.asarray(colours / np.maximum(weights, np.float32(1e-6))[..., None], np.float32)
    if max(height, width) == 1:
        return own
    half = (max(width // 2, 1), max(height // 2, 1))
    coarse = _pulled(
        np.asarray(cv2.resize(colours, half, interpolation=cv2.INTER_AREA), np.float32),
        np.asarray(cv2.resize(weights, half, interpolation=cv2.INTER_AREA), np.float32),
    )
    coarse = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))
    share = np.minimum(weights, 1)[..., None]
    mixed = share * own + (1 - share) * coarse.reshape(own.shape)
    return mixed.astype(np.float32)
