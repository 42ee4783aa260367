"""Which weights are best: PSNR on pictures that training never sees, at several rates."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from xcodec.errors import InputError, XcodecError
from xcodec.reconstruction.generator import Network, from_network
from xcodec.reconstruction.paint import predict
from xcodec.training import cache
from xcodec.training.dataset import arrays

RATES = (0.01, 0.02, 0.05, 0.1)
PICTURES = 12
SIDE = 256
"""Larger pictures are cut to their middle."""


@dataclass(frozen=True)
class Scores:
    """Mean PSNR in dB over the validation pictures at each of RATES, rounded pictures.

    psnr : of the generator
    fill : of the classical fill
    """

    psnr: dict[str, float]
    fill: dict[str, float]

    @property
    def mean(self) -> float:
        """Mean PSNR of the generator over the rates."""
        return float(np.mean(list(self.psnr.values())))

    @property
    def fill_mean(self) -> float:
        """Mean PSNR of the classical fill over the rates."""
        return float(np.mean(list(self.fill.values())))


def prepare(pictures: Sequence[Path], folder: Path) -> dict[str, list[cache.Entry]]:
    """The first PICTURES of the pictures encoded at each of RATES, by rate.

    Raises InputError where a picture can't be coded.
    """
    kept = cache.kept(folder)
    entries: dict[str, list[cache.Entry]] = {}
    for rate in RATES:
        draw = cache.Draw(rate, 1.0, "sobel", "least-squares")
        entries[f"{rate:g}"] = found = []
        for picture in pictures[:PICTURES]:
            stem = f"{cache.digest(picture)}-v{cache.CACHE_VERSION}-val{SIDE}-{rate:g}"
            path = kept.get(stem)
            try:
                path = path or cache.encode(cache.Job(picture, folder, stem, draw, SIDE, None))
            except XcodecError as error:
                raise InputError(f"{picture}: {error}") from error
            found.append(cache.opened(path))
    return entries


def validate(
    generator: Network, entries: dict[str, list[cache.Entry]], device: torch.device
) -> Scores:
    """The generator's scores on prepared pictures."""
    psnr, fill = {}, {}
    for rate, found in entries.items():
        painted, classical = [], []
        for entry in found:
            pixels = np.array(entry.pixels)
            _, conditions = arrays(pixels, entry)
            x = torch.from_numpy(conditions)[None].to(device)
            rgb = from_network(predict(generator, x)[0].permute(1, 2, 0).cpu().numpy())
            painted.append(_psnr(np.clip(np.rint(rgb), 0, 255), pixels[..., :3]))
            classical.append(_psnr(pixels[..., 3:6], pixels[..., :3]))
        psnr[rate] = round(float(np.mean(painted)), 4)
        fill[rate] = round(float(np.mean(classical)), 4)
    return Scores(psnr, fill)


def _psnr(picture: NDArray[np.floating] | NDArray[np.uint8], original: NDArray[np.uint8]) -> float:
    """PSNR in dB over R, G and B together, at most 99: a flat picture may come back exactly."""
    error = np.mean((np.asarray(picture, np.float64) - original) ** 2)
    return float(min(10 * np.log10(255**2 / error), 99.0)) if error else 99.0
