"""The encoder's choice of protection."""

import itertools

import numpy as np
import pytest

from xcodec import protection
from xcodec.protection import Curve

SIZES = np.array([0.0, 20, 60, 150, 400, 900])
CURVE = Curve(SIZES, 12 + 3.0 * np.log2(1 + SIZES / 20))


def mean(plan: dict[int, int], chances: np.ndarray) -> float:
    """Mean quality of columns by threshold, counted anew."""
    used = sorted(plan)
    total = 0.0
    for count, chance in enumerate(chances):
        known = [k for k in used if k <= count]
        size = sum(k * plan[k] for k in known) - 2 * min(len(known), len(used) - 1)
        total += chance * float(CURVE.at(np.array(max(size, 0))))
    return total


def test_arrivals_are_probabilities_with_the_planned_mean() -> None:
    for count, loss in itertools.product((1, 7, 255), (0.0, 0.1, 0.3)):
        chances = protection.arrivals(count, loss)
        assert chances.sum() == pytest.approx(1)
        assert (chances >= 0).all()
        assert (chances * np.arange(count + 1)).sum() == pytest.approx(count * (1 - loss))
    assert protection.arrivals(5, 0.0)[-1] == 1


@pytest.mark.parametrize("loss", [0.05, 0.1, 0.3, 0.5])
def test_no_plan_of_two_ranges_is_much_better(loss: float) -> None:
    count, columns = 6, 60
    chances = protection.arrivals(count, loss)
    plan = protection.choose(CURVE, chances, columns)
    chosen = {each.threshold: each.columns for each in plan.ranges}
    assert sum(chosen.values()) == columns
    assert plan.quality == pytest.approx(mean(chosen, chances))
    best = max(
        mean({low: share, high: columns - share}, chances)
        for low, high in itertools.combinations(range(1, count + 1), 2)
        for share in range(4, columns - 3)
    )
    assert plan.quality > best - 0.02


def test_thresholds_ascend_and_fall_with_the_loss() -> None:
    lowest = []
    for loss in (0.0, 0.1, 0.3, 0.6):
        plan = protection.choose(CURVE, protection.arrivals(10, loss), 50)
        thresholds = [each.threshold for each in plan.ranges]
        assert thresholds == sorted(set(thresholds))
        assert all(each.size >= protection.SMALLEST for each in plan.ranges[:-1])
        lowest.append(plan.ranges[-1].threshold)
    assert lowest == sorted(lowest, reverse=True)
    assert lowest[0] == 10


def test_the_least_bytes_are_kept() -> None:
    chances = protection.arrivals(6, 0.3)
    free = protection.choose(CURVE, chances, 60)
    bound = protection.choose(CURVE, chances, 60, least=330)
    held = sum(each.size for each in bound.ranges) - 2 * (len(bound.ranges) - 1)
    assert sum(each.size for each in free.ranges) < 320
    assert held >= 329


def test_a_hull_is_concave_and_above() -> None:
    rng = np.random.default_rng(1)
    curve = Curve(np.cumsum(rng.random(40)), np.cumsum(rng.random(40) ** 3))
    hull = curve.hull()
    slopes = np.diff(hull.quality) / np.diff(hull.sizes)
    assert (np.diff(slopes) < 0).all()
    assert (hull.at(curve.sizes) >= curve.quality - 1e-9).all()


def test_a_short_stream_and_much_room() -> None:
    plan = protection.choose(CURVE, protection.arrivals(5, 0.2), 2000)
    assert sum(each.columns for each in plan.ranges) == 2000
    assert plan.ranges[0].threshold == 1
