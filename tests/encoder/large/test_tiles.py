"""Pictures in tiles: as good and as small as in one piece, without seams, and read in part."""

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
from tests.golden import pictures
from xcodec import codec
from xcodec.coding.tiles import Box, TileGrid
from xcodec.decoder import drawing, inspection, reading
from xcodec.encoder.large import tiles
from xcodec.options import EncodeOptions
from xcodec.reconstruction import seams

RGB = NDArray[np.uint8]
LOSSLESS: dict[str, Any] = {"tone": "point", "lossless_samples": True}
TILE = 128


@pytest.fixture(scope="module")
def file(photo: RGB) -> bytes:
    """The photo in tiles of 128 pixels."""
    return xcodec.encode(photo, 0.05, step=8.0, tile=TILE)


@pytest.fixture(scope="module")
def layered(photo: RGB) -> bytes:
    """The photo in tiles and layers."""
    return xcodec.encode(photo, 0.1, tile=TILE, **LOSSLESS)


def classical(data: bytes, **options: Any) -> NDArray[np.float64]:
    return np.asarray(xcodec.decode(data, decoder="classical", **options), float)


def psnr(one: Any, other: Any) -> float:
    error = np.square(np.asarray(one, float) - np.asarray(other, float)).mean()
    return float(10 * np.log10(255**2 / error))


@pytest.mark.parametrize("shape", [(1, 1), (127, 5000), (1024, 1535), (1536, 1537), (2000, 3000)])
@pytest.mark.parametrize("side", [128, 512, 1024])
def test_tiles_cover_a_picture_once(shape: tuple[int, int], side: int) -> None:
    grid = TileGrid(*shape, side)
    seen = np.zeros(shape, np.int8)
    for number in range(len(grid)):
        box = grid.box(number)
        seen[box.slices] += 1
        assert grid.touching(box) == [number]
        assert box.top % side == box.left % side == 0
        assert max(box.height, box.width) < 1.5 * side
        assert box.height >= min(shape[0], side / 2)
        assert box.width >= min(shape[1], side / 2)
    assert (seen == 1).all()
    assert grid.touching(grid.whole) == list(range(len(grid)))
    assert Box(3, 4, 5, 6).grown(4, grid.whole) == Box(0, 0, min(12, shape[0]), min(14, shape[1]))


@pytest.mark.parametrize("options", [{}, {"density": "uniform"}, {"tone": "mean"}, LOSSLESS])
def test_tiles_cost_little(photo: RGB, options: dict[str, Any]) -> None:
    """Hardly more bytes than their index, and as good a picture."""
    whole = xcodec.encode(photo, 0.03, tile=0, **options)
    tiles = xcodec.encode(photo, 0.03, tile=256, **options)
    one, several = inspection.info(whole), inspection.info(tiles)
    assert (one.tiles, one.tile) == (1, None)
    assert (several.tiles, several.tile) == (2, 256)
    assert several.samples == pytest.approx(0.03 * photo[..., 0].size, rel=0.01)
    assert len(tiles) < 1.06 * len(whole) + 6 * several.tiles + 8
    assert psnr(classical(tiles), photo) > psnr(classical(whole), photo) - 0.15


def test_large_pictures_are_tiled_and_others_are_not() -> None:
    assert tiles.side_for(1080, 1920, None) is None
    assert tiles.side_for(2048, 1025, None) == tiles.SIDE
    assert tiles.side_for(9000, 9000, 0) is None
    for wrong in (100, -128, 256 * 128):
        with pytest.raises(xcodec.InputError, match="tile"):
            EncodeOptions(tile=wrong)


def test_samples_are_counted_without_reading_what_they_say(file: bytes, layered: bytes) -> None:
    mask = xcodec.encode(pictures.scene(24, 32), mask=pictures.checks(24, 32))
    for data in (file, layered, mask):
        assert inspection.sample_count(data) == inspection.info(data).samples


def test_there_is_no_seam(photo: RGB, file: bytes) -> None:
    """Across the borders of tiles the picture is as smooth as elsewhere, but for the photo."""
    steps = np.abs(np.diff(classical(file), axis=1)).mean((0, 2))
    usual = np.abs(np.diff(classical(xcodec.encode(photo, 0.05, step=8.0)), axis=1)).mean((0, 2))
    ratio = steps / usual
    border = np.arange(TILE - 1, len(steps), TILE)[:-1]
    assert len(border) == 2
    # A seam is a step up; values drawn together leave a little less than the photo has.
    assert -0.08 < ratio[border].mean() / np.delete(ratio, border).mean() - 1 < 0.05


def test_coarse_steps_leave_little_seam(photo: RGB, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of what tiles, coded without one another, differ more at their borders goes."""
    data = xcodec.encode(photo, 0.1, tile=TILE, decoder="classical")
    whole = classical(xcodec.encode(photo, 0.1, decoder="classical"))

    def excess(painted: NDArray[np.float64]) -> float:
        found = [
            np.abs(np.diff(each[:, [at, at + 1]], axis=1)).mean()
            for each in (painted, whole)
            for at in (TILE - 1, 2 * TILE - 1)
        ]
        return float(sum(found[:2]) / sum(found[2:]) - 1)

    joined = classical(data)
    monkeypatch.setattr(seams, "PULL", 0.0)
    plain = classical(data)
    assert excess(plain) > 0.1
    assert excess(joined) < 0.6 * excess(plain)
    assert psnr(joined, photo) > psnr(plain, photo) - 0.02


@pytest.mark.parametrize("region", [(0, 0, 451, 300), (130, 40, 100, 90), (250, 100, 9, 200)])
def test_a_region_is_a_part_of_the_picture(file: bytes, region: tuple[int, int, int, int]) -> None:
    x, y, width, height = region
    part = classical(file, region=region)
    difference = np.abs(part - classical(file)[y : y + height, x : x + width])
    # Where samples are equally far from a pixel, either may count.
    assert (difference == 0).mean() > 0.9
    assert difference.mean() < 0.1


def test_a_region_reads_only_its_tiles(file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = []
    plain = reading.coded

    def spy(contents: Any, number: int) -> Any:
        numbers.append(number)
        return plain(contents, number)

    monkeypatch.setattr(reading, "coded", spy)
    classical(file, region=(300, 150, 60, 60))
    assert 0 < len(numbers) == len(set(numbers)) < 8
    assert set(numbers).isdisjoint({0, 4})
    # Damage elsewhere does not matter to it, and is found where it does.
    damaged = bytearray(file)
    contents = reading.opened(file, 1 << 20)
    damaged[contents.pieces[-1][0].start] ^= 1
    assert np.array_equal(
        classical(bytes(damaged), region=(300, 150, 60, 60)),
        classical(file, region=(300, 150, 60, 60)),
    )
    for options in ({}, {"region": (10, 10, 60, 60)}):
        with pytest.raises(xcodec.FormatError, match="checksum"):
            classical(bytes(damaged), **options)


def test_regions_that_make_no_sense(file: bytes) -> None:
    for region in ((-1, 0, 5, 5), (0, 0, 0, 5), (451, 0, 5, 5), (0, 300, 5, 5)):
        with pytest.raises(xcodec.InputError, match="region"):
            classical(file, region=region)
    assert classical(file, region=(440, 290, 50, 50)).shape == (10, 11, 3)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_smaller_pictures_are_the_picture_made_smaller(
    photo: RGB, file: bytes, factor: int
) -> None:
    small = classical(file, downsample=factor)
    assert small.shape == (-(-300 // factor), -(-451 // factor), 3)
    size = small.shape[1], small.shape[0]
    box = (0, 0, small.shape[1] * factor, small.shape[0] * factor)
    padded = Image.fromarray(np.pad(photo, ((0, factor), (0, factor), (0, 0)), "edge"))
    expected = padded.resize(size, Image.Resampling.BOX, box)
    assert psnr(small, expected) > psnr(classical(file), photo) - 1
    with pytest.raises(xcodec.InputError, match="downsample"):
        classical(file, downsample=3)


def test_whatever_is_left_of_a_tiled_file_is_drawn(photo: RGB, layered: bytes) -> None:
    file = layered
    contents = reading.opened(file, 1 << 20)
    assert contents.layers > 2
    decibels = []
    for layer in contents.pieces[1:]:
        end = layer[0].start
        with pytest.raises(xcodec.TruncatedError):
            inspection.info(file[:end])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            decibels.append(psnr(classical(file[:end], partial=True), photo))
    assert decibels == sorted(decibels)
    # Without its first layer, a tile is painted from what lies around it.
    damaged = bytearray(file)
    damaged[contents.pieces[0][1].start] ^= 1
    with pytest.warns(UserWarning, match="damaged"):
        left = classical(bytes(damaged), partial=True)
    whole = classical(file)
    changed = np.abs(left - whole).mean(-1)
    assert changed[:, 3 * TILE :].mean() < 0.1
    assert changed[:TILE, TILE : 2 * TILE].mean() > 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with pytest.raises(xcodec.FormatError):
            classical(file[: contents.pieces[0][0].start], partial=True)


def test_lossless_samples_come_back_from_tiles(photo: RGB) -> None:
    data = xcodec.encode(photo, 0.02, tile=TILE, **LOSSLESS)
    points, colours = codec.decode_samples(data)
    assert np.array_equal(photo[points[:, 0], points[:, 1]], colours)
    assert np.array_equal(classical(data)[points[:, 0], points[:, 1]], colours)
    part = classical(data, region=(100, 50, 200, 200))
    inside = ((points >= [50, 100]) & (points < [250, 300])).all(1)
    rows, cols = (points[inside] - [50, 100]).T
    assert np.array_equal(part[rows, cols], colours[inside])


def test_workers_change_nothing(photo: RGB, file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "WORTH_WORKERS", 0)
    assert xcodec.encode(photo, 0.05, step=8.0, tile=TILE, jobs=2) == file
    assert np.array_equal(classical(file, jobs=2), classical(file))


def test_the_largest_gap_is_painted_from_both_sides() -> None:
    """A mask that leaves whole tiles without a sample."""
    picture = pictures.scene(100, 1000)
    mask = np.zeros((100, 1000), bool)
    mask[::7, :40:5] = mask[::7, -20::5] = True
    data = xcodec.encode(picture, mask=mask, tile=TILE)
    assert psnr(classical(data)[:, :40], picture[:, :40]) > 18
    assert classical(data).shape == picture.shape


@pytest.mark.parametrize(
    "options", [{"max_bytes": 1500}, {"max_bytes": 2500, **LOSSLESS}, {"psnr": 25.0}]
)
def test_tiles_share_a_budget(photo: RGB, options: dict[str, Any]) -> None:
    data = xcodec.encode(photo, tile=TILE, effort=0, **options)
    if "max_bytes" in options:
        assert 0.93 * options["max_bytes"] < len(data) <= options["max_bytes"]
    else:
        assert 25 <= psnr(classical(data), photo) < 25.4
    assert inspection.info(data).tiles == 8


def test_a_budget_that_is_too_small_is_refused(photo: RGB) -> None:
    with pytest.raises(xcodec.InputError, match="fits 20 bytes"):
        xcodec.encode(photo, tile=TILE, effort=0, max_bytes=20)


def test_few_samples_in_small_tiles_are_coded(photo: RGB) -> None:
    """Windows of two rows of tiles may begin at the same row, and end at different ones."""
    data = xcodec.encode(photo, 0.001, tile=TILE, effort=0)
    assert inspection.info(data).tiles == 8
    assert psnr(classical(data), photo) > 12
