"""From density to positions: ranks, thresholds, order and rates (xcodec/sampling/mask.py)."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from tests.golden import pictures
from xcodec.coding.explicit_mask import read_mask, write_mask
from xcodec.decoder import inspection, reading
from xcodec.errors import FormatError, InputError
from xcodec.sampling import mask as masks
from xcodec.types import Density

RATES = 0.001, 0.004, 0.02, 0.1, 0.25, 0.5


def positions(data: bytes) -> NDArray[np.int64]:
    points = reading.single(data, 1 << 24, partial=False).points
    return np.stack([points.rows, points.cols], 1).astype(np.int64)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (1, 200), (97, 64), (150, 260)])
@pytest.mark.parametrize("kind", ["blue", "random"])
@pytest.mark.parametrize("density", ["uniform", "sobel", "canny"])
def test_the_rate_is_kept(shape: tuple[int, int], kind: str, density: str) -> None:
    picture = pictures.scene(*shape)
    area = shape[0] * shape[1]
    for rate in RATES:
        data = xcodec.encode(picture, rate, density=density, mask=kind, tone="point", step=400.0)
        info = inspection.info(data)
        assert info.samples == pytest.approx(max(1, rate * area), rel=0.01, abs=1)
        assert info.rate == info.samples / area


def test_the_rate_is_kept_in_a_picture_of_many_tiles() -> None:
    picture = pictures.scene(700, 900)
    for rate in (0.001, 0.013):
        info = inspection.info(xcodec.encode(picture, rate, tone="point"))
        assert info.samples == pytest.approx(rate * 700 * 900, rel=0.01)


def test_few_samples_are_found_without_looking_at_all_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same ones, in any part of a picture."""
    exponents = np.random.default_rng(2).integers(0, 6, (14, 11)).astype(np.int16)
    size = 410, 340

    def found() -> list[Any]:
        marked: list[Any] = []
        for count in (1, 3, 40, 900):
            scale = masks.scale_for_count(exponents, 32, *size, count, "blue", 0)
            for origin in ((0, 0), (32, 224)):
                points = masks.points_from_density(
                    Density(exponents, 32, scale), *size, origin=origin
                )
                marked.append((scale, points.rows.tolist(), points.cols.tolist()))
        return marked

    quick = found()
    monkeypatch.setattr(masks, "FEW", -1)
    assert found() == quick


def test_a_scale_about_right() -> None:
    exponents = np.random.default_rng(2).integers(0, 6, (20, 30)).astype(np.int16)
    for count in (200, 5000, 60000):
        scale = masks.scale_for_count(exponents, 16, 320, 480, count, "blue", 0)
        assert abs(masks.scale_about(exponents, count / (320 * 480)) - scale) <= 4


@pytest.mark.parametrize("kind", ["blue", "random"])
def test_encoder_and_decoder_mark_the_same_pixels(kind: str) -> None:
    """Lossless samples that come back in their places, and nowhere else by chance."""
    picture = (pictures.noise(60 * 90 * 3) % 251).astype(np.uint8).reshape(60, 90, 3)
    seed: dict[str, Any] = {"seed": 9} if kind == "random" else {}
    data = xcodec.encode(picture, 0.07, mask=kind, tone="point", lossless_samples=True, **seed)
    where = positions(data)
    painted = np.asarray(xcodec.decode(data, decoder="classical"))
    assert np.array_equal(painted[tuple(where.T)], picture[tuple(where.T)])
    assert (painted == picture).all(-1).sum() < 1.05 * len(where)


def test_points_come_coarse_to_fine_without_repetition() -> None:
    density = Density(np.zeros((13, 19), int), 16, 33 * masks.SCALE_STEPS)
    points = masks.points_from_density(density, 200, 300)
    assert (np.diff(points.ranks) >= 0).all()
    keys = points.ranks.astype(np.int64), points.rows, points.cols
    assert np.array_equal(np.lexsort(keys[::-1]), np.arange(len(points)))
    assert len(np.unique(points.rows.astype(np.int64) * 300 + points.cols)) == len(points)


def test_denser_blocks_hold_more_samples_and_densities_nest() -> None:
    exponents = np.zeros((4, 4), int)
    exponents[1, 2] = 2
    few = masks.points_from_density(Density(exponents, 32, 32 * 128), 128, 128)
    more = masks.points_from_density(Density(exponents, 32, 33 * 128), 128, 128)
    inside = (few.rows // 32 == 1) & (few.cols // 32 == 2)
    assert inside.sum() == pytest.approx(4 * (~inside).sum() / 15, rel=0.35)
    assert len(more) == pytest.approx(2 * len(few), rel=0.1)
    pairs = [set(zip(p.rows.tolist(), p.cols.tolist(), strict=True)) for p in (few, more)]
    assert pairs[0] < pairs[1]


def test_the_scale_spans_nothing_to_everything() -> None:
    for exponent in (0, masks.MAX_EXPONENT):
        exponents = np.full((4, 4), exponent)
        full = masks.points_from_density(Density(exponents, 16, masks.MAX_SCALE), 64, 64)
        assert len(full) == 64 * 64
    assert not len(masks.points_from_density(Density(np.zeros((4, 4), int), 16, 0), 64, 64))
    limits = [
        int(masks.thresholds(Density(np.zeros((1, 1), int), 16, s))[0, 0])
        for s in range(masks.MAX_SCALE + 1)
    ]
    assert limits == sorted(limits)
    assert limits[16 * 128 + 16 * 128] == 1 << 16


def test_blue_noise_keeps_samples_apart() -> None:
    """At one sample in 64 pixels, none is as near to another as chance would have it."""
    density = Density(np.zeros((8, 8), int), 16, 32 * masks.SCALE_STEPS)
    points = masks.points_from_density(density, 128, 128)
    assert len(points) == 256
    gaps = np.hypot(
        points.rows[:, None] - points.rows[None], points.cols[:, None] - points.cols[None]
    )
    np.fill_diagonal(gaps, 999)
    assert gaps.min() > 3
    assert gaps.min(1).mean() > 5.5


def test_the_tile_holds_each_rank_once() -> None:
    tile = masks._tile()
    assert np.array_equal(np.sort(tile.ravel()), np.arange(masks.TILE**2))
    rows = np.arange(0, 2048, 128)
    ranks = masks.ranks(rows[:, None], rows[None, :])
    assert np.array_equal(np.sort(ranks.ravel() % 256), np.arange(256))


def test_random_masks_follow_their_seed() -> None:
    picture = pictures.scene(80, 80)
    options: dict[str, Any] = {"mask": "random", "tone": "point"}
    files = [xcodec.encode(picture, 0.1, seed=seed, **options) for seed in (0, 1, 2**32 - 1)]
    spots = [{tuple(p) for p in positions(data).tolist()} for data in files]
    for i, a in enumerate(spots):
        for b in spots[:i]:
            assert len(a & b) < 0.3 * len(a)
    assert [inspection.info(data).seed for data in files] == [0, 1, 2**32 - 1]
    assert xcodec.encode(picture, 0.1, seed=1, **options) == files[1]
    for seed in (-1, 2**32):
        with pytest.raises(InputError, match="seed"):
            xcodec.encode(picture, seed=seed, **options)


def test_random_thresholds_are_even() -> None:
    values = masks._hash(np.arange(300)[:, None], np.arange(300)[None, :], 7)
    counts = np.histogram(values, 16, (0, 1 << masks.RANK_BITS))[0]
    assert counts == pytest.approx(300 * 300 / 16, rel=0.05)
    assert abs(np.corrcoef(values[:, :-1].ravel(), values[:, 1:].ravel())[0, 1]) < 0.02


MASKS = {
    "bitmap": pictures.checks(72, 96),
    "runs": pictures.diagonals(72, 96),
    "blocks": pictures.speckled(72, 96),
}


@pytest.mark.parametrize("way", MASKS)
def test_each_way_to_write_a_mask_is_chosen_by_some(way: str) -> None:
    data = write_mask(MASKS[way])
    assert list(MASKS)[data[0]] == way
    assert np.array_equal(read_mask(data, 72, 96), MASKS[way])


@pytest.mark.parametrize("shape", [(1, 1), (1, 17), (16, 16), (33, 5), (70, 300)])
@pytest.mark.parametrize("share", [0.0, 0.003, 0.3, 0.97, 1.0])
def test_masks_come_back_by_each_way(shape: tuple[int, int], share: float) -> None:
    from xcodec.coding import explicit_mask

    mask = pictures.noise(shape[0] * shape[1]).reshape(shape) < share * (1 << 16)
    ways = explicit_mask._bitmap(mask), explicit_mask._runs(mask), explicit_mask._blocks(mask)
    for mode, body in enumerate(ways):
        assert np.array_equal(read_mask(bytes([mode]) + body, *shape), mask)
    assert len(write_mask(mask)) == 1 + min(map(len, ways))


def test_an_explicit_mask_is_followed_to_the_pixel() -> None:
    picture = pictures.scene(72, 96)
    for mask in (*MASKS.values(), np.ones((72, 96), bool)):
        data = xcodec.encode(picture, mask=mask, tone="point", lossless_samples=True)
        marked = np.zeros((72, 96), bool)
        marked[tuple(positions(data).T)] = True
        assert np.array_equal(marked, mask)
        painted = np.asarray(xcodec.decode(data, decoder="classical"))
        assert np.array_equal(painted[mask], picture[mask])


def test_masks_that_mark_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="marks no pixel"):
        xcodec.encode(pictures.scene(20, 20), mask=np.zeros((20, 20), bool))


@pytest.mark.parametrize("data", [b"", b"\3", b"\0", b"\1nonsense", b"\0nonsense"])
def test_masks_that_cannot_be_read_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_mask(data, 20, 20)


def test_masks_of_another_size_are_refused() -> None:
    for way in ("bitmap", "runs"):
        with pytest.raises(FormatError):
            read_mask(write_mask(MASKS[way]), 20, 20)
    with pytest.raises(FormatError):
        read_mask(write_mask(MASKS["bitmap"]), 720, 960)


def test_memory_is_bounded_in_wide_pictures() -> None:
    """A file of a few bytes may say that it is a hundred rows of a million pixels."""
    density = Density(np.zeros((2, 8192), np.int64), 64, 0)
    tracemalloc.start()
    masks.points_from_density(density, 100, 1 << 19, "random")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20
