"""Which weights are best: figures on pictures that training never sees, at several levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from xcodec.errors import InputError, XcodecError
from xcodec.pictures import loading
from xcodec.reconstruction.generator import Network
from xcodec.reconstruction.torch_painter import predict
from xcodec.training import cache, unpacking
from xcodec.training.dataset import Example, band_levels, damaged, picture_of
from xcodec.training.losses import PerceptualLoss
from xcodec.training.settings import CODEC, TrainSettings
from xcodec.types import RGB

RATES = (0.01, 0.02, 0.05, 0.1)
PICTURES = 12
SIDE = 256
"""Larger pictures are cut to their middle."""


@dataclass(frozen=True)
class Scores:
    """Means over the validation pictures at each level, rounded pictures.

    psnr       : of the network, in dB, known pixels not put back
    fill       : of what it starts from, in dB
    perceptual : distance that the perceptual loss finds, over all; None where it doesn't count
    """

    psnr: dict[str, float]
    fill: dict[str, float]
    perceptual: float | None = None

    @property
    def mean(self) -> float:
        """Mean PSNR of the network over the levels."""
        return float(np.mean(list(self.psnr.values())))

    @property
    def fill_mean(self) -> float:
        """Mean PSNR of what it starts from, over the levels."""
        return float(np.mean(list(self.fill.values())))


def prepare(pictures: Sequence[Path], settings: TrainSettings) -> dict[str, list[Example]]:
    """The first PICTURES of the pictures at each level: of RATES, or the middles of the bands.

    Raises InputError where a picture can't be coded, or is too small for the network.
    """
    if settings.task == CODEC:
        return _encoded(pictures[:PICTURES], settings.cache)
    side = getattr(settings.architecture, "side", SIDE)
    clutter = pictures[PICTURES:] or pictures
    if settings.clutter is not None:
        clutter = cache.pictures(settings.clutter)
    examples: dict[str, list[Example]] = {}
    for level in band_levels(settings.span):
        examples[f"{level}"] = found = []
        for picture in pictures[:PICTURES]:
            rng = np.random.default_rng([int(cache.digest(picture), 16), level])
            rgb = _middle(loading.load(picture).rgb, side)
            other = loading.load(clutter[int(rng.integers(len(clutter)))]).rgb
            kind = settings.distributions[0]
            found.append(damaged(rgb, settings, level, rng, other, kind))
    return examples


def _encoded(pictures: Sequence[Path], folder: Path) -> dict[str, list[Example]]:
    kept = cache.kept(folder)
    examples: dict[str, list[Example]] = {}
    for rate in RATES:
        draw = cache.Draw(rate, 1.0, "sobel", "least-squares")
        examples[f"{rate:g}"] = found = []
        for picture in pictures:
            stem = f"{cache.digest(picture)}-v{cache.CACHE_VERSION}-val{SIDE}-{rate:g}"
            path = kept.get(stem)
            try:
                path = path or cache.encode(cache.Job(picture, folder, stem, draw, SIDE, None))
            except XcodecError as error:
                raise InputError(f"{picture}: {error}") from error
            found.append(unpacking.example(cache.opened(path)))
    return examples


def validate(
    generator: Network,
    examples: dict[str, list[Example]],
    device: torch.device,
    perceptual: PerceptualLoss | None = None,
) -> Scores:
    """The network's scores on prepared pictures."""
    psnr, fill, distances = {}, {}, []
    for level, found in examples.items():
        painted, classical = [], []
        for example in found:
            x = torch.from_numpy(example.conditions)[None].to(device)
            picture = predict(generator, x)
            original = picture_of(example.target)
            painted.append(_psnr(picture_of(picture[0].cpu().numpy()), original))
            classical.append(_psnr(picture_of(example.conditions[:3]), original))
            if perceptual is not None:
                target = torch.from_numpy(example.target)[None].to(device)
                with torch.no_grad():
                    distances.append(perceptual(picture.clone().clamp(-1, 1), target).item())
        psnr[level] = round(float(np.mean(painted)), 4)
        fill[level] = round(float(np.mean(classical)), 4)
    return Scores(psnr, fill, round(float(np.mean(distances)), 5) if distances else None)


def _middle(rgb: RGB, side: int) -> RGB:
    top, left = (max(length - side, 0) // 2 for length in rgb.shape[:2])
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


def _psnr(picture: NDArray[np.uint8], original: NDArray[np.uint8]) -> float:
    """PSNR in dB over R, G and B together, at most 99: a flat picture may come back exactly."""
    error = np.mean((picture.astype(np.float64) - original) ** 2)
    return float(min(10 * np.log10(255**2 / error), 99.0)) if error else 99.0
