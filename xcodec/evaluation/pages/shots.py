"""The pictures of a record for the viewer of its report: coded again, as they were measured."""

import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from xcodec.errors import InputError
from xcodec.evaluation.measures import lpips
from xcodec.evaluation.measures.metrics import METRICS, Meter
from xcodec.evaluation.pages import viewer
from xcodec.evaluation.pages.viewer import Gallery, View
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.peers.xcodecs import Variant
from xcodec.evaluation.runs import rd, summary
from xcodec.evaluation.runs.measuring import Coding, Measuring, Own, Peer
from xcodec.evaluation.runs.records import digest, digest_of
from xcodec.evaluation.runs.state import State
from xcodec.types import RGB

MOST_PICTURES = 6
MOST_SIZES = 3
MOST_BYTES = 2_700_000
"""Of the images of a page."""
FAIR = 1.5
"""A peer's file that is so many times smaller than xcodec's says nothing beside it."""
Record = dict[str, Any]


def pictured(
    records: Sequence[Record], folder: Path, chosen: Sequence[int]
) -> tuple[Record, list[tuple[int, Path]]]:
    """The first record of which a folder holds the pictures, and the paths of those shown.

    chosen : places from 1; up to MOST_PICTURES, by default spread over all

    Raises InputError where there is none, or a picture isn't what was measured.
    """
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


def shown(
    record: Record, paths: Sequence[tuple[int, Path]], state: Path
) -> tuple[dict[str, Any], int]:
    """What the viewer shows of some pictures, and the quality of WebP that it is kept in.

    paths : of the pictures, each with its place in the record, from 0
    state : file of what was found already
    """
    figures = record["figures"]
    gallery, opened = Gallery(), State(state)
    weights = lpips.find_weights() if "lpips" in figures["metrics"] else None
    names = [name for name in summary.COMPARED if name in figures["metrics"]]
    pictures = []
    try:
        for column, path in paths:
            rgb = rd.load(path, figures["square"])
            place = Measuring(rgb, digest_of(rgb), opened, Meter(rgb, weights))
            sizes = list(_sizes(record, column, rgb))
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


def _sizes(record: Record, column: int, rgb: RGB) -> Iterator[tuple[str, list[View]]]:
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
            if near is None or not _worth_showing(curve):
                continue
            if FAIR * near["pictures"]["bytes"][column] < size:
                continue
            coding = _coding(record, curve, near, column, rgb)
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


def _coding(record: Record, curve: Record, point: Record, column: int, rgb: RGB) -> Coding:
    """What makes the file of a point again."""
    if curve["kind"] != "xcodec":
        if curve["target"] == "quality":
            (codec,) = codecs.codecs([curve["codec"]])
            return Peer(codec, point["setting"])
        name, scale, quality = point["pictures"]["choice"][column].split()
        (codec,) = codecs.codecs([name])
        return Peer(codec, float(quality), float(scale.removeprefix("1/")))
    variant = Variant(
        curve["effort"],
        curve["model"] or "photo",
        (curve["codec"],),
        record["figures"]["encode"],
    )
    if curve["target"] == "rate":
        return Own(variant, curve["codec"], ("rate", point["setting"]))
    budget = rd.Budget(curve["target"], point["setting"])
    return Own(variant, curve["codec"], ("size", budget.bytes(rgb)))


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
