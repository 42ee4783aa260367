"""A table of pictures of every kind: size, mode, orientation and metadata come back."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps

import xcodec
from tests.golden import pictures
from xcodec.pictures import loading

HIGH, WIDE = 60, 90
SCENE = pictures.scene(HIGH, WIDE)
GREY = SCENE[..., 1]
DISC, FADE = pictures.disc(HIGH, WIDE), pictures.fade(HIGH, WIDE)
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


@dataclass(frozen=True)
class Case:
    """An input, and what comes back: mode and size, by default those of the input.

    tags : of EXIF; profile : whether an ICC profile comes back
    """

    image: Callable[[], Image.Image]
    mode: str | None = None
    size: tuple[int, int] | None = None
    tags: tuple[int, ...] = ()
    profile: bool = False
    xmp: bool = False
    options: tuple[tuple[str, Any], ...] = ()


def reopened(image: Image.Image, kind: str, **options: Any) -> Image.Image:
    """An image as a file of a format gives it."""
    data = io.BytesIO()
    image.save(data, kind, **options)
    return Image.open(data)


def rgb() -> Image.Image:
    return Image.fromarray(SCENE)


def rgba(alpha: Any) -> Image.Image:
    return Image.fromarray(np.dstack([SCENE, alpha]))


def lab() -> Image.Image:
    srgb, target = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.applyTransform(rgb(), ImageCms.buildTransform(srgb, target, "RGB", "LAB"))
    assert image is not None
    return image


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    tags[ExifTags.Base.Artist] = "somebody"
    return tags.tobytes()


def with_profile(image: Image.Image, profile: bytes) -> Image.Image:
    image.info["icc_profile"] = profile
    return image


def grey_profile() -> bytes:
    """A grey ICC profile with a gamma of 1.8."""
    curve = b"curv" + bytes(7) + b"\1" + round(1.8 * 256).to_bytes(2, "big") + bytes(2)
    white = b"XYZ " + bytes(4) + bytes.fromhex("0000f6d6000100000000d32d")
    name = b"desc" + bytes(4) + (5).to_bytes(4, "big") + b"grey\0" + bytes(78) + bytes(1)
    parts = {b"desc": name, b"wtpt": white, b"kTRC": curve}
    table, body, at = b"", b"", 132 + 12 * len(parts)
    for tag, content in parts.items():
        table += tag + (at + len(body)).to_bytes(4, "big") + len(content).to_bytes(4, "big")
        body += content + bytes(-len(content) % 4)
    head = (at + len(body)).to_bytes(4, "big") + bytes(4) + b"\2\x20\0\0mntrGRAYXYZ " + bytes(12)
    head += b"acsp" + bytes(28) + bytes.fromhex("0000f6d6000100000000d32d") + bytes(48)
    return head + len(parts).to_bytes(4, "big") + table + body


def sized(width: int, height: int) -> Case:
    return Case(lambda: Image.fromarray(pictures.scene(height, width)))


def turned(orientation: int) -> Case:
    size = (HIGH, WIDE) if orientation > 4 else (WIDE, HIGH)
    return Case(
        lambda: reopened(rgb(), "JPEG", exif=exif(orientation), quality=95),
        size=size,
        tags=(ExifTags.Base.Artist,),
    )


def opened(kind: str, mode: str | None = None, **options: Any) -> Case:
    return Case(lambda: reopened(rgb(), kind, **options), mode)


EXACT = (("alpha_quality", 100),)
CASES = {
    # Pillow's modes.
    "1": Case(lambda: Image.fromarray(GREY > 120)),
    "L": Case(lambda: Image.fromarray(GREY)),
    "LA": Case(lambda: Image.merge("LA", [Image.fromarray(x) for x in (GREY, FADE)])),
    "La": Case(lambda: Image.merge("LA", [Image.fromarray(GREY)] * 2).convert("La"), "LA"),
    "P": Case(lambda: rgb().quantize(64), "RGB"),
    "P, transparent": Case(lambda: rgba(DISC).quantize(64), "RGBA"),
    "PA": Case(lambda: rgba(DISC).convert("PA"), "RGBA"),
    "RGB": Case(rgb),
    "RGBX": Case(lambda: rgb().convert("RGBX"), "RGB"),
    "RGBA": Case(lambda: rgba(FADE)),
    "RGBa": Case(lambda: rgba(FADE).convert("RGBa"), "RGBA"),
    "CMYK": Case(lambda: rgb().convert("CMYK"), "RGB"),
    "YCbCr": Case(lambda: rgb().convert("YCbCr"), "RGB"),
    "HSV": Case(lambda: rgb().convert("HSV"), "RGB"),
    "LAB": Case(lab, "RGB"),
    "I": Case(lambda: Image.fromarray(GREY.astype(np.int32) * 257), "I;16"),
    "I;16": Case(lambda: Image.fromarray(GREY.astype(np.uint16) * 257)),
    "I;16B": Case(
        lambda: Image.frombytes("I;16B", (WIDE, HIGH), (GREY.astype(">u2") * 257).tobytes()), "I;16"
    ),
    "F": Case(lambda: Image.fromarray(GREY.astype(np.float32)), "L"),
    # Sizes.
    **{f"{w}x{h}": sized(w, h) for w, h in ((1, 1), (1, 2), (2, 1), (3, 5), (17, 31), (257, 129))},
    **{f"{w}x{h}": sized(w, h) for w, h in ((1, 5000), (5000, 1), (20000, 50), (7, 3000))},
    # Orientations.
    **{f"orientation {n}": turned(n) for n in range(1, 9)},
    # Profiles and other metadata.
    "sRGB": Case(
        lambda: with_profile(
            rgb(), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        )
    ),
    "wide RGB": Case(lambda: with_profile(rgb(), pictures.wide_profile()), profile=True),
    "wide RGBA": Case(lambda: with_profile(rgba(FADE), pictures.wide_profile()), profile=True),
    "wide palette": Case(
        lambda: with_profile(rgb().quantize(64), pictures.wide_profile()), "RGB", profile=True
    ),
    "grey profile": Case(lambda: with_profile(Image.fromarray(GREY), grey_profile()), profile=True),
    "profile of another kind": Case(lambda: with_profile(rgb(), grey_profile())),
    "all metadata": Case(
        lambda: reopened(
            rgb(), "WEBP", exif=exif(8), xmp=XMP, icc_profile=pictures.wide_profile(), quality=95
        ),
        size=(HIGH, WIDE),
        tags=(ExifTags.Base.Artist,),
        profile=True,
        xmp=True,
    ),
    # Alpha.
    "opaque": Case(lambda: rgba(DISC * 0 + 255), "RGB"),
    "binary": Case(lambda: rgba(DISC), options=EXACT),
    "soft": Case(lambda: rgba(FADE), options=EXACT),
    "all alike": Case(lambda: rgba(DISC * 0 + 90), options=EXACT),
    "nothing seen": Case(lambda: rgba(DISC * 0), options=EXACT),
    "transparent colour": Case(
        lambda: reopened(Image.fromarray(GREY), "PNG", transparency=110), "LA", options=EXACT
    ),
    # Formats.
    "PNG": opened("PNG"),
    "TIFF": opened("TIFF", compression="tiff_lzw"),
    "GIF": opened("GIF", "RGB"),
    "BMP": opened("BMP"),
    "PPM": opened("PPM"),
    "AVIF": opened("AVIF"),
    "JPEG 2000": opened("JPEG2000"),
    "JPEG, CMYK": Case(lambda: reopened(rgb().convert("CMYK"), "JPEG", quality=95), "RGB"),
    "PNG, 16 bits": Case(
        lambda: reopened(Image.fromarray(GREY.astype(np.uint16) * 257), "PNG"), "I;16"
    ),
}


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 50


@pytest.mark.parametrize("name", CASES)
def test_every_picture(name: str) -> None:
    case = CASES[name]
    image = case.image()
    image.load()
    data = xcodec.encode(image, 0.05, effort=1, **dict(case.options))
    found = xcodec.decode(data, decoder="classical")
    assert found.mode == (case.mode or image.mode)
    assert found.size == (case.size or image.size)
    assert set(found.getexif()) == set(case.tags)
    assert ("icc_profile" in found.info) == case.profile
    assert ("xmp" in found.info) == case.xmp
    source = loading.load(_png(image)) if image.mode == "RGB" else None
    if source is not None and min(image.size) > 8 and not image.info.get("icc_profile"):
        shown = np.asarray(found.convert("RGB"), float)
        assert 10 * np.log10(255**2 / np.square(shown - source.rgb).mean()) > 17
    if case.options:
        alpha = ImageOps.exif_transpose(image).convert("RGBA").getchannel("A")
        assert np.array_equal(np.asarray(found.getchannel("A")), np.asarray(alpha))
    if case.profile and image.mode == found.mode == "RGB":
        upright = np.asarray(ImageOps.exif_transpose(image), float)
        assert 10 * np.log10(255**2 / np.square(np.asarray(found) - upright).mean()) > 17


def _png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    ImageOps.exif_transpose(image).save(data, "PNG")
    return data.getvalue()
