"""Reading and writing pictures (xcodec/pictures/loading.py), and colour transforms (colour.py)."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from xcodec.errors import InputError, LimitError
from xcodec.pictures import loading
from xcodec.pictures.colour import from_ycocg, from_ycocg_r, to_ycocg, to_ycocg_r

RAMP = np.arange(0, 252, 21, dtype=np.uint8).reshape(3, 4)
"""A small grey picture, (3, 4), levels 0 to 231."""


def png(image: Image.Image, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG", **options)
    return data.getvalue()


# Files that are no pictures


def test_sources_of_every_kind(picture: Path, small: NDArray[np.uint8]) -> None:
    with open(picture, "rb") as stream:
        for source in (picture, str(picture), picture.read_bytes(), stream):
            assert np.array_equal(loading.load(source).rgb, small)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"This is no picture, whatever its name says.\n", "not a picture"),
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (None, "no such file"),
    ],
)
def test_what_is_no_picture(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "photo.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as error:
        loading.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory"):
        loading.load(tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"])
def test_cut_pictures(photo: NDArray[np.uint8], kind: str) -> None:
    data = io.BytesIO()
    Image.fromarray(photo).save(data, kind)
    whole = data.getvalue()
    for length in (len(whole) // 2, len(whole) - len(whole) // 20):
        with pytest.raises(InputError, match=r"damaged|not a picture"):
            loading.load(whole[:length])


def test_large_pictures_are_refused_before_they_are_decoded() -> None:
    # A header that promises 20,000 x 20,000 pixels and holds none of them.
    chunk = b"IHDR" + (20_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    bomb += b"\0\0\0\0IDAT" + zlib.crc32(b"IDAT").to_bytes(4, "big")
    with pytest.raises(LimitError, match="20000x20000 pixels, more than the 100000000"):
        loading.load(bomb)
    with pytest.raises(InputError, match="damaged"):  # Pillow's own limit does not interfere.
        loading.load(bomb, max_pixels=400_000_000)


def test_the_limit_is_exact(picture: Path) -> None:
    assert loading.load(picture, max_pixels=96 * 120).rgb.shape == (96, 120, 3)
    with pytest.raises(LimitError):
        loading.load(picture, max_pixels=96 * 120 - 1)
    assert Image.MAX_IMAGE_PIXELS is not None


# Masks


def test_masks_mark_what_is_not_black(tmp_path: Path) -> None:
    expected = RAMP % 2 == 1
    shapes = {
        "L": Image.fromarray(expected.astype(np.uint8)),
        "1": Image.fromarray(expected),
        "I;16": Image.fromarray(expected.astype(np.uint16)),
        "RGB": Image.fromarray(np.dstack([0 * RAMP, 0 * RAMP, expected.astype(np.uint8)])),
        "LA": Image.fromarray(np.dstack([expected.astype(np.uint8), RAMP])),
        "P": Image.fromarray(np.where(expected, 255, 0).astype(np.uint8)).convert("P"),
    }
    for mode, image in shapes.items():
        assert image.mode == mode
        mask = loading.load_mask(png(image))
        assert mask.dtype == np.bool_
        assert np.array_equal(mask, expected), mode


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_masks_and_weights_in_other_colours(mode: str) -> None:
    white = RAMP % 2 == 1
    image = Image.fromarray(np.where(white, 255, 0).astype(np.uint8)).convert("RGB")
    if mode == "LAB":
        levels = np.zeros((*white.shape, 3), np.uint8)
        levels[white, 0] = 255
        image = Image.frombytes("LAB", image.size, levels.tobytes())
    file = io.BytesIO()
    image.convert(mode).save(file, "TIFF")
    assert Image.open(file).mode == mode
    assert np.array_equal(loading.load_mask(file), white)
    weights = loading.load_weights(file)
    assert weights[white].min() > 250
    assert weights[~white].max() < 5


# Saving


@pytest.mark.parametrize("suffix", ["png", "PNG", "tif", "bmp", "webp", "jpg"])
def test_the_suffix_names_the_format(tmp_path: Path, small: NDArray[np.uint8], suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    loading.save(Image.fromarray(small), path)
    error = np.abs(loading.load(path).rgb - small.astype(int)).mean()
    assert error < 3 if suffix in ("webp", "jpg") else error == 0


@pytest.mark.parametrize("suffix", ["avif", "gif", "webp", "jpg", "bmp", "pgm", "png"])
def test_greys_of_16_bits_keep_their_levels_in_every_format(tmp_path: Path, suffix: str) -> None:
    levels = np.tile(np.arange(0, 256, 4, dtype=np.uint16) * 257, (64, 1))
    path = tmp_path / f"a.{suffix}"
    loading.save(Image.fromarray(levels), path)
    assert np.abs(loading.load(path).rgb - (levels / 257)[..., None]).mean() < 2


def test_unknown_suffixes_are_refused(tmp_path: Path) -> None:
    for name in ("a.xyz", "a", "a.xgc"):
        with pytest.raises(InputError, match="no picture format"):
            loading.save(Image.new("RGB", (2, 2)), tmp_path / name)


def test_streams_get_png(small: NDArray[np.uint8]) -> None:
    stream = io.BytesIO()
    loading.save(Image.fromarray(small), stream)
    assert stream.getvalue().startswith(b"\x89PNG")


# Colour


def test_ycocg_is_exact_both_ways(photo: NDArray[np.uint8]) -> None:
    planes = to_ycocg(photo)
    assert planes.dtype == np.float32
    assert np.array_equal(from_ycocg(planes), photo)


def test_ycocg_of_primaries() -> None:
    primaries = np.diag([255, 255, 255]).astype(np.uint8)[None]
    expected = [[63.75, 255, -127.5], [127.5, 0, 255], [63.75, -255, -127.5]]
    assert to_ycocg(primaries)[0].tolist() == expected
    assert to_ycocg_r(primaries)[0].tolist() == [
        [63, 255, -127], [127, 0, 255], [63, -255, -127],
    ]  # fmt: skip


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
@settings(deadline=None, derandomize=True)
def test_ycocg_r_is_reversible(rgb: NDArray[np.uint8]) -> None:
    planes = to_ycocg_r(rgb)
    assert planes.dtype == np.int32
    assert planes[..., 0].min() >= 0
    assert np.abs(planes).max() <= 255
    assert np.array_equal(from_ycocg_r(planes), rgb)
