"""Classical fills of damaged pictures: from scattered known pixels, and of holes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.pictures.colour import to_ycocg
from xcodec.pictures.filling import pull_push
from xcodec.reconstruction.classical import fill
from xcodec.sampling.mask import points_from_mask
from xcodec.types import RGB, Fill, Samples

REACH = 64
"""Distance in pixels from the nearest known pixel at which the deviation reaches 1."""


def fill_known(rgb: RGB, known: NDArray[np.bool_]) -> Fill:
    """The classical fill from pixels that are known exactly.

    rgb   : uint8 (height, width, 3); only pixels where ``known`` is true count
    known : bool (height, width)

    Raises InputError if no pixel is known, LimitError if too many are; for those see ``fill_hole``.
    """
    points = points_from_mask(known)
    return fill(Samples(points, to_ycocg(rgb[points.rows, points.cols])))


def fill_hole(rgb: RGB, known: NDArray[np.bool_]) -> Fill:
    """A smooth fill of the holes in a picture that is mostly known, by pull-push.

    The deviation is the distance to the nearest known pixel over REACH, at most 1.

    rgb   : uint8 (height, width, 3); only pixels where ``known`` is true count
    known : bool (height, width), true for at least one pixel
    """
    weights = known.astype(np.float32)
    colours = rgb.astype(np.float32) * weights[..., None]
    distance = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5)
    filled = pull_push(colours, weights)
    filled[known] = rgb[known]
    return Fill(filled, np.asarray(distance, np.float32).clip(0, REACH) / np.float32(REACH))
