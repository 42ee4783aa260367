"""The networks of the paper's comparison: X-GANs and On-Demand Learning."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xcodec.errors import ModelError
from xcodec.reconstruction.architecture import (
    OnDemandArchitecture,
    XGansArchitecture,
)
from xcodec.reconstruction.generator import Network

SLOPE = 0.2
"""Slope of the leaky rectifiers below zero, as in pix2pix and Context Encoders."""
COARSEST = 4
"""The coarsest resolution of X-GANs is 1/4."""
INIT = 0.02
"""Standard deviation of untrained kernels (Radford et al. 2016, pix2pix)."""


class XGans(Network):
    """The paper's generator (section 3.3): c7s1-64, d128, d256, nine R256, u128, u64, c7s1-3.

    BatchNorm and a leaky rectifier follow every convolution and deconvolution but the last, which
    Tanh follows. Dropout is between the two convolutions of a residual block, as in pix2pix. Widths
    that the paper does not give are those of Johnson et al. (2016).
    """

    def __init__(self, architecture: XGansArchitecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture = architecture or XGansArchitecture()
        width = architecture.width
        self.down = nn.Sequential(
            _normed(nn.Conv2d(3, width, 7, padding=3, padding_mode="reflect")),
            _normed(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)),
            _normed(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1)),
        )
        self.blocks = nn.Sequential(
            *(NormedBlock(4 * width, architecture.dropout) for _ in range(architecture.blocks))
        )
        self.up = nn.Sequential(
            _normed(_deconvolution(4 * width, 2 * width)),
            _normed(_deconvolution(2 * width, width)),
        )
        self.head = nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect")
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """RGB float32 (batch, 3, height, width) in -1..1.

        x : RGB of the damaged picture (batch, 3, height, width), -1..1
        """
        height, width = x.shape[-2:]
        # The strides need multiples of 4, and reflection at 1/4 of the resolution needs 2 pixels.
        right, below = (max(-n % COARSEST, 2 * COARSEST - n) for n in (width, height))
        features = self.up(self.blocks(self.down(F.pad(x, (0, right, 0, below), "replicate"))))
        return torch.tanh(self.head(features).float())[..., :height, :width]


class NormedBlock(nn.Module):
    """A residual block of Johnson et al. with BatchNorm: x + BN(conv(dropout(...(conv(x)))))."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.first = _normed(nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"))
        self.drop = nn.Dropout(dropout)
        self.second = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the shape of x (batch, width, height, width)."""
        branch: Tensor = self.norm(self.second(self.drop(self.first(x))))
        return x + branch


class OnDemand(Network):
    """The encoder-decoder of On-Demand Learning (Gao and Grauman 2017, after Pathak et al. 2016).

    Four 4x4 convolutions of stride 2 with BatchNorm and leaky rectifiers, a channel-wise fully
    connected layer, four deconvolutions, Tanh.
    """

    def __init__(self, architecture: OnDemandArchitecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture = architecture or OnDemandArchitecture()
        self.side = architecture.side
        widths = [architecture.width << i for i in range(4)]
        self.down = nn.Sequential(
            *(
                _normed(nn.Conv2d(fine, coarse, 4, stride=2, padding=1))
                for fine, coarse in zip([3, *widths[:-1]], widths, strict=True)
            )
        )
        self.across = ChannelWise(widths[-1], (self.side // 16) ** 2)
        self.up = nn.Sequential(
            *(
                _normed(nn.ConvTranspose2d(coarse, fine, 4, stride=2, padding=1))
                for coarse, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
            )
        )
        self.head = nn.ConvTranspose2d(widths[0], 3, 4, stride=2, padding=1)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """RGB float32 (batch, 3, side, side) in -1..1; raises ModelError for other sizes.

        x : RGB of the damaged picture (batch, 3, side, side), -1..1
        """
        if x.shape[-2:] != (self.side, self.side):
            raise ModelError(f"this network takes pictures of {self.side}x{self.side} pixels only")
        features = self.across(self.down(x))
        return torch.tanh(self.head(self.up(features)).float())


class ChannelWise(nn.Module):
    """A fully connected layer within each channel: every place sees every other place.

    weight : (channels, places, places)
    """

    def __init__(self, channels: int, places: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, places, places))
        self.bias = nn.Parameter(torch.zeros(channels, places))
        nn.init.normal_(self.weight, std=places**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the shape of x (batch, channels, height, width)."""
        flat = x.flatten(2).transpose(0, 1)
        joined = torch.baddbmm(self.bias[:, None], flat, self.weight)
        return F.leaky_relu(joined, SLOPE).transpose(0, 1).reshape(x.shape)


def _deconvolution(coarse: int, fine: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(coarse, fine, 3, stride=2, padding=1, output_padding=1)


def _normed(layer: nn.Conv2d | nn.ConvTranspose2d) -> nn.Sequential:
    return nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels), nn.LeakyReLU(SLOPE))


def _initialise(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, std=INIT)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.BatchNorm2d) and not layer.weight.is_meta:
        nn.init.normal_(layer.weight, 1.0, INIT)
