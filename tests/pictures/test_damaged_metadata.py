"""Metadata of any type, in every tag that is read: pixels come through, the right way up."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import xcodec
from xcodec.pictures import loading, metadata, modes

PIXELS = np.arange(6 * 4, dtype=np.uint8).reshape(6, 4) * 9
XMP, ICC, ORIENTATION, EXIF, GPS = 700, 34675, 274, 34665, 34853

VALUES: dict[str, tuple[int, bytes]] = {
    "-1": (9, struct.pack("<i", -1)),
    "two longs": (4, struct.pack("<II", 7, 1 << 31)),
    "huge longs": (4, struct.pack("<II", 1 << 30, 1 << 30)),
    "signed shorts": (8, struct.pack("<hh", -1, -2)),
    "a short": (3, struct.pack("<H", 6)),
    "shorts": (3, struct.pack("<HH", 6, 300)),
    "floats": (11, struct.pack("<ff", 1.5, float("nan"))),
    "a float": (11, struct.pack("<f", 6.0)),
    "doubles": (12, struct.pack("<dd", 1e300, float("inf"))),
    "a ratio": (5, struct.pack("<II", 6, 1)),
    "no ratio": (5, struct.pack("<II", 6, 0)),
    "signed ratios": (10, struct.pack("<iiii", -6, 1, 0, 0)),
    "text": (2, b"6\0"),
    "text of another code": (2, b"\xff\xfe\xe9\0"),
    "bytes": (1, b"\0\1\2\3\4\xff"),
    "undefined": (7, b"\xff\0nonsense"),
    "signed bytes": (6, b"\xff\xfe"),
    "nothing": (4, b""),
    "a directory": (13, struct.pack("<I", 8)),
    "an unknown type": (99, b"1234"),
}
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 99: 1}


def tiff(*tags: tuple[int, int, bytes]) -> bytes:
    """A TIFF file of PIXELS with more tags: (tag, type, content)."""
    height, width = PIXELS.shape
    numbers = {
        256: width,
        257: height,
        258: 8,
        259: 1,
        262: 1,
        277: 1,
        278: height,
        279: PIXELS.size,
    }
    entries = [(tag, 4, struct.pack("<I", value)) for tag, value in numbers.items()]
    entries += [(273, 4, struct.pack("<I", 8)), *tags]
    start = 8 + PIXELS.size
    body = struct.pack("<H", len(entries))
    after = b""
    at = start + 2 + 12 * len(entries) + 4
    for tag, kind, content in sorted(entries):
        value = content.ljust(4, b"\0")
        if len(content) > 4:
            value = struct.pack("<I", at + len(after))
            after += content + bytes(len(content) % 2)
        body += struct.pack("<HHI", tag, kind, len(content) // SIZES[kind]) + value
    return b"II*\0" + struct.pack("<I", start) + PIXELS.tobytes() + body + bytes(4) + after


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("tag", [XMP, ICC, EXIF, GPS, 315, 306, 282, 40961])
@pytest.mark.parametrize("value", VALUES)
def test_tags_of_any_type_leave_the_pixels(tag: int, value: str) -> None:
    data = tiff((tag, *VALUES[value]))
    for picture in (loading.load(data), modes.picture_of(Image.open(io.BytesIO(data)))):
        assert np.array_equal(picture.rgb[..., 0], PIXELS)
    found = xcodec.decode(xcodec.encode(Image.open(io.BytesIO(data)), effort=0, keep=True))
    assert found.size == (4, 6)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("value", VALUES)
def test_orientations_of_any_type(value: str) -> None:
    rgb = loading.load(tiff((ORIENTATION, *VALUES[value]))).rgb[..., 0]
    turned = np.rot90(PIXELS, -1)
    right = {"two longs": PIXELS[::-1, ::-1].T, "a directory": np.rot90(PIXELS)}
    for each in ("a short", "shorts", "a float", "a ratio"):
        right[each] = turned  # Each of them is 6.
    assert np.array_equal(rgb, right.get(value, PIXELS))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("value", VALUES)
def test_damage_elsewhere_does_not_turn_a_picture(value: str) -> None:
    turned = (ORIENTATION, 3, struct.pack("<H", 6))
    for tag in (XMP, ICC, 315):
        data = tiff(turned, (tag, *VALUES[value]))
        assert np.array_equal(loading.load(data).rgb[..., 0], np.rot90(PIXELS, -1)), tag
    mask = loading.load_mask(tiff(turned, (XMP, *VALUES[value])))
    assert mask.shape == (4, 6)


WRONG: list[Any] = [
    -1,
    5,
    (1, 2),
    2.5,
    float("nan"),
    None,
    [],
    [300],
    {},
    "text",
    "\ud800",
    object(),
]


@pytest.mark.parametrize("name", metadata._TYPES)
@pytest.mark.parametrize(
    "value",
    [*WRONG, b"", b"\xff" * 9, bytearray(b"abc")],
    ids=lambda value: repr(value).partition(" at ")[0],
)
def test_information_of_any_type(name: str, value: Any) -> None:
    image = Image.fromarray(PIXELS)
    image.info[name] = value
    picture = modes.picture_of(image)
    assert np.array_equal(picture.rgb[..., 0], PIXELS)
    for content in (picture.metadata.exif, picture.metadata.xmp, picture.metadata.profile):
        assert type(content) is bytes
    assert image.info[name] is value
    assert xcodec.decode(xcodec.encode(image, effort=0)).size == image.size


def test_damaged_png_chunks(tmp_path: Path) -> None:
    for key in ("XML:com.adobe.xmp", "Raw profile type exif", "Raw profile type xmp"):
        for text in ("", "no number\nat all\nhere\nzz", "\xff\xfe", "x" * 5000):
            info = PngImagePlugin.PngInfo()
            info.add_text(key, text)
            data = io.BytesIO()
            Image.fromarray(PIXELS).save(data, "PNG", pnginfo=info)
            assert np.array_equal(loading.load(data.getvalue()).rgb[..., 0], PIXELS)
