"""Types of the records that benchmarks write, after ``schema.json``.

Each TypedDict is one object of the schema, with the same fields; a test compares the two. Figures
are None where they could not be computed, and in a file also where they are infinite.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar

Benchmark = TypeVar("Benchmark", bound=str)
Figures = TypeVar("Figures")

Digests = dict[str, str]
"""First 16 hexadecimal digits of SHA-256, by file name."""
Columns = dict[str, list[float | None]]
"""Figures of each picture, by metric."""
Interval = Sequence[float]
"""Lowest and highest value."""


class Machine(TypedDict):
    """The computer that a benchmark ran on.

    cores : that the process was allowed to use
    """

    processor: str
    cores: int
    system: str


class _Metrics(TypedDict):
    psnr: float | None
    ssim: NotRequired[float | None]
    ms_ssim: NotRequired[float | None]
    lpips: NotRequired[float | None]
    dists: NotRequired[float | None]
    ssimulacra2: NotRequired[float | None]


class PictureColumns(TypedDict):
    """Values of each picture at a point of a curve, None for pictures without a file.

    choice : the best file within a budget: codec, scale and quality
    """

    bytes: list[int | None]
    bpp: list[float | None]
    psnr: list[float | None]
    ssim: NotRequired[list[float | None]]
    ms_ssim: NotRequired[list[float | None]]
    lpips: NotRequired[list[float | None]]
    dists: NotRequired[list[float | None]]
    ssimulacra2: NotRequired[list[float | None]]
    choice: NotRequired[list[str | None]]


class CurvePoint(_Metrics):
    """Means over the pictures at one setting of a codec.

    files   : number of pictures that have a file
    largest : size of the largest file in bytes
    """

    setting: float
    files: int
    largest: int
    bytes: float
    bpp: float
    pictures: PictureColumns


class RecordedCurve(TypedDict):
    """The points of a codec; see ``rd.CurveKey`` for the other fields."""

    name: str
    kind: Literal["xcodec", "peer", "best"]
    codec: str
    target: Literal["rate", "quality", "bytes", "bpp"]
    aim: Literal["psnr", "ssim", "lpips"] | None
    effort: int | None
    model: str | None
    points: list[CurvePoint]


class BesideRow(_Metrics):
    """Figures of a curve, interpolated at a rate; None beyond its ends."""

    bpp: float
    name: str


class TakeoverRow(TypedDict):
    """The rate from which a peer is better on some pictures; see ``curves.takeover``."""

    name: str
    anchor: str
    metric: str
    pictures: NotRequired[int]
    from_bpp: float | None
    bpp: Interval


class DeltaRow(TypedDict):
    """Bjontegaard deltas against a peer's curve on some pictures; see ``curves.Delta``."""

    name: str
    anchor: str
    metric: str
    pictures: NotRequired[int]
    within_bpp: Interval | None
    rate: float | None
    quality: float | None
    figures: Interval | None
    bpp: Interval | None


class RdFigures(TypedDict):
    """Figures of ``xcodec bench rd``.

    recorded : files of points of codecs that were measured elsewhere
    """

    square: int | None
    metrics: list[str]
    scales: list[float]
    encode: dict[str, Any]
    curves: list[RecordedCurve]
    beside: list[BesideRow]
    takeovers: list[TakeoverRow]
    deltas: list[DeltaRow]
    recorded: NotRequired[Digests]


class PointsRow(_Metrics):
    """Means of a fill over the pictures."""

    mask: str
    fraction: float
    fill: str
    pictures: Columns


class PointsFigures(TypedDict):
    """Figures of ``xcodec bench points``."""

    square: int | None
    metrics: list[str]
    rows: list[PointsRow]


class TrainedNetwork(TypedDict):
    """What the card of a network says about its training."""

    model: str
    steps: int
    hours: float
    preset: NotRequired[str]
    task: NotRequired[str]
    batch: NotRequired[int]
    crop: NotRequired[int]
    lr: NotRequired[float]
    losses: NotRequired[dict[str, Any]]
    data_digest: NotRequired[str]
    data_pictures: NotRequired[int]


# Two of its keys are no identifiers.
RestorationRow = TypedDict(
    "RestorationRow",
    {
        "level": int,
        "distribution": str,
        "method": str,
        "psnr": float | None,
        "ssim": float | None,
        "lpips": float | None,
        "pasted psnr": NotRequired[float | None],
        "pasted ssim": NotRequired[float | None],
        "pasted lpips": NotRequired[float | None],
        "hole psnr": NotRequired[float | None],
    },
)
"""Figures of a method at a level of damage; "pasted" with known pixels put back."""


class RestorationFigures(TypedDict):
    """Figures of ``xcodec bench restoration``.

    rows : means over the pictures
    each : rows of each picture, by file name
    """

    task: str
    size: int | None
    seed: int
    trained: list[TrainedNetwork]
    rows: list[RestorationRow]
    each: dict[str, list[RestorationRow]]


class ProcessRow(TypedDict):
    """Times of a command in seconds; ``seconds`` is their median.

    torch : whether the command imported torch
    """

    command: str
    seconds: float
    fastest: float
    slowest: float
    runs: list[float]
    torch: bool


class SpeedRow(TypedDict):
    """Times in seconds and memory in bytes of a codec; None if it failed.

    speed  : megapixels per second
    peak   : peak memory of the process
    grown  : the part of it that was allocated after the warm-up
    bytes  : size of the file
    failed : the error, if the codec failed
    ratio  : time relative to JPEG's: median, least and greatest
    """

    codec: str
    operation: Literal["encode", "decode"]
    megapixels: float
    seconds: float | None
    fastest: float | None
    slowest: float | None
    speed: float | None
    peak: int | None
    grown: int | None
    bytes: int | None
    failed: str | None
    runs: list[float]
    ratio: list[float] | None


class SpeedFigures(TypedDict):
    """Figures of ``xcodec bench speed``, of a picture of ``width`` x ``height`` pixels."""

    width: int
    height: int
    rate: float
    processes: list[ProcessRow]
    rows: list[SpeedRow]


class LinksRow(TypedDict):
    """Means over the pictures of what one party's packets give over a link.

    loss  : of the link; of the channel "audio" the share of the party's packets that was lost
    noise : its level, of the channel "audio"
    """

    budget: int
    channel: str
    party: str
    loss: float
    noise: NotRequired[float]
    packets: float
    bytes: float
    psnr: float | None
    ssim: float | None
    lpips: float | None
    pictures: Columns


class LinksFigures(TypedDict):
    """Figures of ``xcodec bench links``."""

    square: int | None
    packet_size: int
    seeds: int
    encode: dict[str, Any]
    rows: list[LinksRow]


class RowsFigures(TypedDict):
    """Figures of a script in benchmarks/: rows of its own kind."""

    rows: list[dict[str, Any]]


RecordFigures = (
    RdFigures | PointsFigures | RestorationFigures | SpeedFigures | LinksFigures | RowsFigures
)


class _Record(TypedDict, Generic[Benchmark, Figures]):
    """What every record holds.

    benchmark : the command, or the script in benchmarks/, that wrote it
    label     : what was measured, for readers
    command   : the command line, with file names instead of paths
    """

    schema: int
    benchmark: Benchmark
    label: str
    command: str
    versions: dict[str, str]
    machine: Machine
    pictures: Digests
    weights: Digests
    figures: Figures


RdRecord = _Record[Literal["rd"], RdFigures]
PointsRecord = _Record[Literal["points"], PointsFigures]
RestorationRecord = _Record[Literal["restoration"], RestorationFigures]
SpeedRecord = _Record[Literal["speed"], SpeedFigures]
LinksRecord = _Record[Literal["links"], LinksFigures]
RowsRecord = _Record[
    Literal["lossless_samples", "direwolf", "packet_planner", "painting", "regions", "web"],
    RowsFigures,
]
Record = RdRecord | PointsRecord | RestorationRecord | SpeedRecord | LinksRecord | RowsRecord


def figure(row: Mapping[str, object], name: str) -> float | None:
    """Return the figure of a row that has this name, or None."""
    value = row.get(name)
    return value if isinstance(value, int | float) else None
