"""The other codecs: complete files that Pillow decodes, and scaled pictures."""

import io
import sys

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from xcodec.errors import DependencyError, InputError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import codecs

RGB = NDArray[np.uint8]
INSTALLED = [codec.name for codec in codecs.codecs()]
EVERY = [*INSTALLED, *(name for name in codecs.VARIANTS if name != "vvc")]


def test_pillow_brings_the_usual_codecs() -> None:
    assert {"jpeg", "jpeg2000", "webp"} <= set(INSTALLED)


@pytest.mark.parametrize("name", EVERY)
def test_files_are_whole_and_grow_with_the_quality(name: str, small: RGB) -> None:
    (codec,) = codecs.codecs([name])
    low, high = codec.qualities[0], codec.qualities[-1]
    coarse, fine = codec.encode(small, low), codec.encode(small, high)
    assert len(coarse) < len(fine)
    decoded = codec.decode(fine)
    assert decoded.shape == small.shape
    assert decoded.dtype == np.uint8
    assert metrics.psnr(small, decoded) > 35
    assert metrics.psnr(small, codec.decode(coarse)) < 30
    assert (decoded == np.asarray(Image.open(io.BytesIO(fine)).convert("RGB"))).all()
    assert set(codec.low) <= set(codec.qualities) or codec.kind == "JPEG2000"
    assert list(codec.qualities) == sorted(set(codec.qualities))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (5, 3)])
def test_small_pictures_have_files(name: str, shape: tuple[int, int], small: RGB) -> None:
    (codec,) = codecs.codecs([name])
    picture = np.ascontiguousarray(small[: shape[0], : shape[1]])
    for quality in (codec.qualities[0], codec.qualities[-1]):
        assert codec.decode(codec.encode(picture, quality)).shape == picture.shape


def test_jpeg_agrees_with_pillow_used_directly(small: RGB) -> None:
    (codec,) = codecs.codecs(["jpeg"])
    file = io.BytesIO()
    Image.fromarray(small).save(file, "JPEG", quality=5, optimize=True)
    data = codec.encode(small, 5)
    assert len(data) <= file.tell()
    assert (codec.decode(data) == np.asarray(Image.open(file))).all()


def test_jpeg_2000_gets_its_colour_transform_and_no_comment(small: RGB) -> None:
    (best,), (default,) = codecs.codecs(["jpeg2000"]), codecs.codecs(["jpeg2000-default"])
    ours, plain = best.encode(small, 0.8), default.encode(small, 0.8)
    assert abs(len(ours) - len(plain)) < 40
    assert metrics.psnr(small, best.decode(ours)) > metrics.psnr(small, default.decode(plain)) + 0.3
    header = ours[: ours.index(b"\xff\x90")]
    assert b"\xff\x64" not in header


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_what_the_colour_transform_gains(name: str) -> None:
    """docs/benchmarks.md says 1 to 3 dB at 0.1 bpp."""
    rgb = np.ascontiguousarray(getattr(skimage.data, name)()[:256, 128:384])
    (best,), (default,) = codecs.codecs(["jpeg2000"]), codecs.codecs(["jpeg2000-default"])
    with_, without = (metrics.psnr(rgb, c.decode(c.encode(rgb, 0.1))) for c in (best, default))
    assert 0.9 < with_ - without < 3


@pytest.mark.parametrize(
    ("name", "sides"),
    [("jpeg", (65_500, 1)), ("webp", (1, 16_383)), ("avif", (32_768, 2)), ("heic", (2, 1000))],
)
def test_a_codec_has_no_file_of_a_picture_whose_sides_it_does_not_take(
    name: str, sides: tuple[int, int]
) -> None:
    """There was a traceback."""
    (codec,) = codecs.codecs([name])
    quality = codec.low[3]
    rgb = np.zeros((*sides, 3), np.uint8)
    assert codec.decode(codec.encode(rgb, quality)).shape == rgb.shape
    longer = np.zeros((*(side + 6000 * (side > 2) for side in sides), 3), np.uint8)
    assert codec.encode(longer, quality) == b""


def test_missing_codecs_are_errors_with_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no codec 'gif'"):
        codecs.codecs(["gif"])
    codecs._available.cache_clear()
    monkeypatch.setattr(codecs.features, "check", lambda name: name != "avif")
    with pytest.raises(InputError, match="avif: Pillow was built without it"):
        codecs.codecs(["avif"])
    assert "avif" not in [codec.name for codec in codecs.codecs()]
    codecs._available.cache_clear()
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(DependencyError, match=r"pillow_jxl .*xcodec\[bench\]"):
        codecs.codecs(["jpegxl"])
    assert "jpegxl" not in [codec.name for codec in codecs.codecs()]
    codecs._available.cache_clear()


@pytest.mark.parametrize("scale", codecs.SCALES)
def test_scaled_pictures_come_back_at_their_size(scale: float, small: RGB) -> None:
    reduced = codecs.shrink(small, scale)
    assert reduced.shape == (round(96 / scale), round(120 / scale), 3)
    restored = codecs.enlarge(reduced, small.shape)
    assert restored.shape == small.shape
    if scale == 1:
        assert (restored == small).all()
    strip = small[:1, :40]
    assert codecs.enlarge(codecs.shrink(strip, scale), strip.shape).shape == strip.shape
