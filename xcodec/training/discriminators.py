"""The discriminators of the paper (section 3.4): three of one structure at three scales."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SCALES = 3
"""Discriminators: pix2pixHD (Wang et al. 2018) and the paper have three."""
LAYERS = 3
"""Convolutions of stride 2 in each, as in pix2pixHD."""
WIDTH = 64
"""Channels of the first convolution, as in pix2pixHD; they double up to eight times as many."""
SLOPE = 0.2
"""Slope of the leaky rectifiers below zero, as in pix2pixHD."""
KERNEL = 4
"""Side of the kernels, as in pix2pixHD."""


class Verdict(NamedTuple):
    """The output of a discriminator for a pair of conditions and picture.

    features : of each layer but the last, first layer first
    score    : (batch, 1, rows, columns), one for each patch; trained toward 1 for originals and
               toward 0 for pictures of the generator
    """

    features: list[Tensor]
    score: Tensor


class Discriminator(nn.Module):
    """A PatchGAN of pix2pixHD (Wang et al. 2018): 3 layers of stride 2, then 2 of stride 1.

    inputs : channels of the pair, conditions and picture together
    """

    def __init__(self, inputs: int, width: int = WIDTH) -> None:
        super().__init__()
        widths = [min(width << i, 8 * width) for i in range(LAYERS + 1)]
        layers = [nn.Sequential(_patch(inputs, widths[0], 2), nn.LeakyReLU(SLOPE))]
        for i in range(1, LAYERS + 1):
            stride = 2 if i < LAYERS else 1
            norm = nn.InstanceNorm2d(widths[i])
            layer = _patch(widths[i - 1], widths[i], stride)
            layers.append(nn.Sequential(layer, norm, nn.LeakyReLU(SLOPE)))
        self.layers = nn.ModuleList(layers)
        self.head = _patch(widths[-1], 1, 1)

    def forward(self, pair: Tensor) -> Verdict:
        """The verdict on pairs (batch, inputs, height, width), 32 pixels a side or more."""
        features = []
        x = pair
        for layer in self.layers:
            x = layer(x)
            features.append(x)
        return Verdict(features, self.head(x))


class Discriminators(nn.Module):
    """Discriminators of the pair at full, 1/2 and 1/4 resolution.

    conditions : channels of the generator's input
    """

    def __init__(self, conditions: int, width: int = WIDTH, scales: int = SCALES) -> None:
        super().__init__()
        self.each = nn.ModuleList(Discriminator(conditions + 3, width) for _ in range(scales))

    def forward(self, conditions: Tensor, picture: Tensor) -> list[Verdict]:
        """The verdicts, finest scale first.

        conditions : (batch, conditions, height, width)
        picture    : RGB (batch, 3, height, width) on the network's scale
        """
        pair = torch.cat([conditions, picture], 1)
        verdicts = []
        for discriminator in self.each:
            verdicts.append(discriminator(pair))
            pair = F.avg_pool2d(pair, 3, 2, 1, count_include_pad=False)
        return verdicts


def _patch(inputs: int, outputs: int, stride: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, KERNEL, stride, padding=KERNEL // 2)
    nn.init.normal_(layer.weight, std=0.02)
    return layer
