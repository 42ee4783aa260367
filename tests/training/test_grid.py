"""The grid of two pixels that adversarial training leaves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from xcodec.errors import InputError
from xcodec.reconstruction import torch_weights
from xcodec.reconstruction.architecture import Architecture
from xcodec.reconstruction.generator import Generator
from xcodec.reconstruction.model_files import Card
from xcodec.training import grid

GRID = np.array([[[-0.5, 0.8], [-0.9, 0.6]], [[0, 0], [0, 0]], [[1, -1], [-1, 1]]], np.float32)
"""Grey levels by colour, row and column; its means over rows and columns are 0."""


def network(shift: float = 0.0) -> Generator:
    """A network whose residual is a grid, and a shift of every pixel in grey levels."""
    made = Generator(Architecture(widths=(4, 4, 4, 4), down=(0, 0, 0), middle=0, up=(0, 0, 0)))
    assert made.head.bias is not None
    with torch.no_grad():
        made.head.bias.copy_(torch.from_numpy((GRID + shift).ravel() * (2 / 255)))
    return made.eval()


def inputs() -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(1)
    return [rng.uniform(-1, 1, (7, *shape)).astype(np.float32) for shape in ((32, 48), (16, 16))]


def residual(made: Generator, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """In grey levels, float64 (3, height, width)."""
    with torch.inference_mode():
        painted = made(torch.from_numpy(x)[None])[0].numpy()
    return (painted - x[:3]).astype(np.float64) * (255 / 2)


def test_it_goes_and_the_mean_stays() -> None:
    made = network(shift=3.0)
    assert (
        np.abs(residual(made, inputs()[0])[:, 0::2, 1::2].mean((1, 2)) - [3.8, 3, 2]).max() < 0.01
    )
    found = grid.levelled(made, inputs())
    assert np.abs(found - GRID).max() < 1e-3
    for x in inputs():
        assert np.abs(residual(made, x) - 3.0).max() < 1e-3
    assert np.abs(grid.levelled(made, inputs())).max() < 1e-3


def test_a_file_is_changed_in_its_biases_alone(tmp_path: Path) -> None:
    path, folder = tmp_path / "some-real.safetensors", tmp_path / "pictures"
    torch_weights.save(path, network(), Card(name="some-real", architecture=network().architecture))
    with pytest.raises(InputError, match="no such folder"):
        grid.level(path, folder)
    folder.mkdir()
    noise = np.random.default_rng(2).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(noise).resize((96, 64)).save(folder / "1.png")

    before, _ = torch_weights.load(path)
    assert np.abs(grid.level(path, folder) - GRID).max() < 0.05  # Biases are in half precision.
    after, card = torch_weights.load(path)
    assert card.name == "some-real"
    changed = [
        name
        for name, value in after.state_dict().items()
        if not torch.equal(value, before.state_dict()[name])
    ]
    assert changed == ["head.bias"]
    assert np.abs(grid.level(path, folder)).max() < 0.01
