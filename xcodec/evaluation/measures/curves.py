"""Figures of different codecs at equal rates, and rates at equal figures.

A curve is a sequence of pairs: bits per pixel, above 0, and a figure measured there.
"""

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import XcodecError

Point = tuple[float, float]
Curve = Sequence[Point]
Pairs = NDArray[np.float64]
METHOD = "pchip"
"""Interpolation of Bjontegaard's deltas: monotone, so it never swings beyond what was measured."""


@dataclass(frozen=True)
class Delta:
    """How one curve stands to another, its anchor, where they overlap; None where they don't.

    rate    : mean change of the bytes at equal figures: -0.2 means a fifth less
    quality : mean change of the figure at equal bytes
    figures : lowest and highest figure that both reach
    bpp     : lowest and highest rate that both reach
    """

    rate: float | None
    quality: float | None
    figures: Point | None
    bpp: Point | None


def at_bpp(curve: Iterable[Point], bpp: float) -> float | None:
    """A figure at a rate between measured ones, linear over log bpp; None beyond them.

    Of several figures at the same rate the mean counts.
    """
    measured: dict[float, list[float]] = {}
    for rate, value in curve:
        measured.setdefault(rate, []).append(value)
    rates = sorted(measured)
    if not rates or not rates[0] <= bpp <= rates[-1]:
        return None
    values = [np.mean(measured[rate]) for rate in rates]
    return float(np.interp(math.log(bpp), np.log(rates), values))


def within(curve: Curve, span: Point | None) -> list[Point]:
    """The part of a curve within a span of bpp, its ends interpolated as in ``at_bpp``."""
    if span is None or not curve:
        return sorted(curve)
    ends = [min(max(end, min(curve)[0]), max(curve)[0]) for end in span]
    points = [point for point in curve if ends[0] < point[0] < ends[1]]
    for end in set(ends):
        value = at_bpp(curve, end)
        if value is not None and span[0] <= end <= span[1]:
            points.append((end, value))
    return sorted(points)


def delta(curve: Curve, anchor: Curve, rising: bool = True, span: Point | None = None) -> Delta:
    """Bjontegaard's deltas from an anchor to a curve, by the package ``bjontegaard``.

    rising : whether more of the figure is better
    span   : lowest and highest bpp of the anchor that count

    Points that cost more bytes than another without being better are left out.
    Raises XcodecError where the package isn't installed.
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
    change = _measure("bd_rate", theirs, ours) if figures else None
    better = _measure("bd_psnr", theirs, ours) if rates else None
    signed = sorted(sign * figure for figure in figures) if figures else None
    return Delta(
        None if change is None else change / 100,
        None if better is None else sign * better,
        (signed[0], signed[1]) if signed else None,
        rates,
    )


def takeover(curve: Curve, other: Curve, rising: bool = True) -> tuple[float | None, Point] | None:
    """From which bpp on another curve is better than one, where both reach; None where they don't.

    Returns that bpp, None where it never is to the end, and the lowest and highest bpp that both
    reach. Between measured points as in ``at_bpp``.
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


def _measure(name: str, anchor: Pairs, test: Pairs) -> float | None:
    try:
        import bjontegaard
    except ImportError as error:
        raise XcodecError("BD-rate needs bjontegaard: pip install bjontegaard") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns of small overlaps, which we state.
        value = getattr(bjontegaard, name)(
            *anchor.T, *test.T, method=METHOD, require_matching_points=False, min_overlap=0
        )
    return float(value) if math.isfinite(value) else None


def _overlap(one: Pairs, other: Pairs) -> Point | None:
    low, high = max(one.min(), other.min()), min(one.max(), other.max())
    return (float(low), float(high)) if low < high else None


def _frontier(curve: Iterable[Point]) -> list[Point]:
    """The points, by rate, that are better than all that cost less."""
    best: list[Point] = []
    for bpp, figure in sorted(curve, key=lambda point: (point[0], -point[1])):
        if not best or (figure > best[-1][1] and bpp > best[-1][0]):
            best.append((bpp, figure))
    return best
