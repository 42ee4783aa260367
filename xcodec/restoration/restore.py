"""The paper's restoration tasks: a damaged picture in, a restored one out, at any size."""

import numpy as np
import torch
from numpy.typing import NDArray

from xcodec.errors import InputError, ModelError
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
"""The weights that restore a task where none are named: the paper's blocks lie on faces."""
BLOCKS = {"white-block", "color-block"}
"""Tasks whose networks, where they start from a fill, see the same: what is around a hole."""
TWICE = {"points"}
"""Tasks whose pictures are painted as they are and mirrored: the mean of both is 0.1 dB nearer to
the truth. Noise and blocks would gain 0.01 to 0.06 dB."""


def restore(
    rgb: RGB,
    task: str,
    *,
    known: NDArray[np.bool_] | None = None,
    model: str | None = None,
    raw: bool = False,
    device: str = "auto",
) -> RGB:
    """A picture, uint8 (height, width, 3), with the damage of one of ``corruption.TASKS`` undone.

    known  : bool (height, width), where the picture is right; None to find it, but for color-noise,
             where nothing tells
    model  : name or path of the weights; None for MODELS
    raw    : give the network's own pixels where the picture is known, too
    device : "auto", "cpu", "cuda" or "mps"

    Raises InputError where picture and mask don't fit the task, ModelError where weights for it are
    missing.
    """
    if task not in TASKS:
        raise InputError(f"task is {task!r}; it is one of {', '.join(TASKS)}")
    if known is not None and known.shape != rgb.shape[:2]:
        raise InputError(f"the mask is not {rgb.shape[1]}x{rgb.shape[0]} pixels, as the picture is")
    network = load(model or MODELS[task], task)
    if known is None:
        known = found(rgb, task, network)
    conditions = inputs(network.architecture.blends, task, rgb, known)
    painted = paint(conditions, network, task, device)
    restored = np.clip(np.rint(painted), 0, 255).astype(np.uint8)
    if known is not None and not raw:
        restored[known] = rgb[known]
    return restored


def found(rgb: RGB, task: str, network: Network) -> NDArray[np.bool_] | None:
    """Where a picture, uint8 (height, width, 3), is right, bool (height, width), as far as its
    restoration needs that; None for noise, and where a network finds colour blocks by itself.

    Raises InputError where damage of MASKED tasks doesn't stand out.
    """
    alone = task == "color-block" and not network.architecture.blends
    return find_known(rgb, task) if task in MASKED and not alone else None


def load(model: str, task: str) -> Network:
    """The network that undoes a task; raises ModelError where weights are missing or do another.

    What paints points of the codec also paints plain ones, and what fills blocks of one kind from
    their surroundings also fills the other's.
    """
    path = model_files.find(model)
    network, card = torch_weights.load(path)
    learned = card.settings.get("task", "codec")
    alike = {learned, task} <= BLOCKS and network.architecture.blends
    if learned != task and (learned, task) != ("codec", "points") and not alike:
        raise ModelError(f"{path}: these weights learned {learned}, not {task}")
    return network


def paint(
    conditions: NDArray[np.float32], network: Network, task: str, device: str
) -> NDArray[np.float32]:
    """RGB float32 (height, width, 3), nominally 0..255, of conditions (channels, height, width).

    Large pictures are painted in tiles where the network takes any size. The paper's network and
    On-Demand Learning's paint once, whatever the task.
    """
    place = choose(device)
    network = network.to(place)
    twice = task in TWICE and network.architecture.blends

    def window(rows: slice, cols: slice) -> Floats:
        x = torch.from_numpy(np.ascontiguousarray(conditions[:, rows, cols]))[None].to(place)
        painted = predict(network, x)
        if twice:
            painted = (painted + predict(network, x.flip(-1)).flip(-1)) / 2
        return from_network(painted[0].permute(1, 2, 0).cpu().numpy())

    _, height, width = conditions.shape
    return tiling.painted(height, width, window)
