"""Sets of pictures, and the curves of their records."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xcodec.evaluation.measures import curves
from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.runs import records, summary
from xcodec.evaluation.runs.schema import CurvePoint, RecordedCurve, figure

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
SEEN = ("psnr", "ssim", "lpips")
GENERATOR, FILL = "xcodec, generator photo", "xcodec, classical fill"
FITTED = ", fitted"


@dataclass(frozen=True)
class Pictures:
    """A set of pictures, and the names of its records: of the generator and other codecs, and of
    the classical fill of files that are optimised for it.

    area : pixels of each picture, if budgets are in bytes
    """

    title: str
    record: str
    fill: str
    area: int | None = None


SETS = {
    "kodak": Pictures("Kodak", "kodak", "kodak_classical"),
    "faces": Pictures("faces", "faces", "faces_classical", 256 * 256),
    "photos": Pictures("photos", "photos_256", "photos_256_classical", 256 * 256),
}
JPEG = "kodak_jpeg"
"""The record of JPEG at full size."""
KODAK_BPP = (0.02, 0.03, 0.04, 0.06, 0.09)
BUDGETS = (200, 340, 600, 1000)
SMALL = BUDGETS[:3]
"""Budgets in bytes of the realistic weights."""
PEERS = (
    "best file",
    "best payload",
    "AV1, payload",
    "HEVC, payload",
    "VVC, slices",
    "VVC with parameter sets",
    "AVIF",
    "HEIC",
    "WebP",
    "JPEG XL",
    "JPEG 2000",
    "JPEG",
)
"""Peers by their titles in tables, with which their curves' names begin, but for those of LONG."""
LONG = {
    "AV1, payload": "AV1, payload alone",
    "HEVC, payload": "HEVC, payload alone",
    "VVC, slices": "VVC, slices alone",
}
SHOWN = ("best file", "best payload", "VVC, slices", "AV1, payload", "HEVC, payload")
"""Peers of the tables of Kodak and of the README."""


@cache
def found(record: str) -> dict[str, RecordedCurve]:
    """The curves of a record by name."""
    loaded = records.load(RESULTS / f"{record}.json")
    assert loaded["benchmark"] == "rd"
    return {curve["name"]: curve for curve in loaded["figures"]["curves"]}


@cache
def count(record: str) -> int:
    """The number of pictures of a record."""
    return len(records.load(RESULTS / f"{record}.json")["pictures"])


def peer_curve(group: Pictures, title: str, metric: str) -> RecordedCurve:
    """The curve of a peer of files that are best for a metric."""
    aim = METRICS[METRICS[metric].aim].title
    return found(group.record)[f"{LONG.get(title, title)}, scaled, best {aim}"]


def own_curve(group: Pictures, fill: bool = False) -> RecordedCurve:
    """xcodec's curve, by the generator or by the classical fill."""
    name = (FILL if fill else GENERATOR) + (FITTED if group.area else "")
    return found(group.fill if fill else group.record)[name]


def own_within(record: str, model: str, effort: int | None = None) -> RecordedCurve:
    """xcodec's curve within budgets, by some weights; without an effort, by the default one."""
    added = f", effort {effort}" if effort is not None else ""
    return found(record)[f"xcodec, generator {model}{added}{FITTED}"]


def at_bpp(curve: RecordedCurve, bpp: float, metric: str) -> float | None:
    """The mean figure of a curve, which all pictures reach, at a rate."""
    return curves.at_bpp(summary.pairs(curve, metric), bpp)


def at_size(curve: RecordedCurve, size: int) -> CurvePoint | None:
    """The point of a curve within so many bytes, if it has one."""
    return next((point for point in curve["points"] if point["setting"] == size), None)


def value(curve: RecordedCurve, size: int, name: str) -> float:
    """A mean figure of a curve within so many bytes, which all pictures have."""
    point = at_size(curve, size)
    assert point is not None
    mean = figure(point, name)
    assert mean is not None
    return mean
