"""What a network sees of a damaged picture, task by task.

Networks that start from the classical fill get CHANNELS planes:

points, blocks : those of the decoder: fill, deviation, mask, step 0, tone "point"
color-noise    : the fill of the pixels that agree with others, the picture as it came, 1, each
                 pixel's chance to be noise

Other networks get the picture as it came, with white where the task leaves nothing.
"""

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.reconstruction.conditions import CHANNELS, stack, to_network
from xcodec.restoration.fills import fill_hole, fill_known
from xcodec.restoration.known_pixels import MASKED
from xcodec.restoration.noise import fill_noise
from xcodec.types import RGB, Fill


def inputs(
    blends: bool, task: str, rgb: RGB, known: NDArray[np.bool_] | None, fill: Fill | None = None
) -> NDArray[np.float32]:
    """Conditions float32 (channels, height, width) of a damaged picture.

    blends : whether the network starts from the classical fill
    rgb    : uint8 (height, width, 3), as it came
    known  : bool (height, width), which pixels are right; of MASKED tasks only
    fill   : the classical fill, if it is there already; of MASKED tasks and of color-noise

    Raises InputError where a mask is needed and isn't there, or leaves nothing.
    """
    if not blends:
        return to_network(np.moveaxis(rgb, -1, 0))
    if task in MASKED:
        if known is None or not known.any():
            raise InputError(f"{task} needs a mask that marks a known pixel")
        if fill is None:
            fill = (fill_known if task == "points" else fill_hole)(rgb, known)
        return stack(fill.rgb, fill.deviation, known.astype(np.float32), 0.0, "point")
    fill = fill or fill_noise(rgb)
    planes = np.ones((CHANNELS, *rgb.shape[:2]), np.float32)
    planes[:3] = to_network(np.moveaxis(fill.rgb, -1, 0).clip(0, 255))
    planes[3:6] = to_network(np.moveaxis(rgb, -1, 0))
    planes[6] = fill.deviation
    return planes
