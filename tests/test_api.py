"""The public API: what ``import xcodec`` gives (xcodec/__init__.py)."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
from xcodec import errors


def test_the_names_are_few_sorted_and_there() -> None:
    assert xcodec.__all__ == sorted(xcodec.__all__)
    assert len(xcodec.__all__) <= 24
    for name in xcodec.__all__:
        assert getattr(xcodec, name) is not None
    assert dir(xcodec) == xcodec.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = xcodec.nothing


def test_every_error_is_an_xcodec_error() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and kind.__module__ == errors.__name__
    ]
    assert len(kinds) >= 6
    for kind in kinds:
        assert issubclass(kind, xcodec.XcodecError)
        assert getattr(xcodec, kind.__name__) is kind


def test_import_is_light() -> None:
    code = "import sys, xcodec; print([m for m in ('numpy', 'torch', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_coding_needs_no_torch() -> None:
    code = """
import sys, numpy, xcodec
data = xcodec.encode(numpy.arange(3072, dtype=numpy.uint8).reshape(32, 32, 3), 0.05)
xcodec.info(data)
xcodec.decode(data, decoder="classical")
xcodec.reconstruct([[1, 2]], numpy.uint8([[9, 9, 9]]), (4, 5), decoder="classical")
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_there_and_back(small: NDArray[np.uint8]) -> None:
    data = xcodec.encode(small, 0.05)
    assert isinstance(data, bytes)
    picture = xcodec.decode(data, decoder="classical")
    assert picture.size == (120, 96)
    assert picture.mode == "RGB"
    error = np.square(np.asarray(picture) - small.astype(float)).mean()
    assert 10 * np.log10(255**2 / error) > 20
    info = xcodec.info(data)
    assert (info.width, info.height) == (120, 96)
    assert info.samples == pytest.approx(0.05 * small.size / 3, rel=0.01, abs=1)


def test_a_pillow_image_and_its_array_give_the_same_bytes(small: NDArray[np.uint8]) -> None:
    assert xcodec.encode(Image.fromarray(small)) == xcodec.encode(small)
    grey = Image.fromarray(small[..., 1])
    assert xcodec.encode(grey) == xcodec.encode(np.asarray(grey))


def test_coding_is_deterministic(small: NDArray[np.uint8]) -> None:
    fortran = np.asfortranarray(small)
    assert xcodec.encode(small) == xcodec.encode(fortran)
    data = xcodec.encode(small)
    once, twice = (np.asarray(xcodec.decode(data, decoder="classical")) for _ in range(2))
    assert np.array_equal(once, twice)


@pytest.mark.parametrize("rate", [0.0, 0.0009, 0.51, -1.0, float("nan"), float("inf")])
def test_rates_out_of_range_are_refused(small: NDArray[np.uint8], rate: float) -> None:
    with pytest.raises(xcodec.InputError, match="rate"):
        xcodec.encode(small, rate)


def test_a_budget_that_nothing_fits_is_refused(small: NDArray[np.uint8]) -> None:
    with pytest.raises(xcodec.InputError):
        xcodec.encode(small, max_bytes=3)


@pytest.mark.parametrize("mask", ["blue", "random", "explicit"])
def test_lossless_samples_come_back_exactly(small: NDArray[np.uint8], mask: str) -> None:
    chosen = np.random.default_rng(0).random(small.shape[:2]) < 0.02
    where = chosen if mask == "explicit" else mask
    rate = None if mask == "explicit" else 0.02
    data = xcodec.encode(small, rate, mask=where, tone="point", lossless_samples=True)
    decoded = np.asarray(xcodec.decode(data, decoder="classical"))
    exact = (decoded == small).all(-1)
    assert exact.sum() >= xcodec.info(data).samples
    if mask == "explicit":
        assert exact[chosen].all()


def test_lossless_samples_are_the_pixels_themselves(small: NDArray[np.uint8]) -> None:
    for tone in ("mean", "least-squares"):
        with pytest.raises(xcodec.InputError):
            xcodec.encode(small, tone=tone, lossless_samples=True)


def test_masks_of_another_shape_are_refused(small: NDArray[np.uint8]) -> None:
    """By width and height, as pictures are told of, whatever becomes of the picture."""
    options: Any
    for options in ({}, {"tile": 128}, {"max_side": 40}):
        with pytest.raises(xcodec.InputError, match="the region mask is 9x3, the picture 120x96"):
            xcodec.encode(small, roi_mask=np.zeros((3, 9), np.uint8), **options)
        if "max_side" not in options:
            with pytest.raises(xcodec.InputError, match="the mask is 9x3, the picture 120x96"):
                xcodec.encode(small, mask=np.ones((3, 9), bool), **options)


def test_reconstruction_of_foreign_samples(small: NDArray[np.uint8]) -> None:
    points = np.stack(np.nonzero(np.random.default_rng(0).random((96, 120)) < 0.1), 1)
    values = small[points[:, 0], points[:, 1]]
    picture = np.asarray(xcodec.reconstruct(points, values, (96, 120), decoder="classical"))
    assert picture.shape == small.shape
    assert np.array_equal(picture[points[:, 0], points[:, 1]], values)
    error = np.square(picture - small.astype(float)).mean()
    assert 10 * np.log10(255**2 / error) > 22


@pytest.mark.parametrize(
    ("points", "values"),
    [
        ([[0, 0]], [[1, 2]]),
        ([[0, 0], [1, 1]], [[1, 2, 3]]),
        ([[4, 0]], [[1, 2, 3]]),
        ([[0, -1]], [[1, 2, 3]]),
        ([[1, 1], [1, 1]], [[1, 2, 3], [3, 2, 1]]),
        (np.zeros((0, 2), int), np.zeros((0, 3))),
        ([[0, 0], [1]], [[1, 2, 3], [3, 2, 1]]),
    ],
)
def test_samples_that_make_no_sense_are_refused(points: Any, values: Any) -> None:
    with pytest.raises(xcodec.InputError):
        xcodec.reconstruct(points, np.asarray(values, np.uint8), (4, 5), decoder="classical")


def test_a_file_is_what_holds_its_bytes(small: NDArray[np.uint8], tmp_path: Path) -> None:
    data = xcodec.encode(small, effort=0)
    picture = xcodec.decode(data, decoder="classical")
    for holder in (bytearray(data), memoryview(data), np.frombuffer(data, np.uint8)):
        assert xcodec.decode(holder, decoder="classical") == picture  # type: ignore[arg-type]
        assert xcodec.info(holder) == xcodec.info(data)  # type: ignore[arg-type]
        assert xcodec.truncate(holder, 1000) == data  # type: ignore[arg-type]
        assert len(xcodec.decode_samples(holder)[0]) == xcodec.info(data).samples  # type: ignore[arg-type]
    wrong: Any
    with io.BytesIO(data) as stream:
        for wrong in ("a.xgc", tmp_path, None, 5, stream):
            for function in (
                xcodec.decode,
                xcodec.decode_array,
                xcodec.decode_samples,
                xcodec.info,
            ):
                with pytest.raises(xcodec.InputError, match="is given by its bytes, not as"):
                    function(wrong)
            with pytest.raises(xcodec.InputError, match="is given by its bytes, not as"):
                xcodec.truncate(wrong, 50)
    for wrong in (0, -1, 40.0, "40", None):
        with pytest.raises(xcodec.OptionError, match="max_bytes is"):
            xcodec.truncate(data, wrong)
        with pytest.raises(xcodec.OptionError, match="max_pixels is"):
            xcodec.info(data, max_pixels=wrong)


def test_a_path_is_no_picture(tmp_path: Path) -> None:
    path: Any
    for path in ("photo.png", tmp_path):
        with pytest.raises(xcodec.InputError, match=r"PIL\.Image\.open"):
            xcodec.encode(path)


def test_unknown_choices_are_refused(small: NDArray[np.uint8]) -> None:
    for options in ({"density": "x"}, {"mask": "x"}, {"tone": "x"}, {"block": 7}):
        with pytest.raises(xcodec.InputError):
            xcodec.encode(small, **options)
    data = xcodec.encode(small)
    with pytest.raises(xcodec.InputError):
        xcodec.decode(data, decoder="x")
    with pytest.raises(xcodec.LimitError):
        xcodec.decode(data, decoder="classical", max_pixels=96 * 120 - 1)
