"""Which way up a picture is, where EXIF, XMP, file format and memory disagree (orientation.py)."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, PngImagePlugin

import xcodec
import xcodec.pillow  # Registers the format.
from tests.golden import pictures
from xcodec.pictures import loading, modes

RGB = NDArray[np.uint8]
SCENE = pictures.scene(48, 64)
SIDEWAYS = 6
TURNED_JXL = bytes.fromhex(
    "ff0a098e0562020800010090004b2825d66151501000357e6230f20231000c1224f2f837dcf5fb57"
    "fbf54b2a3235038900"
)
"""A JPEG XL file of 64x40 pixels that are turned to 40x64 by its own header."""


def described(exif: int | None, size: tuple[int, int] | None = None) -> Image.Exif:
    """EXIF with an orientation, and the size of the picture in the file."""
    tags = Image.Exif()
    tags[ExifTags.Base.Artist] = "somebody"
    if exif is not None:
        tags[ExifTags.Base.Orientation] = exif
    if size is not None:
        inside = tags.get_ifd(ExifTags.IFD.Exif)
        inside[ExifTags.Base.ExifImageWidth], inside[ExifTags.Base.ExifImageHeight] = size
        inside[ExifTags.Base.UserComment] = b"ASCII\0\0\0hello"
    return tags


def packet(orientation: int, form: str = ' tiff:Orientation="%d"/>') -> bytes:
    """XMP with an orientation."""
    start = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:Description dc:creator='me'"
    return f"{start}{form % orientation}</x:xmpmeta>".encode()


def written(kind: str, exif: int | None, xmp: bytes) -> bytes:
    """A file of the scene."""
    options: dict[str, Any] = {"xmp": xmp, "quality": 95}
    if exif is not None:
        options["exif"] = described(exif)
    if kind == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    data = io.BytesIO()
    Image.fromarray(SCENE).save(data, kind, **options)
    return data.getvalue()


def shown(image: Image.Image) -> tuple[int, int]:
    """The size at which programs show a picture, once it is a PNG file."""
    data = io.BytesIO()
    loading.save(image, data)
    return ImageOps.exif_transpose(Image.open(data)).size


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("exif", "other", "size"),
    [(6, 8, (48, 64)), (1, 6, (64, 48)), (None, 6, (48, 64)), (3, 6, (64, 48)), (6, 1, (48, 64))],
)
def test_exif_goes_before_xmp(
    kind: str, exif: int | None, other: int, size: tuple[int, int]
) -> None:
    data = written(kind, exif, packet(other))
    for source in (loading.load(data), Image.open(io.BytesIO(data))):
        found = xcodec.decode(xcodec.encode(source, effort=0), decoder="classical")
        assert found.size == shown(found) == size
        assert b"Orientation" not in found.info["xmp"]
        assert b"dc:creator='me'" in found.info["xmp"]


@pytest.mark.parametrize(
    "form",
    [
        " tiff:Orientation='%d'/>",
        '\n  tiff:Orientation = "%d"\n/>',
        "><tiff:Orientation>%d</tiff:Orientation></rdf:Description>",
        "><tiff:Orientation rdf:datatype='x'>%d</tiff:Orientation ></rdf:Description>",
    ],
)
def test_no_orientation_stays_in_xmp(form: str) -> None:
    picture = loading.load(written("JPEG", 1, packet(6, form)))
    assert b"Orientation" not in picture.metadata.xmp
    assert picture.metadata.xmp.startswith(packet(6)[:60])


def test_avif_says_itself_which_way_up_it_is() -> None:
    data = written("AVIF", 6, b"")
    assert loading.load(data).rgb.shape == (64, 48, 3)
    at = data.index(b"irot") + 4
    assert loading.load(data[:at] + b"\0" + data[at + 1 :]).rgb.shape == (48, 64, 3)


def test_jpeg_xl_is_turned_once() -> None:
    pytest.importorskip("pillow_jxl")
    exif = described(SIDEWAYS).tobytes().removeprefix(b"Exif\0\0")

    def box(kind: bytes, content: bytes) -> bytes:
        return (8 + len(content)).to_bytes(4, "big") + kind + content

    start = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    boxes = start + box(b"Exif", bytes(4) + exif)
    assert loading.load(TURNED_JXL).rgb.shape == (64, 40, 3)
    turned = boxes + box(b"jxlc", TURNED_JXL)
    assert loading.load(turned).rgb.shape == (64, 40, 3)
    assert modes.picture_of(Image.open(io.BytesIO(turned))).rgb.shape == (64, 40, 3)
    data = io.BytesIO()
    Image.fromarray(SCENE).save(data, "JXL")
    assert loading.load(boxes + box(b"jxlc", data.getvalue())).rgb.shape == (64, 48, 3)


# Images that a program changed

Change = Callable[[Image.Image], Image.Image]
CHANGES: dict[str, Change] = {
    "turned": lambda image: image.rotate(-90, expand=True),
    "upside down": lambda image: image.rotate(180),
    "mirrored": lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    "cropped": lambda image: image.crop((0, 0, 30, 20)),
    "resized": lambda image: image.resize((30, 20)),
    "converted": lambda image: image.convert("L"),
    "turned by its EXIF": ImageOps.exif_transpose,
}


def photo(**options: Any) -> Image.Image:
    """A photo of a phone held upright, as it was opened."""
    data = io.BytesIO()
    exif = options.pop("exif", described(SIDEWAYS, (64, 48)))
    Image.fromarray(SCENE).save(data, "JPEG", quality=95, exif=exif, **options)
    return Image.open(data)


def saved(image: Image.Image, **options: Any) -> Image.Image:
    """An image after saving and opening it."""
    xcodec.pillow.register("classical")
    try:
        data = io.BytesIO()
        image.save(data, "XGC", rate=0.3, effort=0, **options)
        found = Image.open(data)
        found.load()
    finally:
        xcodec.pillow.register()
    return found


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("xmp", [b"", packet(6)])
def test_what_a_program_changed_is_saved_as_it_is(change: str, xmp: bytes) -> None:
    image = CHANGES[change](photo(xmp=xmp))
    found = saved(image)
    assert found.size == shown(found) == image.size
    error = np.abs(np.asarray(found, float) - np.asarray(image, float)).mean()
    assert error < 12
    tags = found.getexif()
    assert tags[ExifTags.Base.Artist] == "somebody"
    assert not {ExifTags.Base.ExifImageWidth, 40963} & set(tags.get_ifd(ExifTags.IFD.Exif))
    assert ExifTags.Base.UserComment in tags.get_ifd(ExifTags.IFD.Exif)


def test_what_a_program_opened_is_saved_upright() -> None:
    assert saved(photo()).size == (48, 64)
    small = photo()
    small.thumbnail((32, 32))
    assert saved(small).size == (24, 32)


def test_exif_that_is_given_counts() -> None:
    changed = photo(xmp=packet(6)).crop((0, 0, 30, 20))
    assert saved(changed, exif=changed.getexif()).size == (20, 30)
    assert saved(changed, exif=described(None)).size == (30, 20)
    assert saved(photo(), exif=described(1)).size == (64, 48)
    assert saved(changed, exif=b"nonsense").size == (30, 20)


def test_exif_tells_that_an_image_was_turned() -> None:
    turned = photo().rotate(-90, expand=True)
    assert modes.picture_of(turned).rgb.shape == (64, 48, 3)
    assert modes.picture_of(photo().convert("RGB")).rgb.shape == (64, 48, 3)
    unknown = photo(exif=described(SIDEWAYS)).rotate(-90, expand=True)
    assert modes.picture_of(unknown).rgb.shape == (48, 64, 3)
    # Where both sides are equal, the size does not show it.
    square = photo(exif=described(SIDEWAYS, (48, 48))).crop((0, 0, 48, 48))
    expected = modes.picture_of(square, turn=False).rgb
    assert np.array_equal(modes.picture_of(square).rgb, np.rot90(expected, -1))
    # A file is shown as its EXIF says, whatever its size.
    file = photo(exif=described(SIDEWAYS, (48, 64)))
    assert modes.picture_of(file).rgb.shape == (64, 48, 3)
