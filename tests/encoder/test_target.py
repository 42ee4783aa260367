"""Means of cells in place of pixels (xcodec/encoder/target.py)."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.golden import pictures
from xcodec.coding import quantizer
from xcodec.coding.synthesis import GREY
from xcodec.encoder import analysis
from xcodec.encoder.request import Request
from xcodec.encoder.target import Target
from xcodec.pictures.colour import to_ycocg
from xcodec.types import Points

PLANES = to_ycocg(pictures.scene(90, 133)) - GREY.astype(np.float32)
WEIGHTS = np.where(np.arange(133) < 40, 3, 0.2) * np.ones((90, 1), np.float32)


@pytest.mark.parametrize("weights", [None, WEIGHTS.astype(np.float32)], ids=["plain", "weighted"])
def test_cells_have_the_means_and_the_energy_of_their_pixels(
    weights: NDArray[np.float32] | None,
) -> None:
    target = Target(PLANES, weights)
    cells = target.coarser(2).coarser(4)
    assert cells.cell == 8
    assert cells.planes.shape == (12, 17, 3)
    assert np.allclose(cells.planes, target.coarser(8).planes, atol=1e-3)
    own = np.ones((90, 133)) if weights is None else weights
    mean = np.average(PLANES[:8, 40:48].reshape(-1, 3), 0, own[:8, 40:48].ravel())
    assert np.allclose(cells.planes[0, 5], mean, atol=1e-3)
    assert cells.energy == pytest.approx(target.energy, rel=1e-5)
    assert cells.within > 0
    assert cells.weights is not None
    assert cells.weights.sum() * 64 == pytest.approx(own.sum(), rel=1e-5)


@pytest.mark.parametrize("weights", [None, WEIGHTS.astype(np.float32)], ids=["plain", "weighted"])
@pytest.mark.parametrize("cell", [1, 4])
def test_strips_are_joined_to_the_whole(weights: NDArray[np.float32] | None, cell: int) -> None:
    whole = Target(PLANES, weights).coarser(cell)
    parts = [
        Target(PLANES[rows], None if weights is None else weights[rows]).coarser(cell)
        for rows in (slice(0, 64), slice(64, 90))
    ]
    joined = Target.joined(parts)
    assert joined.cell == cell
    assert np.array_equal(joined.planes, whole.planes)
    assert np.array_equal(joined.weights, whole.weights)  # type: ignore[arg-type]
    assert joined.within == pytest.approx(whole.within, rel=1e-4)


def test_points_lie_in_their_cells() -> None:
    rows, cols = np.array([0, 3, 4, 89]), np.array([132, 4, 3, 0])
    points = Points(90, 133, rows, cols, np.arange(4))
    found = Target(PLANES).coarser(4).places(points)
    assert (found.height, found.width) == (23, 34)
    assert found.rows.tolist() == [0, 0, 1, 22]
    assert found.cols.tolist() == [33, 1, 0, 0]
    assert Target(PLANES).places(points) is points


@pytest.mark.parametrize("rate", [0.002, 0.01])
def test_cells_tell_the_error_of_the_fill(rate: float) -> None:
    """And the symbols that are chosen with their help are as good."""
    picture = pictures.scene(300, 400)
    request = Request(rate, decoder="classical")
    step = quantizer.index_of(60.0)
    fine = analysis.analyse(picture, request)
    coarse = analysis.analyse(picture, replace(request, cells=4.0))
    assert replace(request, cells=4.0).cell in (2, 4)
    assert fine.problem is not None
    assert coarse.problem is not None
    values = [
        draft.samples(draft.quantise(step, 4), step).values - draft.origin
        for draft in (fine, coarse)
    ]
    own, other = (fine.problem.error(each) for each in values)
    assert other < 1.03 * own
    assert coarse.problem.error(values[1]) == pytest.approx(other, rel=0.1)


def test_cells_are_where_samples_are_far_apart() -> None:
    sides = [Request(rate, cells=4.0).cell for rate in (1e-5, 1e-4, 1e-3, 0.01, 0.1)]
    assert sides == [64, 16, 4, 2, 1]
    assert Request(1e-4).cell == 1
    assert Request(1e-4, cells=4.0, block=8).cell == 8
    assert Request(1e-4, cells=4.0, tone="point").cell == 1
