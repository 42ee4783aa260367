"""The three figures against values worked out by hand, other implementations and a reference."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from xcodec.errors import InputError, ModelError, XcodecError
from xcodec.evaluation import metrics

RGB = NDArray[np.uint8]
NETWORK = {3: (64, 16, 64), 4: (128, 16, 64), 6: (128, 32, 128), 7: (256, 32, 128)} | {
    9: (256, 48, 192),
    10: (384, 48, 192),
    11: (384, 64, 256),
    12: (512, 64, 256),
}
"""Channels of SqueezeNet 1.1's fire modules: in, squeezed, out of each half."""


def noisy(picture: RGB, sigma: float) -> RGB:
    noise = np.random.default_rng(1).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """LPIPS' network with random weights."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    backbone = {"0.weight": torch.randn(64, 3, 3, 3) / 5, "0.bias": torch.zeros(64)}
    for i, (entering, squeezed, half) in NETWORK.items():
        for part, shape in {
            "squeeze": (squeezed, entering, 1, 1),
            "expand1x1": (half, squeezed, 1, 1),
            "expand3x3": (half, squeezed, 3, 3),
        }.items():
            backbone[f"{i}.{part}.weight"] = torch.randn(shape) / math.sqrt(math.prod(shape[1:]))
            backbone[f"{i}.{part}.bias"] = torch.zeros(shape[0])
    channels = [64, *(2 * NETWORK[i][2] for i in metrics.TAPS)]
    heads = {f"{i}.weight": torch.rand(1, c, 1, 1) for i, c in enumerate(channels)}
    save_file(backbone, tmp_path / metrics.BACKBONE)
    save_file(heads, tmp_path / metrics.HEADS)
    return tmp_path


def test_psnr_counts_the_three_colours_together() -> None:
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


def test_equal_pictures_are_infinitely_near(small: RGB) -> None:
    assert metrics.quality(small, small.copy()) == metrics.Quality(math.inf, 1.0, None)


def test_ssim_is_the_mean_of_the_colours(small: RGB) -> None:
    other = noisy(small, 20)
    planes = [structural_similarity(small[..., i], other[..., i]) for i in range(3)]
    assert metrics.ssim(small, other) == pytest.approx(np.mean(planes))


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (6, 6), (7, 7), (40, 3)])
def test_every_figure_exists_for_small_pictures(
    shape: tuple[int, int], small: RGB, weights: Path
) -> None:
    picture = np.ascontiguousarray(small[: shape[0], : shape[1]])
    same = metrics.quality(picture, picture, weights)
    assert same.ssim == pytest.approx(1)
    assert same.lpips == 0
    other = metrics.quality(picture, 255 - picture, weights)
    assert other.ssim < 0.9
    assert other.lpips is not None
    assert other.lpips > 0.01


def test_ssim_without_scikit_image_says_what_to_install(
    small: RGB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    with pytest.raises(XcodecError, match=r"scikit-image.*pip install"):
        metrics.ssim(small, small)


@pytest.mark.parametrize("figure", [metrics.psnr, metrics.ssim, metrics.quality])
def test_pictures_that_do_not_compare_are_refused(figure, small: RGB) -> None:
    with pytest.raises(InputError, match="shape"):
        figure(small, small[1:])
    with pytest.raises(InputError, match="shape"):
        figure(small[..., 0], small[..., 0])
    with pytest.raises(InputError, match="uint8"):
        figure(small, small.astype(np.float32))


def test_lpips_grows_with_noise_and_is_symmetric(small: RGB, weights: Path) -> None:
    some, more = noisy(small, 10), noisy(small, 40)
    near = metrics.lpips_squeeze(small, some, weights)
    far = metrics.lpips_squeeze(small, more, weights)
    assert near is not None
    assert far is not None
    assert 0 < near < far
    assert metrics.lpips_squeeze(some, small, weights) == pytest.approx(near, rel=1e-5)


def test_lpips_weights_are_found_through_the_environment(
    weights: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path_factory.mktemp("empty")
    monkeypatch.delenv(metrics.ENVIRONMENT, raising=False)
    assert metrics.find_weights() is None
    monkeypatch.setenv(metrics.ENVIRONMENT, str(empty))
    assert metrics.find_weights() is None
    monkeypatch.setenv(metrics.ENVIRONMENT, str(weights))
    assert metrics.find_weights() == weights
    assert metrics.find_weights(empty) == empty


def test_lpips_without_usable_weights(small: RGB, weights: Path) -> None:
    assert metrics.lpips_squeeze(small, small, None) is None
    (weights / metrics.HEADS).write_bytes(b"not weights")
    with pytest.raises(ModelError, match="LPIPS"):
        metrics.lpips_squeeze(small, small, weights)
    (weights / metrics.HEADS).unlink()
    with pytest.raises(ModelError, match="LPIPS"):
        metrics.lpips_squeeze(small, small, weights)


def test_lpips_gives_the_published_reference_value() -> None:
    import torch

    folder = metrics.find_weights()
    if folder is None:
        pytest.skip(f"needs LPIPS' weights in the folder that {metrics.ENVIRONMENT} names")
    torch.manual_seed(123)
    a, b = (torch.rand(10, 3, 100, 100) * 2 - 1 for _ in range(2))
    # The example in the documentation of torchmetrics.
    assert float(metrics.load_squeeze(folder).distance(a, b).mean()) == pytest.approx(
        0.1008, abs=5e-5
    )


def test_between_measured_rates_figures_are_linear_over_log_bpp() -> None:
    curve = [(0.4, 30.0), (0.1, 20.0), (0.2, 26.0)]
    assert metrics.at_bpp(curve, 0.2) == pytest.approx(26)
    assert metrics.at_bpp(curve, math.sqrt(0.1 * 0.2)) == pytest.approx(23)
    assert metrics.at_bpp(curve, 0.2 * 2**0.25) == pytest.approx(27)


def test_beyond_measured_rates_there_are_no_figures() -> None:
    curve = [(0.1, 20.0), (0.4, 30.0)]
    assert metrics.at_bpp(curve, 0.1) == 20
    assert metrics.at_bpp(curve, 0.4) == 30
    assert metrics.at_bpp(curve, 0.0999) is None
    assert metrics.at_bpp(curve, 0.4001) is None
    assert metrics.at_bpp([], 0.1) is None
    assert metrics.at_bpp([(0.1, 20.0), (0.1, 22.0)], 0.1) == 21


def test_bd_rate_is_the_mean_change_at_equal_quality() -> None:
    one = [(0.1, 20.0), (0.2, 23.0), (0.4, 26.0)]
    half = [(bpp / 2, psnr) for bpp, psnr in one]
    assert metrics.bd_rate(one, one) == pytest.approx(0)
    assert metrics.bd_rate(one, half) == pytest.approx(-0.5)
    assert metrics.bd_rate(half, one) == pytest.approx(1.0)
    # Only what both reach counts: here, the upper half.
    assert metrics.bd_rate(one, [(0.1, 23.0), (0.2, 26.0)]) == pytest.approx(-0.5)
    bent = [(0.05, 20.0), (0.2, 23.0), (0.4, 26.0)]
    assert metrics.bd_rate(one, bent, (23.0, 26.0)) == pytest.approx(0)
    assert metrics.bd_rate(one, bent, (20.0, 23.0)) == pytest.approx(2**-0.5 - 1, rel=1e-3)
    assert metrics.bd_rate(one, [(0.1, 27.0), (0.2, 30.0)]) is None
