"""The paper's four kinds of damage: what they do, and that a seed repeats them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.restoration.damage import (
    DISTRIBUTIONS,
    LEVELS,
    TASKS,
    color_block,
    color_noise,
    corrupt,
    points,
    white_block,
)

RGB = NDArray[np.uint8]


@pytest.fixture
def square(photo: RGB) -> RGB:
    return np.ascontiguousarray(photo[20:276, 100:356])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_seed_repeats_the_damage(square: RGB, photo: RGB, task: str, distribution: str) -> None:
    level = LEVELS[task][1]

    def damaged(seed: int) -> tuple[RGB, NDArray[np.bool_]]:
        rng = np.random.default_rng(seed)
        done = corrupt(square, task, level, rng, distribution=distribution, clutter=photo)
        return done.rgb, done.known

    (once, known), (again, same), (other, _) = damaged(3), damaged(3), damaged(4)
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(known, same)
    np.testing.assert_array_equal(once[known], square[known])  # Known pixels are the original's.
    fixed = task == "white-block" or (task == "points" and distribution == "codec")
    assert np.array_equal(once, other) == fixed


@pytest.mark.parametrize("percent", [1, 6, 20])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_points_are_as_many_as_asked_and_the_rest_is_white(
    square: RGB, percent: int, distribution: str
) -> None:
    done = points(square, percent, np.random.default_rng(0), distribution)
    count = percent / 100 * done.known.size
    spread = 4 * count**0.5 if distribution == "random" else 0.01 * count + 1
    assert done.known.sum() == pytest.approx(count, abs=spread)
    assert (done.rgb[~done.known] == 255).all()


def test_sobel_points_gather_where_edges_are() -> None:
    rgb = np.zeros((128, 128, 3), np.uint8)
    rgb[:, 64:] = 200
    done = points(rgb, 3, np.random.default_rng(0), "sobel")
    columns = np.nonzero(done.known)[1]
    assert np.isin(columns, (63, 64)).mean() > 0.5
    assert not np.isin(columns, (63, 64)).all()  # 3 % are more than the edge has.


def test_noise_has_every_colour_alike(square: RGB) -> None:
    done = color_noise(square, 90, np.random.default_rng(1))
    assert (~done.known).mean() == pytest.approx(0.9, abs=0.01)
    noise = done.rgb[~done.known].astype(np.float64)
    np.testing.assert_allclose(noise.mean(0), 127.5, atol=2)
    np.testing.assert_allclose(noise.std(0), 73.9, atol=1.5)


def test_a_white_block_stands_in_the_middle(square: RGB) -> None:
    done = white_block(square, 128)
    assert (done.rgb[64:192, 64:192] == 255).all()
    assert not done.known[64:192, 64:192].any()
    assert done.known.sum() == 256**2 - 128**2


def test_a_colour_block_shows_a_part_of_the_other_picture(square: RGB, photo: RGB) -> None:
    done = color_block(square, photo, 40, np.random.default_rng(2))
    rows, cols = np.nonzero(~done.known)
    assert (np.ptp(rows), np.ptp(cols), len(rows)) == (39, 39, 1600)
    patch = done.rgb[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    windows = np.lib.stride_tricks.sliding_window_view(photo[..., 0], (40, 40))
    assert (windows == patch[..., 0]).all((-1, -2)).any()


@pytest.mark.parametrize(
    ("task", "level", "more"),
    [
        ("points", 0, {}),
        ("points", 100, {}),
        ("points", 2.5, {}),
        ("points", 5, {"distribution": "grid"}),
        ("color-noise", 100, {}),
        ("white-block", 257, {}),
        ("color-block", 64, {}),
        ("oil", 5, {}),
    ],
)
def test_impossible_damage_is_refused(
    square: RGB, task: str, level: int, more: dict[str, str]
) -> None:
    with pytest.raises(InputError):
        corrupt(square, task, level, np.random.default_rng(0), **more)  # type: ignore[arg-type]
