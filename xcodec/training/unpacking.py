"""A network's input, made on its device from crops of cached pictures.

Only bytes are copied to the device. If the processor made the floats, a GPU would have to wait.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from xcodec.reconstruction.conditions import step_plane
from xcodec.training.cache import Entry
from xcodec.training.dataset import Batch, Crops, Example

NOISY = 8
"""Planes of an entry before those of the damaged RGB."""


class Seen(NamedTuple):
    """Input and targets of a step, on the network's scale -1..1.

    conditions : float32 (batch, channels, height, width)
    target     : float32 (batch, 3, height, width)
    known      : float32 (batch, 1, height, width), 1 where a pixel is known
    """

    conditions: Tensor
    target: Tensor
    known: Tensor


def seen(batch: Batch | Crops, device: torch.device) -> Seen:
    """A batch on a device."""
    if isinstance(batch, Crops):
        steps = torch.from_numpy(step_plane(batch.steps)).to(device)
        points = torch.from_numpy(batch.points).to(device)
        return _unpacked(torch.from_numpy(batch.pixels).to(device), steps, points)
    parts = (batch.conditions, batch.targets, batch.known)
    return Seen(*(torch.from_numpy(part).to(device) for part in parts))


def example(entry: Entry) -> Example:
    """The example of a whole entry."""
    crops = Crops.of([np.array(entry.pixels)], [entry])
    found = seen(crops, torch.device("cpu"))
    return Example(*(part[0].contiguous().numpy() for part in found))


def _unpacked(pixels: Tensor, steps: Tensor, points: Tensor) -> Seen:
    """The same conditions as those of ``restoration.inputs`` and ``reconstruction.conditions``.

    pixels        : uint8 (batch, height, width, planes), as in ``cache``
    steps, points : float32 (batch,), the values of those planes
    """
    planes = pixels.permute(0, 3, 1, 2).float()
    grey = planes * (2 / 255) - 1
    deviation, known = planes[:, 6:7] / 255, planes[:, 7:8]
    if planes.shape[1] > NOISY:
        parts = [grey[:, 3:6], grey[:, NOISY:], deviation]
    else:
        flat = [value[:, None, None, None].expand_as(known) for value in (steps, points)]
        parts = [grey[:, 3:6], deviation, known, *flat]
    return Seen(torch.cat(parts, 1), grey[:, :3], known)
