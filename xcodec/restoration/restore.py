"""The paper's restoration tasks: restores damaged pictures of any size."""

import numpy as np
import torch
from numpy.typing import NDArray

from xcodec.errors import InputError, ModelError
from xcodec.pictures.modes import to_depth
from xcodec.reconstruction import model_files, tiling, torch_weights
from xcodec.reconstruction.conditions import from_network
from xcodec.reconstruction.generator import Network
from xcodec.reconstruction.torch_painter import choose, predict
from xcodec.restoration.damage import TASKS
from xcodec.restoration.inputs import inputs
from xcodec.restoration.known_pixels import MASKED, find_known
from xcodec.types import RGB, Floats

MODELS = {task: f"restore-photo-{task}" for task in TASKS[:2]} | {
    task: f"restore-face-{task}" for task in TASKS[2:]
}
"""The default model of each task: the paper's blocks are on faces."""
BLOCKS = {"white-block", "color-block"}
"""Tasks that look the same to networks that start from a fill: a hole in a picture."""
MIRRORED = {"points"}
"""Tasks for which the results of a picture and of its mirror image are averaged: this gains 0.1 dB
for points; noise and blocks would gain 0.01 to 0.06 dB."""


def restore(
    rgb: RGB,
    task: str,
    *,
    known: NDArray[np.bool_] | None = None,
    model: str | None = None,
    raw: bool = False,
    device: str = "auto",
) -> RGB:
    """A picture, uint8 (height, width, 3), with the damage of one of ``damage.TASKS`` undone.

    known  : bool (height, width), true where the picture shows the original; None: find it, except
             for color-noise
    model  : name or path of the weights; None: those of MODELS
    raw    : return the network's own pixels also where pixels are known
    device : "auto", "cpu", "cuda" or "mps"

    Raises InputError if picture or mask do not fit the task, or the damage is not found, ModelError
    if the weights are missing or restore another task.
    """
    if task not in TASKS:
        raise InputError(f"task is {task!r}: it must be one of {', '.join(TASKS)}")
    if known is not None and known.shape != rgb.shape[:2]:
        raise InputError(f"the mask is not {rgb.shape[1]}x{rgb.shape[0]} pixels, like the picture")
    network = load(model or MODELS[task], task)
    if known is None:
        known = found(rgb, task, network)
    conditions = inputs(network.architecture.blends, task, rgb, known)
    restored = to_depth(paint(conditions, network, task, device), 8)
    if known is not None and not raw:
        restored[known] = rgb[known]
    return restored


def found(rgb: RGB, task: str, network: Network) -> NDArray[np.bool_] | None:
    """The known pixels of a damaged picture, bool (height, width), if its network needs them.

    None for color-noise, and for networks that find colour blocks by themselves.

    rgb : uint8 (height, width, 3)

    Raises InputError if the damage is not found.
    """
    alone = task == "color-block" and not network.architecture.blends
    return find_known(rgb, task) if task in MASKED and not alone else None


def load(model: str, task: str) -> Network:
    """The network of a model for a task.

    Networks of the codec also restore points, and networks that fill one kind of block from its
    surroundings also fill the other kind.

    Raises ModelError if the weights are missing or restore another task.
    """
    path = model_files.find(model)
    network, card = torch_weights.load(path)
    learned = card.settings.get("task", "codec")
    alike = {learned, task} <= BLOCKS and network.architecture.blends
    if learned != task and (learned, task) != ("codec", "points") and not alike:
        raise ModelError(f"{path}: these weights restore {learned}, not {task}")
    return network


def paint(
    conditions: NDArray[np.float32], network: Network, task: str, device: str
) -> NDArray[np.float32]:
    """A network's picture, RGB float32 (height, width, 3), nominally 0..255.

    Large pictures are reconstructed in windows. Only networks that start from a fill average over
    the mirror image.

    conditions : (channels, height, width)
    task       : decides on the average over the mirror image, as in MIRRORED
    """
    place = choose(device)
    network = network.to(place)
    mirrored = task in MIRRORED and network.architecture.blends

    def window(rows: slice, cols: slice) -> Floats:
        x = torch.from_numpy(np.ascontiguousarray(conditions[:, rows, cols]))[None].to(place)
        painted = predict(network, x)
        if mirrored:
            painted = (painted + predict(network, x.flip(-1)).flip(-1)) / 2
        return from_network(painted[0].permute(1, 2, 0).cpu().numpy())

    _, height, width = conditions.shape
    return tiling.in_windows(height, width, window)
