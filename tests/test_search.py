"""Files within a number of bytes: never over it, near it, and better with more of it."""

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from xcodec import codec

RGB = NDArray[np.uint8]


def error(picture: RGB, data: bytes) -> float:
    painted = np.asarray(xcodec.decode(data, decoder="classical"), float)
    return float(np.square(painted - picture).mean())


def test_files_keep_to_their_size_and_larger_ones_are_better(small: RGB) -> None:
    sizes = 60, 150, 400, 1200
    files = [xcodec.encode(small, size=size) for size in sizes]
    for size, data in zip(sizes, files, strict=True):
        assert 0.85 * size <= len(data) <= size
    errors = [error(small, data) for data in files]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 2


def test_a_size_that_nothing_fits_is_one_clear_error(small: RGB) -> None:
    with pytest.raises(xcodec.InputError, match="no file of this picture fits 10 bytes"):
        xcodec.encode(small, size=10)


def test_the_search_beats_a_fixed_rate_of_the_same_size(small: RGB) -> None:
    fixed = xcodec.encode(small, 0.01)
    found = xcodec.encode(small, size=len(fixed))
    assert error(small, found) <= error(small, fixed)


def test_what_the_caller_fixed_stays(small: RGB) -> None:
    facts = codec.info(xcodec.encode(small, size=300, step=60.0, density="uniform", tone="mean"))
    assert facts.step == pytest.approx(60, rel=0.03)
    assert (facts.uniform, facts.tone) == (True, "mean")
    assert facts.bytes <= 300


def test_an_explicit_mask_keeps_its_samples(small: RGB) -> None:
    mask = np.zeros(small.shape[:2], bool)
    mask[::9, ::9] = True
    data = xcodec.encode(small, size=300, mask=mask)
    assert len(data) <= 300
    assert codec.info(data).samples == mask.sum()
