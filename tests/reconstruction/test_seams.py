"""Where tiles meet (xcodec/reconstruction/seams.py)."""

import numpy as np

from xcodec.coding.quantizer import GROWTH
from xcodec.reconstruction import seams
from xcodec.types import Floats

PLACES = np.stack(np.indices((12, 24)), -1).reshape(-1, 2) * 5 + 2
TILES = (PLACES[:, 1] >= 60).astype(np.int32)
"""Two tiles side by side."""


def apart(gap: float) -> Floats:
    """Flat values, the right tile's higher by a gap in each plane."""
    return np.repeat(gap * TILES[:, None], 3, 1).astype(np.float32)


def test_values_come_nearer_across_the_border_and_nowhere_else() -> None:
    values = apart(4.0)
    joined = seams.joined(PLACES, TILES, values, 16.0).reshape(12, 24, 3)
    assert joined.dtype == np.float32
    assert (np.diff(joined, axis=1)[:, 11] < 3.8).all()
    np.testing.assert_allclose(joined[:, :8], 0, atol=1e-5)
    np.testing.assert_allclose(joined[:, -8:], 4, atol=1e-5)


def test_what_lies_alike_on_both_sides_stays() -> None:
    slope = (PLACES @ [[0.5], [0.25]] + [[0.0, 9.0, -3.0]]).astype(np.float32)
    inner = ((PLACES > 10) & (PLACES < [49, 109])).all(1)
    moved = seams.joined(PLACES, TILES, slope, 16.0) - slope
    assert np.abs(moved[inner]).max() < 0.01


def test_an_edge_is_kept_but_for_what_the_step_leaves_open() -> None:
    for step in (0.5, 4.0):
        moved = np.abs(seams.joined(PLACES, TILES, apart(200.0), step) - apart(200.0)).max(0)
        assert (moved > 0).all()
        assert (moved <= seams.PULL * seams.OPEN * step * np.array(GROWTH) + 1e-4).all()


def test_one_tile_and_few_samples_stay_as_they_are() -> None:
    values = apart(4.0)
    assert seams.joined(PLACES, 0 * TILES, values, 16.0) is values
    few = slice(seams.AROUND)
    assert seams.joined(PLACES[few], TILES[few], values[few], 16.0).tolist() == values[few].tolist()
