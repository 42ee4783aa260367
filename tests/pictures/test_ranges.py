"""Levels that use little of their type (ranges.py), and files that hold more (extras.py)."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.golden import pictures
from xcodec.__main__ import main
from xcodec.errors import InputError
from xcodec.pictures import loading
from xcodec.pictures.extras import without_promises
from xcodec.pictures.modes import DEEP

GREY = pictures.scene(40, 60)[..., 1].astype(float)
SPREAD = (GREY - GREY.min()) / (GREY.max() - GREY.min())


def file(levels: Any, kind: str = "TIFF", **options: Any) -> bytes:
    data = io.BytesIO()
    Image.fromarray(levels).save(data, kind, **options)
    return data.getvalue()


CASES: dict[str, tuple[Any, str]] = {
    "12 bits": (np.rint(SPREAD * 4095).astype(np.uint16), r"0\.\.4095, of 0\.\.65535"),
    "14 bits": (np.rint(SPREAD * 16383).astype(np.uint16), r"0\.\.16383, of"),
    "thermal": (np.rint(28_000 + SPREAD * 1200).astype(np.uint16), r"28000\.\.29200, of"),
    "I": (np.rint(SPREAD * 1023).astype(np.int32), r"0\.\.1023, of"),
    "Kelvin": ((273.15 + 40 * SPREAD).astype(np.float32), "outside 0..255 are clipped"),
    "Celsius": ((20 * SPREAD - 5).astype(np.float32), "outside 0..255 are clipped"),
    "dark floats": ((SPREAD * 50).astype(np.float32), r"0\.\.50, of 0\.\.255"),
    "narrow floats": ((100 + SPREAD * 20).astype(np.float32), r"100\.\.120, of 0\.\.255"),
    "dim floats": ((SPREAD * 30).astype(np.float32), r"0\.\.30, of 0\.\.255"),
    "very dim floats": ((SPREAD / 100).astype(np.float32), r"0\.\.0\.01, of 0\.\.1"),
}


@pytest.mark.parametrize("name", CASES)
def test_ranges_are_hinted_at_and_stretched(name: str) -> None:
    levels, text = CASES[name]
    data = file(levels)
    with pytest.warns(UserWarning, match=rf"the levels lie in .*{text}.*: --stretch"):
        loading.load(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = loading.load(data, stretch=True)
    assert picture.source == DEEP
    assert np.abs(picture.rgb[..., 0] - 255 * SPREAD).max() < 1.01
    assert (picture.rgb.min(), picture.rgb.max()) == (0, 255)


def test_levels_outside_16_bits() -> None:
    data = file(np.rint(SPREAD * 1_000_000 - 5).astype(np.int32))
    with pytest.raises(InputError, match="outside 16 bits: --stretch"):
        loading.load(data)
    assert np.abs(loading.load(data, stretch=True).rgb[..., 0] - 255 * SPREAD).max() < 1.01


def test_full_ranges_are_nothing_to_speak_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for levels in (
            np.rint(SPREAD * 65535).astype(np.uint16),
            SPREAD.astype(np.float32),
            (SPREAD * 255).astype(np.float32),
            np.zeros((4, 5), np.uint16),
            np.full((4, 5), 700, np.uint16),
            np.zeros((4, 5), np.float32),
        ):
            loading.load(file(levels))
            loading.load(file(levels), stretch=True)
        for image in (pictures.scene(9, 9), np.full((9, 9), 3, np.uint8)):
            plain = loading.load(file(image, "PNG"))
            assert np.array_equal(loading.load(file(image, "PNG"), stretch=True).rgb, plain.rgb)


def test_values_that_are_no_numbers_can_be_stretched() -> None:
    levels = (300 + 10 * SPREAD).astype(np.float32)
    levels[0, :3] = np.nan, np.inf, -np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(InputError, match="not numbers"):
            loading.load(file(levels))
    rgb = loading.load(file(levels), stretch=True).rgb
    assert rgb[0, :3, 0].tolist() == [0, 255, 0]
    assert not loading.load(file(np.full((3, 4), np.nan, np.float32)), stretch=True).rgb.any()


def test_stretched_pictures_keep_orientation_and_metadata() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "somebody"
    levels = np.rint(SPREAD * 4095).astype(np.uint16)
    for kind in ("TIFF", "PNG"):
        picture = loading.load(file(levels, kind, exif=exif), stretch=True)
        assert np.abs(picture.rgb[..., 0] - 255 * np.rot90(SPREAD, -1)).max() < 1.01
        tags = Image.Exif()
        tags.load(picture.metadata.exif)
        assert dict(tags) == {ExifTags.Base.Artist: "somebody"}
    clear = loading.load(file(levels, "PNG", transparency=int(levels[5, 5])), stretch=True)
    assert clear.alpha is not None
    assert clear.alpha[5, 5] == 0


def test_stretch_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "thermal.tif"
    path.write_bytes(file(CASES["thermal"][0]))
    assert main(["encode", str(path), "-e", "0"]) == 0
    assert "warning: the levels lie in 28000..29200" in capsys.readouterr().err
    assert main(["encode", str(path), "-e", "0", "-f", "--stretch"]) == 0
    assert capsys.readouterr().err == ""


# Beside the picture

START = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="r"><rdf:Description rdf:about=""'
END = b"</rdf:Description></rdf:RDF></x:xmpmeta>"
LIST = (
    b"<Container:Directory><rdf:Seq><rdf:li rdf:parseType='Resource'><Container:Item "
    b"Item:Semantic='GainMap' Item:Mime='image/jpeg'/></rdf:li></rdf:Seq></Container:Directory>"
)
PROMISES = {
    "a gain map": START + b' hdrgm:Version="1.0" dc:title="sea">' + LIST + b"<a>b</a>" + END,
    "the video of a motion photo": START
    + b' GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" dc:title="sea"><a>b</a>'
    + END,
    "a depth map": START + b" GDepth:Format='Range' dc:title=\"sea\"><a>b</a>" + END,
}


@pytest.mark.parametrize("name", PROMISES)
def test_what_is_beside_the_picture_is_named_and_not_promised(name: str) -> None:
    data = file(pictures.scene(40, 60), "JPEG", xmp=PROMISES[name])
    with pytest.warns(UserWarning, match=f"the file also holds {name}: only the picture"):
        picture = loading.load(data)
    assert picture.metadata.xmp == START + b' dc:title="sea"><a>b</a>' + END


def test_other_metadata_is_not_touched() -> None:
    for xmp in (b"", b"<a hdr='x'/>", START + b' dc:title="Container and Depth">' + END):
        assert without_promises(xmp) is xmp
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = loading.load(file(pictures.scene(40, 60), "JPEG", xmp=START + b">" + END))
    assert picture.metadata.xmp == START + b">" + END


def test_videos_behind_pictures_are_named() -> None:
    data = file(pictures.scene(40, 60), "JPEG") + b"MotionPhoto_Data\0\0\0\x18ftypmp42" + bytes(99)
    with pytest.warns(UserWarning, match="the video of a motion photo"):
        loading.load(data)
