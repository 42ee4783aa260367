"""The input of a network for a damaged picture, by task.

Networks that start from a classical fill get CHANNELS planes:

points, blocks : those of the decoder: fill, deviation, mask, step 0, tone "point"
color-noise    : fill from the pixels that agree with others (3), the damaged picture (3), and each
                 pixel's probability of being noise

Other networks get the RGB of the damaged picture.
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

    blends : whether the network starts from a classical fill
    rgb    : uint8 (height, width, 3), the damaged picture
    known  : bool (height, width), true where pixels are known; for MASKED tasks only
    fill   : the classical fill if it is available already

    Raises InputError if a mask is needed and is missing or marks no pixel.
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
