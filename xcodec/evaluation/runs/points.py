"""``xcodec bench points``: restoration of pictures from a fraction of their pixels.

xcodec's models and its classical fill are compared with other classical fills, all from the same
known pixels, which are exact. No bytes are counted here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

import xcodec
from xcodec import codec
from xcodec.errors import InputError
from xcodec.evaluation.measures.metrics import METRICS, Figures, Meter
from xcodec.evaluation.peers.classical import POINT_FILLS
from xcodec.evaluation.peers.xcodecs import (
    CLASSICAL,
    CODEC_PACKAGES,
    GENERATOR,
    Variant,
    versions,
)
from xcodec.evaluation.runs import records
from xcodec.evaluation.runs.measuring import Measuring, load
from xcodec.evaluation.runs.records import digest_of, mean, number
from xcodec.evaluation.runs.schema import PointsRow, figure
from xcodec.evaluation.runs.state import State
from xcodec.types import RGB

POINT_MASKS = {
    "random": {"mask": "random", "density": "uniform"},
    "random-sobel": {"mask": "random", "density": "sobel"},
    "blue": {"mask": "blue", "density": "uniform"},
    "blue-sobel": {"mask": "blue", "density": "sobel"},
}
"""How the known pixels are chosen: uniformly or along edges, at random or evenly spread."""
TITLES = {
    GENERATOR: "xcodec, generator",
    CLASSICAL: "xcodec, classical fill (kriging)",
    "nearest": "nearest pixel",
    "linear": "Delaunay-linear",
    "telea": "Telea's inpainting (OpenCV)",
}
"""Names of the fills for readers: xcodec's two decoders and the other classical fills."""


@dataclass(frozen=True)
class PointsCoding:
    """Known pixels and a fill: a ``measuring.Coding`` whose file holds the pixels.

    fill : of TITLES
    mask : of POINT_MASKS
    """

    variant: Variant
    fill: str
    mask: str
    fraction: float
    keep = True
    part = ""

    def file_key(self) -> list[Any]:
        return ["points", *self.variant.file_key(), self.mask, self.fraction]

    def picture_key(self) -> list[Any]:
        if self.fill in POINT_FILLS:
            return [self.fill, versions(CODEC_PACKAGES)]
        return [*self.variant.picture_key(self.fill), "points"]

    def write(self, rgb: RGB) -> bytes:
        arguments: dict[str, Any] = {"tone": "point", "lossless_samples": True, "effort": 0}
        return xcodec.encode(rgb, self.fraction, **(arguments | POINT_MASKS[self.mask]))

    def counts(self, data: bytes) -> dict[str, int]:
        return {}

    def paint(self, data: bytes, shape: tuple[int, ...]) -> RGB:
        points, values = codec.decode_samples(data)
        size = (shape[0], shape[1])
        if self.fill in POINT_FILLS:
            return POINT_FILLS[self.fill](points, values, size)
        picture = xcodec.reconstruct(
            points,
            values,
            size,
            decoder=self.fill,
            model=self.variant.model if self.fill == GENERATOR else "auto",
            device=self.variant.device,
        )
        return np.asarray(picture.convert("RGB"))


@dataclass(frozen=True)
class PointsPlan:
    """What a run measures.

    state    : path of the state file
    variants : of xcodec; their models are measured
    fills    : of TITLES
    square   : side in pixels to which the pictures' middle squares are resized; None: whole
               pictures
    metrics  : their names
    weights  : folder of LPIPS' weights
    """

    state: Path
    variants: tuple[Variant, ...]
    fills: tuple[str, ...]
    square: int | None
    metrics: tuple[str, ...]
    weights: Path | None


@dataclass(frozen=True)
class PointsTask:
    """A picture with a fraction of its pixels known, to be restored by all fills."""

    path: Path
    plan: PointsPlan
    mask: str
    fraction: float


def fills(names: Sequence[str]) -> tuple[str, ...]:
    """Check the names of fills; none means all. Raises InputError for an unknown one."""
    for name in names:
        if name not in TITLES:
            raise InputError(f"no fill {name!r}: fills are {', '.join(TITLES)}")
    return tuple(names) or tuple(TITLES)


def masks(names: Sequence[str]) -> tuple[str, ...]:
    """Check the names of masks. Raises InputError for an unknown one."""
    for name in names:
        if name not in POINT_MASKS:
            raise InputError(f"no mask {name!r}: masks are {', '.join(POINT_MASKS)}")
    return tuple(names)


def measure(task: PointsTask) -> list[tuple[str, str, Figures]]:
    """Carry out a task: names of the fill and its model (or ""), and figures."""
    plan = task.plan
    rgb = load(task.path, plan.square)
    with State(plan.state) as state:
        place = Measuring(rgb, digest_of(rgb), state, Meter(rgb, plan.weights))
        found = []
        for at, variant in enumerate(plan.variants):
            for fill in plan.fills:
                if at and fill != GENERATOR:
                    continue  # It does not depend on the model.
                coding = PointsCoding(replace(variant, effort=None), fill, task.mask, task.fraction)
                model = Path(variant.model).stem if fill == GENERATOR else ""
                found.append((fill, model, place.figures(coding, plan.metrics)))
        return found


def rows(
    done: Sequence[tuple[PointsTask, list[tuple[str, str, Figures]]]], names: Sequence[str]
) -> list[PointsRow]:
    """Return means by mask, fraction and fill, with the figures of each picture."""
    groups: dict[tuple[str, float, str, str], list[Figures]] = {}
    for task, measured in done:
        for fill, model, figures in measured:
            groups.setdefault((task.mask, task.fraction, fill, model), []).append(figures)
    return [
        cast(
            PointsRow,
            {"mask": mask, "fraction": fraction, "fill": f"{TITLES[fill]} {model}".strip()}
            | {name: mean(f[name] for f in group) for name in names}
            | {"pictures": {name: [f[name] for f in group] for name in names}},
        )
        for (mask, fraction, fill, model), group in groups.items()
    ]


def table(found: Sequence[PointsRow], names: Sequence[str]) -> str:
    """Format rows as a table."""
    lines = [
        [row["fill"], row["mask"], f"{row['fraction']:g}"]
        + [number(figure(row, name), METRICS[name].digits) for name in names]
        for row in found
    ]
    header = ["fill", "mask", "known", *(METRICS[name].title for name in names)]
    return records.table(header, lines)
