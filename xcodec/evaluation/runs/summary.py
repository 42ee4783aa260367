"""Summary of a run of ``xcodec bench rd`` as its record holds it (see docs/benchmarks.md).

All but ``as_curves`` work on the curves of a record, so that they also apply to older records.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, TypedDict, cast

from xcodec.evaluation.measures import curves
from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.runs.rd import CurveKey, Measurement
from xcodec.evaluation.runs.records import mean
from xcodec.evaluation.runs.schema import (
    BesideRow,
    CurvePoint,
    DeltaRow,
    RecordedCurve,
    TakeoverRow,
    figure,
)

COMPARED = ("psnr", "ssim", "lpips")
"""Metrics of the Bjontegaard deltas."""
ORDER = ("xcodec", "best", "peer")
"""Kinds of curves as records sort them."""


class _Pair(TypedDict):
    """A curve of xcodec and another codec's, compared by a metric."""

    name: str
    anchor: str
    metric: str


def as_curves(measured: Sequence[Sequence[Measurement]]) -> list[RecordedCurve]:
    """Return curves of means over the pictures, with the figures of each picture.

    measured : by picture

    Means are over the pictures that have a file; the others are None in every column.
    """
    groups: dict[CurveKey, dict[float, dict[int, Measurement]]] = defaultdict(dict)
    for place, of_picture in enumerate(measured):
        for m in of_picture:
            groups[m.curve].setdefault(m.setting, {})[place] = m
    found = [
        cast(
            RecordedCurve,
            asdict(curve)
            | {"points": [_point(s, group, len(measured)) for s, group in sorted(points.items())]},
        )
        for curve, points in groups.items()
    ]
    return sorted(found, key=lambda curve: ORDER.index(curve["kind"]))


def _point(setting: float, group: dict[int, Measurement], count: int) -> CurvePoint:
    """The point of a curve from its measurements by picture, of ``count`` pictures."""
    names = list(next(iter(group.values())).figures)
    columns: dict[str, list[Any]] = {
        "bytes": [group[i].bytes if i in group else None for i in range(count)],
        "bpp": [group[i].bpp if i in group else None for i in range(count)],
    }
    for name in names:
        columns[name] = [group[i].figures[name] if i in group else None for i in range(count)]
    choices = [group[i].choice if i in group else None for i in range(count)]
    present = {name: [column[i] for i in sorted(group)] for name, column in columns.items()}
    point = (
        {"setting": setting, "files": len(group), "largest": max(present["bytes"])}
        | {name: mean(values) for name, values in present.items()}
        | {"pictures": columns | ({"choice": choices} if any(choices) else {})}
    )
    return cast(CurvePoint, point)


def pairs(curve: RecordedCurve, name: str) -> list[curves.Point]:
    """Return bpp and a mean figure of the points at which every picture has a file."""
    return [
        (point["bpp"], value)
        for point in curve["points"]
        if (value := figure(point, name)) is not None and None not in point["pictures"]["bytes"]
    ]


def beside(
    found: Sequence[RecordedCurve], places: Iterable[float], names: Sequence[str]
) -> list[BesideRow]:
    """Interpolate all curves at the same rates in bpp; None beyond the ends of a curve."""
    return [
        cast(
            BesideRow,
            {"bpp": bpp, "name": curve["name"]}
            | {name: curves.at_bpp(pairs(curve, name), bpp) for name in names},
        )
        for bpp in places
        for curve in found
    ]


def deltas(
    found: Sequence[RecordedCurve], names: Sequence[str], span: curves.Point | None = None
) -> list[DeltaRow]:
    """Return Bjontegaard deltas of all curves of xcodec against all other curves, by metric.

    span : range of the other curve's bpp to use
    """
    rows: list[DeltaRow] = []
    for pair, ours, theirs in _compared(found, names):
        delta = curves.delta(ours, theirs, METRICS[pair["metric"]].rising, span)
        rows.append(
            {
                **pair,
                "within_bpp": span,
                "rate": delta.rate,
                "quality": delta.quality,
                "figures": delta.figures,
                "bpp": delta.bpp,
            }
        )
    return rows


def takeovers(found: Sequence[RecordedCurve], names: Sequence[str]) -> list[TakeoverRow]:
    """Return the bpp from which another codec is better than xcodec, by curves and metric.

    It is None if the other codec is not better at the end of the common range. Curves that share
    no rates are left out.
    """
    return [
        {**pair, "from_bpp": place[0], "bpp": list(place[1])}
        for pair, ours, theirs in _compared(found, names)
        if (place := curves.takeover(ours, theirs, METRICS[pair["metric"]].rising)) is not None
    ]


def _compared(
    found: Sequence[RecordedCurve], names: Sequence[str]
) -> Iterator[tuple[_Pair, list[curves.Point], list[curves.Point]]]:
    """All pairs of a curve of xcodec and another one, by metric; both have two points or more."""
    for own in (curve for curve in found if curve["kind"] == "xcodec"):
        for other in (curve for curve in found if curve["kind"] != "xcodec"):
            for name in (name for name in COMPARED if name in names):
                ours, theirs = pairs(own, name), pairs(other, name)
                if other["aim"] in (None, name) and min(len(ours), len(theirs)) > 1:
                    pair: _Pair = {"name": own["name"], "anchor": other["name"], "metric": name}
                    yield pair, ours, theirs


def places(found: Sequence[RecordedCurve], asked: Iterable[float]) -> list[float]:
    """Return the bpp at which to interpolate: those of xcodec's first curve by rate, and others."""
    first = next((curve for curve in found if curve["target"] == "rate"), None)
    own = [point["bpp"] for point in first["points"]] if first else []
    return [*own, *asked]
