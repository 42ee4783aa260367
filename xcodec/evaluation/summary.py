"""What a run of ``xcodec bench rd`` found, as a record holds it and as tables show it.

Curves are plain dictionaries here, as in the record: "name", "kind", "codec", "target", "aim" and
"points" (see docs/benchmarks.md). So records of earlier runs can be summed up too.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from xcodec.evaluation import curves, metrics
from xcodec.evaluation.metrics import METRICS
from xcodec.evaluation.rd import Curve, Measurement
from xcodec.evaluation.records import mean, number, table

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
        asdict(curve) | {"points": [_point(s, group, len(measured)) for s, group in points.items()]}
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
    rows = []
    for own in (curve for curve in found if curve["kind"] == "xcodec"):
        for other in (curve for curve in found if curve["kind"] != "xcodec"):
            for name in (name for name in COMPARED if name in names):
                if other["aim"] not in (None, name):
                    continue
                ours, theirs = pairs(own, name), pairs(other, name)
                if len(ours) < 2 or len(theirs) < 2:
                    continue
                change = curves.delta(ours, theirs, METRICS[name].rising, span)
                row = {"name": own["name"], "anchor": other["name"], "metric": name}
                rows.append(row | {"within_bpp": span} | asdict(change))
    return rows


def takeovers(found: list[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """By curve of xcodec, peer and metric, the bpp from which on the peer is better.

    None where it isn't as far as both reach; curves that share no rates are left out.
    """
    rows = []
    for own in (curve for curve in found if curve["kind"] == "xcodec"):
        for other in (curve for curve in found if curve["kind"] != "xcodec"):
            for name in (name for name in COMPARED if name in names):
                if other["aim"] not in (None, name):
                    continue
                ours, theirs = pairs(own, name), pairs(other, name)
                place = curves.takeover(ours, theirs, METRICS[name].rising)
                if place is not None:
                    row = {"name": own["name"], "anchor": other["name"], "metric": name}
                    rows.append(row | {"from_bpp": place[0], "bpp": list(place[1])})
    return rows


def takeover_table(rows: list[dict[str, Any]]) -> str:
    """From where on peers are better."""
    lines = [
        [
            row["name"],
            row["anchor"],
            METRICS[row["metric"]].title,
            "nowhere" if row["from_bpp"] is None else f"{row['from_bpp']:.3f} bpp",
            " to ".join(f"{x:.3f}" for x in row["bpp"]),
        ]
        for row in rows
        if row["metric"] != "ssim"
    ]
    return table(["codec", "peer", "metric", "peer is better from", "compared over bpp"], lines)


def _header(names: Sequence[str]) -> list[str]:
    return [METRICS[name].title for name in names]


def _cells(row: dict[str, Any], names: Sequence[str]) -> list[str]:
    return [number(row.get(name), METRICS[name].digits) for name in names]


def budget_table(found: list[dict[str, Any]], names: Sequence[str]) -> str:
    """What each codec makes of each budget; empty where there are none."""
    rows = [
        (point["setting"], curve, point)
        for curve in found
        if curve["target"] in ("bytes", "bpp")
        for point in curve["points"]
    ]
    lines = [
        [
            curve["name"].replace(", fitted", ""),
            f"{setting:g} {curve['target']}",
            f"{point['files']}",
            f"{point['bytes']:.0f}",
            f"{point['largest']}",
            *_cells(point, names),
        ]
        for setting, curve, point in sorted(rows, key=lambda row: row[0])
    ]
    if not lines:
        return ""
    return table(["codec", "budget", "files", "bytes", "largest", *_header(names)], lines)


def beside_table(rows: list[dict[str, Any]], names: Sequence[str]) -> str:
    """Every codec that reaches so far, at the same rates."""
    lines = [
        [row["name"], number(row["bpp"], 4), *_cells(row, names)]
        for row in rows
        if row["psnr"] is not None
    ]
    return table(["codec", "bpp", *_header(names)], lines)


def delta_table(rows: list[dict[str, Any]]) -> str:
    """The Bjontegaard deltas in PSNR; where curves don't overlap the table says so."""
    lines = [
        [
            row["name"],
            row["anchor"],
            percent(row["rate"]),
            "no overlap" if row["quality"] is None else f"{row['quality']:+.3f}",
            "–" if row["figures"] is None else " to ".join(f"{x:.4g}" for x in row["figures"]),
            "–" if row["bpp"] is None else " to ".join(f"{x:.3g}" for x in row["bpp"]),
        ]
        for row in rows
        if row["metric"] == "psnr"
    ]
    return table(["codec", "against", "bytes", "PSNR", "over dB", "over bpp"], lines)


def percent(change: float | None) -> str:
    """A change as a signed percentage."""
    return "no overlap" if change is None else f"{100 * change:+.1f} %"


def places(found: list[dict[str, Any]], asked: Iterable[float]) -> list[float]:
    """Where curves are set beside each other: xcodec's first curve by rate, and what was asked."""
    first = next((curve for curve in found if curve["target"] == "rate"), None)
    own = [point["bpp"] for point in first["points"]] if first else []
    return [*own, *asked]


def shown(figures: dict[str, Any], names: Sequence[str] = metrics.ALWAYS) -> str:
    """All tables of a run."""
    parts = [budget_table(figures["curves"], names)]
    if figures["beside"]:
        parts.append("at equal rates, interpolated:\n\n" + beside_table(figures["beside"], names))
    if figures["deltas"]:
        parts.append(
            "Bjontegaard deltas at equal PSNR, and at equal bytes:\n\n"
            + delta_table(figures["deltas"])
        )
    if figures["takeovers"]:
        parts.append(f"where peers take over:\n\n{takeover_table(figures['takeovers'])}")
    return "\n\n".join(filter(None, parts))
