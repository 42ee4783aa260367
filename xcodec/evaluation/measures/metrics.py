"""Metrics of a decoded picture against its original.

psnr         dB over R, G and B together; infinite for equal pictures
ssim         scikit-image's defaults (7x7 windows), mean of the colours
ms_ssim      five scales (pytorch-msssim), mean of the colours; for sides from 161 pixels
lpips        version 0.1 over SqueezeNet; 0 means equal; needs weights
dists        over VGG16; 0 means equal; needs weights
ssimulacra2  100 means equal; can be negative (package ssimulacra2)

Pictures are uint8 RGB (height, width, 3). Means over pictures are means of these values.
"""

import hashlib
import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from xcodec.errors import InputError, XcodecError
from xcodec.evaluation.measures import dists, lpips
from xcodec.pictures.quality import decibels
from xcodec.system.lazy import lazy
from xcodec.system.packages import require
from xcodec.types import RGB

SSIM_WINDOW = 7
MS_SSIM_SMALLEST = 161
"""Shortest side in pixels that MS-SSIM's five scales of 11x11 windows need."""
SSIMULACRA2_SMALLEST = 8
"""Shortest side in pixels that SSIMULACRA2 accepts."""

Figures = dict[str, float | None]
"""Values by name of the metric; None if a metric does not exist for a picture."""


@dataclass(frozen=True)
class Metric:
    """A metric.

    title   : its name for readers
    rising  : whether higher is better
    digits  : decimals to show
    aim     : the metric by which files are chosen that stand for their codec in this one
    package : name of the package that it needs, and its module
    """

    title: str
    rising: bool
    digits: int
    aim: str
    package: tuple[str, str] | None = None

    def load(self) -> Any:
        """Import what the metric needs. Raises DependencyError if it is not installed."""
        return require(self.package[1], "bench") if self.package else None

    @property
    def installed(self) -> bool:
        """Whether the package that the metric needs can be imported."""
        try:
            self.load()
        except ImportError:
            return False
        return True


METRICS = {
    "psnr": Metric("PSNR", True, 2, "psnr"),
    "ssim": Metric("SSIM", True, 4, "ssim", ("scikit-image", "skimage")),
    "ms_ssim": Metric("MS-SSIM", True, 4, "ssim", ("pytorch-msssim", "pytorch_msssim")),
    "lpips": Metric("LPIPS", False, 4, "lpips"),
    "dists": Metric("DISTS", False, 4, "lpips"),
    "ssimulacra2": Metric("SSIMULACRA2", True, 2, "ssim", ("ssimulacra2", "ssimulacra2")),
}
ALWAYS = ("psnr", "ssim", "lpips")
"""Metrics of every table; LPIPS is empty without its weights."""


def choose(names: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return the metrics of these names in the order of METRICS; by default all that can be used.

    DISTS, which takes seconds a megapixel, is measured only where it is named.

    Raises InputError for an unknown name, DependencyError if a package is not installed.
    """
    if names is None:
        usable = (name for name in METRICS if name in ALWAYS or METRICS[name].installed)
        return tuple(name for name in usable if name != "dists")
    asked = list(names)
    for name in asked:
        if name not in METRICS:
            raise InputError(f"no metric {name!r}: metrics are {', '.join(METRICS)}")
        METRICS[name].load()
    if "dists" in asked:
        dists.heads()
    return tuple(name for name in METRICS if name in asked)


def weight_files(name: str, weights: Path | None) -> list[Path]:
    """Return the files of weights that a metric uses; none if there are none.

    weights : their folder

    Raises DependencyError if DISTS has a network but not its package.
    """
    if name == "lpips" and weights:
        return [weights / lpips.BACKBONE, weights / lpips.HEADS]
    if name == "dists" and weights and (network := dists.network(weights)):
        return [network, dists.heads()]
    return []


@cache
def version(name: str, weights: Path | None = None) -> str:
    """Return what a metric depends on besides the pictures: its package, or its weights."""
    package = METRICS[name].package
    if package:
        return metadata.version(package[0])
    if name in ("lpips", "dists"):
        return _digest(weight_files(name, weights))
    return "1"


class Meter:
    """Measures decoded pictures against one original.

    weights : folder of the weights of LPIPS and DISTS; without them the two are None
    """

    def __init__(self, original: RGB, weights: Path | None = None) -> None:
        self.original = original
        self.weights = weights
        self._original_dists: Any = None

    def measure(self, decoded: RGB, names: Iterable[str]) -> Figures:
        """Compute metrics by name. Raises InputError if the pictures differ in shape."""
        _check(self.original, decoded)
        found: Figures = {}
        for name in names:
            if name in _OF_TWO:
                found[name] = _OF_TWO[name](self.original, decoded)
            else:
                found[name] = self._lpips(decoded) if name == "lpips" else self._dists(decoded)
        return found

    def _lpips(self, decoded: RGB) -> float | None:
        if self.weights is None:
            return None
        network = lpips.load(self.weights)
        features = network.features(lpips.to_planes(decoded))
        return float(network.between(self._original_lpips, features))

    def _dists(self, decoded: RGB) -> float | None:
        path = dists.network(self.weights) if self.weights else None
        if path is None:
            return None
        network = dists.load(path)
        if self._original_dists is None:
            self._original_dists = network.features(dists.to_planes(self.original))
        return float(
            network.between(self._original_dists, network.features(dists.to_planes(decoded)))
        )

    @lazy
    def _original_lpips(self) -> Any:
        assert self.weights is not None
        return lpips.load(self.weights).features(lpips.to_planes(self.original))


def psnr(a: RGB, b: RGB) -> float:
    """Peak signal-to-noise ratio in dB, over R, G and B together; infinite for equal pictures."""
    _check(a, b)
    error = float(np.mean(np.square(a.astype(np.float64) - b)))
    return float(decibels(error)) if error else math.inf


def ssim(a: RGB, b: RGB) -> float:
    """Structural similarity as in scikit-image: 7x7 windows, mean of the colours.

    Sides below 7 pixels are padded to 7 by repeating the last row or column.
    Raises DependencyError if scikit-image is not installed.
    """
    _check(a, b)
    measure = require("skimage.metrics", "bench").structural_similarity
    a, b = lpips.at_least(SSIM_WINDOW, a), lpips.at_least(SSIM_WINDOW, b)
    return float(measure(a, b, win_size=SSIM_WINDOW, channel_axis=-1))


def ms_ssim(a: RGB, b: RGB) -> float | None:
    """Multi-scale structural similarity, mean of the colours; None for sides below 161 pixels.

    Raises DependencyError if pytorch-msssim is not installed.
    Source: Wang, Simoncelli and Bovik, "Multiscale Structural Similarity for Image Quality
    Assessment", 2003.
    """
    _check(a, b)
    if min(a.shape[:2]) < MS_SSIM_SMALLEST:
        return None
    import torch

    measure = require("pytorch_msssim", "bench").ms_ssim
    planes = (torch.from_numpy(np.array(x)).permute(2, 0, 1)[None].float() for x in (a, b))
    with torch.inference_mode():
        return float(measure(*planes, data_range=255))


def ssimulacra2(a: RGB, b: RGB) -> float:
    """SSIMULACRA 2.1 by the package ssimulacra2; sides below 8 pixels are padded to 8.

    Raises DependencyError if the package is not installed.
    Source: Sneyers, "SSIMULACRA 2", 2023.
    """
    _check(a, b)

    def file(rgb: RGB) -> io.BytesIO:
        stream = io.BytesIO()
        Image.fromarray(lpips.at_least(SSIMULACRA2_SMALLEST, rgb)).save(stream, "BMP")
        return stream

    return float(require("ssimulacra2", "bench").compute_ssimulacra2(file(a), file(b)))


_OF_TWO: dict[str, Callable[[RGB, RGB], float | None]] = {
    "psnr": psnr,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
    "ssimulacra2": ssimulacra2,
}


def _check(a: RGB, b: RGB) -> None:
    if a.shape != b.shape or a.ndim != 3 or a.shape[2] != 3 or not a.size:
        raise InputError(f"pictures to compare differ in shape: {a.shape} and {b.shape}")
    if a.dtype != np.uint8 or b.dtype != np.uint8:
        raise InputError(f"pictures to compare are uint8, not {a.dtype} and {b.dtype}")


def _digest(paths: Iterable[Path]) -> str:
    """The digest of files together, which the state has always used as a key; "" for none."""
    whole = hashlib.sha256()
    empty = True
    for path in paths:
        empty = False
        try:
            whole.update(path.read_bytes())
        except OSError as error:
            raise XcodecError(f"{path}: {error.strerror}") from error
    return "" if empty else whole.hexdigest()[:16]
