"""Alpha as a section of a file (xcodec/encoder/alpha.py)."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
from tests.golden import pictures
from xcodec import codec
from xcodec.coding import container, primitives
from xcodec.coding.header import ALPHA, Header
from xcodec.decoder import inspection
from xcodec.encoder import alpha

SCENE = pictures.scene(96, 128)
DISC, FADE = pictures.disc(96, 128), pictures.fade(96, 128)


def coded(plane: NDArray[np.uint8], **options: object) -> bytes:
    return xcodec.encode(np.dstack([SCENE, plane]), **options)  # type: ignore[arg-type]


def decoded(data: bytes) -> NDArray[np.uint8]:
    image = xcodec.decode(data, decoder="classical")
    assert image.mode == "RGBA"
    return np.asarray(image.getchannel("A"))


def test_opaque_alpha_costs_nothing() -> None:
    assert coded(np.full((96, 128), 255, np.uint8)) == xcodec.encode(SCENE)


@pytest.mark.parametrize("plane", [DISC, FADE, np.full((96, 128), 128, np.uint8), 0 * DISC])
def test_the_highest_quality_is_exact(plane: NDArray[np.uint8]) -> None:
    data = coded(plane, alpha_quality=100)
    assert np.array_equal(decoded(data), plane)
    assert xcodec.info(data).mode == "RGBA"


def test_noise_is_exact_too() -> None:
    noise = (pictures.noise(96 * 128) % 256).astype(np.uint8).reshape(96, 128)
    assert np.array_equal(decoded(coded(noise, alpha_quality=100)), noise)
    assert np.array_equal(decoded(coded(noise // 128 * 255, alpha_quality=100)), noise // 128 * 255)


@pytest.mark.parametrize("quality", [0, 30, 60, 99])
@pytest.mark.parametrize("plane", [DISC, FADE])
def test_qualities_are_kept(plane: NDArray[np.uint8], quality: int) -> None:
    found = decoded(coded(plane, alpha_quality=quality)).astype(float)
    error = np.square(found - plane).mean()
    assert 10 * np.log10(255**2 / max(error, 1e-9)) >= alpha.wanted_psnr(quality)


def test_black_and_white_stays_black_and_white() -> None:
    for quality in (0, 50):
        assert set(np.unique(decoded(coded(DISC, alpha_quality=quality)))) == {0, 255}


def test_less_quality_takes_fewer_bytes() -> None:
    big = pictures.disc(288, 384)
    sizes = [len(alpha.write(big, quality)) for quality in (0, 20, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] < 0.6 * sizes[2]


@pytest.mark.parametrize("size", [120, 240])
def test_alpha_has_its_share_of_a_budget(size: int) -> None:
    for plane in (DISC, FADE):
        data = coded(plane, max_bytes=size, effort=1)
        assert len(data) <= size
        info = xcodec.info(data)
        assert 0 < info.alpha <= size // alpha.SHARE + 2


def test_alpha_is_exact_where_that_is_smaller() -> None:
    rows = np.repeat(2 * np.arange(96, dtype=np.uint8)[:, None], 128, 1)
    assert alpha.write(rows, 99) == alpha.write(rows, 100)


@pytest.mark.parametrize("plane", [DISC, FADE])
def test_a_limit_takes_precedence_over_the_quality(plane: NDArray[np.uint8]) -> None:
    exact = alpha.write(plane, 100)
    assert alpha.write(plane, 100, len(exact)) == exact
    assert len(alpha.write(plane, 100, len(exact) - 1)) < len(exact)


def test_nothing_fits_nothing() -> None:
    with pytest.raises(xcodec.InputError, match="no alpha fits 3 bytes"):
        alpha.write(DISC, 50, 3)


def test_alpha_of_lossless_samples() -> None:
    data = coded(DISC, alpha_quality=100, tone="point", lossless_samples=True, rate=0.05)
    assert np.array_equal(decoded(data), DISC)
    points, colours = codec.decode_samples(data)
    seen = DISC[points[:, 0], points[:, 1]] > 0
    expected = SCENE[points[:, 0], points[:, 1]]
    assert np.array_equal(colours[seen], expected[seen])


def test_palettes_with_a_transparent_colour() -> None:
    image = Image.fromarray(np.dstack([SCENE, DISC])).quantize(32)
    picture = xcodec.decode(xcodec.encode(image, alpha_quality=100), decoder="classical")
    expected = np.asarray(image.convert("RGBA").getchannel("A"))
    assert np.array_equal(np.asarray(picture.getchannel("A")), expected)


@pytest.mark.parametrize(
    "section",
    [
        b"",
        b"\4",
        b"\0",
        b"\0\3",
        b"\0\1abc",
        b"\1abc",
        b"\1" + primitives.pack(b"x" * 15),
        b"\1" + primitives.pack(b"x" * 17),
        b"\2",
        b"\2abcdef",
        b"\3" + xcodec.encode(SCENE[:5, :4, 0])[1:-2],
    ],
)
def test_damaged_alpha_is_an_error(section: bytes) -> None:
    header = Header(4, 4, "blue", "point", False, True, 0, 8, scale=4864, step=90)
    data = container.write(Header(**(vars(header) | {"sections": {ALPHA: section}})), [b""])
    assert inspection.info(data).mode == "RGBA"
    with pytest.raises(xcodec.FormatError):
        xcodec.decode(data, decoder="classical")
