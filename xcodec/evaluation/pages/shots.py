"""Pictures of a record for the viewer of its report.

Their files are those that the run kept in its state, or are written again as when measured; their
figures are the record's.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from xcodec.errors import InputError
from xcodec.evaluation.measures.metrics import METRICS, Figures, Meter
from xcodec.evaluation.pages import viewer
from xcodec.evaluation.pages.viewer import Gallery, PictureData, View, ViewerData
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.peers.codecs import PAYLOAD
from xcodec.evaluation.peers.rivals import BEST_PAYLOAD, RIVALS
from xcodec.evaluation.peers.xcodecs import Variant
from xcodec.evaluation.runs import rd, summary
from xcodec.evaluation.runs.measuring import Coding, Measuring, OwnCoding, PeerCoding, load
from xcodec.evaluation.runs.records import digest, digest_of, each
from xcodec.evaluation.runs.schema import CurvePoint, RdRecord, RecordedCurve
from xcodec.evaluation.runs.state import State
from xcodec.system.processes import cores
from xcodec.types import RGB

MAX_PICTURES = 6
MAX_IMAGE_BYTES = 2_700_000
"""Limit on the images of a page."""
COMPARABLE = 1.5
"""Other codecs' files that are this many times smaller than xcodec's are not shown."""
SCALED_SHOWN = ("webp", "avif")
"""Codecs whose scaled files are shown in addition to the best of all."""
SHOWN_AIMS = ("psnr", "lpips")
"""Metrics whose best files are shown."""


def pictured(
    records: Sequence[RdRecord], folder: Path, chosen: Sequence[int]
) -> tuple[RdRecord, list[tuple[int, Path]]]:
    """Find the first record whose pictures a folder holds.

    chosen : up to MAX_PICTURES positions from 1; empty: spread over all

    Returns the record, and for each picture to show its index in the record and its path.
    Raises InputError if there is no such record, or if a picture is not the measured one.
    """
    other = None
    for record in records:
        names = list(record["pictures"])
        if not all((folder / name).is_file() for name in names):
            continue
        places = [place - 1 for place in chosen] or _spread(len(names))
        if not all(0 <= place < len(names) for place in places) or len(places) > MAX_PICTURES:
            raise InputError(f"the viewer shows up to {MAX_PICTURES} of {len(names)} pictures")
        paths = [(place, folder / names[place]) for place in places]
        other = next((p for _, p in paths if digest(p) != record["pictures"][p.name]), None)
        if other is None:
            return record, paths
    if other is not None:
        raise InputError(f"{other}: not the picture that was measured")
    raise InputError(f"{folder}: holds the pictures of no record")


def _spread(count: int) -> list[int]:
    most = min(count, MAX_PICTURES)
    return [round(i * (count - 1) / max(most - 1, 1)) for i in range(most)]


def shown(
    record: RdRecord, paths: Sequence[tuple[int, Path]], state: Path
) -> tuple[ViewerData, int]:
    """Return the data of the viewer for some pictures, and the quality of its WebP images.

    paths : indices of the pictures in the record, and their paths
    state : path of the state file
    """
    gallery = Gallery()
    tasks = [ShotTask(record, column, path, state) for column, path in paths]
    found = each(shot, tasks, min(cores(), len(tasks)))
    pictures = [gallery.absorb(images, picture) for picture, images in found]
    _compare_sizes(record, paths, pictures)
    images, quality = gallery.fitted(MAX_IMAGE_BYTES)
    data: ViewerData = {
        "pictures": pictures,
        "images": images,
        "metrics": viewer.metric_data(_names(record)),
    }
    return data, quality


@dataclass(frozen=True)
class ShotTask:
    """A picture of a record, by its column, to be shown."""

    record: RdRecord
    column: int
    path: Path
    state: Path


def shot(task: ShotTask) -> tuple[PictureData, Gallery]:
    """Return the data of a picture and its images."""
    gallery = Gallery()
    rgb = load(task.path, task.record["figures"]["square"])
    with State(task.state) as state:
        place = Measuring(rgb, digest_of(rgb), state, Meter(rgb))
        sizes = list(_sizes(task.record, task.column, place))
        names = _names(task.record)
        return viewer.picture(task.path.name, place, sizes, names, gallery), gallery


def _names(record: RdRecord) -> list[str]:
    """The metrics of the viewer's table."""
    return [name for name in summary.COMPARED if name in record["figures"]["metrics"]]


def _sizes(record: RdRecord, column: int, place: Measuring) -> Iterator[tuple[str, list[View]]]:
    """The sizes of xcodec's files of a picture, and all codecs at the nearest size each."""
    curves = record["figures"]["curves"]
    own = [curve for curve in curves if curve["kind"] == "xcodec"]
    if not own:
        raise InputError(f"{record['label']}: has no curve of xcodec to show")
    fitted = [curve for curve in own if curve["target"] != "rate"]
    first = (fitted or own)[0]
    for point in rd.few(first["points"]):
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
            if COMPARABLE * _size(near, column) < size:
                continue
            coding = _coding(record, curve, near, column, place.rgb)
            if coding is None:
                continue
            name = curve["name"].replace(", fitted", "")
            how = _choice(near, column) or f"{curve['name']} {near['setting']:g}"
            psnr = near["pictures"]["psnr"][column]
            known = place.kept(rd.kept_as(how, _size(near, column), psnr))
            views.append(View(name, coding, _note(coding), _figures(near, column), *known))
        views.sort(key=lambda view: "generator" not in view.name)
        yield f"{size:,} bytes", views


def _worth_showing(curve: RecordedCurve) -> bool:
    """Whether a curve is not just one of the codecs or settings of which the best one is shown."""
    if curve["aim"] is None:
        return curve["kind"] == "xcodec" or curve["codec"] not in summary.SECOND
    if curve["kind"] == "best":
        return curve["aim"] in SHOWN_AIMS
    return curve["aim"] == SHOWN_AIMS[0] and curve["codec"] in SCALED_SHOWN


def _figures(point: CurvePoint, column: int) -> Figures:
    """The figures of a picture's file."""
    return {name: each[column] for name in METRICS if (each := _column(point, name)) is not None}


def _column(point: CurvePoint, name: str) -> Sequence[float | None] | None:
    found: Sequence[float | None] | None = cast(Any, point["pictures"]).get(name)
    return found


def _size(point: CurvePoint, column: int) -> int:
    """The size of a picture's file, 0 if there is none."""
    return point["pictures"]["bytes"][column] or 0


def _choice(point: CurvePoint, column: int) -> str | None:
    """Codec, scale and quality of a picture's file, if it is one of several."""
    chosen = point["pictures"].get("choice")
    return chosen[column] if chosen else None


def _nearest(curve: RecordedCurve, column: int, size: int) -> CurvePoint | None:
    """The point at which a picture's file is nearest to a size."""
    points = [point for point in curve["points"] if _size(point, column)]
    if not points:
        return None
    return min(points, key=lambda point: abs(math.log(_size(point, column) / size)))


def _coding(
    record: RdRecord, curve: RecordedCurve, point: CurvePoint, column: int, rgb: RGB
) -> Coding | None:
    """The coding that makes the file of a point again; None if that was coded elsewhere."""
    if curve["kind"] != "xcodec":
        if curve["target"] == "quality":
            (codec,) = codecs.codecs([curve["codec"]])
            return PeerCoding(codec, point["setting"])
        choice = _choice(point, column)
        assert choice is not None  # The picture has a file here.
        name, scale, quality = choice.split()
        if quality == rd.RECORDED:
            return None
        (codec,) = codecs.codecs([name])
        part = _part(curve["codec"])
        return PeerCoding(codec, float(quality), float(scale.removeprefix("1/")), part)
    variant = Variant(
        curve["effort"],
        curve["model"] or "photo",
        (curve["codec"],),
        record["figures"]["encode"],
    )
    if curve["target"] == "rate":
        return OwnCoding(variant, curve["codec"], ("rate", point["setting"]))
    budget = rd.Budget(curve["target"], point["setting"])
    return OwnCoding(variant, curve["codec"], ("size", budget.bytes(rgb)))


def _part(codec: str) -> str:
    """What of a file counts in a curve."""
    if codec == BEST_PAYLOAD:
        return PAYLOAD
    return RIVALS[codec].part if codec in RIVALS else ""


def _note(coding: Coding) -> str:
    if not isinstance(coding, PeerCoding):
        return ""
    quality = f"quality {coding.quality:g}"
    if coding.codec.kind == "JPEG2000":
        quality = f"{coding.quality:g} bpp"
    scaled = "" if coding.scale == 1 else f" at 1/{coding.scale:g} of the size"
    return f"{coding.codec.title}, {quality}{scaled}"


def _compare_sizes(
    record: RdRecord, paths: Sequence[tuple[int, Path]], pictures: Sequence[PictureData]
) -> None:
    """Warn if files have other sizes than when they were measured."""
    for (column, path), shown in zip(paths, pictures, strict=True):
        known = {
            point["pictures"]["bytes"][column]
            for curve in record["figures"]["curves"]
            for point in curve["points"]
        }
        sizes = {view["bytes"] for size in shown["sizes"] for view in size["views"]}
        if not sizes <= known:
            warnings.warn(f"{path.name}: files differ from the measured ones", stacklevel=3)
