"""``xcodec bench report``: records as one page with plots, tables and a comparison viewer."""

import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from xcodec.errors import InputError
from xcodec.evaluation import lpips, pages, peers, rd, summary, viewer
from xcodec.evaluation.measuring import Coding, Measuring, Own, Peer
from xcodec.evaluation.metrics import METRICS, Meter
from xcodec.evaluation.records import digest, digest_of, number
from xcodec.evaluation.state import State
from xcodec.evaluation.viewer import Gallery, View
from xcodec.evaluation.xcodecs import Variant

MOST_PICTURES = 6
MOST_SIZES = 3
MOST_BYTES = 2_700_000
"""Of the images of a page."""
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
        record, paths = _pictured(of_rd, folder, chosen)
        shown, quality = _viewer(record, paths, state)
        data["viewer"] = shown
        titles = [metric["title"] for metric in shown["metrics"]]
        body.append(pages.viewer(HINT.format(quality=quality), titles))
        sections["viewer"] = "Pictures"
    if of_rd:
        data["plots"] = {"sets": [_plotted(record) for record in of_rd]}
        body.append(pages.plots())
        sections["plots"] = "Plots"
    for place, record in enumerate(records):
        name = f"record-{place}"
        sections[name] = record["label"]
        body.append(pages.section(name, record["label"], "".join(_tables(record))))
    body.append(pages.section("how", "How this was measured", _provenance(records)))
    sections["how"] = "Method"
    lead = (
        "xcodec sends a picture as a few of its pixels and paints the rest. Here it stands beside "
        "other codecs: real files, decoded by the real decoders, every byte counted."
    )
    version = records[0]["versions"]["xcodec"]
    return pages.page(
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
                "name": curve["name"],
                "own": curve["kind"] == "xcodec",
                "dashed": curve["aim"] is not None,
                # What a reader sees first: whatever isn't scaled for LPIPS, and few scaled ones.
                "first": curve["aim"] is None or (curve["aim"] == "psnr" and _scaled_first(curve)),
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
    titles = [METRICS[name].title for name in names]
    budgets = sorted(
        (
            (point["setting"], curve, point)
            for curve in figures["curves"]
            if curve["target"] in ("bytes", "bpp")
            for point in curve["points"]
        ),
        key=lambda found: found[0],
    )
    if budgets:
        rows = [
            [
                curve["name"].replace(", fitted", ""),
                f"{setting:g} {curve['target']}",
                f"{point['files']}",
                f"{point['bytes']:.0f}",
                *(number(point[name], METRICS[name].digits) for name in names),
            ]
            for setting, curve, point in budgets
        ]
        header = ["codec", "budget", "files", "mean bytes", *titles]
        yield pages.table(header, rows, "The best file within a budget")
    if figures["takeovers"]:
        rows = [
            [
                row["name"],
                row["anchor"],
                METRICS[row["metric"]].title,
                "nowhere" if row["from_bpp"] is None else f"{row['from_bpp']:.3f} bpp",
                " to ".join(f"{x:.3f}" for x in row["bpp"]),
            ]
            for row in figures["takeovers"]
        ]
        header = ["codec", "peer", "metric", "peer is better from", "compared over bpp"]
        caption = "Where peers take over: the rate from which on each is better than xcodec"
        yield f"<details><summary>{caption}</summary>{pages.table(header, rows, texts=2)}</details>"
    deltas = [row for row in figures["deltas"] if row["metric"] in summary.COMPARED]
    if deltas:
        rows = [
            [
                row["name"],
                row["anchor"],
                METRICS[row["metric"]].title,
                summary.percent(row["rate"]),
                number(row["quality"], 3) if row["quality"] is not None else "no overlap",
                "–" if row["figures"] is None else " to ".join(f"{x:.4g}" for x in row["figures"]),
            ]
            for row in deltas
        ]
        header = ["codec", "against", "metric", "bytes", "figure", "where both reach"]
        caption = "Bjontegaard deltas: bytes at equal figures, figures at equal bytes"
        yield f"<details><summary>{caption}</summary>{pages.table(header, rows, texts=2)}</details>"


def _rows(record: Record) -> Iterator[str]:
    """Tables of a benchmark whose figures are rows of values."""
    for rows in (record["figures"].get("processes"), record["figures"]["rows"]):
        if rows:
            header = [key for key in rows[0] if not isinstance(rows[0][key], dict | list)]
            cells = [[_cell(row.get(key)) for key in header] for row in rows]
            yield pages.table(header, cells)


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
    table = pages.table(["record", "what", "how"], rows, texts=3)
    return f'{text}<div class="notes">{table}</div>'


def _pictured(
    records: Sequence[Record], folder: Path, chosen: Sequence[int]
) -> tuple[Record, list[tuple[int, Path]]]:
    """The first record of which a folder holds the pictures, and the paths of those shown."""
    for record in records:
        names = list(record["pictures"])
        if not all((folder / name).is_file() for name in names):
            continue
        places = [place - 1 for place in chosen] or _spread(len(names))
        if not all(0 <= place < len(names) for place in places) or len(places) > MOST_PICTURES:
            raise InputError(f"the viewer shows up to {MOST_PICTURES} of {len(names)} pictures")
        paths = [(place, folder / names[place]) for place in places]
        for _, path in paths:
            if digest(path) != record["pictures"][path.name]:
                raise InputError(f"{path}: not the picture that was measured")
        return record, paths
    raise InputError(f"{folder}: holds the pictures of no record")


def _spread(count: int) -> list[int]:
    most = min(count, MOST_PICTURES)
    return [round(i * (count - 1) / max(most - 1, 1)) for i in range(most)]


def _viewer(
    record: Record, paths: Sequence[tuple[int, Path]], state: Path
) -> tuple[dict[str, Any], int]:
    figures = record["figures"]
    gallery, opened = Gallery(), State(state)
    weights = lpips.find_weights() if "lpips" in figures["metrics"] else None
    names = [name for name in summary.COMPARED if name in figures["metrics"]]
    pictures = []
    try:
        for column, path in paths:
            rgb = rd.load(path, figures["square"])
            place = Measuring(rgb, digest_of(rgb), opened, Meter(rgb, weights))
            sizes = list(_sizes(record, column))
            pictures.append(viewer.picture(path.name, place, sizes, names, gallery))
    finally:
        opened.close()
    _compare_sizes(record, paths, pictures)
    images, quality = gallery.fitted(MOST_BYTES)
    metrics = [
        {"key": name, "title": METRICS[name].title, "digits": METRICS[name].digits}
        for name in names
    ]
    return {"pictures": pictures, "images": images, "metrics": metrics}, quality


def _sizes(record: Record, column: int) -> Iterator[tuple[str, list[View]]]:
    """What the viewer shows of a picture: by size of xcodec's file, every codec at the nearest."""
    curves = record["figures"]["curves"]
    own = [curve for curve in curves if curve["kind"] == "xcodec"]
    if not own:
        raise InputError(f"{record['label']}: holds no pictures of xcodec to show")
    fitted = [curve for curve in own if curve["target"] != "rate"]
    first = (fitted or own)[0]
    for at in _few(len(first["points"])):
        point = first["points"][at]
        size = point["pictures"]["bytes"][column]
        if size is None:
            continue
        views = []
        for curve in curves:
            if curve["kind"] == "xcodec" and curve["target"] != first["target"]:
                continue
            near = _nearest(curve, column, size)
            if near is not None and _worth_showing(curve):
                coding = _coding(record, curve, near, column)
                name = curve["name"].replace(", fitted", "")
                views.append(View(name, coding, _note(coding)))
        views.sort(key=lambda view: "generator" not in view.name)
        yield f"{size:,} bytes", views


def _few(count: int) -> list[int]:
    most = min(count, MOST_SIZES)
    return sorted({round(i * (count - 1) / max(most - 1, 1)) for i in range(most)})


def _worth_showing(curve: Record) -> bool:
    """Scaled peers one by one would repeat the best of them."""
    return curve["aim"] is None or curve["kind"] == "best" or curve["codec"] in ("webp", "avif")


def _nearest(curve: Record, column: int, size: int) -> Record | None:
    points = [p for p in curve["points"] if p["pictures"]["bytes"][column] is not None]
    if not points:
        return None
    return dict(min(points, key=lambda p: abs(math.log(p["pictures"]["bytes"][column] / size))))


def _coding(record: Record, curve: Record, point: Record, column: int) -> Coding:
    """What makes the file of a point again."""
    if curve["kind"] != "xcodec":
        codecs = peers.CODECS
        if curve["target"] == "quality":
            return Peer(codecs[curve["codec"]], point["setting"])
        name, scale, quality = point["pictures"]["choice"][column].split()
        return Peer(codecs[name], float(quality), float(scale.removeprefix("1/")))
    variant = Variant(
        curve["effort"],
        curve["model"] or "photo",
        (curve["codec"],),
        record["figures"]["encode"],
    )
    if curve["target"] == "rate":
        return Own(variant, curve["codec"], ("rate", point["setting"]))
    size = point["setting"]
    if curve["target"] == "bpp":
        size *= point["pictures"]["bytes"][column] / point["pictures"]["bpp"][column]
    return Own(variant, curve["codec"], ("size", int(size)))


def _note(coding: Coding) -> str:
    if not isinstance(coding, Peer):
        return ""
    quality = f"quality {coding.quality:g}"
    if coding.codec.kind == "JPEG2000":
        quality = f"{coding.quality:g} bpp"
    scaled = "" if coding.scale == 1 else f" at 1/{coding.scale:g} of the size"
    return f"{coding.codec.title}, {quality}{scaled}"


def _compare_sizes(
    record: Record, paths: Sequence[tuple[int, Path]], pictures: list[dict[str, Any]]
) -> None:
    """Warn where files came out otherwise than when they were measured."""
    for (column, path), shown in zip(paths, pictures, strict=True):
        known = {
            point["pictures"]["bytes"][column]
            for curve in record["figures"]["curves"]
            for point in curve["points"]
        }
        sizes = {view["bytes"] for size in shown["sizes"] for view in size["views"]}
        if not sizes <= known:
            warnings.warn(f"{path.name}: files differ from those that were measured", stacklevel=3)
