"""Pictures of any size for a U-Net that takes squares of 2x2 pixels as channels. No torch here."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.reconstruction.architecture import Architecture

Planes = NDArray[np.float32]


def through(
    network: Callable[[dict[str, Planes]], Planes],
    architecture: Architecture,
    given: Mapping[str, Planes],
) -> Planes:
    """What a network makes of a picture: planes (3, height, width).

    network : from inputs by name, each (1, 4 channels, h, w), to an output (12, h, w), where h and
              w are multiples of half of MULTIPLE
    given   : planes (channels, height, width) by the names of the network's inputs
    """
    scale, multiple = architecture.scale, architecture.multiple
    height, width = next(iter(given.values())).shape[1:]
    room = (0, 0), (0, -height % multiple), (0, -width % multiple)
    padded = {name: np.pad(x, room, "reflect") for name, x in given.items()}
    size = (width + room[2][1]) // scale, (height + room[1][1]) // scale
    means = {name: _resized(x, size, cv2.INTER_AREA) for name, x in padded.items()}
    found = _shuffled(network({name: _unshuffled(x)[None] for name, x in means.items()}))
    whole = size[0] * scale, size[1] * scale
    return _resized(found, whole, cv2.INTER_NEAREST)[:, :height, :width]


def _resized(planes: Planes, size: tuple[int, int], how: int) -> Planes:
    """Planes (c, height, width) at another width and height."""
    if size == planes.shape[:0:-1]:
        return planes
    return np.stack([cv2.resize(plane, size, interpolation=how) for plane in planes])


def _unshuffled(planes: Planes) -> Planes:
    """Squares of 2x2 pixels as channels: (c, 2 h, 2 w) to (4 c, h, w)."""
    c, height, width = planes.shape
    squares = planes.reshape(c, height // 2, 2, width // 2, 2).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(squares).reshape(4 * c, height // 2, width // 2)


def _shuffled(planes: Planes) -> Planes:
    """The reverse: (4 c, h, w) to (c, 2 h, 2 w)."""
    c, height, width = planes.shape
    squares = planes.reshape(c // 4, 2, 2, height, width).transpose(0, 3, 1, 4, 2)
    return squares.reshape(c // 4, 2 * height, 2 * width)
