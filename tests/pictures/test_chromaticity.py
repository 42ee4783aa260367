"""Colours that are told without an ICC profile (xcodec/pictures/chromaticity.py)."""

import io
import struct
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
import xcodec.pillow  # Registers the format.
from tests.golden import pictures
from xcodec.pictures import loading, modes
from xcodec.pictures.chromaticity import BT709

RGB = NDArray[np.uint8]
SCENE = pictures.scene(40, 60)
ADOBE = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
P3 = (0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)


def chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + check


def gama(gamma: float) -> bytes:
    return chunk(b"gAMA", round(gamma * 100_000).to_bytes(4, "big"))


def chrm(xy: tuple[float, ...]) -> bytes:
    return chunk(b"cHRM", b"".join(round(v * 100_000).to_bytes(4, "big") for v in xy))


def cicp(primaries: int, transfer: int) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, 0, 1]))


def png(image: Image.Image, *chunks: bytes, **options: Any) -> bytes:
    """A PNG file with more chunks behind its header."""
    data = io.BytesIO()
    image.save(data, "PNG", **options)
    return data.getvalue()[:33] + b"".join(chunks) + data.getvalue()[33:]


def encoded(linear: NDArray[Any]) -> NDArray[Any]:
    """Linear light, 0..1, in the curve of sRGB, 0..255."""
    linear = np.clip(linear, 0, 1)
    low, high = 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    return 255 * np.where(linear <= 0.0031308, low, high)


def decoded(levels: NDArray[Any]) -> NDArray[Any]:
    levels = levels / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def matrix(xy: tuple[float, ...]) -> NDArray[Any]:
    white, *rest = (
        np.array([xy[i], xy[i + 1], 1 - xy[i] - xy[i + 1]]) / xy[i + 1] for i in (0, 2, 4, 6)
    )
    primaries = np.stack(rest, 1)
    return primaries * np.linalg.solve(primaries, white)


def in_srgb(linear: NDArray[Any], xy: tuple[float, ...]) -> NDArray[Any]:
    """What a browser shows, for primaries with the white of sRGB."""
    return encoded(linear @ (np.linalg.inv(matrix(BT709)) @ matrix(xy)).T)


def difference(found: RGB, right: NDArray[Any]) -> float:
    return float(np.abs(found.astype(float) - right).max())


def test_gamma() -> None:
    image = Image.fromarray(SCENE)
    for gamma in (1.0, 0.55, 0.35, 0.25):
        right = encoded((SCENE / 255.0) ** (1 / gamma))
        found = loading.load(png(image, gama(gamma)))
        assert difference(found.rgb, right) < 2.5, gamma
        assert not found.metadata.profile
    assert difference(loading.load(png(image, gama(1.0))).rgb, SCENE) > 40


@pytest.mark.parametrize(
    "mode", ["L", "LA", "P", "RGBA", "I;16", "1", "RGB, a colour clear", "L, a level clear"]
)
def test_gamma_in_every_mode(mode: str) -> None:
    options: dict[str, Any] = {}
    image = Image.fromarray(SCENE)
    if mode == "I;16":
        image = Image.fromarray(SCENE[..., 1].astype(np.uint16) * 257)
    elif mode == "LA":
        image = Image.merge("LA", [Image.fromarray(SCENE[..., 0]), Image.fromarray(SCENE[..., 1])])
    elif mode == "RGBA":
        image.putalpha(Image.fromarray(SCENE[..., 1] | 1))
    elif mode == "P":
        image = image.quantize(64)
    else:
        image = image.convert(mode.split(",")[0])
    if "clear" in mode:
        options["transparency"] = image.getpixel((3, 3))
    plain = loading.load(png(image, **options))
    found = loading.load(png(image, gama(1.0), **options))
    seen = plain.alpha != 0 if plain.alpha is not None else np.ones(plain.rgb.shape[:2], bool)
    right = plain.rgb if mode == "1" else encoded(plain.rgb / 255.0)
    assert difference(found.rgb[seen], right[seen]) < 2.5
    assert (found.grey, found.source) == (plain.grey, plain.source)
    assert (
        np.array_equal(found.alpha, plain.alpha) if plain.alpha is not None else found.alpha is None
    )


def test_primaries_count_beside_gamma() -> None:
    image = Image.fromarray(SCENE)
    right = in_srgb((SCENE / 255.0) ** 2.2, ADOBE)
    found = loading.load(png(image, gama(1 / 2.2), chrm(ADOBE)))
    assert difference(found.rgb, right) < 3.5
    assert difference(found.rgb, SCENE) > 10
    assert np.array_equal(loading.load(png(image, chrm(ADOBE))).rgb, SCENE)


def test_images_of_pillow_are_shown_alike() -> None:
    data = png(Image.fromarray(SCENE), gama(1.0))
    image = Image.open(io.BytesIO(data))
    expected = xcodec.encode(loading.load(data), effort=0)
    assert xcodec.encode(image, effort=0) == expected
    assert xcodec.encode(image, effort=0) == expected
    stream = io.BytesIO()
    image.save(stream, "XGC", effort=0)
    assert stream.getvalue() == expected
    # What a program made of it may have other colours.
    assert np.array_equal(modes.picture_of(image.convert("RGB")).rgb, SCENE)


def test_what_is_srgb_stays_as_it_is() -> None:
    image = Image.fromarray(SCENE)
    plain = xcodec.encode(image, effort=0)
    wide = chunk(b"iCCP", b"x\0\0" + zlib.compress(pictures.wide_profile()))
    profiled = loading.load(png(image, wide)).rgb
    for chunks in (
        (gama(0.45455),),
        (gama(0.45),),
        (gama(0.45455), chrm(BT709)),
        (chunk(b"sRGB", b"\0"), gama(1.0), chrm(ADOBE)),
        (cicp(1, 13),),
        (cicp(1, 13), wide),
        (cicp(2, 2),),
        (cicp(77, 200),),
    ):
        found = loading.load(png(image, *chunks))
        assert np.array_equal(found.rgb, SCENE)
        assert xcodec.encode(image, effort=0) == plain
    assert np.array_equal(loading.load(png(image, wide, gama(1.0))).rgb, profiled)


def test_coding_points() -> None:
    image = Image.fromarray(SCENE)
    found = loading.load(png(image, cicp(12, 13)))
    assert difference(found.rgb, in_srgb(decoded(SCENE), P3)) < 3.5
    assert difference(found.rgb, SCENE) > 10
    linear = loading.load(png(image, cicp(1, 8)))
    assert difference(linear.rgb, encoded(SCENE / 255.0)) < 2.5


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_announced(transfer: int, name: str) -> None:
    data = png(Image.fromarray(SCENE), cicp(9, transfer))
    with pytest.warns(UserWarning, match=rf"high dynamic range \({name}\)"):
        assert loading.load(data).rgb.shape == SCENE.shape


def test_coding_points_of_avif() -> None:
    stream = io.BytesIO()
    Image.fromarray(SCENE).save(stream, "AVIF", quality=95)
    data = stream.getvalue()
    at = data.index(b"colrnclx") + 8
    plain = loading.load(data).rgb
    for primaries, transfer in ((12, 13), (9, 16)):
        told = data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = loading.load(told).rgb
        if transfer == 16:
            assert "PQ" in str(caught[0].message)
        else:
            assert difference(found, in_srgb(decoded(plain), P3)) < 4


@pytest.mark.filterwarnings("error")
def test_nonsense_is_ignored() -> None:
    image = Image.fromarray(SCENE)
    for chunks in (
        (gama(0),),
        (chunk(b"gAMA", b"\xff" * 4),),
        (gama(1.0), chrm((0.0,) * 8)),
        (gama(1.0), chrm((0.3,) * 8)),
        (chunk(b"cICP", b"\1"),),
        (chunk(b"cICP", b""),),
    ):
        assert loading.load(png(image, *chunks)).rgb.shape == SCENE.shape
