"""Tables of the results of ``xcodec bench rd``, for the terminal and for HTML pages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xcodec.evaluation.measures.metrics import ALWAYS, METRICS
from xcodec.evaluation.runs import records, summary
from xcodec.evaluation.runs.records import number
from xcodec.evaluation.runs.schema import (
    BesideRow,
    DeltaRow,
    RdFigures,
    RecordedCurve,
    TakeoverRow,
    figure,
)
from xcodec.evaluation.runs.summary import Lead


@dataclass(frozen=True)
class Table:
    """A table; its cells are texts."""

    title: str
    header: list[str]
    lines: list[list[str]]

    def __str__(self) -> str:
        return f"{self.title}:\n\n{records.table(self.header, self.lines)}"


def budgets(found: Iterable[RecordedCurve], names: Sequence[str]) -> Table:
    """The best files of each codec within each budget."""
    points = [
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
        for setting, curve, point in sorted(points, key=lambda row: row[0])
    ]
    header = ["codec", "budget", "files", "bytes", "largest", *_titles(names)]
    return Table("the best file within a budget", header, lines)


def leads(rows: Iterable[Lead], names: Sequence[str]) -> Table:
    """xcodec and each other codec at each budget, on the pictures that both have a file of."""
    lines = [
        [
            row["name"].replace(", fitted", ""),
            row["anchor"],
            METRICS[row["metric"]].title,
            f"{row['setting']:g} {row['target']}",
            f"{row['pictures']}",
            number(row["own"], METRICS[row["metric"]].digits),
            number(row["other"], METRICS[row["metric"]].digits),
            f"{row['own'] - row['other']:+.{METRICS[row['metric']].digits}f}",
        ]
        for row in rows
        if row["metric"] in names
    ]
    header = ["codec", "peer", "metric", "budget", "pictures", "codec's", "peer's", "difference"]
    return Table("beside each peer within a budget, on the same pictures", header, lines)


def beside(rows: Iterable[BesideRow], names: Sequence[str]) -> Table:
    """All codecs at the same rates, as far as they reach them."""
    lines = [
        [row["name"], number(row["bpp"], 4), *_cells(row, names)]
        for row in rows
        if row["psnr"] is not None
    ]
    return Table("at equal rates, interpolated", ["codec", "bpp", *_titles(names)], lines)


def deltas(rows: Iterable[DeltaRow], names: Sequence[str]) -> Table:
    """Bjontegaard deltas in some metrics; "no overlap" if the curves do not overlap."""
    lines = [
        [
            row["name"],
            row["anchor"],
            METRICS[row["metric"]].title,
            "no overlap" if row["rate"] is None else f"{100 * row['rate']:+.1f} %",
            "no overlap" if row["quality"] is None else f"{row['quality']:+.3f}",
            _range(row["figures"]),
            _range(row["bpp"]),
            _pictures(row),
        ]
        for row in rows
        if row["metric"] in names
    ]
    header = ["codec", "against", "metric", "bytes", "figure", "over figures", "over bpp"]
    header.append("pictures")
    title = "Bjontegaard deltas: bytes at equal figures, figures at equal bytes"
    return Table(title, header, lines)


def takeovers(rows: Iterable[TakeoverRow], names: Sequence[str]) -> Table:
    """The rates from which other codecs are better, in some metrics."""
    lines = [
        [
            row["name"],
            row["anchor"],
            METRICS[row["metric"]].title,
            "nowhere" if row["from_bpp"] is None else f"{row['from_bpp']:.3f} bpp",
            _range(row["bpp"]),
            _pictures(row),
        ]
        for row in rows
        if row["metric"] in names
    ]
    header = ["codec", "peer", "metric", "peer is better from", "compared over bpp", "pictures"]
    return Table("rates from which other codecs are better", header, lines)


def text(figures: RdFigures, names: Sequence[str] = ALWAYS) -> str:
    """Format all tables of a run that have rows."""
    tables = (
        budgets(figures["curves"], names),
        leads(summary.leads(figures["curves"], names), ["psnr"]),
        beside(figures["beside"], names),
        deltas(figures["deltas"], ["psnr"]),
        takeovers(figures["takeovers"], ["psnr", "lpips"]),
    )
    return "\n\n".join(str(table) for table in tables if table.lines)


def _titles(names: Sequence[str]) -> list[str]:
    return [METRICS[name].title for name in names]


def _cells(row: Mapping[str, object], names: Sequence[str]) -> list[str]:
    return [number(figure(row, name), METRICS[name].digits) for name in names]


def _pictures(row: TakeoverRow | DeltaRow) -> str:
    """The number of pictures that were compared; a dash in older records, which means all."""
    return str(row.get("pictures", "–"))


def _range(ends: Sequence[float] | None) -> str:
    return "–" if ends is None else " to ".join(f"{end:.4g}" for end in ends)
