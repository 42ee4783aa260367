"""Interpolation between measured points, and Bjontegaard deltas against values computed by hand."""

import math
import sys

import pytest

from xcodec.errors import DependencyError
from xcodec.evaluation.measures import curves


def test_between_measured_rates_figures_are_linear_over_log_bpp() -> None:
    curve = [(0.4, 30.0), (0.1, 20.0), (0.2, 26.0)]
    assert curves.at_bpp(curve, 0.2) == pytest.approx(26)
    assert curves.at_bpp(curve, math.sqrt(0.1 * 0.2)) == pytest.approx(23)
    assert curves.at_bpp(curve, 0.2 * 2**0.25) == pytest.approx(27)


def test_beyond_measured_rates_there_are_no_figures() -> None:
    curve = [(0.1, 20.0), (0.4, 30.0)]
    assert curves.at_bpp(curve, 0.1) == 20
    assert curves.at_bpp(curve, 0.4) == 30
    assert curves.at_bpp(curve, 0.0999) is None
    assert curves.at_bpp(curve, 0.4001) is None
    assert curves.at_bpp([], 0.1) is None
    assert curves.at_bpp([(0.1, 20.0), (0.1, 22.0)], 0.1) == 21


ONE = [(0.1, 20.0), (0.2, 23.0), (0.4, 26.0)]


def test_a_curve_of_half_the_bytes_saves_half() -> None:
    half = [(bpp / 2, psnr) for bpp, psnr in ONE]
    assert curves.delta(ONE, ONE).rate == pytest.approx(0)
    assert curves.delta(half, ONE).rate == pytest.approx(-0.5)
    assert curves.delta(ONE, half).rate == pytest.approx(1.0)
    # PSNR grows by 3 dB with every doubling: half the bytes correspond to 3 dB.
    assert curves.delta(half, ONE).quality == pytest.approx(3.0)
    assert curves.delta(half, ONE).figures == (20.0, 26.0)
    assert curves.delta(half, ONE).bpp == (0.1, 0.2)


def test_deltas_use_the_common_range() -> None:
    upper = [(0.1, 23.0), (0.2, 26.0)]
    found = curves.delta(upper, ONE)
    assert found.rate == pytest.approx(-0.5)
    assert found.figures == (23.0, 26.0)


def test_the_span_limits_the_anchor() -> None:
    # Linear over log bpp: a third of the way from 0.1 to 0.2 it is 21 dB.
    spanned = curves.within(ONE, (0.1 * 2 ** (1 / 3), 0.2))
    assert spanned == [(pytest.approx(0.1 * 2 ** (1 / 3)), pytest.approx(21)), (0.2, 23.0)]
    assert curves.within(ONE, (0.01, 0.2)) == [(0.1, 20.0), (0.2, 23.0)]
    assert curves.within(ONE, (0.5, 0.9)) == []
    half = [(bpp / 2, psnr) for bpp, psnr in ONE]
    assert curves.delta(half, ONE, span=(0.1, 0.2)).figures == (20.0, 23.0)
    assert curves.delta(half, ONE, span=(0.1, 0.2)).rate == pytest.approx(-0.5)


def test_signs_change_if_less_is_better() -> None:
    one = [(bpp, -figure) for bpp, figure in ONE]
    half = [(bpp / 2, figure) for bpp, figure in one]
    found = curves.delta(half, one, rising=False)
    assert found.rate == pytest.approx(-0.5)
    assert found.quality == pytest.approx(-3.0)
    assert found.figures == (-26.0, -20.0)


def test_without_overlap_there_is_no_delta() -> None:
    found = curves.delta(ONE, [(1.0, 27.0), (2.0, 30.0)])
    assert found == curves.Delta(None, None, None, None)
    assert curves.delta(ONE, [(0.1, 20.0)]).rate is None
    # The same figures at ten times the rate: bytes can be compared, figures cannot.
    far = [(bpp * 10, psnr) for bpp, psnr in ONE]
    assert curves.delta(ONE, far).rate == pytest.approx(-0.9)
    assert curves.delta(ONE, far).quality is None


def test_the_rate_from_which_another_is_better() -> None:
    steep = [(0.1, 19.0), (0.4, 27.0)]
    # 1 dB less at 0.1, equal (23 dB) at 0.2, more from there.
    place = curves.takeover(ONE, steep)
    assert place == (pytest.approx(0.2), (0.1, 0.4))
    # Equal in the middle of a segment: 1 dB less at 0.2, 1 dB more at 0.4.
    later = [(0.1, 19.0), (0.2, 22.0), (0.4, 27.0)]
    place = curves.takeover(ONE, later)
    assert place is not None
    assert place[0] == pytest.approx(0.2 * math.sqrt(2))
    assert curves.takeover(ONE, [(0.1, 19.0), (0.8, 28.0)]) == (None, (0.1, 0.4))
    assert curves.takeover(ONE, [(0.2, 29.0), (0.8, 31.0)]) == (0.2, (0.2, 0.4))
    assert curves.takeover(ONE, [(0.5, 29.0), (0.8, 31.0)]) is None
    turned = [(bpp, -figure) for bpp, figure in ONE]
    place = curves.takeover(turned, [(0.1, -19.0), (0.4, -27.0)], rising=False)
    assert place == (pytest.approx(0.2), (0.1, 0.4))


def test_points_that_cost_more_and_are_worse_are_ignored() -> None:
    assert curves.delta([*ONE, (0.3, 22.0)], ONE).rate == pytest.approx(0)


def test_a_missing_package_is_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "bjontegaard", None)
    with pytest.raises(DependencyError, match=r"bjontegaard .*xcodec\[bench\]"):
        curves.delta(ONE, ONE)
