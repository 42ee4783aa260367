"""``xcodec bench report``: a page of records with plots, tables and a comparison viewer."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict, cast

from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.pages import html, shots, tables
from xcodec.evaluation.pages.viewer import MetricData
from xcodec.evaluation.runs.schema import RdRecord, Record, RecordedCurve, figure

HINT = (
    "Drag the slider, or move it with the arrow keys. Sizes are those of the real files; this page "
    "holds decoded pictures as WebP at quality {quality}."
)


class PlottedMetric(MetricData):
    """A metric of the plots."""

    rising: bool


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
    if of_rd:
        data["plots"] = {"sets": [_plotted(record) for record in of_rd]}
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
        "with other codecs: real files, decoded by the real decoders, every byte counted."
    )
    version = records[0]["versions"]["xcodec"]
    return html.page(
        "xcodec beside other codecs", lead, "\n".join(body), data, f"xcodec {version}", sections
    )


def _plotted(record: RdRecord) -> PlotData:
    names = record["figures"]["metrics"]
    codecs: list[str] = []
    found: list[PlottedCurve] = []
    for curve in record["figures"]["curves"]:
        if not curve["points"]:
            continue
        family = f"{curve['kind']} {curve['codec']}"
        if family not in codecs:
            codecs.append(family)
        keys = ("setting", "bytes", "bpp", *names)
        found.append(
            {
                "name": curve["name"].split(", best")[0],
                "aim": curve["aim"],
                "own": curve["kind"] == "xcodec",
                "dashed": curve["aim"] is not None,
                "first": curve["aim"] is None or _scaled_first(curve),
                "colour": codecs.index(family),
                "points": [
                    {key: _rounded(figure(point, key)) for key in keys}
                    for point in curve["points"]
                    if point["files"] == len(record["pictures"])
                ],
            }
        )
    metrics: list[PlottedMetric] = [
        {
            "key": name,
            "title": METRICS[name].title,
            "digits": METRICS[name].digits,
            "rising": METRICS[name].rising,
        }
        for name in names
        if any(point[name] is not None for curve in found for point in curve["points"])
    ]
    label = f"{record['label']} ({len(record['pictures'])} pictures)"
    return {"label": label, "metrics": metrics, "curves": [c for c in found if c["points"]]}


def _scaled_first(curve: RecordedCurve) -> bool:
    return curve["kind"] == "best" or curve["codec"] in shots.SCALED_SHOWN


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
            header = [key for key in rows[0] if not isinstance(rows[0][key], dict | list)]
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
    text = (
        "<p>PSNR is over R, G and B together; SSIM is scikit-image's with 7×7 windows; LPIPS is "
        "version 0.1 over SqueezeNet. All values are means over the pictures. For scaled codecs "
        "each picture was scaled down by Lanczos, coded, and scaled up bicubically, at the scale "
        "and quality that are best within the bytes.</p>"
    )
    table = html.table(["record", "what", "how"], rows, texts=3)
    return f'{text}<div class="notes">{table}</div>'
