"""Taking the grid out of a generator's pictures.

The last convolution paints the four pixels of a square of 2x2 by different weights. Adversarial
losses hardly see it if these differ by the same grey levels everywhere, and people see a grid on
skin and sky (docs/research/realistic-weights.md).
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from xcodec.reconstruction import torch_weights
from xcodec.reconstruction.generator import Generator
from xcodec.training import calibration

COUNT = 100
"""Pictures of a folder that the grid is measured on."""


def level(
    weights: Path, folder: Path, count: int = COUNT, kept: Path | None = None
) -> NDArray[np.float32]:
    """Take the grid out of a file of weights, as measured on some pictures of a folder.

    folder, kept : as of ``calibration.chosen``

    Returns the grid that there was, as ``levelled`` does. Raises ModelError for weights of another
    network than the default generator, InputError without pictures.
    """
    network, card = torch_weights.load(weights)
    card.architecture.require_fill()
    assert isinstance(network, Generator)
    grid = levelled(network, calibration.seen(calibration.chosen(folder, count, kept)))
    torch_weights.save(weights, network, card)
    return grid


def levelled(network: Generator, inputs: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Make the residuals of all four pixels of a square equal in the mean, by the last biases.

    inputs : of the network, (7, height, width) of even sides; at least one

    Returns what the means were, less their mean: float32 (3, 2, 2) in grey levels, by colour, row
    and column.
    """
    means = []
    with torch.inference_mode():
        for x in inputs:
            seen = torch.from_numpy(x)[None]
            residual = (network(seen) - seen[:, :3])[0]
            squares = residual.unfold(1, 2, 2).unfold(2, 2, 2)
            means.append(squares.mean((1, 2)))
        grid = torch.stack(means).mean(0)
        grid -= grid.mean((1, 2), keepdim=True)
        assert network.head.bias is not None
        network.head.bias -= grid.flatten()
    return (grid * (255 / 2)).numpy()
