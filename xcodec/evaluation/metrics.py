"""How near a decoded picture comes to the original: PSNR, SSIM and LPIPS, each with one meaning.

Pictures are uint8 RGB (height, width, 3). Means over pictures are means of these figures.
"""

import functools
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xcodec.errors import InputError, ModelError, XcodecError
from xcodec.images import RGB

if TYPE_CHECKING:
    from torch import Tensor

ENVIRONMENT = "XCODEC_WEIGHTS"
"""Environment variable: the folder of feature networks."""
BACKBONE, HEADS = "lpips_squeeze_backbone.safetensors", "lpips_squeeze_heads.safetensors"

SSIM_WINDOW = 7
LPIPS_SMALLEST = 17
"""Shortest side in pixels that SqueezeNet's strides leave anything of."""

FIRES = (3, 4, 6, 7, 9, 10, 11, 12)
"""Fire modules, by their place in torchvision's ``squeezenet1_1().features``."""
POOLED = (3, 6, 9)
"""Fire modules that a max-pooling comes before."""
TAPS = (4, 7, 9, 10, 11, 12)
"""Fire modules whose output LPIPS compares, besides the first convolution's."""
MEAN, DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""LPIPS' own scaling of RGB in -1..1."""


@dataclass(frozen=True)
class Quality:
    """The three figures of a decoded picture.

    psnr  : dB, infinite where the pictures are equal
    ssim  : at most 1, which means equal
    lpips : 0 means equal; None without the network's weights
    """

    psnr: float
    ssim: float
    lpips: float | None


def quality(original: RGB, decoded: RGB, weights: Path | None = None) -> Quality:
    """All three figures of a picture; ``weights`` as in ``lpips_squeeze``."""
    return Quality(
        psnr(original, decoded),
        ssim(original, decoded),
        lpips_squeeze(original, decoded, weights),
    )


def psnr(a: RGB, b: RGB) -> float:
    """Peak signal-to-noise ratio in dB, over R, G and B together; infinite for equal pictures."""
    _check(a, b)
    error = float(np.mean(np.square(a.astype(np.float64) - b)))
    return 10 * math.log10(255**2 / error) if error else math.inf


def ssim(a: RGB, b: RGB) -> float:
    """Structural similarity as scikit-image defines it: 7x7 windows, mean of the colours.

    A picture with a side below 7 pixels is continued to 7 by repeating its last row or column.
    Raises XcodecError where scikit-image isn't installed.
    """
    _check(a, b)
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        raise XcodecError("SSIM needs scikit-image: pip install 'xcodec[demo]'") from error
    measure: Callable[..., float] = structural_similarity  # It comes without types.
    a, b = _at_least(SSIM_WINDOW, a), _at_least(SSIM_WINDOW, b)
    return float(measure(a, b, win_size=SSIM_WINDOW, channel_axis=-1))


def find_weights(folder: Path | None = None) -> Path | None:
    """The folder of LPIPS' weights: the one given, or what XCODEC_WEIGHTS names if it has them."""
    if folder is not None:
        return folder
    chosen = os.environ.get(ENVIRONMENT)
    if chosen and all((Path(chosen) / name).is_file() for name in (BACKBONE, HEADS)):
        return Path(chosen)
    return None


def lpips_squeeze(a: RGB, b: RGB, weights: Path | None) -> float | None:
    """Learned perceptual distance: LPIPS 0.1 over SqueezeNet 1.1. None without weights.

    weights : their folder, from ``find_weights``

    A picture with a side below 17 pixels is continued to 17 by repeating its last row or column.
    Raises ModelError where the folder has no weights that can be used.
    Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
    Metric", 2018.
    """
    _check(a, b)
    if weights is None:
        return None
    import torch  # Only here: everything else in this module does without.

    pair = np.stack([_at_least(LPIPS_SMALLEST, a), _at_least(LPIPS_SMALLEST, b)])
    planes = torch.from_numpy(pair).permute(0, 3, 1, 2).float() / 127.5 - 1
    return float(load_squeeze(weights).distance(planes[:1], planes[1:]))


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
        import torch
        from torch.nn import functional

        total = torch.zeros(len(a))
        with torch.inference_mode():
            for head, x, y in zip(self.heads, self._taps(a), self._taps(b), strict=True):
                x, y = functional.normalize(x, eps=1e-10), functional.normalize(y, eps=1e-10)
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
def load_squeeze(folder: Path) -> Squeeze:
    """LPIPS' network from its two files; raises ModelError where they can't be used."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        backbone, heads = load_file(folder / BACKBONE), load_file(folder / HEADS)
        return Squeeze(backbone, tuple(heads[f"{i}.weight"] for i in range(len(TAPS) + 1)))
    except (OSError, SafetensorError, KeyError) as error:
        raise ModelError(f"{folder}: no usable weights of LPIPS: {error}") from error


def at_bpp(curve: Iterable[tuple[float, float]], bpp: float) -> float | None:
    """A figure at a rate between measured ones, linear over log bpp; None beyond them.

    curve : pairs of bits per pixel, above 0, and the figure measured there, in any order; of
            several figures at the same rate the mean counts
    """
    measured: dict[float, list[float]] = {}
    for rate, value in curve:
        measured.setdefault(rate, []).append(value)
    rates = sorted(measured)
    if not rates or not rates[0] <= bpp <= rates[-1]:
        return None
    values = [np.mean(measured[rate]) for rate in rates]
    return float(np.interp(math.log(bpp), np.log(rates), values))


def bd_rate(
    one: Iterable[tuple[float, float]],
    other: Iterable[tuple[float, float]],
    within: tuple[float, float] | None = None,
) -> float | None:
    """Mean change of the rate from one curve to another at equal quality: -0.2 for a fifth less.

    The Bjontegaard delta rate, with curves linear over log bpp instead of cubic, over the figures
    that both reach; None where there are none.

    one, other : pairs of bits per pixel, above 0, and a figure such as PSNR that grows with them
    within     : lowest and highest figure that count
    """
    curves = [np.array(sorted(curve, key=lambda point: point[1])) for curve in (one, other)]
    low, high = within or (-math.inf, math.inf)
    low = max(low, *(curve[0, 1] for curve in curves))
    high = min(high, *(curve[-1, 1] for curve in curves))
    if low >= high:
        return None
    figures = np.linspace(low, high, 1001)
    rates = [np.interp(figures, curve[:, 1], np.log(curve[:, 0])) for curve in curves]
    return float(np.expm1((rates[1] - rates[0]).mean()))


def _check(a: RGB, b: RGB) -> None:
    if a.shape != b.shape or a.ndim != 3 or a.shape[2] != 3 or not a.size:
        raise InputError(f"pictures to compare differ in shape: {a.shape} and {b.shape}")
    if a.dtype != np.uint8 or b.dtype != np.uint8:
        raise InputError(f"pictures to compare are uint8, not {a.dtype} and {b.dtype}")


def _at_least(side: int, rgb: RGB) -> RGB:
    """The picture, continued below and on the right where it is smaller than ``side``."""
    missing = [(0, max(side - length, 0)) for length in rgb.shape[:2]]
    return np.pad(rgb, [*missing, (0, 0)], mode="edge")
