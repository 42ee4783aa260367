"""Curves and sample pictures for TensorBoard, if it is installed."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xcodec.reconstruction.generator import Network
from xcodec.reconstruction.torch_painter import predict
from xcodec.system import packages
from xcodec.training.dataset import Example, picture_of
from xcodec.types import RGB

STEPS = 20
"""Steps between two points of a curve."""
SAMPLES = 4
"""Pictures in the grid of each level."""


class Board:
    """Writes events to a folder.

    folder : None: write nothing
    step   : step at which the run continues; later events of an earlier run are dropped

    Raises DependencyError without TensorBoard.
    """

    def __init__(self, folder: Path | None, step: int) -> None:
        self._writer: Any = None
        if folder is None:
            return
        packages.require("tensorboard", "train")
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=step)

    def curves(self, step: int, values: dict[str, float]) -> None:
        """Add a point to each curve, every STEPS steps."""
        if self._writer is not None and step % STEPS == 0:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def validation(
        self,
        step: int,
        values: dict[str, float],
        network: Network,
        examples: dict[str, list[Example]],
        device: torch.device,
    ) -> None:
        """Add the figures of a validation, and a grid of samples for each level."""
        if self._writer is None:
            return
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        for level, found in examples.items():
            grid = sample_grid(network, found[:SAMPLES], device)
            self._writer.add_image(f"samples/{level}", grid, step, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        """Write the remaining events."""
        if self._writer is not None:
            self._writer.close()


def available() -> bool:
    """Whether TensorBoard is installed."""
    return find_spec("tensorboard") is not None


def sample_grid(network: Network, examples: list[Example], device: torch.device) -> RGB:
    """Rows of input, output and original, uint8 (height, width, 3)."""
    height = max(example.target.shape[1] for example in examples)
    width = max(example.target.shape[2] for example in examples)
    grid = np.full((height * len(examples), 3 * width, 3), 255, np.uint8)
    for i, example in enumerate(examples):
        x = torch.from_numpy(example.conditions)[None].to(device)
        painted = predict(network, x)[0].cpu().numpy()
        for j, planes in enumerate((example.conditions[:3], painted, example.target)):
            picture = picture_of(planes)
            top, left = i * height, j * width
            grid[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return grid
