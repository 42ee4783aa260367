"""LPIPS 0.1 over SqueezeNet 1.1; the weights are files that the user provides.

Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
2018.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcodec.errors import ModelError
from xcodec.system import folders
from xcodec.system.packages import require
from xcodec.types import RGB

if TYPE_CHECKING:
    from torch import Tensor

BACKBONE, HEADS = "lpips_squeeze_backbone.safetensors", "lpips_squeeze_heads.safetensors"
SMALLEST_SIDE = 17
"""Shortest side in pixels that SqueezeNet can process."""

FIRES = (3, 4, 6, 7, 9, 10, 11, 12)
"""Fire modules, by their index in torchvision's ``squeezenet1_1().features``."""
POOLED = (3, 6, 9)
"""Fire modules that follow a max-pooling."""
TAPS = (4, 7, 9, 10, 11, 12)
"""Fire modules whose output LPIPS compares, besides that of the first convolution."""
MEAN, DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Normalisation of RGB in -1..1 by LPIPS."""


def find_weights(folder: Path | None = None) -> Path | None:
    """Return the folder of LPIPS' weights, or None.

    It is ``folder`` if given, else the one that XCODEC_WEIGHTS names, if it has both files.
    """
    if folder is not None:
        return folder
    named = folders.weights()
    if named and all((named / name).is_file() for name in (BACKBONE, HEADS)):
        return named
    return None


@dataclass(frozen=True)
class Squeeze:
    """LPIPS' network.

    backbone : weights by name: "0.weight", "0.bias", "3.squeeze.weight", ...
    heads    : weights of the seven taps, each (1, channels, 1, 1)
    """

    backbone: "dict[str, Tensor]"
    heads: "tuple[Tensor, ...]"

    def distance(self, a: "Tensor", b: "Tensor") -> "Tensor":
        """LPIPS of n pairs of pictures, (n,); both are RGB (n, 3, height, width) in -1..1."""
        return self.between(self.features(a), self.features(b))

    def features(self, x: "Tensor") -> "list[Tensor]":
        """Features of RGB (n, 3, height, width) in -1..1, each pixel's normalised to length 1."""
        import torch
        from torch.nn import functional

        with torch.inference_mode():
            return [functional.normalize(tap, eps=1e-10) for tap in self._taps(x)]

    def between(self, a: "Sequence[Tensor]", b: "Sequence[Tensor]") -> "Tensor":
        """LPIPS, (n,), of pictures by their features."""
        import torch
        from torch.nn import functional

        total = torch.zeros(len(a[0]))
        with torch.inference_mode():
            for head, x, y in zip(self.heads, a, b, strict=True):
                total = total + functional.conv2d((x - y) ** 2, head).mean((1, 2, 3))
        return total

    def _taps(self, x: "Tensor") -> "list[Tensor]":
        import torch
        from torch.nn import functional

        def conv(x: "Tensor", name: str, stride: int = 1, padding: int = 0) -> "Tensor":
            weight, bias = self.backbone[f"{name}.weight"], self.backbone[f"{name}.bias"]
            return functional.conv2d(x, weight, bias, stride, padding).relu()

        mean, deviation = torch.tensor(MEAN), torch.tensor(DEVIATION)
        x = conv((x - mean[:, None, None]) / deviation[:, None, None], "0", stride=2)
        taps = [x]
        for i in FIRES:
            if i in POOLED:
                x = functional.max_pool2d(x, 3, 2, ceil_mode=True)
            x = conv(x, f"{i}.squeeze")
            x = torch.cat([conv(x, f"{i}.expand1x1"), conv(x, f"{i}.expand3x3", padding=1)], 1)
            if i in TAPS:
                taps.append(x)
        return taps


@functools.cache
def load(folder: Path) -> Squeeze:
    """Load LPIPS' network from its two files. Raises ModelError if they cannot be used."""
    require("torch", "bench", "LPIPS")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        backbone, heads = load_file(folder / BACKBONE), load_file(folder / HEADS)
        return Squeeze(backbone, tuple(heads[f"{i}.weight"] for i in range(len(TAPS) + 1)))
    except (OSError, SafetensorError, KeyError) as error:
        raise ModelError(f"{folder}: no usable weights of LPIPS: {error}") from error


def to_planes(rgb: RGB) -> "Tensor":
    """Convert a picture to the network's input, (1, 3, height, width) in -1..1.

    Sides below 17 pixels are padded to 17 by repeating the last row or column.
    """
    import torch

    planes = torch.from_numpy(np.array(at_least(SMALLEST_SIDE, rgb))).permute(2, 0, 1)[None]
    return planes.float() / 127.5 - 1


def at_least(side: int, rgb: RGB) -> RGB:
    """Pad a picture to at least ``side`` pixels by repeating its last row and column."""
    missing = [(0, max(side - length, 0)) for length in rgb.shape[:2]]
    return np.pad(rgb, [*missing, (0, 0)], mode="edge")
