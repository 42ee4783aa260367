"""What the files of a format hold besides pixels (xcodec/pictures/holding.py)."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

import xcodec
from tests.golden import pictures
from tests.pictures.test_every_picture import grey_profile
from xcodec.__main__ import main
from xcodec.pictures import loading
from xcodec.system import notices

SCENE = pictures.scene(48, 64)
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
EVERYTHING = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "AVIF")
NOTHING = ("BMP", "GIF", "PPM", "TGA", "JPEG2000", "PCX", "QOI")


def decoded(mode: str = "RGB") -> Image.Image:
    """A picture with everything, as decoding gives it."""
    image = Image.fromarray(SCENE)
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(pictures.fade(48, 64) | 128))
    image = image.convert(mode)
    tags = Image.Exif()
    tags[ExifTags.Base.Artist] = "somebody"
    # Written into a TIFF file, these would make it another picture.
    tags[ExifTags.Base.PhotometricInterpretation], tags[ExifTags.Base.ImageWidth] = 0, 7
    profile = pictures.wide_profile() if mode.startswith("RGB") else grey_profile()
    image.info |= {"exif": tags.tobytes(), "xmp": XMP, "icc_profile": profile}
    return image


def written(image: Image.Image, kind: str) -> tuple[Image.Image, list[str]]:
    """The file that an image becomes, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        notices.only_ours()
        data = loading.encoded(image, kind)
        found = Image.open(io.BytesIO(data))
        found.load()
    return found, [str(each.message) for each in caught]


def in_srgb(image: Image.Image) -> Any:
    """What is seen of an image, float (height, width, 3); transparent pixels as if opaque."""
    mode = image.mode.removesuffix("A").replace("P", "RGB")
    plain = image.convert(mode)
    if profile := image.info.get("icc_profile"):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(plain, source, srgb, outputMode="RGB")
        assert converted is not None
        return np.asarray(converted, float)
    return np.asarray(plain.convert("RGB"), float)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA"])
@pytest.mark.parametrize("kind", [*EVERYTHING, *NOTHING])
def test_what_is_shown_stays(mode: str, kind: str) -> None:
    image = decoded(mode)
    found, said = written(image, kind)
    assert image.info.keys() == {"exif", "xmp", "icc_profile"}
    if kind in EVERYTHING:
        assert found.getexif()[ExifTags.Base.Artist] == "somebody"
        assert found.info["xmp"] == XMP
    else:
        assert not found.getexif()
        assert said == [f"{kind} files hold no EXIF, XMP or ICC profile: the picture becomes sRGB"]
    if mode in ("RGB", "L"):
        assert np.abs(in_srgb(found) - in_srgb(image)).mean() < 6
    grey_as_colour = {"WEBP": ("L", "LA"), "AVIF": ("LA",)}.get(kind, ())
    if kind in EVERYTHING and mode not in grey_as_colour:
        assert said == []
        assert found.info["icc_profile"] == image.info["icc_profile"]
    else:
        assert "icc_profile" not in found.info
        assert "no ICC profile: the picture becomes sRGB" in said[0].replace("EXIF, XMP or ", "no ")


def test_what_is_too_long_for_jpeg_is_left_out() -> None:
    image = decoded()
    image.info["xmp"] = XMP + b" " * 70_000
    tags = Image.Exif()
    tags[ExifTags.Base.ImageDescription] = "x" * 70_000
    image.info["exif"] = tags.tobytes()
    found, said = written(image, "JPEG")
    assert said == ["JPEG files hold no EXIF or XMP of this size"]
    assert found.info["icc_profile"] == image.info["icc_profile"]
    assert written(image, "PNG")[1] == []


@pytest.mark.parametrize("kind", EVERYTHING)
def test_damaged_exif_stops_no_picture(kind: str) -> None:
    image = decoded()
    tags = Image.Exif()
    tags[ExifTags.Base.XResolution], tags[ExifTags.Base.Artist] = 72.0, "somebody"
    sound = tags.tobytes()
    at = sound.index(b"\x01\x1a\x00\x05") + 3  # The type of the resolution.
    damaged = [sound[:at] + bytes([number]) + sound[at + 1 :] for number in range(1, 14)]
    for exif in (b"nonsense", b"Exif\0\0MM\0\r\0\0\0\x08", sound[:30], *damaged):
        image.info["exif"] = exif
        found, said = written(image, kind)
        assert found.size == image.size
        assert said in ([], ["damaged metadata was left out"])
        if kind in ("PNG", "TIFF"):
            assert np.array_equal(np.asarray(found), np.asarray(image))


def test_modes_that_a_format_lacks() -> None:
    """They are written on white and with 8 bits, or as colours."""
    deep = Image.fromarray(SCENE[..., 1].astype(np.uint16) * 257)
    for image in (deep, decoded("LA"), decoded("RGBA"), decoded("1")):
        for kind in ("QOI", "PCX", "SGI", "JPEG", "GIF"):
            assert written(image, kind)[0].size == image.size
    assert np.abs(in_srgb(written(deep, "QOI")[0])[..., 0] - SCENE[..., 1]).max() == 0


def on_white(image: Image.Image) -> Any:
    """What is seen of an image on white, float (height, width, 3)."""
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"), float)


@pytest.mark.parametrize("alpha", [pictures.disc(48, 64), pictures.fade(48, 64)])
@pytest.mark.parametrize("kind", [*EVERYTHING, *NOTHING, "DIB"])
def test_invisible_pixels_stay_invisible(kind: str, alpha: Any) -> None:
    for source in (SCENE, SCENE[..., 1]):
        image = Image.fromarray(source)
        image.putalpha(Image.fromarray(alpha))
        found = written(image, kind)[0]
        assert np.abs(on_white(found) - on_white(image)).mean() < 6


def test_pictures_without_metadata_say_nothing() -> None:
    for kind in (*EVERYTHING, *NOTHING):
        assert written(Image.fromarray(SCENE), kind)[1] == []


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.xgc"
    path.write_bytes(xcodec.encode(decoded(), effort=0))
    line = ["decode", str(path), "--decoder", "classical", "-f", "-o", str(tmp_path / "a.bmp")]
    assert main(line) == 0
    assert "xcodec: warning: BMP files hold no EXIF, XMP or ICC" in capsys.readouterr().err
    assert main([*line, "--strip"]) == 0
    assert capsys.readouterr().err == ""
