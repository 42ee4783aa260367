"""Fixtures of the tests of benchmarks: pictures, and LPIPS' network with random weights."""

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from xcodec.evaluation.measures import lpips
from xcodec.system import folders

RGB = NDArray[np.uint8]
NETWORK = {3: (64, 16, 64), 4: (128, 16, 64), 6: (128, 32, 128), 7: (256, 32, 128)} | {
    9: (256, 48, 192),
    10: (384, 48, 192),
    11: (384, 64, 256),
    12: (512, 64, 256),
}
"""Channels of SqueezeNet 1.1's fire modules: input, squeezed, output of each half."""


@pytest.fixture
def folder(photo: RGB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three small pictures, no weights of LPIPS, and an empty cache folder."""
    monkeypatch.delenv(folders.WEIGHTS, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, (row, col) in enumerate([(0, 0), (60, 120), (150, 300)]):
        Image.fromarray(photo[row : row + 96, col : col + 80]).save(folder / f"{i + 1}.png")
    (folder / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder with LPIPS' network, with random weights."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    backbone = {"0.weight": torch.randn(64, 3, 3, 3) / 5, "0.bias": torch.zeros(64)}
    for i, (entering, squeezed, half) in NETWORK.items():
        for part, shape in {
            "squeeze": (squeezed, entering, 1, 1),
            "expand1x1": (half, squeezed, 1, 1),
            "expand3x3": (half, squeezed, 3, 3),
        }.items():
            backbone[f"{i}.{part}.weight"] = torch.randn(shape) / math.sqrt(math.prod(shape[1:]))
            backbone[f"{i}.{part}.bias"] = torch.zeros(shape[0])
    channels = [64, *(2 * NETWORK[i][2] for i in lpips.TAPS)]
    heads = {f"{i}.weight": torch.rand(1, c, 1, 1) for i, c in enumerate(channels)}
    save_file(backbone, tmp_path / lpips.BACKBONE)
    save_file(heads, tmp_path / lpips.HEADS)
    return tmp_path
