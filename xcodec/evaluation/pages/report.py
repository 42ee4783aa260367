"""``xcodec bench report``: records as one page with plots, tables and a comparison viewer."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.pages import html, shots, tables

HINT = (
    "Drag the slider, or move it with the arrow keys. Sizes are those of the real files; on this "
    "page decoded pictures are kept as WebP at quality {quality}, so that it stays small."
)
Record = dict[str, Any]


def build(
    records: Sequence[Record], folder: Path | None, chosen: Sequence[int], state: Path
) -> str:
    """The page of some records.

    folder : pictures of one of the records, for the viewer; without it there is none
    chosen : places of the pictures shown, from 1; up to six, by default spread over all

    Raises InputError where the folder holds no record's pictures.
    """
    of_rd = [record for record in records if record["benchmark"] == "rd"]
    body, data, sections = [], {}, {}
    if folder is not None:
        record, paths = shots.pictured(of_rd, folder, chosen)
        shown, quality = shots.shown(record, paths, state)
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
        "xcodec sends a picture as a few of its pixels and paints the rest. Here it stands beside "
        "other codecs: real files, decoded by the real decoders, every byte counted."
    )
    version = records[0]["versions"]["xcodec"]
    return html.page(
        "xcodec beside other codecs", lead, "\n".join(body), data, f"xcodec {version}", sections
    )


def _plotted(record: Record) -> dict[str, Any]:
    """A record as ``plots.js`` reads it."""
    names = record["figures"]["metrics"]
    codecs: list[str] = []
    found = []
    for curve in record["figures"]["curves"]:
        if len(curve["points"]) < 1 or all(p["bpp"] is None for p in curve["points"]):
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
                    {key: _rounded(point.get(key)) for key in keys}
                    for point in curve["points"]
                    if point["files"] == len(record["pictures"])
                ],
            }
        )
    metrics = [
        {"key": name, "title": METRICS[name].title, "digits": METRICS[name].digits}
        | {"rising": METRICS[name].rising}
        for name in names
        if any(point[name] is not None for curve in found for point in curve["points"])
    ]
    label = f"{record['label']} ({len(record['pictures'])} pictures)"
    return {"label": label, "metrics": metrics, "curves": [c for c in found if c["points"]]}


def _scaled_first(curve: Record) -> bool:
    return curve["kind"] == "best" or curve["codec"] in ("webp", "avif")


def _rounded(value: float | None) -> float | None:
    return value if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _tables(record: Record) -> Iterator[str]:
    """The tables of a record's section."""
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
    """Tables of a benchmark whose figures are rows of values."""
    for rows in (record["figures"].get("processes"), record["figures"]["rows"]):
        if rows:
            header = [key for key in rows[0] if not isinstance(rows[0][key], dict | list)]
            cells = [[_cell(row.get(key)) for key in header] for row in rows]
            yield html.table(header, cells)


def _cell(value: Any) -> str:
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
        "version 0.1 over SqueezeNet. All are means over the pictures of each picture's figure. "
        "A scaled codec's picture was made smaller by Lanczos, coded, and enlarged bicubically, at "
        "the scale and quality that are best within the bytes, picture by picture.</p>"
    )
    table = html.table(["record", "what", "how"], rows, texts=3)
    return f'{text}<div class="notes">{table}</div>'
