"""Right pixels among random colours, by agreement (xcodec/restoration/noise.py)."""

import numpy as np
import pytest
from numpy.typing import NDArray

from xcodec.evaluation.measures import metrics
from xcodec.pictures.modes import to_depth
from xcodec.restoration import damage
from xcodec.restoration.noise import SURE, fill_noise, probabilities

RGB = NDArray[np.uint8]


def noisy(rgb: RGB, percent: int) -> damage.Corrupted:
    return damage.color_noise(rgb, percent, np.random.default_rng(0))


def test_right_pixels_are_told_from_random_ones(photo: RGB) -> None:
    done = noisy(photo[40:168, 120:248], 90)
    found = probabilities(done.rgb) > SURE
    assert (found & done.known).sum() > 0.5 * done.known.sum()
    assert (found & ~done.known).sum() < 0.03 * (~done.known).sum()


@pytest.mark.parametrize(("percent", "least"), [(95, 16.0), (90, 18.0), (50, 23.0)])
def test_the_fill_is_far_above_what_came(photo: RGB, percent: int, least: float) -> None:
    rgb = photo[40:168, 120:248]
    filled = to_depth(fill_noise(noisy(rgb, percent).rgb).rgb, 8)
    assert metrics.psnr(rgb, filled) > least


def test_a_clean_picture_stays_as_it_is(photo: RGB) -> None:
    rgb = photo[40:104, 120:184]
    fill = fill_noise(rgb)
    assert np.median(fill.deviation) < 0.01
    kept = fill.deviation < 1 - SURE
    np.testing.assert_array_equal(fill.rgb[kept], rgb[kept])


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (9, 2)])
def test_any_size_is_filled(shape: tuple[int, int]) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
    fill = fill_noise(rgb)
    assert fill.rgb.shape == rgb.shape
    assert np.isfinite(fill.rgb).all()
    assert ((fill.deviation >= 0) & (fill.deviation <= 1)).all()


def test_noise_alone_is_grey() -> None:
    fill = fill_noise(np.zeros((1, 1, 3), np.uint8))
    np.testing.assert_array_equal(fill.rgb, 127.5)
    np.testing.assert_array_equal(fill.deviation, 1)
