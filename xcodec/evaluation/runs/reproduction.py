"""``xcodec bench restoration``: how well networks and classical methods undo the paper's damage.

A run is a task of section 4 over a folder of pictures, at several levels: table 1 (blocks), figure
10 (points), figure 11 (noise), figure 12 and ablations (other weights), section 5.2 (other
pictures, levels and sizes). docs/research/paper-figures.md has the command of each.
"""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import classical
from xcodec.evaluation.peers.xcodecs import (
    CODEC_PACKAGES,
    source_digest,
    versions,
    weights_digest,
)
from xcodec.evaluation.runs import records
from xcodec.evaluation.runs.measuring import load
from xcodec.evaluation.runs.options import FolderOptions, numbers, pictures, texts
from xcodec.evaluation.runs.schema import (
    Record,
    RestorationFigures,
    RestorationRow,
    TrainedNetwork,
    figure,
)
from xcodec.evaluation.runs.state import State, key
from xcodec.pictures import loading
from xcodec.pictures.modes import to_depth
from xcodec.pictures.quality import decibels
from xcodec.restoration import damage
from xcodec.restoration.damage import DISTRIBUTIONS, TASKS
from xcodec.restoration.inputs import inputs
from xcodec.restoration.restore import choose, found, paint
from xcodec.types import RGB

MEASURED = ("psnr", "ssim", "lpips")
PASTED = ("white-block", "color-block", "points")
"""Tasks whose known pixels can be put back; noise hides which ones are known."""
DIGITS = {"psnr": 2, "ssim": 3, "lpips": 3, "pasted psnr": 2, "pasted ssim": 3, "hole psnr": 2}
"""Columns of tables, and their decimals."""


@dataclass(frozen=True, kw_only=True)
class RestorationOptions(FolderOptions):
    """Options of ``xcodec bench restoration``; lists are comma-separated texts.

    task          : of ``damage.TASKS``
    levels        : percent of points or noise, or sides of blocks in pixels
    distributions : of points, of ``damage.DISTRIBUTIONS``
    models        : names or paths of weights
    classical     : names as in ``classical.restored``
    clutter       : folder of pictures that fill colour blocks
    size          : side in pixels to which middle squares are resized
    seed          : of the damage
    device        : where the networks run
    """

    task: str
    levels: str
    distributions: str = "random"
    models: str = ""
    classical: str = ""
    clutter: Path | None = None
    size: int | None = None
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class RestorationPlan:
    """What a run measures on each picture.

    task, levels, distributions : of the damage, as in ``damage.corrupt``
    models    : names or paths of weights
    classical : names as in ``classical.restored``
    size      : side in pixels to which the pictures' middle squares are resized; None: whole
                pictures
    seed      : of the damage, together with the picture's index
    device    : where the networks run
    weights   : folder of LPIPS' weights, if it is measured
    clutter   : pictures that fill colour blocks
    state     : path of the state file

    Raises InputError for values that do not exist or do not go together.
    """

    task: str
    levels: tuple[int, ...]
    distributions: tuple[str, ...]
    models: tuple[str, ...]
    classical: tuple[str, ...]
    size: int | None
    seed: int
    device: str
    weights: Path | None
    clutter: tuple[Path, ...]
    state: Path

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise InputError(f"no task {self.task!r}: tasks are {', '.join(TASKS)}")
        if not self.levels or not (self.models or self.classical):
            raise InputError("give at least one level, and one model or classical method")
        if set(self.distributions) - set(DISTRIBUTIONS) or not self.distributions:
            raise InputError(f"distributions of points are {', '.join(DISTRIBUTIONS)}")
        if self.distributions != DISTRIBUTIONS[:1] and self.task != "points":
            raise InputError(f"{self.task} has no distributions, which are of points")
        if (self.task == "color-block") != bool(self.clutter):
            raise InputError("color-block, and no other task, needs pictures that fill the block")
        if min(self.levels) < 1:
            raise InputError(f"the level is {min(self.levels)}: it must be 1 or more")
        for name in self.classical:
            classical.parsed(name)


@dataclass(frozen=True)
class RestorationTask:
    """A picture to measure; ``place`` is its index in the run."""

    plan: RestorationPlan
    place: int
    path: Path


def measure(task: RestorationTask) -> list[RestorationRow]:
    """Carry out a task: a row for each damage and method."""
    plan = task.plan
    original = load(task.path, plan.size)
    meter = metrics.Meter(original, plan.weights)
    methods = [(name, True) for name in plan.models] + [(name, False) for name in plan.classical]
    rows = []
    with State(plan.state) as state:
        for distribution in plan.distributions if plan.task == "points" else ("",):
            for level in plan.levels:
                done = _damaged(original, task, level, distribution)
                for name, learned in methods:
                    figures = _figures(state, meter, plan, done, name, learned)
                    method = Path(name).stem if learned else name
                    place = {"level": level, "distribution": distribution, "method": method}
                    rows.append(cast(RestorationRow, place | figures))
    return rows


def run(options: RestorationOptions, command: str) -> tuple[Record, str]:
    """Run ``restoration`` over a folder; returns its record and its table.

    command : the command line, for the record

    Raises InputError for invalid options and ModelError if weights are missing, before anything is
    measured.
    """
    chosen = options.pictures()
    plan = RestorationPlan(
        task=options.task,
        levels=numbers(options.levels, int),
        distributions=texts(options.distributions),
        models=texts(options.models),
        classical=texts(options.classical),
        size=options.size,
        seed=options.seed,
        device=options.device,
        weights=options.lpips_weights,
        clutter=tuple(pictures(options.clutter)) if options.clutter else (),
        state=options.state_path,
    )
    for model in plan.models:
        choose(model, plan.task)  # Unsuitable weights fail before anything is measured.
    used = records.weights(plan.models, plan.weights)
    todo = [RestorationTask(plan, place, path) for place, path in enumerate(chosen)]
    found = records.each(measure, todo, options.jobs)
    rows = summarised(found)
    figures: RestorationFigures = {
        "task": plan.task,
        "size": plan.size,
        "seed": plan.seed,
        "trained": [_trained(model) for model in plan.models],
        "rows": rows,
        "each": {path.name: each for path, each in zip(chosen, found, strict=True)},
    }
    record = records.record("restoration", options.title, command, chosen, used, figures)
    head = f"{options.title}, {plan.task}: {records.so_many(len(chosen))}, means"
    return record, f"{head}\n\n{table(rows)}"


def summarised(found: Sequence[list[RestorationRow]]) -> list[RestorationRow]:
    """Return the means of the rows of all pictures, which have the same damage and methods."""
    means = []
    for same in zip(*found, strict=True):
        place = {key: same[0].get(key) for key in ("level", "distribution", "method")}
        figures = {
            name: records.mean(figure(each, name) for each in same)
            for name in same[0]
            if name not in place
        }
        means.append(cast(RestorationRow, place | figures))
    return means


def table(rows: Sequence[RestorationRow]) -> str:
    """Format rows as a table."""
    names = [name for name in DIGITS if any(name in row for row in rows)]
    header = ["method", "points", "level", *names]
    cells = [
        [row["method"], row["distribution"], str(row["level"])]
        + [records.number(figure(row, name), DIGITS[name]) for name in names]
        for row in rows
    ]
    return records.table(header, cells)


def _damaged(
    original: RGB, task: RestorationTask, level: int, distribution: str
) -> damage.Corrupted:
    plan = task.plan
    rng = np.random.default_rng([plan.seed, task.place, level])
    other = None
    if plan.clutter:
        other = loading.load(plan.clutter[int(rng.integers(len(plan.clutter)))]).rgb
    return damage.corrupt(
        original, plan.task, level, rng, distribution=distribution or "random", clutter=other
    )


def _restored(model: str, task: str, device: str, done: damage.Corrupted) -> RGB:
    """The whole output of a network, which is not told where a colour block is."""
    network = choose(model, task)
    known: NDArray[np.bool_] | None = done.known
    if task == "color-block":
        try:
            known = found(done.rgb, task, network)
        except InputError:
            return done.rgb  # No block is found: nothing is restored.
    conditions = inputs(network.architecture.blends, task, done.rgb, known)
    return to_depth(paint(conditions, network, task, device), 8)


def _figures(
    state: State,
    meter: metrics.Meter,
    plan: RestorationPlan,
    done: damage.Corrupted,
    name: str,
    learned: bool,
) -> metrics.Figures:
    """The figures of a method on a damaged picture, from the state or measured now.

    learned : whether ``name`` is a network's
    """
    where = key(
        "restored",
        plan.task,
        [records.digest_of(pixels) for pixels in (meter.original, done.rgb, done.known)],
        {metric: metrics.version(metric, plan.weights) for metric in MEASURED},
        _network_version(name, plan.device) if learned else _classical_version(name),
    )
    known = state.get(where)
    if known is not None:
        figures: metrics.Figures = json.loads(known)
        return figures
    if learned:
        raw = _restored(name, plan.task, plan.device, done)
    else:
        raw = classical.restored(name, done.rgb, done.known)
    figures = _measured(meter, raw, done.known, plan.task)
    state.put(where, json.dumps(figures).encode())
    return figures


def _network_version(model: str, device: str) -> list[str]:
    """What the output of a network depends on, besides the damaged picture."""
    return [weights_digest(model), source_digest("xcodec.restoration.restore"), device]


@functools.cache
def _classical_version(name: str) -> list[Any]:
    """What the output of a classical method depends on: its modules, xcodec's fills, libraries."""
    own = records.digest(Path(str(classical.__file__)))
    packages = (*CODEC_PACKAGES, "scikit-image") if name == "biharmonic" else CODEC_PACKAGES
    return [name, own, source_digest("xcodec.restoration.inputs"), versions(packages)]


def _measured(
    meter: metrics.Meter, raw: RGB, known: NDArray[np.bool_], task: str
) -> metrics.Figures:
    figures = meter.measure(raw, MEASURED)
    if task in PASTED:
        pasted = np.where(known[..., None], meter.original, raw)
        again = meter.measure(pasted, MEASURED)
        figures |= {f"pasted {name}": value for name, value in again.items()}
        hole = (raw[~known].astype(np.float64) - meter.original[~known]) ** 2
        error = float(hole.mean()) if hole.size else 0.0
        figures["hole psnr"] = float(decibels(error)) if error else None
    return figures


def _trained(model: str) -> TrainedNetwork:
    """What the card of a model says about its training."""
    from xcodec.reconstruction import model_files

    with model_files.opened(model_files.find(model)) as (_, card):
        pass
    best = (card.best or {}).get("steps", card.steps)
    names = ("preset", "task", "batch", "crop", "lr", "losses", "data_digest", "data_pictures")
    settings = {name: card.settings[name] for name in names if name in card.settings}
    made = {"model": card.name, "steps": best, "hours": round(card.hours, 3)} | settings
    return cast(TrainedNetwork, made)
