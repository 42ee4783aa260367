"""Where a damaged picture is right, found from the picture alone."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.restoration.damage import DISTRIBUTIONS, TASKS, color_block, points, white_block
from xcodec.restoration.known_pixels import find_known

RGB = NDArray[np.uint8]


@pytest.fixture
def square(photo: RGB) -> RGB:
    return np.ascontiguousarray(photo[20:276, 100:356])


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_mask_of_points_is_found(square: RGB, distribution: str) -> None:
    done = points(square, 5, np.random.default_rng(0), distribution)
    found = find_known(done.rgb, "points")
    assert not found[~done.known].any()
    assert (found == done.known).mean() > 0.999  # A white original pixel can't be told.


def test_the_mask_of_a_block_is_found_whatever_its_colour(square: RGB) -> None:
    done = white_block(square, 128)
    np.testing.assert_array_equal(find_known(done.rgb, "white-block"), done.known)
    green = np.where(done.known[..., None], square, np.uint8([0, 255, 0]))
    np.testing.assert_array_equal(find_known(green, "white-block"), done.known)


@pytest.mark.parametrize("task", TASKS)
def test_no_mask_is_made_up(square: RGB, task: str) -> None:
    with pytest.raises(InputError):
        find_known(square, task)
    with pytest.raises(InputError):
        find_known(np.full((80, 80, 3), 7, np.uint8), task)


@pytest.mark.parametrize("side", [128, 64, 48])
def test_a_block_of_another_picture_is_found(square: RGB, photo: RGB, side: int) -> None:
    for seed in range(5):
        done = color_block(square, photo[::-1], side, np.random.default_rng(seed))
        np.testing.assert_array_equal(find_known(done.rgb, "color-block"), done.known)


def test_a_block_is_found_in_a_corner(square: RGB, photo: RGB) -> None:
    damaged = square.copy()
    damaged[:90, -90:] = photo[200:290, :90]
    known = find_known(damaged, "color-block")
    assert not known[:90, -90:].any()
    assert known.sum() == known.size - 90 * 90


def test_a_block_is_found_in_a_large_picture(photo: RGB) -> None:
    """Larger pictures are searched at a fraction of their size first: the block is still exact."""
    large = cv2.resize(photo, None, fx=2.6, fy=2.6, interpolation=cv2.INTER_CUBIC)
    other = np.ascontiguousarray(large[::-1, ::-1])
    done = color_block(large, other, 211, np.random.default_rng(1))
    np.testing.assert_array_equal(find_known(done.rgb, "color-block"), done.known)


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (12, 12), (2000, 13)])
def test_pictures_too_small_for_a_block_have_none(shape: tuple[int, int]) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    with pytest.raises(InputError, match="name a mask"):
        find_known(rgb, "color-block")
