"""Scores of a network on pictures that it does not learn from, at several levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from xcodec.errors import InputError, XcodecError
from xcodec.pictures import loading
from xcodec.pictures.cropping import middle
from xcodec.pictures.quality import decibels
from xcodec.reconstruction.generator import Network
from xcodec.reconstruction.torch_painter import predict
from xcodec.training import cache, packs, unpacking
from xcodec.training.dataset import Example, band_levels, damaged, picture_of
from xcodec.training.losses import PerceptualLoss
from xcodec.training.settings import CODEC, TrainSettings

RATES = (0.01, 0.02, 0.05, 0.1)
"""Sampling rates of the codec task."""
PICTURES = 12
"""Pictures for each level."""
SIDE = 256
"""Larger pictures are cut to the middle square of this side."""
HIGHEST = 99.0
"""PSNR of equal pictures, dB."""


@dataclass(frozen=True)
class Scores:
    """Means over the validation pictures, by level.

    psnr       : of the network's pictures rounded to 8 bits, in dB; known pixels are not put back
    fill       : of the network's input, in dB
    perceptual : perceptual loss, mean over all levels; None without that loss
    """

    psnr: dict[str, float]
    fill: dict[str, float]
    perceptual: float | None = None

    @property
    def mean(self) -> float:
        """Mean PSNR of the network over the levels, dB."""
        return float(np.mean(list(self.psnr.values())))

    @property
    def fill_mean(self) -> float:
        """Mean PSNR of the network's input over the levels, dB."""
        return float(np.mean(list(self.fill.values())))


def prepare(pictures: Sequence[Path], settings: TrainSettings) -> dict[str, list[Example]]:
    """Examples of the first PICTURES pictures at each level: RATES, or the middles of the bands.

    Raises InputError if a picture cannot be encoded or is too small for the network.
    """
    if settings.task == CODEC:
        return _encoded(pictures, settings.files.cache)
    side = getattr(settings.architecture, "side", SIDE)
    clutter = pictures[PICTURES:] or pictures
    if settings.damage.clutter is not None:
        clutter = packs.pictures(settings.damage.clutter, settings.files.cache)
    examples: dict[str, list[Example]] = {}
    for level in band_levels(settings.span):
        examples[f"{level}"] = found = []
        for picture in pictures[:PICTURES]:
            rng = np.random.default_rng([int(cache.digest(picture), 16), level])
            rgb = np.ascontiguousarray(middle(loading.load(picture).rgb, side))
            other = loading.load(clutter[int(rng.integers(len(clutter)))]).rgb
            kind = settings.damage.distributions[0]
            found.append(damaged(rgb, settings, level, rng, other, kind))
    return examples


def _encoded(pictures: Sequence[Path], folder: Path) -> dict[str, list[Example]]:
    kept = cache.kept(folder)
    examples: dict[str, list[Example]] = {}
    for level, jobs in encodings(pictures, folder).items():
        examples[level] = found = []
        for job in jobs:
            try:
                path = kept.get(job.stem) or cache.encode(job)
            except XcodecError as error:
                raise InputError(f"{job.picture}: {error}") from error
            found.append(unpacking.example(cache.opened(path)))
    return examples


def encodings(pictures: Sequence[Path], folder: Path) -> dict[str, list[cache.Job]]:
    """The jobs of the codec task's examples of the first PICTURES pictures, by rate.

    folder : of the cache
    """
    jobs: dict[str, list[cache.Job]] = {}
    for rate in RATES:
        draw = cache.Draw(rate, 1.0, "sobel", "least-squares")
        jobs[f"{rate:g}"] = found = []
        for picture in pictures[:PICTURES]:
            stem = f"{cache.digest(picture)}-v{cache.CACHE_VERSION}-val{SIDE}-{rate:g}"
            found.append(cache.Job(picture, folder, stem, draw, SIDE, None))
    return jobs


def validate(
    generator: Network,
    examples: dict[str, list[Example]],
    device: torch.device,
    perceptual: PerceptualLoss | None = None,
) -> Scores:
    """Scores of a network on examples from ``prepare``.

    perceptual : also measure this loss
    """
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


def _psnr(picture: NDArray[np.uint8], original: NDArray[np.uint8]) -> float:
    """PSNR in dB, at most HIGHEST: a flat picture may be reproduced exactly."""
    error = float(np.mean((picture.astype(np.float64) - original) ** 2))
    return min(float(decibels(error)), HIGHEST)
