"""``xcodec bench points``: how well pictures are restored from a fraction of their pixels.

xcodec's models and its classical fill beside other classical fills, all from the same known pixels,
which are exact: no bytes are counted here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import xcodec
from xcodec import codec
from xcodec.errors import InputError
from xcodec.evaluation.runs import rd
from xcodec.evaluation.runs.measuring import Measuring
from xcodec.evaluation.measures.metrics import Figures, METRICS, Meter
from xcodec.evaluation.runs.records import digest_of, mean, number, table
from xcodec.evaluation.runs.state import State
from xcodec.evaluation.peers.xcodecs import CLASSICAL, GENERATOR, PACKAGES, Variant, versions
from xcodec.types import RGB

Ints = NDArray[np.integer[Any]]
MASKS = {
    "random": {"mask": "random", "density": "uniform"},
    "random-sobel": {"mask": "random", "density": "sobel"},
    "blue": {"mask": "blue", "density": "uniform"},
    "blue-sobel": {"mask": "blue", "density": "sobel"},
}
"""Which pixels are known: anywhere alike or along edges, at random or evenly spread."""
RADIUS = 3.0
"""Of OpenCV's inpainting, pixels."""


def _nearest(points: Ints, values: RGB, shape: tuple[int, int]) -> RGB:
    from scipy.spatial import cKDTree

    every = np.indices(shape).reshape(2, -1).T
    nearest = cKDTree(points).query(every)[1]
    filled: RGB = values[nearest].reshape(*shape, 3)
    return filled


def _linear(points: Ints, values: RGB, shape: tuple[int, int]) -> RGB:
    """Linear over Delaunay triangles; outside their hull the nearest pixel."""
    from scipy.interpolate import LinearNDInterpolator

    rows, cols = np.indices(shape)
    try:
        found = LinearNDInterpolator(points, values.astype(np.float64))(rows, cols)
    except (ValueError, RuntimeError):  # Fewer than three points, or all on a line.
        return _nearest(points, values, shape)
    outside = np.isnan(found[..., 0])
    found[outside] = _nearest(points, values, shape)[outside]
    filled: RGB = np.clip(np.rint(found), 0, 255).astype(np.uint8)
    return filled


def _telea(points: Ints, values: RGB, shape: tuple[int, int]) -> RGB:
    """Fast marching. Source: Telea, "An Image Inpainting Technique Based on the Fast Marching
    Method", 2004, as OpenCV has it."""
    import cv2

    picture, unknown = np.zeros((*shape, 3), np.uint8), np.ones(shape, np.uint8)
    picture[tuple(points.T)] = values
    unknown[tuple(points.T)] = 0
    return np.asarray(cv2.inpaint(picture, unknown, RADIUS, cv2.INPAINT_TELEA))


Fill = Callable[[Ints, RGB, tuple[int, int]], RGB]
FILLS: dict[str, Fill] = {"nearest": _nearest, "linear": _linear, "telea": _telea}
"""Classical fills of others."""
TITLES = {
    GENERATOR: "xcodec, generator",
    CLASSICAL: "xcodec, classical fill (kriging)",
    "nearest": "nearest pixel",
    "linear": "Delaunay-linear",
    "telea": "Telea's inpainting (OpenCV)",
}


@dataclass(frozen=True)
class Known:
    """Known pixels and what fills the rest: a ``measuring.Coding`` whose file holds the pixels.

    fill : of TITLES
    mask : of MASKS
    """

    variant: Variant
    fill: str
    mask: str
    fraction: float
    keep = True

    def file_key(self) -> list[Any]:
        return ["points", *self.variant.file_key(), self.mask, self.fraction]

    def picture_key(self) -> list[Any]:
        if self.fill in FILLS:
            return [self.fill, versions(PACKAGES)]
        return [*self.variant.picture_key(self.fill), "points"]

    def write(self, rgb: RGB) -> bytes:
        arguments: dict[str, Any] = {"tone": "point", "lossless": True, "effort": 0}
        return xcodec.encode(rgb, self.fraction, **(arguments | MASKS[self.mask]))

    def paint(self, data: bytes, shape: tuple[int, ...]) -> RGB:
        points, values = codec.decode_samples(data)
        size = (shape[0], shape[1])
        if self.fill in FILLS:
            return FILLS[self.fill](points, values, size)
        picture = xcodec.reconstruct(
            points,
            values,
            size,
            decoder=self.fill,
            model=self.variant.model,
            device=self.variant.device,
        )
        return np.asarray(picture.convert("RGB"))


@dataclass(frozen=True)
class Task:
    """A picture at a fraction of known pixels, through all fills."""

    path: Path
    plan: rd.Plan
    mask: str
    fraction: float
    fills: tuple[str, ...]


def fills(names: Sequence[str]) -> tuple[str, ...]:
    """Fills of these names. Raises InputError for an unknown one."""
    for name in names:
        if name not in TITLES:
            raise InputError(f"no fill {name!r}: there are {', '.join(TITLES)}")
    return tuple(names) or tuple(TITLES)


def masks(names: Sequence[str]) -> tuple[str, ...]:
    """Masks of these names. Raises InputError for an unknown one."""
    for name in names:
        if name not in MASKS:
            raise InputError(f"no mask {name!r}: there are {', '.join(MASKS)}")
    return tuple(names)


def measure(task: Task) -> list[tuple[str, str, Figures]]:
    """By fill and model, the figures of a task."""
    plan = task.plan
    rgb = rd.load(task.path, plan.square)
    state = State(plan.state)
    try:
        place = Measuring(rgb, digest_of(rgb), state, Meter(rgb, plan.weights))
        found = []
        for at, variant in enumerate(plan.variants):
            for fill in task.fills:
                if at and fill != GENERATOR:
                    continue  # It doesn't depend on the model.
                known = Known(replace(variant, effort=None), fill, task.mask, task.fraction)
                model = Path(variant.model).stem if fill == GENERATOR else ""
                found.append((fill, model, place.figures(known, plan.metrics)))
        return found
    finally:
        state.close()


def rows(
    done: Sequence[tuple[Task, list[tuple[str, str, Figures]]]], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Means by mask, fraction and fill, with every picture's figures."""
    groups: dict[tuple[str, float, str, str], list[Figures]] = {}
    for task, measured in done:
        for fill, model, figures in measured:
            groups.setdefault((task.mask, task.fraction, fill, model), []).append(figures)
    return [
        {"mask": mask, "fraction": fraction, "fill": f"{TITLES[fill]} {model}".strip()}
        | {name: mean(f[name] for f in group) for name in names}
        | {"pictures": {name: [f[name] for f in group] for name in names}}
        for (mask, fraction, fill, model), group in groups.items()
    ]


def shown(found: Sequence[dict[str, Any]], names: Sequence[str]) -> str:
    """The rows as a table."""
    lines = [
        [row["fill"], row["mask"], f"{row['fraction']:g}"]
        + [number(row[name], METRICS[name].digits) for name in names]
        for row in found
    ]
    header = ["fill", "mask", "known", *(METRICS[name].title for name in names)]
    return table(header, lines)
