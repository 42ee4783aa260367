"""The generator: a U-Net that adds a residual to the classical fill.

It works at half the resolution and below, where convolutions are cheap. It uses no normalisation,
so that a window of a picture gives the same pixels as the whole. Residual branches start at a tenth
of their strength, which keeps training stable without normalisation. The last convolution starts at
zero, so that an untrained generator returns the classical fill.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xcodec.reconstruction.architecture import SLOPE, Architecture, Shape
from xcodec.reconstruction.conditions import CHANNELS

BRANCH_SCALE = 0.1
"""Initial scale of residual branches."""


class Network(nn.Module):
    """Base of the networks: a function from conditions to RGB, with its architecture.

    conditions : float32 (batch, channels, height, width): CHANNELS where the architecture
                 ``blends``, otherwise the RGB of the damaged picture on the network's scale
    """

    architecture: Shape

    def __call__(self, x: Tensor) -> Tensor:
        """RGB float32 (batch, 3, height, width) on the network's scale -1..1, not clipped."""
        picture: Tensor = super().__call__(x)
        return picture


class Generator(Network):
    """A U-Net from conditions to RGB, fully convolutional, for pictures of any size."""

    def __init__(self, architecture: Architecture | None = None) -> None:
        super().__init__()
        self.architecture = self._shape = architecture = architecture or Architecture()
        widths = architecture.widths
        self.stem = nn.Conv2d(4 * CHANNELS, widths[0], 3, padding=1)
        self.down = nn.ModuleList(map(_blocks, widths[:-1], architecture.down))
        self.shrink = nn.ModuleList(
            nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in itertools.pairwise(widths)
        )
        self.middle = _blocks(widths[-1], architecture.middle)
        self.grow = nn.ModuleList(
            nn.Conv2d(coarse, fine, 1) for fine, coarse in itertools.pairwise(widths)
        )
        self.up = nn.ModuleList(map(_blocks, widths[:-1], architecture.up))
        self.head = nn.Conv2d(widths[0], 4 * 3, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(_bias(self.head))

    def forward(self, x: Tensor) -> Tensor:
        """RGB float32 (batch, 3, height, width) on the network's scale, not clipped.

        x : ``conditions``, (batch, 7, height, width)
        """
        height, width = x.shape[-2:]
        scale, multiple = self._shape.scale, self._shape.multiple
        rows, cols = (_reflected(length, multiple, x.device) for length in (height, width))
        seen = x[..., rows, :][..., cols]
        if scale > 1:
            seen = F.avg_pool2d(seen, scale)
        residual = F.pixel_shuffle(self._residual(F.pixel_unshuffle(seen, 2)), 2)
        if scale > 1:
            residual = F.interpolate(residual, scale_factor=float(scale))
        return x[:, :3].float() + residual[..., :height, :width].float()

    def _residual(self, x: Tensor) -> Tensor:
        """Residual (batch, 12, height / 2, width / 2) of conditions at half the resolution."""
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        skips = []
        for blocks, shrink in zip(self.down, self.shrink, strict=True):
            x = blocks(x)
            skips.append(x)
            x = shrink(x)
        x = self.middle(x)
        for i in reversed(range(len(skips))):
            # Fewer channels before more pixels: a quarter of the work of the other order.
            x = self.up[i](skips[i] + F.interpolate(self.grow[i](x), scale_factor=2.0))
        residual: Tensor = self.head(x)
        return residual


class Branch(nn.Conv2d):
    """A convolution with a learned scale for each output, folded into its weights."""

    def __init__(self, width: int) -> None:
        super().__init__(width, width, 3, padding=1)
        self.scale = nn.Parameter(torch.full((width,), BRANCH_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        """The scaled convolution of x (batch, width, height, width)."""
        weight = self.weight * self.scale[:, None, None, None]
        return F.conv2d(x, weight, _bias(self) * self.scale, padding=1)


class Block(nn.Module):
    """x + scale * conv(rectify(conv(x))).

    dropout : probability that a channel between the convolutions is zero, in training
    """

    dropout = 0.0

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = Branch(width)
        for layer in (self.first, self.second):
            nn.init.kaiming_normal_(layer.weight, SLOPE)
            nn.init.zeros_(_bias(layer))

    def forward(self, x: Tensor) -> Tensor:
        """Features of the shape of x."""
        inner = F.leaky_relu(self.first(x), SLOPE, inplace=True)
        if self.training and self.dropout:
            inner = F.dropout2d(inner, self.dropout)
        branch: Tensor = self.second(inner)
        return x + branch


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Block(width) for _ in range(count)))


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


def _reflected(length: int, multiple: int, device: torch.device) -> Tensor:
    """Indices that extend 0 .. length - 1 to a multiple by reflection at its end."""
    extended = -(-length // multiple) * multiple
    period = max(2 * (length - 1), 1)  # A single pixel is its own reflection.
    phase = torch.arange(extended, device=device) % period
    return torch.minimum(phase, period - phase) if length > 1 else torch.zeros_like(phase)
