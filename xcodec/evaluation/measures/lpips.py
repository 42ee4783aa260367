"""LPIPS 0.1 over SqueezeNet 1.1: its network in a few lines, its weights from the caller.

Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
2018.
"""

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcodec.errors import ModelError
from xcodec.types import RGB

if TYPE_CHECKING:
    from torch import Tensor

ENVIRONMENT = "XCODEC_WEIGHTS"
"""Environment variable: the folder of feature networks."""
BACKBONE, HEADS = "lpips_squeeze_backbone.safetensors", "lpips_squeeze_heads.safetensors"
SMALLEST = 17
"""Shortest side in pixels that SqueezeNet's strides leave anything of."""

FIRES = (3, 4, 6, 7, 9, 10, 11, 12)
"""Fire modules, by their place in torchvision's ``squeezenet1_1().features``."""
POOLED = (3, 6, 9)
"""Fire modules that a max-pooling comes before."""
TAPS = (4, 7, 9, 10, 11, 12)
"""Fire modules whose output LPIPS compares, besides the first convolution's."""
MEAN, DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""LPIPS' own scaling of RGB in -1..1."""


def find_weights(folder: Path | None = None) -> Path | None:
    """The folder of LPIPS' weights: the one given, or what XCODEC_WEIGHTS names if it has them."""
    if folder is not None:
        return folder
    chosen = os.environ.get(ENVIRONMENT)
    if chosen and all((Path(chosen) / name).is_file() for name in (BACKBONE, HEADS)):
        return Path(chosen)
    return None


@dataclass(frozen=True)
class Squeeze:
    """LPIPS' network.

    backbone : "0.weight", "0.bias" and, of the fire modules, "3.squeeze.weight" and so on
    heads    : of the seven taps, (1, channels, 1, 1)
    """

    backbone: "dict[str, Tensor]"
    heads: "tuple[Tensor, ...]"

    def distance(self, a: "Tensor", b: "Tensor") -> "Tensor":
        """LPIPS of each pair, (n,); ``a`` and ``b`` are RGB (n, 3, height, width) in -1..1."""
        return self.between(self.features(a), self.features(b))

    def features(self, x: "Tensor") -> "list[Tensor]":
        """What the network sees in RGB (n, 3, height, width) in -1..1, each pixel of length 1."""
        import torch
        from torch.nn import functional

        with torch.inference_mode():
            return [functional.normalize(tap, eps=1e-10) for tap in self._taps(x)]

    def between(self, a: "Sequence[Tensor]", b: "Sequence[Tensor]") -> "Tensor":
        """LPIPS, (n,), of pictures given by their features."""
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
    """LPIPS' network from its two files; raises ModelError where they can't be used."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        backbone, heads = load_file(folder / BACKBONE), load_file(folder / HEADS)
        return Squeeze(backbone, tuple(heads[f"{i}.weight"] for i in range(len(TAPS) + 1)))
    except (OSError, SafetensorError, KeyError) as error:
        raise ModelError(f"{folder}: no usable weights of LPIPS: {error}") from error


def to_planes(rgb: RGB) -> "Tensor":
    """A picture as the network takes it, (1, 3, height, width) in -1..1.

    A side below 17 pixels is continued to 17 by repeating the last row or column.
    """
    import torch

    planes = torch.from_numpy(np.array(at_least(SMALLEST, rgb))).permute(2, 0, 1)[None]
    return planes.float() / 127.5 - 1


def at_least(side: int, rgb: RGB) -> RGB:
    """The picture, continued below and on the right where it is smaller than ``side``."""
    missing = [(0, max(side - length, 0)) for length in rgb.shape[:2]]
    return np.pad(rgb, [*missing, (0, 0)], mode="edge")
