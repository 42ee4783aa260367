"""Neighbours and kriging weights (xcodec/kriging/neighbours.py), and the fill (fill.py)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from xcodec.kriging import fill
from xcodec.kriging.neighbours import covariance, kriging, nearest
from xcodec.sampling.mask import order_points
from xcodec.types import Points

Places = NDArray[np.int64]


def brute(sites: Places, queries: Places, count: int) -> tuple[list[list[int]], list[list[int]]]:
    """Neighbours by looking at every site: squared distance, then index."""
    indices, squared = [], []
    for row, col in queries.tolist():
        every = sorted(
            ((row - r) ** 2 + (col - c) ** 2, i) for i, (r, c) in enumerate(sites.tolist())
        )
        indices.append([i for _, i in every[:count]])
        squared.append([d2 for d2, _ in every[:count]])
    return indices, squared


def grid(high: int, wide: int) -> Places:
    return np.stack(np.indices((high, wide)), -1).reshape(-1, 2)


def scattered(side: int, share: float, seed: int) -> Points:
    marks = np.random.default_rng(seed).random((side, side)) < share
    marks[0, 0] = True
    return order_points(side, side, *np.nonzero(marks))


@pytest.mark.parametrize("count", [1, 2, 6, 12, 50])
def test_neighbours_on_a_grid_where_everything_ties(count: int) -> None:
    sites = 2 * grid(9, 7)
    shuffled = np.random.default_rng(0).permutation(sites)
    queries = grid(18, 14)
    indices, squared = nearest(shuffled, queries, count)
    expected = brute(shuffled, queries, count)
    assert indices.tolist() == expected[0]
    assert squared.tolist() == expected[1]


@pytest.mark.parametrize("queries", [1, 100])
def test_ties_with_far_more_sites_than_are_asked_for(queries: int) -> None:
    """Thirty-two integer points lie on the circle of squared radius 1105: ask for some of them."""
    around = grid(71, 71) - 35
    ring = around[np.square(around).sum(1) == 1105]
    assert len(ring) == 32
    for count in (1, 5, 6, 31, 32, 33):
        indices, squared = nearest(ring, np.zeros((queries, 2), int), count)
        assert indices.tolist() == queries * [list(range(min(count, 32)))]
        assert (squared == 1105).all()


@given(st.integers(0, 10**6), st.integers(1, 150), st.integers(1, 12), st.integers(2, 40))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_neighbours_are_exact(seed: int, sites: int, count: int, side: int) -> None:
    random = np.random.default_rng(seed)
    known = random.integers(0, side, (sites, 2))  # Some positions come twice: all the more ties.
    queries = random.integers(0, side, (20, 2))
    indices, squared = nearest(known, queries, count)
    expected = brute(known, queries, count)
    assert indices.tolist() == expected[0]
    assert squared.tolist() == expected[1]


def test_neighbours_at_the_far_end_of_the_largest_picture() -> None:
    far = (1 << 20) - 1
    sites = np.array([[0, 0], [far, far], [far, 0], [far - 1, 0]])
    indices, squared = nearest(sites, np.array([[0, far]]), 4)
    assert squared.tolist() == [[far**2, far**2, (far - 1) ** 2 + far**2, 2 * far**2]]
    assert indices.tolist() == [[0, 1, 3, 2]]


def test_weights_sum_to_one_and_are_exact_at_a_site() -> None:
    random = np.random.default_rng(3)
    sites = np.stack([random.permutation(400)[:8] for _ in range(30)])
    sites = np.stack([sites // 20, sites % 20], -1)
    targets = np.concatenate([sites, random.integers(0, 20, (30, 5, 2))], 1)
    weights, variance = kriging(sites, targets)
    assert weights.shape == (30, 13, 8)
    assert np.allclose(weights.sum(-1), 1)
    assert np.allclose(weights[:, :8], np.eye(8), atol=1e-9)
    assert np.allclose(variance[:, :8], 0, atol=1e-9)
    elsewhere = (targets[:, 8:, None] != sites[:, None]).any(-1).all(-1)
    assert (variance[:, 8:][elsewhere] > 0).all()


@pytest.mark.parametrize("apart", [30_000, 46_341, 65_536, (1 << 20) - 1])
def test_sites_far_apart(apart: int) -> None:
    sites = np.array([[[0, 0], [0, apart], [apart, apart]]])
    weights, variance = kriging(sites, np.array([[[0, 0], [0, apart]]]))
    assert np.allclose(weights, [[[1, 0, 0], [0, 1, 0]]])
    assert np.allclose(variance, 0)


def test_one_site_has_all_the_weight() -> None:
    weights, variance = kriging(np.array([[[3, 4]]]), np.array([[[3, 4], [100, 90]]]))
    assert weights[0, :, 0].tolist() == pytest.approx([1, 1])
    assert variance[0, 0] == pytest.approx(0)
    assert variance[0, 1] > 0.5


def test_nearer_sites_weigh_more_and_symmetry_is_kept() -> None:
    sites = np.array([[[0, 0], [0, 10]]])
    weights, _ = kriging(sites, np.array([[[0, 5], [0, 2]]]))
    assert weights[0, 0].tolist() == pytest.approx([0.5, 0.5])
    assert weights[0, 1, 0] > 0.6


def test_covariance_is_that_of_the_formula() -> None:
    distance = np.array([0, 1, 9, 3600, 65535, 65536, 1 << 30])
    found = covariance(distance)
    expected = np.exp(-((np.sqrt(np.minimum(distance, 65535)) / 60) ** 1.4))
    assert np.allclose(found, expected)
    assert found[0] == 1


@pytest.mark.parametrize(("side", "share"), [(1, 1.0), (37, 0.002), (64, 0.05), (50, 0.6)])
def test_squares_cover_a_picture_once(side: int, share: float) -> None:
    points = scattered(side, share, 1)
    times = np.zeros((side + 16, side + 16), int)
    for square in fill.squares(points):
        np.add.at(times, (square.rows, square.cols), 1)
        assert np.allclose(square.weights.sum(-1), 1)
    assert (times[:side, :side] == 1).all()


@pytest.mark.parametrize("cell", [2, 4])
def test_cells_are_painted_as_their_pixels(cell: int) -> None:
    points = scattered(90, 0.004, 3)
    values = np.random.default_rng(0).normal(0, 30, (len(points), 1))
    planes, _ = fill.interpolate(points, values, fill.squares(points))
    size = -(-90 // cell)
    cells, times = np.zeros((size, size)), np.zeros((size + 16, size + 16), int)
    for square in fill.squares(points, cell=cell):
        np.add.at(times, (square.rows, square.cols), 1)
        inside = (square.rows < size) & (square.cols < size)
        painted = square.weights @ values[square.sites, 0][..., None]
        cells[square.rows[inside], square.cols[inside]] = painted[inside][:, 0]
    assert (times[:size, :size] == 1).all()
    whole = 90 // cell
    means = planes[: whole * cell, : whole * cell, 0].reshape(whole, cell, whole, cell).mean((1, 3))
    assert np.abs(cells[:whole, :whole] - means).mean() < 0.1 * np.abs(means).mean()


def dense(points: Points) -> NDArray[np.float64]:
    """The fill as a matrix (pixels, n)."""
    matrix = np.zeros((points.height, points.width, len(points)))
    for square in fill.squares(points):
        inside = (square.rows < points.height) & (square.cols < points.width)
        which = np.broadcast_to(square.sites[:, None], square.weights.shape)
        rows, cols = square.rows[..., None], square.cols[..., None]
        where = np.broadcast_arrays(rows, cols, which)
        matrix[tuple(axis[inside] for axis in where)] = square.weights[inside]
    return matrix.reshape(-1, len(points))


def test_the_fill_is_exact_on_samples_and_on_flat_pictures() -> None:
    points = scattered(48, 0.1, 2)
    matrix = dense(points)
    values = np.random.default_rng(0).random(len(points))
    at_samples = (matrix @ values).reshape(48, 48)[points.rows, points.cols]
    near = np.isclose(at_samples, values, atol=1e-4)
    # A square paints from the neighbours of its centre: a sample at its edge may be left out.
    assert near.mean() > 0.9
    assert np.allclose(matrix.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize(("side", "share"), [(1, 1.0), (37, 0.004), (45, 0.05), (40, 0.5)])
def test_normal_equations_are_those_of_the_fill(
    side: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = scattered(side, share, 4)
    picture = np.random.default_rng(1).normal(0, 50, (side, side, 3)).astype(np.float32)
    matrix = dense(points)
    for most in (fill._MAX_ENTRIES, 1):  # In one piece, and piece by piece.
        monkeypatch.setattr(fill, "_MAX_ENTRIES", most)
        gram, moments = fill.normal_equations(points, picture)
        assert np.allclose(gram.toarray(), matrix.T @ matrix, atol=1e-6)
        assert np.allclose(moments, matrix.T @ picture.reshape(-1, 3), rtol=1e-5, atol=1e-3)
