"""The generator by OpenCV: the same picture as by torch, and no torch."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from tests.reconstruction.test_generator import picture
from xcodec.errors import ModelError
from xcodec.reconstruction import model_files, opencv_painter, torch_painter, torch_weights
from xcodec.reconstruction.architecture import Architecture
from xcodec.reconstruction.generator import Generator
from xcodec.reconstruction.painter import Painter
from xcodec.system.processor import has_bf16
from xcodec.types import Fill, Floats

SMALL = Architecture((4, 4, 8, 8), (1, 0, 1), 1, (1, 0, 2))


def written(path: Path, architecture: Architecture, seed: int) -> Path:
    """Weights of a generator that paints something."""
    torch.manual_seed(seed)
    generator = Generator(architecture)
    torch.nn.init.normal_(generator.head.weight, std=0.1)
    torch_weights.save(path, generator, model_files.Card(path.stem))
    return path


def limit(expected: Floats, fill: Fill) -> float:
    """Grey levels it may be off: torch computes in bfloat16 where the processor does."""
    return 0.05 * float(np.abs(expected - fill.rgb).max()) if has_bf16() else 0.01


@pytest.mark.parametrize("architecture", [SMALL, replace(SMALL, scale=3), Architecture()])
def test_it_paints_what_torch_paints(tmp_path: Path, architecture: Architecture) -> None:
    """To a hundredth of a grey level, and all sizes by one network."""
    path = written(tmp_path / "a.safetensors", architecture, 0)
    mine, theirs = (
        opencv_painter.painter((path,)),
        torch_painter.TorchPainter(torch_weights.load(path)[0], "cpu"),
    )
    assert opencv_painter.painter((path,)) is mine
    for shape in ((1, 1), (1, 40), (17, 33), (64, 48), (130, 70)):
        samples, fill = picture(*shape)
        found, expected = (each.window(samples, fill) for each in (mine, theirs))
        assert found.shape == (*shape, 3)
        assert np.abs(expected - fill.rgb.clip(0, 255)).max() > 1
        assert np.abs(found - expected).max() < limit(expected, fill)


def check_shared(painter: Painter) -> None:
    """Threads that share a painter get the pictures that it paints alone."""
    pictures = [picture(48 + 16 * (i % 3), 64) for i in range(12)]
    alone = [painter.window(*each) for each in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda each: painter.window(*each), pictures))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one, other)


def test_threads_may_share_it(tmp_path: Path) -> None:
    check_shared(opencv_painter.painter((written(tmp_path / "a.safetensors", Architecture(), 0),)))


def test_windows_are_those_of_the_whole(tmp_path: Path) -> None:
    painter = opencv_painter.painter((written(tmp_path / "a.safetensors", SMALL, 0),))
    samples, fill = picture(96, 160)
    whole = painter.window(samples, fill)
    part = painter.window(samples, fill, slice(0, 96), slice(0, 128))
    assert np.abs(part[:, :64] - whole[:, :64]).max() < 0.01


def test_realism_lies_between_two_sets(tmp_path: Path) -> None:
    path = written(tmp_path / "a.safetensors", SMALL, 0)
    written(tmp_path / "a-real.safetensors", SMALL, 1)
    samples, fill = picture(48, 32)
    found = opencv_painter.painter(model_files.sets(path, 0.25), 0.25).window(samples, fill)
    mixed = torch_weights.mixed(model_files.sets(path, 0.25), 0.25)
    expected = torch_painter.TorchPainter(mixed, "cpu").window(samples, fill)
    assert np.abs(found - expected).max() < limit(expected, fill)
    written(tmp_path / "a-real.safetensors", Architecture((4, 4, 4, 4)), 1)
    with pytest.raises(ModelError, match="different networks"):
        opencv_painter.painter(model_files.sets(path, 0.25), 0.25)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    texts = {"format": model_files.FORMAT, "architecture": SMALL.to_json()}
    state = Generator(SMALL).state_dict()
    wrong = (
        {key: value for key, value in state.items() if key != "head.bias"},
        state | {"head.bias": torch.zeros(13)},
        state | {"another": torch.zeros(1)},
        state | {"up.0.0.first.bias": torch.zeros(0)},
    )
    for each in wrong:
        path.write_bytes(safetensors.torch.save(each, texts))
        with pytest.raises(ModelError, match="no usable weights"):
            opencv_painter.painter((path,))
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="no usable weights"):
        opencv_painter.painter((path,))
