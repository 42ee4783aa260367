"""Pictures are scaled down where few bytes have to show many pixels, and where they are told to."""

import io

import numpy as np
import pytest
from PIL import Image

import xcodec
from tests.golden import pictures
from xcodec.cli.common import scaled
from xcodec.decoder import inspection
from xcodec.encoder.reduction import reduced, side_for
from xcodec.errors import ConflictError, InputError
from xcodec.options import EncodeOptions
from xcodec.pictures import loading, modes
from xcodec.pictures.opening import Reading
from xcodec.pictures.quality import decibels


@pytest.mark.parametrize(
    ("size", "options", "side"),
    [
        ((256, 256), {"max_bytes": 200}, None),
        ((256, 256), {"rate": 0.001}, None),
        ((768, 512), {"max_bytes": 1000}, None),
        ((8000, 6000), {"max_bytes": 340}, 320),  # A common size.
        ((6000, 8000), {"max_bytes": 340}, 320),
        ((6000, 4000), {"max_bytes": 500}, 384),
        ((8000, 1000), {"max_bytes": 340}, 737),
        ((8000, 6000), {"max_bytes": 8}, 64),
        ((60, 50), {"max_bytes": 3}, None),
        ((8000, 6000), {"bpp": 0.0007}, 1024),
        ((8000, 6000), {"max_bytes": 340, "max_side": 0}, None),
        ((8000, 6000), {"max_bytes": 340, "max_side": 1000}, 1000),
        ((800, 600), {"rate": 0.02, "max_side": 640}, 640),
        ((800, 600), {"rate": 0.02, "max_side": 800}, None),
        ((8000, 6000), {"max_bytes": 340, "tone": "point", "lossless_samples": True}, None),
    ],
)
def test_the_side(size: tuple[int, int], options: dict[str, object], side: int | None) -> None:
    assert side_for(*size, EncodeOptions(**options)) == side  # type: ignore[arg-type]


def test_a_file_and_its_original_size() -> None:
    scene = pictures.scene(901, 1200)
    data = xcodec.encode(scene, max_bytes=200)
    info = inspection.info(data)
    assert info.original == (1200, 901)
    assert info.bytes <= 200
    small, large = (xcodec.decode(data, original_size=flag) for flag in (False, True))
    assert small.size == (info.width, info.height)
    assert max(small.size) < 300
    assert large.size == (1200, 901)
    full = xcodec.decode(xcodec.encode(scene, max_bytes=200, max_side=0))
    assert full.size == (1200, 901)
    errors = [np.mean(np.square(np.asarray(each, float) - scene)) for each in (large, full)]
    assert decibels(errors[0]) > decibels(errors[1]) + 0.5


@pytest.mark.parametrize("options", [{"max_side": 0}, {"max_side": 500}, {"max_bytes": 50}])
def test_a_side_that_no_file_can_tell(options: dict[str, int]) -> None:
    long = np.full((1, (1 << 20) + 1, 3), 90, np.uint8)
    with pytest.raises(InputError, match="a side of 1048577 pixels is too long: 1048576 is"):
        xcodec.encode(long, effort=0, decoder="classical", **options)
    with pytest.raises(InputError, match="too long"):
        xcodec.encode_packets(long, 100, 2)
    data = xcodec.encode(long[:, 1:], effort=0, decoder="classical", **options)
    info = inspection.info(data)
    assert (info.original or (info.width, info.height)) == (1 << 20, 1)


def test_alpha_and_depth_are_scaled_too() -> None:
    picture = np.dstack([pictures.scene(300, 400), pictures.fade(300, 400)])
    data = xcodec.encode(picture, 0.05, max_side=100)
    decoded = xcodec.decode(data, decoder="classical", original_size=True)
    assert (decoded.mode, decoded.size) == ("RGBA", (400, 300))
    error = np.asarray(decoded, float)[..., 3] - picture[..., 3]
    assert decibels(float(np.mean(np.square(error)))) > 25
    levels = xcodec.decode_array(data, 16, decoder="classical", original_size=True)
    assert (levels.dtype, levels.shape) == (np.uint16, (300, 400, 4))


def test_files_are_read_no_larger_than_needed() -> None:
    """JPEG files are decoded at a fraction of their size; the result is nearly the same."""
    image = Image.fromarray(pictures.scene(1504, 1000))
    found = {}
    for kind in ("PNG", "JPEG"):
        file = io.BytesIO()
        image.save(file, kind, quality=98)
        found[kind] = loading.read(file.getvalue(), Reading(side=lambda width, height: 100))
        assert found[kind].original == (1000, 1504)
        assert found[kind].rgb.shape == (100, 66, 3)
    error = found["PNG"].rgb.astype(float) - found["JPEG"].rgb
    assert decibels(float(np.mean(np.square(error)))) > 33


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_turned_picture_tells_the_size_that_is_seen(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for wide, shape in ((500, (100, 60, 3)), (301, (100, 100, 3))):
        file = io.BytesIO()
        Image.fromarray(pictures.scene(300, wide)).save(file, kind, exif=exif.tobytes())
        picture = loading.read(file.getvalue(), Reading(side=lambda width, height: 100))
        assert picture.original == (300, wide)
        assert picture.rgb.shape == shape


def test_regions_are_those_of_the_smaller_picture() -> None:
    picture = modes.picture_of(pictures.scene(400, 800))
    mask = np.zeros((400, 800), np.uint8)
    mask[200:] = 255
    roi = [(80, 40, 200, 100, 4.0), (0, 0, 1, 1, 2.0)]
    _, options = reduced(picture, EncodeOptions(max_side=200, roi=roi, roi_mask=mask))
    assert list(options.roi) == [(20, 10, 50, 25, 4.0), (0, 0, 1, 1, 2.0)]
    assert options.roi_mask is not None
    assert options.roi_mask.shape == (100, 200)
    assert options.roi_mask[:44].max() == 0
    assert options.roi_mask[56:].min() == 255


def test_regions_at_the_ends_stay_in_the_picture() -> None:
    picture = modes.picture_of(pictures.scene(56, 72))
    for roi in (
        (71, 0, 1, 56, 4.0),
        (0, 55, 1, 1, 4.0),
        (71, 55, 1, 1, 4.0),
        (-20, -9, 22, 10, 4.0),
    ):
        xcodec.encode(picture, options=EncodeOptions(max_side=10, roi=[roi], effort=0))
    for outside in ((72, 0, 1, 56, 4.0), (0, 56, 1, 1, 4.0), (-20, 0, 20, 9, 4.0)):
        text = f"the region {','.join(map(str, outside[:4]))} has no pixel of the picture"
        with pytest.raises(xcodec.InputError, match=text):
            xcodec.encode(picture, options=EncodeOptions(max_side=10, roi=[outside], effort=0))


def test_packets_of_a_large_picture() -> None:
    scene = pictures.scene(1800, 4500)  # Wider than packets can tell.
    data = xcodec.encode_packets(scene, 100, 4)
    image = xcodec.decode_packets(data, decoder="classical", original_size=True)
    assert image.size == (4500, 1800)
    small = xcodec.decode_packets(data, decoder="classical")
    assert max(small.size) < 600


def test_options_that_contradict_each_other() -> None:
    with pytest.raises(ConflictError, match="max_side"):
        EncodeOptions(mask=np.ones((8, 8), np.bool_), max_side=4)
    with pytest.raises(ConflictError, match="original_size and downsample"):
        xcodec.DecodeOptions(original_size=True, downsample=2)


def test_what_the_command_line_says() -> None:
    assert scaled((8, 6), None) == ""
    assert scaled((8, 6), (80, 60)) == "; 8x6, scaled down from 80x60"
