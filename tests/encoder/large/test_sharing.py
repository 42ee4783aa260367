"""Bytes or error shared out among tiles (xcodec/encoder/sharing.py)."""

import itertools

import numpy as np
import pytest

from xcodec.encoder.large.sharing import shared_out

RANDOM = np.random.default_rng(5)
SPENT = np.sort(RANDOM.integers(20, 90, (6, 3)), 1)[:, ::-1].astype(float)
LOST = np.sort(RANDOM.random((6, 3)), 1) * 100


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.95])
def test_it_comes_near_the_best_of_all_choices(share: float) -> None:
    least, most = SPENT.min(1).sum(), SPENT.max(1).sum()
    limit = least + share * (most - least)
    rows = range(len(SPENT))
    every = np.array(list(itertools.product(range(3), repeat=len(SPENT))))
    fits = every[SPENT[rows, every].sum(1) <= limit]
    best = LOST[rows, fits].sum(1).min()
    which = shared_out(SPENT, LOST, limit)
    assert which is not None
    assert SPENT[rows, which].sum() <= limit
    assert LOST[rows, which].sum() <= best + 0.1 * (LOST.max(1).sum() - best)


def test_all_that_is_wanted_and_nothing() -> None:
    which = shared_out(SPENT, LOST, SPENT.max(1).sum())
    assert which is not None
    assert (which == LOST.argmin(1)).all()
    assert shared_out(SPENT, LOST, SPENT.min(1).sum() - 1) is None


@pytest.mark.parametrize(("limit", "chosen"), [(79, [1, 1, 1]), (85, [1, 0, 1]), (135, [0, 1, 1])])
def test_what_no_price_spends_goes_to_single_tiles(limit: int, chosen: list[int]) -> None:
    """Those that gain most come first, if they keep to the limit together with all others."""
    spent = np.array([[100.0, 10], [60, 10], [60, 10]])
    lost = np.array([[0.0, 100], [0, 50], [0, 40]])
    which = shared_out(spent, lost, limit)
    assert which is not None
    assert which.tolist() == chosen
