"""``xcodec bench report``: a page of records with plots, tables and a comparison viewer."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict, cast

from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.pages import html, shots, tables
from xcodec.evaluation.pages.viewer import MetricData
from xcodec.evaluation.peers.rivals import RIVALS
from xcodec.evaluation.runs import summary
from xcodec.evaluation.runs.records import so_many
from xcodec.evaluation.runs.schema import RdRecord, Record

HINT = (
    "Drag the slider, or move it with the arrow keys. Sizes are those of the real files, or of "
    "their payloads; this page holds decoded pictures as WebP at quality {quality}."
)


FAMILIES = {name: r.name for r in RIVALS.values() if not r.part for name in r.codecs}
"""Peers by their settings, which have the peer's colour."""
RECORDABLE = tuple(rival.name for rival in RIVALS.values() if rival.recordable)
"""Peers that may have been measured on some pictures only."""


class PlottedMetric(MetricData):
    """A metric of the plots.

    aim : the metric for which the scaled files were chosen that are shown with it
    """

    rising: bool
    aim: str


class PlottedCurve(TypedDict):
    """A curve of the plots.

    own    : whether it is xcodec's
    dashed : whether it is of scaled files
    first  : whether it is shown at first
    colour : index of the colour
    points : settings, bytes, bpp and metrics
    """

    name: str
    aim: str | None
    own: bool
    dashed: bool
    first: bool
    colour: int
    points: list[dict[str, float | None]]


class PlotData(TypedDict):
    """The curves of a record, as ``plots.js`` reads them."""

    label: str
    metrics: list[PlottedMetric]
    curves: list[PlottedCurve]


def build(
    records: Sequence[Record], folder: Path | None, chosen: Sequence[int], state: Path
) -> str:
    """Return the page of some records.

    folder : of the pictures of one of the records, for the viewer; None: no viewer
    chosen : up to six positions of pictures to show, from 1; empty: spread over all
    state  : path of the state file

    Raises InputError if the folder holds the pictures of no record.
    """
    of_rd = [record for record in records if record["benchmark"] == "rd"]
    body: list[str] = []
    data: dict[str, object] = {}
    sections: dict[str, str] = {}
    if folder is not None:
        pictured, paths = shots.pictured(of_rd, folder, chosen)
        shown, quality = shots.shown(pictured, paths, state)
        data["viewer"] = shown
        titles = [metric["title"] for metric in shown["metrics"]]
        body.append(html.viewer(HINT.format(quality=quality), titles))
        sections["viewer"] = "Pictures"
    if plotted := [each for record in of_rd for each in _sets(record)]:
        data["plots"] = {"sets": plotted}
        body.append(html.plots())
        sections["plots"] = "Plots"
    for place, record in enumerate(records):
        name = f"record-{place}"
        sections[name] = record["label"]
        body.append(html.section(name, record["label"], "".join(_tables(record))))
    body.append(html.section("how", "How this was measured", _provenance(records)))
    sections["how"] = "Method"
    lead = (
        "xcodec stores a few pixels of a picture and reconstructs the rest. This page compares it "
        "with other codecs: real files, decoded by the real decoders. Of a file every byte counts, "
        "of a payload the coded pixels alone."
    )
    version = records[0]["versions"]["xcodec"]
    return html.page(
        "xcodec beside other codecs", lead, "\n".join(body), data, f"xcodec {version}", sections
    )


def _sets(record: RdRecord) -> Iterator[PlotData]:
    """The curves over all pictures, and over those of which the same codecs were recorded; none
    where there are no points."""
    count = len(record["pictures"])
    known = list(range(count))
    if whole := _plotted(record, known, ""):
        yield whole
    for curve in record["figures"]["curves"]:
        shared = summary.covered(curve) if curve["points"] else known
        if curve["codec"] in RECORDABLE and len(shared) < count and shared != known:
            known = shared
            if part := _plotted(record, known, " with points of VVC"):
                yield part


def _plotted(record: RdRecord, pictures: Sequence[int], which: str) -> PlotData | None:
    """The curves over some pictures, by their indices; None if there are none.

    which : says which they are, for the label
    """
    names = record["figures"]["metrics"]
    keys = ("bytes", "bpp", *names)
    codecs: list[str] = []
    found: list[PlottedCurve] = []
    for curve in record["figures"]["curves"]:
        family = f"{curve['kind']} {FAMILIES.get(curve['codec'], curve['codec'])}"
        if family not in codecs:
            codecs.append(family)
        points: list[dict[str, float | None]] = [
            {key: _rounded(summary.mean_of(point, key, pictures)) for key in keys}
            | {"setting": point["setting"]}
            for point in curve["points"]
        ]
        found.append(
            {
                "name": curve["name"].split(", best")[0],
                "aim": curve["aim"],
                "own": curve["kind"] == "xcodec",
                "dashed": curve["aim"] is not None,
                "first": summary.representative(curve),
                "colour": codecs.index(family),
                "points": [point for point in points if point["bytes"] is not None],
            }
        )
    found = [curve for curve in found if curve["points"]]
    if not found:
        return None
    aims = {curve["aim"] for curve in found}
    metrics: list[PlottedMetric] = [
        {
            "key": name,
            "title": METRICS[name].title,
            "digits": METRICS[name].digits,
            "rising": METRICS[name].rising,
            "aim": METRICS[name].aim if METRICS[name].aim in aims else "psnr",
        }
        for name in names
        if any(point[name] is not None for curve in found for point in curve["points"])
    ]
    label = f"{record['label']} ({so_many(len(pictures))}{which})"
    return {"label": label, "metrics": metrics, "curves": found}


def _rounded(value: float | None) -> float | None:
    return value if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _tables(record: Record) -> Iterator[str]:
    """The tables of a record."""
    if record["benchmark"] != "rd":
        yield from _rows(record)
        return
    figures, names = record["figures"], record["figures"]["metrics"]
    budgets = tables.budgets(figures["curves"], names)
    if budgets.lines:
        yield html.table(budgets.header, budgets.lines, _capital(budgets.title))
    for table in (
        tables.leads(summary.leads(figures["curves"], names), names),
        tables.takeovers(figures["takeovers"], names),
        tables.deltas(figures["deltas"], names),
    ):
        if table.lines:
            inside = html.table(table.header, table.lines, texts=2)
            yield f"<details><summary>{_capital(table.title)}</summary>{inside}</details>"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _rows(record: Record) -> Iterator[str]:
    """Tables of a benchmark whose figures are rows."""
    figures = cast(Mapping[str, Sequence[Mapping[str, object]]], record["figures"])
    for rows in (figures.get("processes"), figures["rows"]):
        if rows:
            # Some rows have columns that others lack, such as the noise of links by sound.
            header = [
                key
                for key in dict.fromkeys(key for row in rows for key in row)
                if not any(isinstance(row.get(key), dict | list) for row in rows)
            ]
            cells = [[_cell(row.get(key)) for key in header] for row in rows]
            yield html.table(header, cells)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _provenance(records: Sequence[Record]) -> str:
    rows = []
    for record in records:
        machine = record["machine"]
        rows.append([record["label"], "command", record["command"]])
        rows.append(["", "machine", f"{machine['processor']}, {machine['cores']} cores"])
        versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        rows.append(["", "versions", versions])
        for name, known in record["weights"].items():
            rows.append(["", "weights", f"{name} (SHA-256 {known}…)"])
        if record["benchmark"] == "rd":
            for name, known in record["figures"].get("recorded", {}).items():
                rows.append(["", "measured elsewhere", f"{name} (SHA-256 {known}…)"])
    text = (
        "<p>PSNR is over R, G and B together; SSIM is scikit-image's with 7×7 windows; LPIPS is "
        "version 0.1 over SqueezeNet. All values are means over the pictures. For scaled codecs "
        "each picture was scaled down by Lanczos, coded, and scaled up bicubically, at the "
        "setting, scale and quality that are best within the bytes. A <em>file</em> is what a "
        "program writes, every byte counted. A <em>payload</em> is the coded pixels alone, without "
        "container and headers: AV1's media data, HEVC's and VVC's slices.</p>"
    )
    table = html.table(["record", "what", "how"], rows, texts=3)
    return f'{text}<div class="notes">{table}</div>'
