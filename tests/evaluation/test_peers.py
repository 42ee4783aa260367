"""The peers: whole files, decoded by Pillow, and the best of them within a budget."""

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from xcodec.errors import InputError
from xcodec.evaluation import metrics, peers

RGB = NDArray[np.uint8]
INSTALLED = [codec.name for codec in peers.codecs()]


def test_pillow_brings_the_usual_codecs() -> None:
    assert {"jpeg", "jpeg2000", "webp"} <= set(INSTALLED)


@pytest.mark.parametrize("name", [*INSTALLED, "jpeg2000-default"])
def test_files_are_whole_and_grow_with_the_quality(name: str, small: RGB) -> None:
    (codec,) = peers.codecs([name])
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


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (5, 3)])
def test_small_pictures_have_files(name: str, shape: tuple[int, int], small: RGB) -> None:
    (codec,) = peers.codecs([name])
    picture = np.ascontiguousarray(small[: shape[0], : shape[1]])
    for quality in (codec.qualities[0], codec.qualities[-1]):
        assert codec.decode(codec.encode(picture, quality)).shape == picture.shape


def test_jpeg_agrees_with_pillow_used_directly(small: RGB) -> None:
    (codec,) = peers.codecs(["jpeg"])
    file = io.BytesIO()
    Image.fromarray(small).save(file, "JPEG", quality=5, optimize=True)
    data = codec.encode(small, 5)
    assert len(data) <= file.tell()
    assert (codec.decode(data) == np.asarray(Image.open(file))).all()


def test_jpeg_2000_gets_its_colour_transform_and_no_comment(small: RGB) -> None:
    (best,), (default,) = peers.codecs(["jpeg2000"]), peers.codecs(["jpeg2000-default"])
    ours, plain = best.encode(small, 0.8), default.encode(small, 0.8)
    assert abs(len(ours) - len(plain)) < 40
    assert metrics.psnr(small, best.decode(ours)) > metrics.psnr(small, default.decode(plain)) + 0.3
    header = ours[: ours.index(b"\xff\x90")]
    assert b"\xff\x64" not in header


def test_codecs_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no codec 'gif'"):
        peers.codecs(["gif"])
    monkeypatch.setattr(peers.features, "check", lambda name: name != "avif")
    with pytest.raises(InputError, match="avif is not installed"):
        peers.codecs(["avif"])
    assert "avif" not in [codec.name for codec in peers.codecs()]
    monkeypatch.setattr(peers.importlib, "import_module", lambda name: __import__("no_such_module"))
    with pytest.raises(InputError, match="jpegxl is not installed"):
        peers.codecs(["jpegxl"])


@pytest.mark.parametrize("scale", peers.SCALES)
def test_scaled_pictures_come_back_at_their_size(scale: float, small: RGB) -> None:
    reduced = peers.shrink(small, scale)
    assert reduced.shape == (round(96 / scale), round(120 / scale), 3)
    restored = peers.enlarge(reduced, small.shape)
    assert restored.shape == small.shape
    if scale == 1:
        assert (restored == small).all()
    strip = small[:1, :40]
    assert peers.enlarge(peers.shrink(strip, scale), strip.shape).shape == strip.shape


@pytest.mark.parametrize("budget", [180, 300, 500, 900])
def test_the_best_file_is_the_best_of_all(budget: int, small: RGB) -> None:
    codecs, scales = peers.codecs(["jpeg", "webp"]), (1.0, 2.0, 4.0)
    best = peers.Sweep(small, codecs, scales).best_within(budget)
    every = (
        peers.Trial(codec, scale, quality, codec.encode(peers.shrink(small, scale), quality))
        for codec in codecs
        for scale in scales
        for quality in codec.qualities
    )
    highest = max(
        metrics.psnr(small, trial.picture(small.shape))
        for trial in every
        if len(trial.data) <= budget
    )
    assert set(best) == {"psnr"}
    assert len(best["psnr"].data) <= budget
    assert metrics.psnr(small, best["psnr"].picture(small.shape)) == pytest.approx(
        highest, abs=0.02
    )


def test_several_budgets_cost_one_sweep(small: RGB) -> None:
    (webp,) = peers.codecs(["webp"])
    coded: list[float] = []

    def write(image: Image.Image, quality: float) -> bytes:
        coded.append(quality)
        return webp.write(image, quality)

    sweep = peers.Sweep(small, [replace(webp, write=write)], [2.0])
    first = sweep.best_within(400)
    assert len(coded) < 20
    assert len(coded) == len(set(coded))
    before = len(coded)
    assert sweep.best_within(400) == first
    assert len(coded) == before
    sweep.best_within(500)
    assert len(coded) == len(set(coded))


def test_codecs_compete_by_name_and_may_all_be_too_large(small: RGB) -> None:
    sweep = peers.Sweep(small, peers.codecs(["jpeg", "webp"]), [1.0, 2.0])
    assert sweep.best_within(600, ["jpeg"])["psnr"].codec.name == "jpeg"
    assert sweep.best_within(600)["psnr"].codec.name == "webp"
    assert sweep.best_within(40) == {}
