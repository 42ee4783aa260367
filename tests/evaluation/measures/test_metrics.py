"""Metrics against values computed by hand, other implementations and a published reference."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from xcodec.errors import DependencyError, InputError, ModelError
from xcodec.evaluation.measures import lpips, metrics
from xcodec.system import folders

RGB = NDArray[np.uint8]


def noisy(picture: RGB, sigma: float) -> RGB:
    noise = np.random.default_rng(1).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def distance(a: RGB, b: RGB, weights: Path | None) -> float | None:
    return metrics.Meter(a, weights).measure(b, ["lpips"])["lpips"]


def test_psnr_is_over_the_three_colours_together() -> None:
    a = np.zeros((2, 2, 3), np.uint8)
    b = a.copy()
    b[0, 0] = 3, 4, 0
    # Squared errors 9 and 16 over 12 values.
    assert metrics.psnr(a, b) == pytest.approx(10 * math.log10(255**2 * 12 / 25))
    assert metrics.psnr(b, a) == metrics.psnr(a, b)
    assert metrics.psnr(a, np.full_like(a, 255)) == 0


def test_psnr_agrees_with_scikit_image(small: RGB) -> None:
    other = noisy(small, 20)
    assert metrics.psnr(small, other) == pytest.approx(peak_signal_noise_ratio(small, other))


def test_psnr_of_equal_pictures_is_infinite(small: RGB) -> None:
    assert metrics.Meter(small).measure(small.copy(), metrics.ALWAYS) == {
        "psnr": math.inf,
        "ssim": 1.0,
        "lpips": None,
    }


def test_ssim_is_the_mean_of_the_colours(small: RGB) -> None:
    other = noisy(small, 20)
    planes = [structural_similarity(small[..., i], other[..., i]) for i in range(3)]
    assert metrics.ssim(small, other) == pytest.approx(np.mean(planes))


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (6, 6), (7, 7), (40, 3)])
def test_metrics_exist_for_small_pictures(
    shape: tuple[int, int], small: RGB, weights: Path
) -> None:
    picture = np.ascontiguousarray(small[: shape[0], : shape[1]])
    meter = metrics.Meter(picture, weights)
    same = meter.measure(picture, metrics.METRICS)
    assert same["ssim"] == pytest.approx(1)
    assert same["lpips"] == 0
    assert same["ms_ssim"] is None
    assert same["ssimulacra2"] == pytest.approx(100)
    other = meter.measure(255 - picture, metrics.METRICS)
    assert other["ssim"] < 0.9
    assert other["lpips"] > 0.01
    assert other["ssimulacra2"] < 95


def test_ssim_of_flat_pictures_by_hand() -> None:
    a, b = np.full((9, 9, 3), 100, np.uint8), np.full((9, 9, 3), 120, np.uint8)
    # Without variance only the means matter: (2ab + c) / (a^2 + b^2 + c), c = (0.01 * 255)^2.
    c = 2.55**2
    by_hand = (2 * 100 * 120 + c) / (100**2 + 120**2 + c)
    assert metrics.ssim(a, b) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.98361, abs=1e-5)


def test_ssim_without_scikit_image_is_an_error_that_names_the_extra(
    small: RGB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    with pytest.raises(DependencyError, match=r"skimage .*xcodec\[bench\]"):
        metrics.ssim(small, small)


@pytest.mark.parametrize(
    "figure", [metrics.psnr, metrics.ssim, metrics.ms_ssim, metrics.ssimulacra2]
)
def test_pictures_that_do_not_compare_are_refused(figure, small: RGB) -> None:
    with pytest.raises(InputError, match="shape"):
        figure(small, small[1:])
    with pytest.raises(InputError, match="shape"):
        figure(small[..., 0], small[..., 0])
    with pytest.raises(InputError, match="uint8"):
        figure(small, small.astype(np.float32))


def test_ms_ssim_falls_with_noise(photo: RGB) -> None:
    square = np.ascontiguousarray(photo[:200, :200])
    assert metrics.ms_ssim(square, square) == pytest.approx(1)
    near, far = (metrics.ms_ssim(square, noisy(square, sigma)) for sigma in (5, 40))
    assert near is not None
    assert far is not None
    assert 0.3 < far < near < 1


def test_metrics_are_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert metrics.choose() == tuple(name for name in metrics.METRICS if name != "dists")
    assert metrics.choose(["lpips", "psnr"]) == ("psnr", "lpips")
    with pytest.raises(InputError, match="no metric 'vmaf'"):
        metrics.choose(["vmaf"])
    monkeypatch.setitem(sys.modules, "ssimulacra2", None)
    assert "ssimulacra2" not in metrics.choose()
    with pytest.raises(DependencyError, match=r"ssimulacra2 .*xcodec\[bench\]"):
        metrics.choose(["ssimulacra2"])


def test_lpips_grows_with_noise_and_is_symmetric(small: RGB, weights: Path) -> None:
    some, more = noisy(small, 10), noisy(small, 40)
    near, far = distance(small, some, weights), distance(small, more, weights)
    assert near is not None
    assert far is not None
    assert 0 < near < far
    assert distance(some, small, weights) == pytest.approx(near, rel=1e-5)


def test_lpips_weights_are_found_through_the_environment(
    weights: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path_factory.mktemp("empty")
    monkeypatch.delenv(folders.WEIGHTS, raising=False)
    assert lpips.find_weights() is None
    monkeypatch.setenv(folders.WEIGHTS, str(empty))
    assert lpips.find_weights() is None
    monkeypatch.setenv(folders.WEIGHTS, str(weights))
    assert lpips.find_weights() == weights
    assert lpips.find_weights(empty) == empty


def test_lpips_without_usable_weights(small: RGB, weights: Path) -> None:
    assert distance(small, small, None) is None
    (weights / lpips.HEADS).write_bytes(b"not weights")
    with pytest.raises(ModelError, match="LPIPS"):
        distance(small, small, weights)
    (weights / lpips.HEADS).unlink()
    with pytest.raises(ModelError, match="LPIPS"):
        distance(small, small, weights)


def test_lpips_gives_the_published_reference_value() -> None:
    import torch

    folder = lpips.find_weights()
    if folder is None:
        pytest.skip(f"needs LPIPS' weights in the folder that {folders.WEIGHTS} names")
    torch.manual_seed(123)
    a, b = (torch.rand(10, 3, 100, 100) * 2 - 1 for _ in range(2))
    # The example of torchmetrics' documentation.
    assert float(lpips.load(folder).distance(a, b).mean()) == pytest.approx(0.1008, abs=5e-5)
