"""How near a decoded picture comes to the original: figures with one meaning each.

psnr         dB over R, G and B together; infinite for equal pictures
ssim         scikit-image's defaults (7x7 windows), mean of the colours
ms_ssim      five scales (pytorch-msssim), mean of the colours; sides of 161 pixels at least
lpips        version 0.1 over SqueezeNet; 0 means equal; needs weights
ssimulacra2  100 means equal, below 0 is possible (package ssimulacra2)

Pictures are uint8 RGB (height, width, 3). Means over pictures are means of these figures.
"""

import hashlib
import importlib
import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from xcodec.errors import InputError, XcodecError
from xcodec.evaluation.measures import lpips
from xcodec.types import RGB

SSIM_WINDOW = 7
MS_SSIM_SMALLEST = 161
"""Shortest side in pixels that MS-SSIM's five scales of 11x11 windows need."""

Figures = dict[str, float | None]


@dataclass(frozen=True)
class Metric:
    """A figure.

    title   : what readers know it by
    rising  : whether more is better
    digits  : decimals that mean something
    package : what it needs to be installed, and the name of its module
    """

    title: str
    rising: bool
    digits: int
    package: tuple[str, str] | None = None

    @property
    def installed(self) -> bool:
        """Whether what it needs is there."""
        if self.package is None:
            return True
        try:
            importlib.import_module(self.package[1])
        except ImportError:
            return False
        return True


METRICS = {
    "psnr": Metric("PSNR", True, 2),
    "ssim": Metric("SSIM", True, 4, ("scikit-image", "skimage")),
    "ms_ssim": Metric("MS-SSIM", True, 4, ("pytorch-msssim", "pytorch_msssim")),
    "lpips": Metric("LPIPS", False, 4),
    "ssimulacra2": Metric("SSIMULACRA2", True, 2, ("ssimulacra2", "ssimulacra2")),
}
ALWAYS = ("psnr", "ssim", "lpips")
"""What stands in every table; LPIPS is empty where its weights aren't there."""


def choose(names: Iterable[str] | None = None) -> tuple[str, ...]:
    """The metrics of these names, in the order of METRICS; by default those that can be measured.

    Raises InputError for an unknown name, XcodecError where a package is missing.
    """
    asked = list(names) if names is not None else None
    for name in asked or ():
        if name not in METRICS:
            raise InputError(f"no metric {name!r}: there are {', '.join(METRICS)}")
        package = METRICS[name].package
        if package and not METRICS[name].installed:
            raise XcodecError(f"{METRICS[name].title} needs {package[0]}: pip install {package[0]}")
    if asked is None:
        asked = [name for name in METRICS if name in ALWAYS or METRICS[name].installed]
    return tuple(name for name in METRICS if name in asked)


@cache
def version(name: str, weights: Path | None = None) -> str:
    """What a figure depends on besides the pictures: it changes where the figure could."""
    package = METRICS[name].package
    if package:
        return metadata.version(package[0])
    return _weights_digest(weights) if name == "lpips" else "1"


class Meter:
    """The figures of decoded pictures beside one original.

    weights : folder of LPIPS' weights; without it LPIPS is None
    """

    def __init__(self, original: RGB, weights: Path | None = None) -> None:
        self.original = original
        self.weights = weights

    def measure(self, decoded: RGB, names: Iterable[str]) -> Figures:
        """The figures of these names. Raises InputError where the pictures differ in shape."""
        _check(self.original, decoded)
        return {name: getattr(self, f"_{name}")(decoded) for name in names}

    def _psnr(self, decoded: RGB) -> float:
        return psnr(self.original, decoded)

    def _ssim(self, decoded: RGB) -> float:
        return ssim(self.original, decoded)

    def _ms_ssim(self, decoded: RGB) -> float | None:
        return ms_ssim(self.original, decoded)

    def _ssimulacra2(self, decoded: RGB) -> float:
        return ssimulacra2(self.original, decoded)

    def _lpips(self, decoded: RGB) -> float | None:
        if self.weights is None:
            return None
        network = lpips.load(self.weights)
        return float(network.between(self._seen, network.features(lpips.to_planes(decoded))))

    @cached_property
    def _seen(self) -> Any:
        """LPIPS' features of the original, which every decoded picture is compared with."""
        assert self.weights is not None
        return lpips.load(self.weights).features(lpips.to_planes(self.original))


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
        raise XcodecError("SSIM needs scikit-image: pip install scikit-image") from error
    measure: Callable[..., float] = structural_similarity  # It comes without types.
    a, b = lpips.at_least(SSIM_WINDOW, a), lpips.at_least(SSIM_WINDOW, b)
    return float(measure(a, b, win_size=SSIM_WINDOW, channel_axis=-1))


def ms_ssim(a: RGB, b: RGB) -> float | None:
    """Multi-scale structural similarity, mean of the colours; None for a side below 161 pixels.

    Source: Wang, Simoncelli and Bovik, "Multiscale Structural Similarity for Image Quality
    Assessment", 2003.
    """
    _check(a, b)
    if min(a.shape[:2]) < MS_SSIM_SMALLEST:
        return None
    import torch
    from pytorch_msssim import ms_ssim as measure

    planes = (torch.from_numpy(np.array(x)).permute(2, 0, 1)[None].float() for x in (a, b))
    with torch.inference_mode():
        return float(measure(*planes, data_range=255))


def ssimulacra2(a: RGB, b: RGB) -> float:
    """SSIMULACRA 2.1 by the package ssimulacra2; a side below 8 pixels is continued to 8.

    Source: Sneyers, "SSIMULACRA 2", 2023.
    """
    _check(a, b)
    from ssimulacra2 import compute_ssimulacra2

    def file(rgb: RGB) -> io.BytesIO:
        stream = io.BytesIO()
        Image.fromarray(lpips.at_least(8, rgb)).save(stream, "BMP")
        return stream

    return float(compute_ssimulacra2(file(a), file(b)))


def lpips_squeeze(a: RGB, b: RGB, weights: Path | None) -> float | None:
    """Learned perceptual distance. None without weights, a folder from ``lpips.find_weights``.

    Raises ModelError where the folder has no weights that can be used.
    """
    return Meter(a, weights).measure(b, ["lpips"])["lpips"]


def _check(a: RGB, b: RGB) -> None:
    if a.shape != b.shape or a.ndim != 3 or a.shape[2] != 3 or not a.size:
        raise InputError(f"pictures to compare differ in shape: {a.shape} and {b.shape}")
    if a.dtype != np.uint8 or b.dtype != np.uint8:
        raise InputError(f"pictures to compare are uint8, not {a.dtype} and {b.dtype}")


@cache
def _weights_digest(weights: Path | None) -> str:
    if weights is None:
        return ""
    whole = hashlib.sha256()
    for name in (lpips.BACKBONE, lpips.HEADS):
        try:
            whole.update((weights / name).read_bytes())
        except OSError as error:
            raise XcodecError(f"{weights / name}: {error.strerror}") from error
    return whole.hexdigest()[:16]
