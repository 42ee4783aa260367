"""DISTS over VGG16: similarity of structure and texture; 0 means equal.

The weights of its channels are those of the package dists-pytorch, which need not be importable (it
imports torchvision). The network is a file that the user provides: torchvision's VGG16, for which
these weights were trained, or Oxford's, for which they were not: figures of one cannot be compared
with figures of the other.

Source: Ding, Ma, Wang and Simoncelli, "Image Quality Assessment: Unifying Structure and Texture
Similarity", 2020.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcodec.errors import DependencyError, ModelError
from xcodec.evaluation.measures.lpips import at_least
from xcodec.system import folders
from xcodec.system.packages import pip_command, require
from xcodec.types import RGB

if TYPE_CHECKING:
    from torch import Tensor

PACKAGE, HEADS = "dists-pytorch", "DISTS_pytorch/weights.pt"
TORCHVISION, OXFORD = "vgg16-397923af.pth", "vgg16_features.safetensors"
"""Files of the network, the first one that is found counts."""
SMALLEST_SIDE = 16
"""Shortest side in pixels that four halvings leave a pixel of."""
STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
"""Convolutions between two poolings, by their index in torchvision's ``vgg16().features``."""
CHANNELS = [3, 64, 128, 256, 512, 512]
"""Channels that are compared: of the picture, and of the last convolution of each stage."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""torchvision's normalisation of RGB in 0..1."""
OXFORD_MEAN = (123.68, 116.779, 103.939)
"""Oxford's mean of RGB in 0..255."""
STABLE = 1e-6
"""What keeps the quotients finite: c1 and c2 of the source."""


def network(folder: Path | None) -> Path | None:
    """Return the file of VGG16 in a folder, by default the one that XCODEC_WEIGHTS names."""
    named = folders.weights(folder)
    found = [named / name for name in (TORCHVISION, OXFORD)] if named else []
    return next((path for path in found if path.is_file()), None)


def heads() -> Path:
    """Return the file of the channels' weights. Raises DependencyError without the package."""
    try:
        path = Path(str(metadata.distribution(PACKAGE).locate_file(HEADS)))
    except metadata.PackageNotFoundError as error:
        raise DependencyError(f"{PACKAGE} is not installed: {pip_command('bench')}") from error
    if not path.is_file():
        raise ModelError(f"{PACKAGE}: has no file {HEADS}")
    return path


@dataclass(frozen=True)
class Dists:
    """DISTS' network.

    weights : of the convolutions by name: "0.weight", "0.bias", ...
    oxford  : whether they are Oxford's
    alpha, beta : weights of the channels for texture and structure, (1, 1475, 1, 1)
    """

    weights: "dict[str, Tensor]"
    oxford: bool
    alpha: "Tensor"
    beta: "Tensor"

    def distance(self, a: "Tensor", b: "Tensor") -> "Tensor":
        """DISTS of n pairs of pictures, (n,); both are RGB (n, 3, height, width) in 0..1."""
        return self.between(self.features(a), self.features(b))

    def features(self, x: "Tensor") -> "list[Tensor]":
        """The picture, RGB (n, 3, height, width) in 0..1, and the output of each stage."""
        import torch

        with torch.inference_mode():
            return [x, *self._stages(x)]

    def between(self, a: "Sequence[Tensor]", b: "Sequence[Tensor]") -> "Tensor":
        """DISTS, (n,), of pictures by their features."""
        import torch

        whole = self.alpha.sum() + self.beta.sum()
        alphas = torch.split(self.alpha / whole, CHANNELS, dim=1)
        betas = torch.split(self.beta / whole, CHANNELS, dim=1)
        alike = torch.zeros(len(a[0]))
        with torch.inference_mode():
            for alpha, beta, x, y in zip(alphas, betas, a, b, strict=True):
                means = [each.mean((2, 3), keepdim=True) for each in (x, y)]
                texture = (2 * means[0] * means[1] + STABLE) / (
                    means[0] ** 2 + means[1] ** 2 + STABLE
                )
                x, y = x - means[0], y - means[1]
                spread = (x**2).mean((2, 3), keepdim=True) + (y**2).mean((2, 3), keepdim=True)
                structure = (2 * (x * y).mean((2, 3), keepdim=True) + STABLE) / (spread + STABLE)
                alike = alike + (alpha * texture + beta * structure).sum((1, 2, 3))
        return 1 - alike

    def _stages(self, x: "Tensor") -> "list[Tensor]":
        import torch
        from torch.nn import functional

        mean, spread = torch.tensor(MEAN), torch.tensor(DEVIATION)
        if self.oxford:
            mean, spread = torch.tensor(OXFORD_MEAN) / 255, torch.tensor(1 / 255)
        x = (x - mean[:, None, None]) / (spread[:, None, None] if spread.ndim else spread)
        window = torch.tensor([0.5, 1.0, 0.5])
        window = torch.outer(window, window) / 4
        outputs: list[Tensor] = []
        for stage in STAGES:
            if outputs:  # Instead of the maximum, the root of the weighted mean of squares.
                kernel = window.expand(x.shape[1], 1, 3, 3)
                squares = functional.conv2d(x**2, kernel, stride=2, padding=1, groups=x.shape[1])
                x = (squares + 1e-12).sqrt()
            for index in stage:
                weight, bias = self.weights[f"{index}.weight"], self.weights[f"{index}.bias"]
                x = functional.conv2d(x, weight, bias, padding=1).relu()
            outputs.append(x)
        return outputs


@functools.cache
def load(path: Path) -> Dists:
    """Load DISTS' network from its file. Raises ModelError if a file cannot be used."""
    torch = require("torch", "bench", "DISTS")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
        state = {name.removeprefix("features."): tensor for name, tensor in state.items()}
        names = [f"{i}.{part}" for stage in STAGES for i in stage for part in ("weight", "bias")]
        published = heads()
        channels = torch.load(published, map_location="cpu", weights_only=True)
        alpha, beta = (channels[name].detach() for name in ("alpha", "beta"))
        return Dists(
            {name: state[name].float() for name in names}, path.name == OXFORD, alpha, beta
        )
    except (OSError, SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise ModelError(f"{path}: no usable weights of DISTS: {error}") from error


def to_planes(rgb: RGB) -> "Tensor":
    """Convert a picture to the network's input, (1, 3, height, width) in 0..1.

    Sides below 16 pixels are padded to 16 by repeating the last row or column.
    """
    import torch

    planes = torch.from_numpy(np.array(at_least(SMALLEST_SIDE, rgb))).permute(2, 0, 1)[None]
    return planes.float() / 255
