"""The paper's tables and figures: how well damage of section 4 is undone, by networks and without.

One run is a task over a folder of pictures, at several levels: table 1 (blocks), figure 10
(points), figure 11 (noise), figure 12 and ablations (other weights), section 5.2 (other pictures,
levels, sizes). docs/reproduction.md has the command of each.
"""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xcodec.restoration import damage
from xcodec.pictures import loading
from xcodec.restoration.damage import DISTRIBUTIONS, TASKS
from xcodec.errors import InputError
from xcodec.evaluation.peers import classical
from xcodec.evaluation.measures import lpips, metrics
from xcodec.evaluation.runs import points, records
from xcodec.evaluation.runs.options import numbers, pictures, texts
from xcodec.evaluation.runs.rd import load
from xcodec.evaluation.runs.state import State, default_path, key
from xcodec.evaluation.peers.xcodecs import PACKAGES, source_digest, versions, weights_digest
from xcodec.types import RGB

FIGURES = ("psnr", "ssim", "lpips")
PASTED = ("white-block", "color-block", "points")
"""Tasks whose known pixels may be put back: colour noise hides them from everybody."""
SHOWN = {"psnr": 2, "ssim": 3, "lpips": 3, "pasted psnr": 2, "pasted ssim": 3, "hole psnr": 2}


@dataclass(frozen=True)
class Plan:
    """What is measured on each picture.

    levels, distributions : of the damage, as in ``corruption.corrupt``
    models    : weights, each a name or a path
    classical : names as in ``classical.restored``
    size      : pictures are cut to the middle square and resized to this side; None: as they are
    seed      : of the damage, with the picture's place
    weights   : folder of LPIPS' weights, if it is measured
    clutter   : pictures that fill colour blocks
    state     : file of what was found already
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
            raise InputError(f"task is {self.task!r}; it is one of {', '.join(TASKS)}")
        if not self.levels or not (self.models or self.classical):
            raise InputError("at least one level, and one model or classical method")
        if set(self.distributions) - set(DISTRIBUTIONS) or not self.distributions:
            raise InputError(f"points lie {', '.join(DISTRIBUTIONS)}")
        if self.task == "color-block" and not self.clutter:
            raise InputError("color-block needs a folder of pictures that fill the block")
        for name in self.classical:
            if name.partition(":")[0] not in classical.NAMES:
                raise InputError(f"no classical method {name!r}: {', '.join(classical.NAMES)}")


@dataclass(frozen=True)
class Work:
    """A picture to measure; place is its number, from 0."""

    plan: Plan
    place: int
    path: Path


Row = dict[str, Any]


def measure(work: Work) -> list[Row]:
    """A row for each damage and method: level, distribution, method, and figures by name."""
    plan = work.plan
    original = load(work.path, plan.size)
    meter = metrics.Meter(original, plan.weights)
    state = State(plan.state)
    methods = [(name, True) for name in plan.models] + [(name, False) for name in plan.classical]
    rows = []
    try:
        for distribution in plan.distributions if plan.task == "points" else ("",):
            for level in plan.levels:
                done = _damaged(original, work, level, distribution)
                for name, learned in methods:
                    figures = _figures(state, meter, plan, done, name, learned)
                    method = Path(name).stem if learned else name
                    place = {"level": level, "distribution": distribution, "method": method}
                    rows.append(place | figures)
    finally:
        state.close()
    return rows


def run(
    folder: Path, label: str | None, command: str, *, jobs: int = 1, **options: Any
) -> tuple[dict[str, Any], str]:
    """A record of a whole run, and its table.

    options : those of ``xcodec bench restoration``, lists as texts between commas

    Raises InputError for options that make no sense, ModelError where weights are missing.
    """
    chosen = pictures(folder, options["positions"], numbers(options["only"], int))
    clutter = tuple(pictures(options["clutter"])) if options["clutter"] else ()
    plan = Plan(
        task=options["task"],
        levels=numbers(options["levels"], int),
        distributions=texts(options["distributions"]),
        models=texts(options["models"]),
        classical=texts(options["classical"]),
        size=options["size"],
        seed=options["seed"],
        device=options["device"],
        weights=lpips.find_weights(options["weights"]),
        clutter=clutter,
        state=options["state"] or default_path(),
    )
    for model in plan.models:
        _network(model, plan.task)  # Weights that don't fit fail before anything is measured.
    used = records.weights(plan.models, plan.weights)
    todo = [Work(plan, place, path) for place, path in enumerate(chosen)]
    found = records.each(measure, todo, jobs)
    rows = summarised(found)
    figures = {
        "task": plan.task,
        "size": plan.size,
        "seed": plan.seed,
        "trained": [_trained(model) for model in plan.models],
        "rows": rows,
        "each": {path.name: each for path, each in zip(chosen, found, strict=True)},
    }
    label = label or folder.resolve().name
    record = records.record("restoration", label, command, chosen, used, figures)
    return record, f"{label}, {plan.task}: {len(chosen)} pictures, means\n\n{shown(rows)}"


def summarised(found: Sequence[list[Row]]) -> list[Row]:
    """Rows of all pictures as rows of means; every picture has the same rows."""
    means = []
    for same in zip(*found, strict=True):
        names = [name for name in same[0] if name not in ("level", "distribution", "method")]
        row = {key: same[0][key] for key in ("level", "distribution", "method")}
        means.append(row | {name: records.mean(each[name] for each in same) for name in names})
    return means


def shown(rows: Sequence[Row]) -> str:
    """Rows as a table."""
    names = [name for name in SHOWN if any(name in row for row in rows)]
    header = ["method", "points", "level", *names]
    cells = [
        [row["method"], row["distribution"], str(row["level"])]
        + [records.number(row.get(name), SHOWN[name]) for name in names]
        for row in rows
    ]
    return records.table(header, cells)


def _damaged(original: RGB, work: Work, level: int, distribution: str) -> damage.Corrupted:
    plan = work.plan
    rng = np.random.default_rng([plan.seed, work.place, level])
    other = None
    if plan.clutter:
        other = loading.load(plan.clutter[int(rng.integers(len(plan.clutter)))]).rgb
    return damage.corrupt(
        original, plan.task, level, rng, distribution=distribution or "random", clutter=other
    )


@functools.lru_cache(maxsize=8)
def _network(model: str, task: str) -> Any:
    from xcodec.restoration.restore import load as loaded  # Only here: it starts torch.

    return loaded(model, task)


def _painted(model: str, task: str, device: str, done: damage.Corrupted) -> RGB:
    """What a network paints, known pixels its own; where colour blocks are, nothing tells it."""
    from xcodec.restoration.inputs import inputs
    from xcodec.restoration.restore import found, paint

    network = _network(model, task)
    known: NDArray[np.bool_] | None = done.known
    if task == "color-block":
        try:
            known = found(done.rgb, task, network)
        except InputError:
            return done.rgb  # No block stands out: nothing is restored.
    conditions = inputs(network.architecture.blends, task, done.rgb, known)
    painted = paint(conditions, network, task, device)
    return np.clip(np.rint(painted), 0, 255).astype(np.uint8)


def _figures(
    state: State,
    meter: metrics.Meter,
    plan: Plan,
    done: damage.Corrupted,
    name: str,
    learned: bool,
) -> metrics.Figures:
    """What a method makes of a damaged picture, looked up in the state first.

    learned : whether the name is a network's
    """
    where = key(
        "restored",
        plan.task,
        [records.digest_of(pixels) for pixels in (meter.original, done.rgb, done.known)],
        {figure: metrics.version(figure, plan.weights) for figure in FIGURES},
        _version(name, plan.device) if learned else _classical_version(name),
    )
    known = state.get(where)
    if known is not None:
        figures: metrics.Figures = json.loads(known)
        return figures
    if learned:
        raw = _painted(name, plan.task, plan.device, done)
    else:
        raw = classical.restored(name, done.rgb, done.known)
    figures = _measured(meter, raw, done.known, plan.task)
    state.put(where, json.dumps(figures).encode())
    return figures


def _version(model: str, device: str) -> list[str]:
    """What a network's pictures depend on besides the damage."""
    return [weights_digest(model), source_digest("xcodec.restoration.restore"), device]


@functools.cache
def _classical_version(name: str) -> list[Any]:
    """What a classical method's pictures depend on: its modules, xcodec's fills, libraries."""
    own = [records.digest(Path(str(module.__file__))) for module in (classical, points)]
    packages = (*PACKAGES, "scikit-image") if name == "biharmonic" else PACKAGES
    return [name, own, source_digest("xcodec.restoration.inputs"), versions(packages)]


def _measured(
    meter: metrics.Meter, raw: RGB, known: NDArray[np.bool_], task: str
) -> metrics.Figures:
    figures = meter.measure(raw, FIGURES)
    if task in PASTED:
        pasted = np.where(known[..., None], meter.original, raw)
        again = meter.measure(pasted, FIGURES)
        figures |= {f"pasted {name}": value for name, value in again.items()}
        hole = (raw[~known].astype(np.float64) - meter.original[~known]) ** 2
        error = float(hole.mean()) if hole.size else 0.0
        figures["hole psnr"] = 10 * np.log10(255**2 / error) if error else None
    return figures


def _trained(model: str) -> dict[str, Any]:
    """What a model's card says of its training."""
    from xcodec.reconstruction import model_files

    with model_files.opened(model_files.find(model)) as (_, card):
        pass
    best = (card.best or {}).get("steps", card.steps)
    names = ("preset", "task", "batch", "crop", "lr", "losses", "data_digest", "data_pictures")
    settings = {name: card.settings[name] for name in names if name in card.settings}
    return {"model": card.name, "steps": best, "hours": round(card.hours, 3)} | settings
