"""EXIF, XMP and ICC profiles (xcodec/pictures/metadata.py)."""

import io
import struct
import warnings

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

import xcodec
import xcodec.pillow  # Registers the format.
from tests.golden import pictures
from xcodec.pictures import metadata
from xcodec.pictures.metadata import Metadata

SCENE = pictures.scene(60, 80)
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><a>here</a></x:xmpmeta>"


def described(orientation: int = 1, note: bytes = b"") -> Image.Image:
    """A JPEG file with all there is, opened."""
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"ASCII\0\0\0hello"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    if note:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] = note
    data = io.BytesIO()
    profile = pictures.wide_profile()
    Image.fromarray(SCENE).save(data, "JPEG", exif=exif, xmp=XMP, icc_profile=profile, quality=95)
    return Image.open(data)


def decoded(data: bytes, **options: object) -> Image.Image:
    return xcodec.decode(data, decoder="classical", **options)  # type: ignore[arg-type]


def error(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def test_metadata_comes_back() -> None:
    image = described(6)
    picture = decoded(xcodec.encode(image))
    assert image.getexif()[ExifTags.Base.Orientation] == 6
    exif = picture.getexif()
    assert picture.size == (60, 80)
    assert exif[ExifTags.Base.Artist] == "somebody"
    assert ExifTags.Base.Orientation not in exif
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] == b"ASCII\0\0\0hello"
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert picture.info["xmp"] == XMP
    assert picture.info["icc_profile"] == pictures.wide_profile()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_metadata_reaches_the_output(kind: str) -> None:
    from xcodec.pictures import loading

    stream = io.BytesIO()
    loading.save(decoded(xcodec.encode(described())), stream, kind)
    picture = Image.open(stream)
    assert picture.getexif()[ExifTags.Base.Artist] == "somebody"
    assert picture.info["icc_profile"] == pictures.wide_profile()
    if kind != "TIFF":
        assert picture.info["xmp"] == XMP


def test_strip() -> None:
    image = described()
    bare = xcodec.encode(image, keep=False)
    assert not xcodec.info(bare).metadata
    for picture in (decoded(bare), decoded(xcodec.encode(image), strip=True)):
        assert not picture.getexif()
        assert not {"exif", "xmp", "icc_profile"} & set(picture.info)


def test_small_files_carry_none_and_say_so() -> None:
    with pytest.warns(UserWarning, match="left out of the file: EXIF, XMP, ICC profile"):
        data = xcodec.encode(described(), max_bytes=500, effort=0)
    assert not xcodec.info(data).metadata
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not xcodec.info(
            xcodec.encode(described(), max_bytes=500, keep=False, effort=0)
        ).metadata
        kept = xcodec.encode(described(), max_bytes=1500, keep=True, effort=0)
        assert xcodec.info(kept).metadata > 300
    assert len(kept) <= 1500


def test_large_items_are_left_out_unless_asked_for() -> None:
    noise = pictures.noise(3000).astype("<u2").tobytes()
    image = described(note=noise)
    with pytest.warns(UserWarning, match=r"file: EXIF \(maker note\)$"):
        data = xcodec.encode(image)
    assert decoded(data).getexif()[ExifTags.Base.Artist] == "somebody"
    whole = decoded(xcodec.encode(image, keep=True))
    assert whole.getexif().get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] == noise
    huge = Metadata(exif=noise, xmp=noise)
    assert metadata.chosen(huge, None, None, len) == (Metadata(), ["EXIF", "XMP"])


def test_colours_are_coded_as_srgb_and_shown_right() -> None:
    image = described()
    source = ImageCms.ImageCmsProfile(io.BytesIO(pictures.wide_profile()))
    right = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    assert right is not None
    assert error(image, right) > 5
    options = {"rate": 0.5, "step": 1.0, "block": 16}
    data = xcodec.encode(image, **options)
    assert error(decoded(data, strip=True), right) < 3
    kept = decoded(data)
    assert error(kept, image) < 3
    # Without its profile the picture must have been coded as what it looks like.
    assert error(decoded(xcodec.encode(image, keep=False, **options)), right) < 3


def test_srgb_profiles_are_not_worth_a_byte() -> None:
    image = Image.fromarray(SCENE)
    plain = xcodec.encode(image)
    image.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert xcodec.encode(image) == plain


@pytest.mark.parametrize("profile", [b"nonsense", b"\0" * 200, pictures.wide_profile()[:200]])
def test_damaged_profiles_are_ignored(profile: bytes) -> None:
    image = Image.fromarray(SCENE)
    plain = xcodec.encode(image)
    image.info["icc_profile"] = profile
    assert xcodec.encode(image) == plain
    known = Metadata(profile=profile)
    assert error(metadata.attached(Image.fromarray(SCENE), known), Image.fromarray(SCENE)) == 0


def test_the_layout_of_a_tiff_file_is_not_metadata() -> None:
    stream = io.BytesIO()
    tags = {ExifTags.Base.ImageDescription: "a scene", 65000: "a program's own"}
    Image.fromarray(SCENE).save(stream, "TIFF", compression="tiff_lzw", tiffinfo=tags)
    data = xcodec.encode(Image.open(stream))
    assert set(decoded(data).getexif()) == {ExifTags.Base.ImageDescription}


# Positions, and what describes a file

POSITION = b"<x:xmpmeta><a exif:GPSLatitude='52,30N' dc:title='sea'/></x:xmpmeta>"


def placed(**options: object) -> Image.Image:
    """A JPEG file that tells where it was taken, and much about itself, opened."""
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    exif[ExifTags.Base.ImageWidth] = exif[ExifTags.Base.BitsPerSample] = 999
    inside = exif.get_ifd(ExifTags.IFD.Exif)
    inside[ExifTags.Base.ExifImageWidth], inside[ExifTags.Base.ExifImageHeight] = 999, 888
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef] = "N"
    place[ExifTags.GPS.GPSLatitude] = (52.0, 30.0, 0.0)
    data = io.BytesIO()
    Image.fromarray(SCENE).save(data, "JPEG", exif=exif, xmp=POSITION, **options)
    return Image.open(data)


def test_positions_travel_only_if_asked() -> None:
    image = placed()
    with pytest.warns(UserWarning, match=r"left out of the file: position \(GPS\)$"):
        data = xcodec.encode(image, effort=0)
    found = decoded(data)
    assert ExifTags.IFD.GPSInfo not in found.getexif()
    assert found.getexif()[ExifTags.Base.Artist] == "somebody"
    assert b"GPS" not in found.info["xmp"]
    assert b"dc:title='sea'" in found.info["xmp"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = decoded(xcodec.encode(image, effort=0, keep=True))
        xcodec.encode(image, effort=0, keep=False)
    assert found.getexif().get_ifd(ExifTags.IFD.GPSInfo)[2] == (52.0, 30.0, 0.0)
    assert b"GPSLatitude" in found.info["xmp"]
    assert ExifTags.IFD.GPSInfo in image.getexif()


def test_a_budget_that_leaves_no_metadata_says_so_once() -> None:
    with pytest.warns(UserWarning, match=r"left out of the file: EXIF, XMP$"):
        xcodec.encode(placed(), effort=0, max_bytes=500)


def test_exif_that_is_given_to_save_keeps_the_position() -> None:
    image, data = placed(), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image.convert("RGB").save(data, "XGC", effort=0, exif=image.getexif())
    assert Image.open(data).getexif().get_ifd(ExifTags.IFD.GPSInfo)[2] == (52.0, 30.0, 0.0)


def test_a_file_is_not_described_as_another() -> None:
    tags = decoded(xcodec.encode(placed(), effort=0, keep=True)).getexif()
    assert set(tags) == {ExifTags.Base.Artist, ExifTags.IFD.GPSInfo}


def test_thumbnails_are_not_kept() -> None:
    small = io.BytesIO()
    Image.fromarray(SCENE[:16, :16]).save(small, "JPEG")
    # A directory with an artist, and behind it one with a thumbnail.
    first = (
        struct.pack("<H", 1) + struct.pack("<HHI4s", 315, 2, 4, b"abc\0") + struct.pack("<I", 26)
    )
    second = struct.pack("<H", 2) + struct.pack("<HHII", 513, 4, 1, 56)
    second += struct.pack("<HHII", 514, 4, 1, len(small.getvalue())) + struct.pack("<I", 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + first + second + small.getvalue()
    data = io.BytesIO()
    Image.fromarray(SCENE).save(data, "JPEG", exif=exif)
    image = Image.open(data)
    assert image.getexif().get_ifd(ExifTags.IFD.IFD1)[514] == len(small.getvalue())
    kept = xcodec.encode(image, effort=0, keep=True)
    assert b"\xff\xd8\xff" not in kept
    assert decoded(kept).getexif()[315] == "abc"
    assert not decoded(kept).getexif().get_ifd(ExifTags.IFD.IFD1)


def test_keep_tells_what_no_file_can_hold() -> None:
    png, gif = io.BytesIO(), io.BytesIO()
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", "a program")
    Image.fromarray(SCENE).save(png, "PNG", pnginfo=text)
    Image.fromarray(SCENE).quantize(8).save(gif, "GIF", comment=b"hello")
    for data, name in ((png, "text"), (gif, "comment")):
        with pytest.warns(UserWarning, match=rf"left out of the file: {name}$"):
            xcodec.encode(Image.open(data), effort=0, keep=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            xcodec.encode(Image.open(data), effort=0)


@pytest.mark.parametrize("tag", [2, 4, 20, 22, 28])
def test_each_tag_that_tells_a_place_is_left_out(tag: int) -> None:
    """Latitude, longitude, those of the destination, and the name of the area."""
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "a view"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[tag] = b"here" if tag == 28 else (52.0, 31.0, 12.0)
    packed = exif.tobytes().removeprefix(b"Exif\0\0")
    left = Image.Exif()
    left.load(metadata.without_position(Metadata(packed)).exif)
    assert dict(left) == {ExifTags.Base.ImageDescription: "a view"}
