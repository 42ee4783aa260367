"""Comparison of rate-distortion curves: figures at equal rates, and rates at equal figures.

A curve is a sequence of pairs: bits per pixel (above 0), and the value of a metric.
"""

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec.system.packages import require

Point = tuple[float, float]
RateCurve = Sequence[Point]
Pairs = NDArray[np.float64]
METHOD = "pchip"
"""Interpolation of the Bjontegaard deltas: monotone, so it does not overshoot the measurements."""


@dataclass(frozen=True)
class Delta:
    """Bjontegaard deltas of a curve against its anchor; None where the two do not overlap.

    rate    : mean change of the bytes at equal figures: -0.2 means 20 % fewer
    quality : mean change of the figure at equal bytes
    figures : lowest and highest figure that both curves reach
    bpp     : lowest and highest rate that both curves reach
    """

    rate: float | None
    quality: float | None
    figures: Point | None
    bpp: Point | None


def at_bpp(curve: Iterable[Point], bpp: float) -> float | None:
    """Interpolate a curve at a rate, linearly over log bpp; None beyond its ends.

    Figures measured at the same rate are averaged.
    """
    measured: dict[float, list[float]] = {}
    for rate, value in curve:
        measured.setdefault(rate, []).append(value)
    rates = sorted(measured)
    if not rates or not rates[0] <= bpp <= rates[-1]:
        return None
    values = [np.mean(measured[rate]) for rate in rates]
    return float(np.interp(math.log(bpp), np.log(rates), values))


def within(curve: RateCurve, span: Point | None) -> list[Point]:
    """Return the part of a curve within a range of bpp; its ends are interpolated by ``at_bpp``."""
    if span is None or not curve:
        return sorted(curve)
    ends = [min(max(end, min(curve)[0]), max(curve)[0]) for end in span]
    points = [point for point in curve if ends[0] < point[0] < ends[1]]
    for end in set(ends):
        value = at_bpp(curve, end)
        if value is not None and span[0] <= end <= span[1]:
            points.append((end, value))
    return sorted(points)


def delta(
    curve: RateCurve, anchor: RateCurve, rising: bool = True, span: Point | None = None
) -> Delta:
    """Bjontegaard deltas from an anchor to a curve, by the package ``bjontegaard``.

    rising : whether higher figures are better
    span   : range of the anchor's bpp to use

    Points that cost more bytes than another one without being better are ignored.
    Raises DependencyError if the package is not installed.
    Source: Bjontegaard, "Calculation of average PSNR differences between RD-curves",
    VCEG-M33, 2001.
    """
    sign = 1.0 if rising else -1.0
    ours, theirs = (
        np.array(_frontier([(bpp, sign * figure) for bpp, figure in points]))
        for points in (curve, within(anchor, span))
    )
    if len(ours) < 2 or len(theirs) < 2:
        return Delta(None, None, None, None)
    figures = _overlap(ours[:, 1], theirs[:, 1])
    rates = _overlap(ours[:, 0], theirs[:, 0])
    change = _bjontegaard("bd_rate", theirs, ours) if figures else None
    better = _bjontegaard("bd_psnr", theirs, ours) if rates else None
    signed = sorted(sign * figure for figure in figures) if figures else None
    return Delta(
        None if change is None else change / 100,
        None if better is None else sign * better,
        (signed[0], signed[1]) if signed else None,
        rates,
    )


def takeover(
    curve: RateCurve, other: RateCurve, rising: bool = True
) -> tuple[float | None, Point] | None:
    """Find the rate from which another curve is better, within the range that both reach.

    rising : whether higher figures are better

    Returns that rate in bpp (None if the other curve is not better at the end of the range) and the
    range; None if the curves share no range. Curves are interpolated as by ``at_bpp``.
    """
    if len(curve) < 2 or len(other) < 2:
        return None
    low, high = max(min(curve)[0], min(other)[0]), min(max(curve)[0], max(other)[0])
    if low >= high:
        return None
    sign = 1.0 if rising else -1.0
    rates = sorted({low, high, *(b for b, _ in (*curve, *other) if low < b < high)})
    ahead = [sign * ((at_bpp(curve, b) or 0.0) - (at_bpp(other, b) or 0.0)) for b in rates]
    last = max((i for i, lead in enumerate(ahead) if lead > 0), default=None)
    if last is None:
        return low, (low, high)
    if last == len(rates) - 1:
        return None, (low, high)
    one, two = ahead[last], ahead[last + 1]
    share = one / (one - two)
    return rates[last] * (rates[last + 1] / rates[last]) ** share, (low, high)


def _bjontegaard(name: str, anchor: Pairs, test: Pairs) -> float | None:
    package = require("bjontegaard", "bench")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns of small overlaps, which the tables show.
        value = getattr(package, name)(
            *anchor.T, *test.T, method=METHOD, require_matching_points=False, min_overlap=0
        )
    return float(value) if math.isfinite(value) else None


def _overlap(one: Pairs, other: Pairs) -> Point | None:
    low, high = max(one.min(), other.min()), min(one.max(), other.max())
    return (float(low), float(high)) if low < high else None


def _frontier(curve: Iterable[Point]) -> list[Point]:
    """The points, by rate, that are better than all cheaper ones."""
    best: list[Point] = []
    for bpp, figure in sorted(curve, key=lambda point: (point[0], -point[1])):
        if not best or (figure > best[-1][1] and bpp > best[-1][0]):
            best.append((bpp, figure))
    return best
