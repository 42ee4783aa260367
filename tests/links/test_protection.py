"""The encoder's choice of protection."""

import itertools

import numpy as np
import pytest

from xcodec.coding.ranges import PARAMETERS, Range, capacity
from xcodec.links import protection
from xcodec.links.protection import Aim, Curve

SIZES = np.array([0.0, 20, 60, 150, 400, 900])
CURVE = Curve(SIZES, 12 + 3.0 * np.log2(1 + SIZES / 20))


def worth(plan: dict[int, int], aim: Aim) -> float:
    """What columns by threshold are worth, counted anew."""
    used = sorted(plan)
    qualities = []
    for count in range(aim.count + 1):
        known = [k for k in used if k <= count]
        size = sum(k * plan[k] for k in known) - 2 * min(len(known), len(used) - 1)
        qualities.append(float(CURVE.at(np.array(max(size, 0)))))
    mean = sum(chance * each for chance, each in zip(aim.chances, qualities, strict=True))
    planned = sum(chance * each for chance, each in zip(aim.planned, qualities, strict=True))
    fine = protection.BELOW_FLOOR_PENALTY * max(aim.floor - qualities[-1], 0)
    fine += protection.FALL_PENALTY * max(qualities[-1] - planned - protection.ALLOWED_FALL, 0)
    return mean - fine


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
    aim = protection.aim_for(count, loss)
    plan = protection.choose(CURVE, aim, columns)
    chosen = {each.threshold: each.columns for each in plan.ranges}
    assert sum(chosen.values()) == columns
    assert plan.quality == pytest.approx(worth(chosen, aim))
    best = max(
        worth({low: share, high: columns - share}, aim)
        for low, high in itertools.combinations(range(1, count + 1), 2)
        for share in range(4, columns - 3)
    )
    assert plan.quality > best - 0.02


def test_thresholds_ascend_and_fall_with_the_loss() -> None:
    lowest = []
    for loss in (0.0, 0.1, 0.3, 0.6):
        plan = protection.choose(CURVE, protection.aim_for(10, loss), 50)
        thresholds = [each.threshold for each in plan.ranges]
        assert thresholds == sorted(set(thresholds))
        least = [protection.SMALLEST + PARAMETERS] + [protection.SMALLEST] * len(thresholds)
        sizes = [each.size for each in plan.ranges[:-1]]
        assert all(size >= low for size, low in zip(sizes, least, strict=False))
        lowest.append(plan.ranges[-1].threshold)
    assert lowest == sorted(lowest, reverse=True)
    assert lowest[0] == 10


def quality(plan: protection.Protection, count: int) -> float:
    """dB from so many packets."""
    known = [each for each in plan.ranges if each.threshold <= count]
    return float(CURVE.at(np.array(sum(each.size for each in known) - 2 * len(known))))


def test_the_floor_is_kept() -> None:
    free = protection.choose(CURVE, protection.aim_for(6, 0.3), 60)
    floor = quality(free, 6) + 0.5
    bound = protection.choose(CURVE, protection.aim_for(6, 0.3, floor), 60)
    assert quality(bound, 6) > floor - 0.1
    assert quality(bound, 2) < quality(free, 2)


def test_a_deep_fall_at_the_planned_loss_is_fined() -> None:
    chances, qualities = protection.arrivals(6, 0.3), np.array([5.0, 9, 14, 20, 24, 28, 28])
    aim = Aim(chances, protection.binomial(6, 0.3))
    fall = 28 - float(aim.planned @ qualities)
    assert fall > protection.ALLOWED_FALL
    expected = float(chances @ qualities) - protection.FALL_PENALTY * (
        fall - protection.ALLOWED_FALL
    )
    assert aim.worth(qualities) == pytest.approx(expected)


def test_a_hull_is_concave_and_above() -> None:
    rng = np.random.default_rng(1)
    curve = Curve(np.cumsum(rng.random(40)), np.cumsum(rng.random(40) ** 3))
    hull = curve.hull()
    slopes = np.diff(hull.quality) / np.diff(hull.sizes)
    assert (np.diff(slopes) < 0).all()
    assert (hull.at(curve.sizes) >= curve.quality - 1e-9).all()


def test_a_stream_that_is_worth_nothing_needs_one_packet() -> None:
    flat = Curve(np.array([0.0, 9]), np.array([61.0, 61]))
    plan = protection.choose(flat, protection.aim_for(5, 0.2), 30)
    assert plan.ranges == (Range(1, 30),)


def test_a_short_stream_and_much_room() -> None:
    plan = protection.choose(CURVE, protection.aim_for(5, 0.2), 2000)
    assert sum(each.columns for each in plan.ranges) == 2000
    assert plan.ranges[0].threshold == 1


@pytest.mark.parametrize("size", range(2000, 2020))
def test_what_a_plan_holds_is_known_to_the_byte(size: int) -> None:
    """Long descriptions of ranges included: a byte less than the stream may cost a whole plane."""
    curve = Curve(np.array([0.0, size - 1, size]), np.array([0.0, 20, 40]))
    plan = protection.choose(curve, protection.aim_for(10, 0.1, 39.0), 240)
    assert sum(each.columns for each in plan.ranges) == 240
    assert PARAMETERS + capacity(plan.ranges) >= size
