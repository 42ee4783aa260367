"""Tiny pictures and runs for the tests of training."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from xcodec.reconstruction.architecture import (
    Architecture,
    OnDemandArchitecture,
    Shape,
    XGansArchitecture,
)
from xcodec.training import cache, dataset
from xcodec.training.settings import LossSettings, TrainSettings

SMALL = Architecture((16, 16, 16, 16), (1, 0, 0), 1, (1, 1, 1))
XGANS = XGansArchitecture(width=8, blocks=2, dropout=0.0)
ONDEMAND = OnDemandArchitecture(width=8, side=32)
NETWORKS = (SMALL, XGANS, ONDEMAND)
LEVELS = {"points": (5, 20), "color-noise": (85, 95), "white-block": (8, 16)} | {
    "color-block": (8, 16)
}
GAN = LossSettings(pixel=0.0, adversarial=1.0, matching=10.0, point=10.0)


def smooth(folder: Path, count: int, side: int = 80) -> None:
    """Synthetic smooth pictures with an edge each."""
    folder.mkdir()
    y, x = np.mgrid[:side, :side] / side
    for i in range(count):
        rng = np.random.default_rng(i)
        waves = [128 + 80 * np.sin(6 * (a * x + b * y)) for a, b in rng.normal(0, 1, (3, 2))]
        picture = np.stack(waves, -1) + 40 * ((x - 0.5) * rng.normal() > y - 0.5)[..., None]
        rgb = picture.clip(0, 255).astype(np.uint8)
        Image.fromarray(rgb).save(folder / f"{i:02}.png")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small networks gain nothing from more threads, which slow down on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def settings(tmp_path: Path) -> TrainSettings:
    """A tiny run over six synthetic pictures."""
    smooth(tmp_path / "data", 6)
    smooth(tmp_path / "val", 3)
    return TrainSettings.of(
        data=tmp_path / "data",
        val=tmp_path / "val",
        output=tmp_path / "models" / "tiny.safetensors",
        checkpoint=tmp_path / "checkpoint",
        cache=tmp_path / "cache",
        steps=4,
        batch=2,
        crop=32,
        warmup=2,
        workers=0,
        threads=1,
        device="cpu",
        variants=1,
        ready=6,
        architecture=SMALL,
    )


def tasked(settings: TrainSettings, task: str, shape: Shape, **more: Any) -> TrainSettings:
    return settings.replaced(
        task=task, architecture=shape, levels=LEVELS[task], turns=False, **more
    )


def jobs(settings: TrainSettings) -> list[cache.Job]:
    settings.files.cache.mkdir(exist_ok=True)
    return list(dataset.jobs(cache.pictures(settings.source.data or Path()), settings))
