"""The paper's restoration tasks: restores damaged pictures of any size."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError, ModelError
from xcodec.pictures.colour import to_ycocg
from xcodec.pictures.modes import to_depth
from xcodec.reconstruction import model_files, runtime, tiling
from xcodec.reconstruction.architecture import Shape
from xcodec.reconstruction.conditions import from_network
from xcodec.restoration.damage import TASKS
from xcodec.restoration.inputs import inputs
from xcodec.restoration.known_pixels import MASKED, find_known
from xcodec.system import checks
from xcodec.types import RGB, Floats

MODELS = {task: f"restore-photo-{task}" for task in TASKS[:2]} | {
    task: f"restore-face-{task}" for task in TASKS[2:]
}
"""The default model of each task: the paper's blocks are on faces."""
BLOCKS = {"white-block", "color-block"}
"""Tasks that look the same to networks that start from a fill: a hole in a picture."""
MIRRORED = {"points"} | BLOCKS
"""Tasks for which the results of a picture and of its mirror image are averaged: this gains 0.1 dB
for points and blocks; noise would gain 0.01 dB."""


@dataclass(frozen=True)
class Network:
    """The weights that undo a kind of damage."""

    path: Path
    architecture: Shape


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
    if the weights are missing or restore another task, DependencyError if the network needs torch
    and torch is not installed.
    """
    if task not in TASKS:
        raise InputError(f"task is {task!r}: it must be one of {', '.join(TASKS)}")
    if known is not None:
        checks.same_size("the mask", known, rgb.shape[:2])
    network = choose(MODELS[task] if model is None else model, task)
    if known is None:
        known = found(rgb, task, network)
    conditions = inputs(network.architecture.blends, task, rgb, known)
    painted = paint(conditions, network, task, device)
    seen = rgb if known is None else rgb[known]
    if (seen == seen[..., :1]).all():  # A grey picture stays grey.
        painted = np.repeat(to_ycocg(painted)[..., :1], 3, -1)
    restored = to_depth(painted, 8)
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


def choose(model: str, task: str) -> Network:
    """The weights of a model for a task.

    Networks of the codec also restore points, and networks that fill one kind of block from its
    surroundings also fill the other kind.

    Raises ModelError if the weights are missing or restore another task.
    """
    path = model_files.find(model)
    card = model_files.card(path)
    learned = card.settings.get("task", "codec")
    alike = {learned, task} <= BLOCKS and card.architecture.blends
    if learned != task and (learned, task) != ("codec", "points") and not alike:
        raise ModelError(f"{path}: these weights restore {learned}, not {task}")
    return Network(path, card.architecture)


def paint(
    conditions: NDArray[np.float32], network: Network, task: str, device: str
) -> NDArray[np.float32]:
    """A network's picture, RGB float32 (height, width, 3), nominally 0..255.

    Large pictures are reconstructed in windows. Only networks that start from a fill average over
    the mirror image.

    conditions : (channels, height, width)
    task       : decides on the average over the mirror image, as in MIRRORED
    """
    _, height, width = conditions.shape
    painter = runtime.network(network.path, device, height * width)
    mirrored = task in MIRRORED and network.architecture.blends

    def window(rows: slice, cols: slice) -> Floats:
        x = conditions[:, rows, cols]
        painted = painter(x)
        if mirrored:
            painted = (painted + painter(x[..., ::-1])[..., ::-1]) * np.float32(0.5)
        return from_network(np.moveaxis(painted, 0, -1))

    return tiling.in_windows(height, width, window)
