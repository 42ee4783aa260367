"""Curves and sample pictures of a run for TensorBoard; nothing where that isn't installed."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xcodec.errors import InputError
from xcodec.reconstruction.generator import Network
from xcodec.reconstruction.torch_painter import predict
from xcodec.training.dataset import Example, picture_of
from xcodec.types import RGB

STEPS = 20
"""Between two points of a curve."""
SAMPLES = 4
"""Pictures of a level in the grid: what the network sees, what it paints, the original."""


class Board:
    """Writes events to a folder.

    folder : None writes nothing
    step   : where the run goes on; what an earlier one wrote beyond is dropped
    """

    def __init__(self, folder: Path | None, step: int) -> None:
        self._writer: Any = None
        if folder is None:
            return
        if not available():
            raise InputError("no TensorBoard is installed: pip install 'xcodec[train]'")
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=step)

    def curves(self, step: int, values: dict[str, float]) -> None:
        """A point of each curve, at every STEPS-th step."""
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
        """A validation's figures, and a grid of samples a level."""
        if self._writer is None:
            return
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        for level, found in examples.items():
            grid = sample_grid(network, found[:SAMPLES], device)
            self._writer.add_image(f"samples/{level}", grid, step, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()


def available() -> bool:
    """Whether TensorBoard is installed."""
    return find_spec("tensorboard") is not None


def sample_grid(network: Network, examples: list[Example], device: torch.device) -> RGB:
    """Rows of: what the network sees, what it paints, the original; uint8 (height, width, 3)."""
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
