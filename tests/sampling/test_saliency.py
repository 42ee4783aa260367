"""Regions of interest and saliency (xcodec/sampling/saliency.py)."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

import xcodec
from xcodec import codec
from xcodec.errors import InputError
from xcodec.sampling import saliency

PLAIN = np.full((80, 120, 3), 90, np.uint8)


def psnr(file: bytes, rgb: NDArray[np.uint8], where: tuple[slice, slice]) -> float:
    found = np.asarray(xcodec.decode(file, decoder="classical"), float)
    return float(10 * np.log10(255**2 / np.square(found - rgb)[where].mean()))


def test_regions_multiply() -> None:
    found = saliency.weights(PLAIN, [(10, 20, 30, 40, 4.0), (20, 20, 40, 40, 0.5)])
    assert found is not None
    assert found.dtype == np.float32
    assert found.mean() == pytest.approx(1, rel=1e-5)
    levels = found / found[0, 0]
    assert levels[30, 15] == pytest.approx(4)
    assert levels[30, 25] == pytest.approx(2)
    assert levels[30, 50] == pytest.approx(0.5)
    assert levels[59, 15] == pytest.approx(4)
    assert levels[60, 15] == pytest.approx(1)


def test_all_alike_is_nothing() -> None:
    assert saliency.weights(PLAIN) is None
    assert saliency.weights(PLAIN, [(0, 0, 120, 80, 8.0)]) is None
    assert saliency.weights(PLAIN, mask=np.full((80, 120), 255, np.uint8)) is None
    assert saliency.weights(PLAIN, saliency=True) is None


def test_regions_are_cut_at_the_edge() -> None:
    found = saliency.weights(PLAIN, [(-10, -5, 20, 15, 4.0)])
    assert found is not None
    assert (found > 1).sum() == 10 * 10


@pytest.mark.parametrize(
    "region",
    [
        (120, 0, 5, 5, 4.0),
        (0, 80, 5, 5, 4.0),
        (-9, 0, 9, 5, 4.0),
        (0, 0, 0, 5, 4.0),
        (0, 0, 5, -1, 4.0),
        (0, 0, 5, 5, 0.0),
        (0, 0, 5, 5, 65.0),
        (0, 0, 5, 5, float("nan")),
    ],
)
def test_regions_that_make_no_sense(region: saliency.Region) -> None:
    with pytest.raises(InputError, match="region"):
        saliency.weights(PLAIN, [region])


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(InputError, match="region mask is 3x2, the picture 120x80"):
        saliency.weights(PLAIN, mask=np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize("options", [{"roi": [(60, 50, 60, 60, 8.0)]}, {"roi_mask": ...}])
def test_the_region_gains(photo: NDArray[np.uint8], options: dict[str, object]) -> None:
    photo = np.ascontiguousarray(photo[:200, :300])
    region = slice(50, 110), slice(60, 120)
    if "roi_mask" in options:
        mask = np.zeros(photo.shape[:2], np.uint8)
        mask[region] = 255
        options = {"roi_mask": mask}
    plain = xcodec.encode(photo, max_bytes=700, effort=1)
    asked = xcodec.encode(photo, max_bytes=700, effort=1, **options)  # type: ignore[arg-type]
    assert len(asked) <= 700
    assert psnr(asked, photo, region) > psnr(plain, photo, region) + 0.5


def test_a_rate_is_kept(photo: NDArray[np.uint8]) -> None:
    file = xcodec.encode(photo, 0.03, roi=[(100, 100, 90, 60, 16.0)], effort=0)
    assert xcodec.info(file).rate == pytest.approx(0.03, rel=0.01)


@pytest.mark.parametrize("tile", [0, 128])
def test_regions_are_sampled_more_densely(photo: NDArray[np.uint8], tile: int) -> None:
    def inside(**options: object) -> int:
        file = xcodec.encode(photo, 0.03, effort=0, tile=tile, **options)  # type: ignore[arg-type]
        points, _ = codec.decode_samples(file)
        return int(((points >= [100, 150]) & (points < [200, 300])).all(1).sum())

    assert inside(roi=[(150, 100, 150, 100, 8.0)]) > 1.5 * inside()


def test_psnr_means_the_whole_picture(photo: NDArray[np.uint8]) -> None:
    photo = np.ascontiguousarray(photo[:100, :150])
    file = xcodec.encode(photo, psnr=24, roi=[(10, 10, 40, 40, 8.0)], effort=0)
    assert 23.95 < psnr(file, photo, (slice(None), slice(None))) < 25.5


def test_spectral_residual_finds_what_stands_out() -> None:
    rng = np.random.default_rng(0)
    picture = (120 + rng.normal(0, 4, (200, 300, 3))).astype(np.uint8)
    picture[120:150, 200:240] = [250, 30, 30]
    found = saliency.spectral_residual(picture)
    assert found.shape == (200, 300)
    assert found.min() >= 0
    assert found.max() <= 1
    assert found[115:155, 195:245].mean() > 3 * found.mean()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3)])
def test_slim_pictures_have_saliency_too(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert np.isfinite(saliency.spectral_residual(picture)).all()
    xcodec.encode(picture, saliency=True)


def test_faces_are_found() -> None:
    found = saliency.faces(np.asarray(data.astronaut()))
    rows, cols = np.nonzero(found)
    assert 50 < rows.mean() < 170
    assert 170 < cols.mean() < 280
    assert 0.005 < found.mean() < 0.1
    assert not saliency.faces(PLAIN).any()
