"""Summary of a run of ``xcodec bench rd`` as its record holds it (see docs/benchmarks.md).

All but ``as_curves`` work on the curves of a record, so that they also apply to older records.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, TypedDict, cast

from xcodec.evaluation.measures import curves
from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.peers.rivals import RIVALS
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

COMPARED = ("psnr", "ssim", "lpips", "dists")
"""Metrics by which codecs are compared, as far as they were measured."""
SECOND = tuple(name for rival in RIVALS.values() for name in rival.codecs[1:])
"""Settings at full size that another one of the same codec stands for."""
PROMINENT = ("webp", "avif", "av1", "vvc")
"""Peers whose scaled curves stand beside the best ones."""
COVERED = 0.9
"""Part of a codec's pictures that must have a file at a point for the point to be compared."""
ORDER = ("xcodec", "best", "peer")
"""Kinds of curves as records sort them."""


class _Pair(TypedDict):
    """A curve of xcodec and another codec's, compared by a metric on so many pictures."""

    name: str
    anchor: str
    metric: str
    pictures: int


class Lead(_Pair):
    """Means of both at one point of the other codec's, over the pictures that have a file there."""

    setting: float
    target: str
    own: float
    other: float


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


def representative(curve: RecordedCurve) -> bool:
    """Whether a plot that cannot show all curves shows this one."""
    if curve["kind"] != "peer":
        return True
    return curve["codec"] in PROMINENT if curve["aim"] else curve["codec"] not in SECOND


def covered(*found: RecordedCurve) -> list[int]:
    """Return the pictures, by index in the record, on which curves can be compared.

    They have a file at each point at which at least COVERED of a curve's pictures have one, in all
    curves.
    """
    columns = [point["pictures"]["bytes"] for curve in found for point in _full(curve)]
    if not columns:
        return []
    return [i for i in range(len(columns[0])) if all(c[i] is not None for c in columns)]


def _full(curve: RecordedCurve) -> list[CurvePoint]:
    """The points of a curve at which most of its pictures have a file."""
    columns = [point["pictures"]["bytes"] for point in curve["points"]]
    had = sum(any(size is not None for size in sizes) for sizes in zip(*columns, strict=True))
    return [p for p in curve["points"] if p["files"] >= COVERED * had]


def pairs(
    curve: RecordedCurve, name: str, pictures: Sequence[int] | None = None
) -> list[curves.Point]:
    """Return bpp and a mean figure of the points at which all pictures have a file.

    pictures : their indices in the record; None: all
    """
    found = []
    for point in curve["points"]:
        bpp, value = (mean_of(point, key, pictures) for key in ("bpp", name))
        if bpp is not None and value is not None:
            found.append((bpp, value))
    return found


def mean_of(point: CurvePoint, name: str, pictures: Sequence[int] | None = None) -> float | None:
    """Return a mean over pictures, by index, or over all; None if one of them has no file."""
    column: Any = point["pictures"].get(name)
    if column is None:
        return None
    if pictures is not None and len(pictures) < len(column):
        return mean(column[i] for i in pictures)
    return None if None in column else figure(point, name)


def leads(found: Sequence[RecordedCurve], names: Sequence[str]) -> list[Lead]:
    """Compare xcodec with other codecs at each budget, on the pictures that both have a file of.

    At equal budgets where xcodec was measured within them; else xcodec's curve is interpolated at
    the other codec's mean bpp.
    """
    rows: list[Lead] = []
    for own, other, name in _comparable(found, names):
        if other["target"] not in ("bytes", "bpp"):
            continue
        for point in other["points"]:
            both = _both(own, point, name, other["target"])
            if both is not None:
                rows.append(
                    {
                        "name": own["name"],
                        "anchor": other["name"],
                        "metric": name,
                        "pictures": both[0],
                        "setting": point["setting"],
                        "target": other["target"],
                        "own": both[1],
                        "other": both[2],
                    }
                )
    return rows


def _both(
    own: RecordedCurve, point: CurvePoint, name: str, target: str
) -> tuple[int, float, float] | None:
    """The number of common pictures, xcodec's mean figure, and that of a point."""
    theirs: Any = point["pictures"].get(name)
    if theirs is None:
        return None
    beside = [p for p in own["points"] if p["setting"] == point["setting"]]
    beside = beside if own["target"] == target else own["points"]
    if not beside:
        return None
    sizes = [p["pictures"]["bytes"] for p in beside]
    pictures = [
        i
        for i, value in enumerate(theirs)
        if value is not None and all(column[i] is not None for column in sizes)
    ]
    bpp, value = (mean_of(point, key, pictures) for key in ("bpp", name))
    if bpp is None or value is None:
        return None
    if own["target"] == target:
        mine = mean_of(beside[0], name, pictures)
    else:
        mine = curves.at_bpp(pairs(own, name, pictures), bpp)
    return None if mine is None else (len(pictures), mine, value)


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

    Both are means over the pictures of ``covered``.

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
    no rates are left out. Both are means over the pictures of ``covered``.
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
    for own, other, name in _comparable(found, names):
        pictures = covered(own, other)
        ours, theirs = pairs(own, name, pictures), pairs(other, name, pictures)
        if min(len(ours), len(theirs)) > 1:
            yield (
                {
                    "name": own["name"],
                    "anchor": other["name"],
                    "metric": name,
                    "pictures": len(pictures),
                },
                ours,
                theirs,
            )


def _comparable(
    found: Sequence[RecordedCurve], names: Sequence[str]
) -> Iterator[tuple[RecordedCurve, RecordedCurve, str]]:
    """A curve of xcodec, one of another codec, and a metric that its files were chosen for."""
    for own in (curve for curve in found if curve["kind"] == "xcodec" and curve["points"]):
        for other in (curve for curve in found if curve["kind"] != "xcodec" and curve["points"]):
            for name in (name for name in COMPARED if name in names):
                if other["aim"] in (None, METRICS[name].aim):
                    yield own, other, name


def places(found: Sequence[RecordedCurve], asked: Iterable[float]) -> list[float]:
    """Return the bpp at which to interpolate: those of xcodec's first curve by rate, and others."""
    first = next((curve for curve in found if curve["target"] == "rate"), None)
    own = [point["bpp"] for point in first["points"]] if first else []
    return [*own, *asked]
