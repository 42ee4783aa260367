"""Pictures varied before they are coded."""

import numpy as np
import pytest
from PIL import Image

from tests.training.conftest import jobs
from xcodec.errors import InputError
from xcodec.training import cache, dataset
from xcodec.training.settings import TrainSettings
from xcodec.training.variety import ZOOM, varied
from xcodec.types import RGB


@pytest.mark.parametrize("size", [(64, 64), (40, 96), (32, 33)])
def test_a_varied_picture_is_another_one_of_the_same_thing(
    size: tuple[int, int], photo: RGB
) -> None:
    rgb = np.asarray(Image.fromarray(photo).resize(size))
    zooms = []
    for seed in range(30):
        found = varied(rgb, 32, np.random.default_rng(seed))
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, varied(rgb, 32, np.random.default_rng(seed)))
        assert min(found.shape[:2]) >= 32
        assert max(found.shape[:2]) <= max(size)
        zooms.append(found.shape[0] / rgb.shape[0])
        assert not np.array_equal(found, rgb)
        small = [
            Image.fromarray(one).convert("L").resize((4, 4), Image.Resampling.BOX)
            for one in (rgb, found)
        ]
        assert np.corrcoef(*(np.asarray(one).ravel() for one in small))[0, 1] > 0.5
    assert min(zooms) >= 1 / ZOOM - 0.02
    assert min(zooms) < 0.95 or min(size) == 32  # That one has no room to shrink.


def test_a_picture_too_small_for_the_crops_does_not_shrink() -> None:
    rgb = np.full((8, 50, 3), 90, np.uint8)
    for seed in range(5):
        found = varied(rgb, 32, np.random.default_rng(seed))
        assert found.shape == rgb.shape
        assert np.ptp(found.reshape(-1, 3), axis=0).max() == 0


def test_pictures_that_are_encoded_once_cannot_be_varied(settings: TrainSettings) -> None:
    with pytest.raises(InputError, match="vary needs"):
        settings.replaced(vary=True, variants=1)


def test_half_of_what_is_damaged_as_it_is_drawn_is_varied(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = settings.replaced(variants=1, task="white-block", levels=(16, 16), vary=True)
    entries = [cache.opened(cache.encode(job)) for job in jobs(block)]
    monkeypatch.setattr(dataset, "varied", lambda pixels, *_: np.zeros_like(pixels))
    batch = dataset.draw(entries, block, 3, range(20))
    assert isinstance(batch, dataset.Batch)
    black = (batch.targets == -1).all((1, 2, 3))
    assert 4 < black.sum() < 16


def test_every_other_encoding_is_of_a_varied_picture(settings: TrainSettings) -> None:
    plain = jobs(settings.replaced(ready=100, variants=2))
    mixed = jobs(settings.replaced(ready=100, variants=2, vary=True))
    assert [job.vary for job in mixed] == [0] * (len(mixed) // 2) + [32] * (len(mixed) // 2)
    assert mixed[: len(mixed) // 2] == plain[: len(plain) // 2]
    assert not {job.stem for job in mixed[len(mixed) // 2 :]} & {job.stem for job in plain}
    before, after = (cache.opened(cache.encode(job)).pixels for job in (plain[-1], mixed[-1]))
    assert not np.array_equal(before[:32, :32, :3], after[:32, :32, :3])
    assert after[..., 7].any()


def test_usual_encodings_are_near_the_default(settings: TrainSettings) -> None:
    plain = jobs(settings.replaced(ready=100, variants=8))
    usual = jobs(settings.replaced(ready=100, variants=8, usual=True))
    draws = [job.draw for job in usual if isinstance(job.draw, cache.Draw)]
    assert len(draws) == len(plain)
    assert {(draw.density, draw.tone, draw.block) for draw in draws} == {
        ("sobel", "least-squares", None)
    }
    assert all(0.65 < draw.factor < 1.2 for draw in draws)
    assert sum(draw.strength is None for draw in draws) > len(draws) / 2
    assert not {job.stem for job in usual} & {job.stem for job in plain}
    encoded = cache.opened(cache.encode(usual[0]))
    assert encoded.tone == "least-squares"


def test_pictures_are_encoded_in_parts_of_a_side(settings: TrainSettings) -> None:
    whole = jobs(settings.replaced(ready=100))
    parts = jobs(settings.replaced(ready=100, side=32))
    assert not {job.stem for job in whole} & {job.stem for job in parts}
    assert [job.draw for job in whole] == [job.draw for job in parts]
    shape = cache.opened(cache.encode(parts[0])).pixels.shape
    assert shape == (32, 32, 8)
    assert cache.opened(cache.encode(whole[0])).pixels.shape != shape
    with pytest.raises(InputError, match="crops of 32 pixels are larger than the side: 16"):
        settings.replaced(side=16)
