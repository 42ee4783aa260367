"""What a run of ``xcodec bench rd`` found, as a record holds it.

Curves are plain dictionaries here, as in the record: "name", "kind", "codec", "target", "aim" and
"points" (see docs/benchmarks.md). So records of earlier runs can be summed up too.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from xcodec.evaluation.measures import curves
from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.runs.rd import Curve, Measurement
from xcodec.evaluation.runs.records import mean

COMPARED = ("psnr", "ssim", "lpips")
"""Metrics of the Bjontegaard deltas."""
ORDER = ("xcodec", "best", "peer")


def as_curves(measured: Sequence[Sequence[Measurement]]) -> list[dict[str, Any]]:
    """Curves of means over the pictures, with every picture's own figures.

    measured : by picture

    Means are over the pictures that have a file; the others have None in every column.
    """
    groups: dict[Curve, dict[float, dict[int, Measurement]]] = defaultdict(dict)
    for place, of_picture in enumerate(measured):
        for m in of_picture:
            groups[m.curve].setdefault(m.setting, {})[place] = m
    found = [
        asdict(curve)
        | {"points": [_point(s, group, len(measured)) for s, group in sorted(points.items())]}
        for curve, points in groups.items()
    ]
    return sorted(found, key=lambda curve: ORDER.index(curve["kind"]))


def _point(setting: float, group: dict[int, Measurement], count: int) -> dict[str, Any]:
    names = list(next(iter(group.values())).figures)
    columns: dict[str, list[Any]] = {
        "bytes": [group[i].bytes if i in group else None for i in range(count)],
        "bpp": [group[i].bpp if i in group else None for i in range(count)],
    }
    for name in names:
        columns[name] = [group[i].figures[name] if i in group else None for i in range(count)]
    choices = [group[i].choice if i in group else None for i in range(count)]
    of = {name: [column[i] for i in sorted(group)] for name, column in columns.items()}
    return (
        {"setting": setting, "files": len(group), "largest": max(of["bytes"])}
        | {name: mean(values) for name, values in of.items()}
        | {"pictures": columns | ({"choice": choices} if any(choices) else {})}
    )


def pairs(curve: dict[str, Any], name: str) -> list[curves.Point]:
    """Bpp and a mean figure of the points that have both, and a file of every picture."""
    return [
        (point["bpp"], point[name])
        for point in curve["points"]
        if point.get(name) is not None and None not in point["pictures"]["bytes"]
    ]


def beside(
    found: list[dict[str, Any]], places: Iterable[float], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Every curve's figures at the same bpp: None where it doesn't reach."""
    return [
        {"bpp": bpp, "name": curve["name"]}
        | {name: curves.at_bpp(pairs(curve, name), bpp) for name in names}
        for bpp in places
        for curve in found
    ]


def deltas(
    found: list[dict[str, Any]], names: Sequence[str], span: curves.Point | None = None
) -> list[dict[str, Any]]:
    """Bjontegaard deltas of every curve of xcodec against every peer's, by metric.

    span : lowest and highest bpp of the peer that count
    """
    return [
        row
        | {"within_bpp": span}
        | asdict(curves.delta(ours, theirs, METRICS[row["metric"]].rising, span))
        for row, ours, theirs in _opposed(found, names)
    ]


def takeovers(found: list[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """By curve of xcodec, peer and metric, the bpp from which on the peer is better.

    None where it isn't as far as both reach; curves that share no rates are left out.
    """
    return [
        row | {"from_bpp": place[0], "bpp": list(place[1])}
        for row, ours, theirs in _opposed(found, names)
        if (place := curves.takeover(ours, theirs, METRICS[row["metric"]].rising)) is not None
    ]


def _opposed(
    found: list[dict[str, Any]], names: Sequence[str]
) -> Iterator[tuple[dict[str, Any], list[curves.Point], list[curves.Point]]]:
    """Every curve of xcodec, of two points at least, with every peer's, by metric."""
    for own in (curve for curve in found if curve["kind"] == "xcodec"):
        for other in (curve for curve in found if curve["kind"] != "xcodec"):
            for name in (name for name in COMPARED if name in names):
                ours, theirs = pairs(own, name), pairs(other, name)
                if other["aim"] in (None, name) and min(len(ours), len(theirs)) > 1:
                    row = {"name": own["name"], "anchor": other["name"], "metric": name}
                    yield row, ours, theirs


def places(found: list[dict[str, Any]], asked: Iterable[float]) -> list[float]:
    """Where curves are set beside each other: xcodec's first curve by rate, and what was asked."""
    first = next((curve for curve in found if curve["target"] == "rate"), None)
    own = [point["bpp"] for point in first["points"]] if first else []
    return [*own, *asked]
