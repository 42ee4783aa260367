"""Conversion of Pillow's modes (xcodec/pictures/modes.py)."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

import xcodec
from xcodec.errors import InputError
from xcodec.pictures import loading, modes
from xcodec.pictures.modes import to_image

RAMP = np.arange(0, 252, 21, dtype=np.uint8).reshape(3, 4)
"""A small grey picture, (3, 4), levels 0 to 231."""


def png(image: Image.Image, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG", **options)
    return data.getvalue()


# Modes


def grey_images() -> dict[str, Image.Image]:
    """The ramp in every mode that holds it."""
    grey = Image.fromarray(RAMP)
    wide = RAMP.astype(np.uint16) * 257
    return {
        "L": grey,
        "P": grey.convert("P"),
        "RGB": grey.convert("RGB"),
        "LA": grey.convert("LA"),
        "RGBA": grey.convert("RGBA"),
        "CMYK": grey.convert("RGB").convert("CMYK"),
        "YCbCr": grey.convert("YCbCr"),
        "I;16": Image.fromarray(wide),
        "I;16B": Image.frombytes("I;16B", (4, 3), wide.astype(">u2").tobytes()),
        "I": Image.fromarray(wide.astype(np.int32)),
        "F": Image.fromarray(RAMP.astype(np.float32)),
        "F in 0..1": Image.fromarray(RAMP.astype(np.float32) / 255),
    }


@pytest.mark.parametrize("mode", grey_images())
def test_every_mode_gives_the_same_greys(mode: str) -> None:
    rgb = modes.picture_of(grey_images()[mode]).rgb
    assert rgb.dtype == np.uint8
    assert np.array_equal(rgb, RAMP[..., None].repeat(3, 2))


def test_bilevel() -> None:
    rgb = modes.picture_of(Image.fromarray(RAMP > 100)).rgb
    assert np.array_equal(rgb, np.where(RAMP > 100, 255, 0)[..., None].repeat(3, 2))


def test_sixteen_bits_are_rounded() -> None:
    levels = np.array([[0, 128, 129, 257, 65406, 65407, 65535]], np.uint16)
    assert loading.load(png(Image.fromarray(levels))).rgb[0, :, 0].tolist() == [
        0, 0, 1, 1, 254, 255, 255,
    ]  # fmt: skip


def test_values_beyond_sixteen_bits_are_refused() -> None:
    for level in (-1, 65536):
        with pytest.raises(InputError, match="outside 16 bits"):
            modes.picture_of(Image.fromarray(np.full((2, 2), level, np.int32)))
    with pytest.raises(InputError, match="not numbers"):
        modes.picture_of(Image.fromarray(np.full((2, 2), np.nan, np.float32)))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_alpha_is_kept_apart(mode: str) -> None:
    alpha = np.array([[0, 51, 255, 255]] * 3, np.uint8)
    image = Image.fromarray(np.dstack([RAMP] * 3 + [alpha])).convert(mode)
    picture = modes.picture_of(image)
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, alpha)
    grey = np.asarray(image.convert("RGBA"))[..., 0]
    assert np.array_equal(picture.rgb[:, 1:, 0], grey[:, 1:])
    assert picture.grey == (mode == "LA")


def test_invisible_pixels_continue_their_surroundings(photo: NDArray[np.uint8]) -> None:
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[100:200, 100:300] = 0
    hidden = np.where(alpha[..., None] > 0, photo, 0)
    picture = modes.picture_of(np.dstack([hidden, alpha]))
    assert np.array_equal(picture.rgb[alpha > 0], photo[alpha > 0])
    inside = picture.rgb[100:200, 100:300].astype(int)
    assert np.abs(inside[0] - photo[99, 100:300]).mean() < 15
    assert np.abs(np.diff(inside, axis=0)).max() < 60
    nothing = modes.picture_of(np.zeros((5, 7, 4), np.uint8))
    assert (nothing.rgb == 255).all()


def test_transparent_colours_become_alpha() -> None:
    palette = Image.fromarray(RAMP).convert("P")
    wide = Image.fromarray(RAMP.astype(np.uint16) * 257)
    for image, colour in [
        (palette, palette.getpixel((1, 0))),
        (Image.fromarray(RAMP), 21),
        (Image.fromarray(RAMP).convert("RGB"), (21, 21, 21)),
        (wide, 21 * 257),
    ]:
        picture = loading.load(png(image, transparency=colour))
        assert picture.alpha is not None, image.mode
        assert np.array_equal(picture.alpha, np.where(RAMP == 21, 0, 255)), image.mode
        assert np.array_equal(picture.rgb[..., 0][RAMP != 21], RAMP[RAMP != 21])


def test_opaque_alpha_is_none() -> None:
    assert modes.picture_of(grey_images()["RGBA"]).alpha is None
    assert modes.picture_of(np.full((2, 3, 4), 255, np.uint8)).alpha is None


def test_colour_pictures_of_greys_are_grey_from_some_size_on() -> None:
    large = np.repeat((np.indices((128, 128)).sum(0) % 256).astype(np.uint8)[..., None], 3, 2)
    picture = modes.picture_of(large)
    assert picture.grey
    assert picture.source == modes.COLOUR
    assert not modes.picture_of(large[:20, :20]).grey


def test_images_come_back_in_their_modes() -> None:
    rgb, alpha = RAMP[..., None].repeat(3, 2), np.arange(12, dtype=np.uint8).reshape(3, 4)
    for grey, transparent, source, mode in [
        (False, False, modes.PLAIN, "RGB"),
        (False, True, modes.PLAIN, "RGBA"),
        (True, False, modes.PLAIN, "L"),
        (True, True, modes.PLAIN, "LA"),
        (True, True, modes.DEEP, "LA"),
        (True, False, modes.BILEVEL, "1"),
        (True, False, modes.DEEP, "I;16"),
        (True, False, modes.COLOUR, "RGB"),
        (True, True, modes.COLOUR, "RGBA"),
    ]:
        image = modes.image_of(rgb, alpha if transparent else None, grey, source)
        assert image.mode == modes.mode_of(grey, transparent, source) == mode
        assert image.size == (4, 3)
        if transparent:
            assert np.array_equal(np.asarray(image.getchannel("A")), alpha)
    wide = modes.image_of(np.full((2, 2, 3), 100.5, np.float32), None, True, modes.DEEP)
    assert (np.asarray(wide) == round(100.5 * 257)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = {
        1: RAMP,
        2: RAMP[:, ::-1],
        3: RAMP[::-1, ::-1],
        4: RAMP[::-1],
        5: RAMP.T,
        6: np.rot90(RAMP, -1),
        7: RAMP[::-1, ::-1].T,
        8: np.rot90(RAMP),
    }
    for name in ("L", "I;16"):
        rgb = loading.load(png(grey_images()[name], exif=exif)).rgb
        assert np.array_equal(rgb[..., 0], turned[orientation])


def test_damaged_exif_is_ignored() -> None:
    rgb = loading.load(png(grey_images()["L"], exif=b"Exif\0\0II*\0\xff\xff\xff\xff")).rgb
    assert np.array_equal(rgb[..., 0], RAMP)


# Images whose pixels cannot be read

FORMATS = "PNG", "JPEG", "GIF", "TIFF", "BMP", "PPM", "TGA", "QOI", "DDS", "SGI", "PCX"
"""Formats that Pillow reads when pixels are first used."""


def written(kind: str) -> bytes:
    data = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    Image.fromarray(noise).save(data, kind)
    return data.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_the_reason_is_told_why_pixels_cannot_be_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(written(kind))
    with Image.open(path) as left:
        pass
    verified = Image.open(path)
    verified.verify()
    with open(path, "rb") as file:
        without_file = Image.open(file)
    for image in (left, verified, without_file):
        for _ in range(2):
            with pytest.raises(InputError, match=r"file .* was closed before .*: open it again"):
                xcodec.encode(image)
    closed = Image.open(path)
    closed.load()
    closed.close()
    for image in (closed, shut()):
        with pytest.raises(InputError, match="the picture was closed: open it again"):
            xcodec.encode(image)
    cut = Image.open(io.BytesIO(path.read_bytes()[: path.stat().st_size * 2 // 3]))
    with pytest.raises(InputError, match=r"cannot be read \(.*(truncated|not enough)"):
        xcodec.encode(cut)


def shut() -> Image.Image:
    image = Image.new("RGB", (4, 3))
    image.close()
    return image


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF"])
def test_pillow_may_load_what_is_left(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = written(kind)[:-200]
    with pytest.raises(InputError, match=r"set PIL\.ImageFile\.LOAD_TRUNCATED_IMAGES"):
        xcodec.encode(Image.open(io.BytesIO(cut)), effort=0)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    image = Image.open(io.BytesIO(cut))
    data = xcodec.encode(image, effort=0)
    assert data == xcodec.encode(np.asarray(image.convert("RGB")), effort=0)


def test_whatever_pillow_raises_is_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.fromarray(RAMP)
    for error in (SyntaxError("no\nsecond line"), KeyError("no"), RuntimeError("no")):
        for name in ("load", "convert"):

            def fail(*_: object, error: Exception = error) -> None:
                raise error

            with monkeypatch.context() as patch:
                patch.setattr(image, name, fail, raising=False)
                with pytest.raises(InputError, match=r"\('?no'?\)$"):
                    modes.picture_of(image)


def test_memory_that_runs_out_is_no_fault_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise MemoryError

    image = Image.fromarray(RAMP)
    monkeypatch.setattr(image, "load", fail, raising=False)
    with pytest.raises(MemoryError):
        modes.picture_of(image)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
@pytest.mark.parametrize(
    "colour", [b"x", b"abc", "x", 3.5, None, 300, -1, (1, 2), (1, 2, 3), (1, 2, 3.5), [], {}]
)
def test_what_is_no_colour_is_not_transparent(mode: str, colour: Any) -> None:
    grey = Image.fromarray(RAMP)
    image = grey_images()[mode] if mode in grey_images() else grey.convert(mode)
    image.info["transparency"] = colour
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rgb = modes.picture_of(image).rgb
    if mode != "1" and not isinstance(colour, bytes):  # Bytes are the alpha of a palette.
        assert np.array_equal(rgb, RAMP[..., None].repeat(3, 2))
    assert image.info["transparency"] is colour


# Arrays


def test_arrays_of_every_stride_and_order(small: NDArray[np.uint8], tmp_path: Path) -> None:
    alpha = np.dstack([small, small[..., :1]])
    part = small[10:58, 7:71]
    plain = np.ascontiguousarray(part)
    wide = np.repeat(np.repeat(plain, 2, 0), 3, 1)
    planar = np.ascontiguousarray(np.moveaxis(plain, -1, 0))
    mapped = np.memmap(tmp_path / "a", np.uint8, "w+", shape=plain.shape)
    mapped[:] = plain
    fixed = plain.copy()
    fixed.flags.writeable = False
    shifted = np.zeros(plain.size + 1, np.uint8)[1:].reshape(plain.shape)
    shifted[:] = plain
    views = [
        part,
        np.asfortranarray(plain),
        np.ascontiguousarray(plain[::-1, ::-1, ::-1])[::-1, ::-1, ::-1],
        wide[::2, ::3],
        np.moveaxis(planar, 0, -1),
        np.ascontiguousarray(plain.swapaxes(0, 1)).swapaxes(0, 1),
        alpha[10:58, 7:71, :3],
        mapped,
        fixed,
        shifted,
        np.ma.masked_array(plain, plain > 99),
    ]
    expected = xcodec.encode(plain, effort=0)
    for view in views:
        assert xcodec.encode(view, effort=0) == expected
    flat = np.broadcast_to(plain[:1], plain.shape)
    assert xcodec.encode(flat, effort=0) == xcodec.encode(flat.copy(), effort=0)
    greys = [view[..., 1] for view in views]
    expected = xcodec.encode(plain[..., 1].copy(), effort=0)
    for view in greys:
        assert xcodec.encode(view, effort=0) == expected


class Interface:
    """What offers itself as an array (``__array_interface__``, ``__array__``), as tensors do."""

    def __init__(self, array: NDArray[np.uint8]) -> None:
        self.__array_interface__ = array.__array_interface__
        self._array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.uint8]:
        return self._array


def test_subclasses_of_arrays(small: NDArray[np.uint8]) -> None:
    class Own(np.ndarray):  # type: ignore[type-arg]
        def __getitem__(self, key: Any) -> Any:
            raise AssertionError("arrays calculate in their own ways")

    grey = small[..., 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        views = [np.asmatrix(grey), np.ma.masked_less(grey, 99)]
    for view in views:
        assert np.array_equal(modes.picture_of(view).rgb, np.dstack([grey] * 3))
    for view in (small.view(Own), small.view(np.recarray), small.view(">u1"), small.view("<u1")):
        picture = modes.picture_of(view)
        assert type(picture.rgb) is np.ndarray
        assert np.array_equal(picture.rgb, small)


def test_what_offers_itself_as_an_array_is_named(small: NDArray[np.uint8]) -> None:
    others: list[Any] = [Interface(small), memoryview(small), small.tolist(), bytes(9)]
    for other in others:
        with pytest.raises(InputError, match=f"not {type(other).__name__}: numpy.asarray"):
            xcodec.encode(other)
    for other in others[:2]:
        assert np.array_equal(modes.picture_of(np.asarray(other)).rgb, small)


def test_arrays(small: NDArray[np.uint8]) -> None:
    assert np.shares_memory(modes.picture_of(small).rgb, small)
    grey = modes.picture_of(small[..., 0]).rgb
    assert grey.shape == small.shape
    assert (grey == small[..., :1]).all()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4), np.uint16),
        np.zeros((4, 4), bool),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((1, 2, 3, 3), np.uint8),
        [[1, 2], [3, 4]],
        "photo.png",
        None,
    ],
    ids=repr,
)
def test_other_arrays_are_refused(image: object) -> None:
    with pytest.raises(InputError, match="a picture"):
        modes.picture_of(image)  # type: ignore[arg-type]


def test_pictures_without_pixels_are_refused() -> None:
    with pytest.raises(InputError):
        modes.picture_of(Image.new("RGB", (0, 5)))


def test_floats_are_rounded_and_clipped() -> None:
    rgb = np.array([[[-3.0, 0.6, 254.4], [255.6, 300.0, 127.5]]], np.float32)
    assert np.asarray(to_image(rgb)).tolist() == [[[0, 1, 254], [255, 255, 128]]]
