"""``xcodec bench rd``: rate and distortion over a folder of pictures.

xcodec is measured at rates and within budgets. Other codecs are measured over their qualities at
full size, and within budgets over settings, scales and qualities: the best file of each picture
counts, for each metric of AIMS separately. A task is one picture and one codec; several processes
share the tasks of a run, and the state stores their results.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from xcodec.errors import InputError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.measures.metrics import Figures, Meter
from xcodec.evaluation.peers import codecs, recorded
from xcodec.evaluation.peers.recorded import RecordedPoint
from xcodec.evaluation.peers.rivals import BEST, BEST_PAYLOAD, RIVALS, Rival
from xcodec.evaluation.peers.xcodecs import Variant
from xcodec.evaluation.runs.measuring import Coding, Measuring, OwnCoding, PeerCoding, load
from xcodec.evaluation.runs.records import digest_of
from xcodec.evaluation.runs.state import State
from xcodec.types import RGB

AIMS = ("psnr", "ssim", "lpips")
"""Metrics by which the best file within a budget is chosen."""
SHOWN_TARGETS = 3
"""Targets of xcodec at which a report shows pictures."""
RECORDED = "recorded"
"""What stands for the quality of a file that was coded elsewhere."""


Target = TypeVar("Target")


@dataclass(frozen=True)
class Budget:
    """The largest size of a file, in "bytes" or in bits per pixel ("bpp")."""

    unit: str
    value: float

    def bytes(self, rgb: RGB) -> int:
        """Return the largest size in bytes for a picture."""
        area = rgb.shape[0] * rgb.shape[1]
        return int(self.value if self.unit == "bytes" else self.value * area / 8)


@dataclass(frozen=True)
class RdPlan:
    """What a run measures.

    state    : path of the state file
    variants : of xcodec
    rivals   : names of the other codecs, of ``RIVALS``
    rates    : of xcodec
    budgets  : for scaled files of the other codecs, and with ``fit`` for xcodec
    full_size: whether other codecs are measured at full size too if there are rates
    scales   : factors by which pictures are scaled down for the other codecs
    square   : side in pixels to which the pictures' middle squares are resized; None: whole
               pictures
    metrics  : their names
    weights  : folder of the weights of LPIPS and DISTS
    recorded : folder of recorded points of codecs that cannot be coded here
    """

    state: Path
    variants: tuple[Variant, ...] = ()
    rivals: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()
    budgets: tuple[Budget, ...] = ()
    scales: tuple[float, ...] = codecs.SCALES
    fit: bool = True
    full_size: bool = True
    square: int | None = None
    metrics: tuple[str, ...] = metrics.ALWAYS
    weights: Path | None = None
    recorded: Path | None = None

    @property
    def aims(self) -> tuple[str, ...]:
        """The metrics of AIMS that are measured."""
        return tuple(
            aim for aim in AIMS if aim in self.metrics and (aim != "lpips" or self.weights)
        )


@dataclass(frozen=True)
class RdTask:
    """A picture and a codec: a variant of xcodec at a target, or names of peers at all settings.

    The peers of a task have the same settings, so that their files are written once.

    shown : whether a report shows xcodec's picture at this target
    """

    path: Path
    plan: RdPlan
    codec: Variant | tuple[str, ...]
    target: float | Budget | None = None
    shown: bool = False


@dataclass(frozen=True)
class CurveKey:
    """The curve that a measurement belongs to.

    name   : for readers
    kind   : "xcodec", "peer" or "best" (the best of several peers)
    codec  : xcodec's decoder, the name of the peer, or of its setting at full size
    target : what is set: "rate", "quality", "bytes" or "bpp"
    aim    : the metric by which files within budgets are chosen
    effort, model : of xcodec; an effort of None is the default
    """

    name: str
    kind: str
    codec: str
    target: str
    aim: str | None = None
    effort: int | None = None
    model: str | None = None


@dataclass(frozen=True)
class Measurement:
    """A file of a picture at a setting of a curve.

    bytes  : of the file, or of its part that counts
    choice : codec, scale and quality of the best file within a budget
    """

    curve: CurveKey
    setting: float
    bytes: int
    bpp: float
    figures: Figures
    choice: str | None = None


def tasks(paths: Sequence[Path], plan: RdPlan) -> list[RdTask]:
    """Return the tasks of a run; those of a picture start with the slow ones.

    Raises InputError if there is nothing to measure.
    """
    shown = {*few(plan.rates), *few(plan.budgets)}
    targets: list[float | Budget] = [*plan.rates, *(plan.budgets if plan.fit else ())]
    if not (plan.rates or plan.budgets):
        raise InputError("nothing to measure: give rates, bytes or bpp")
    own = [(variant, target) for variant in plan.variants for target in targets]
    rivals: dict[tuple[str, ...], tuple[str, ...]] = {}
    for name in plan.rivals:
        settings = RIVALS[name].codecs
        rivals[settings] = (*rivals.get(settings, ()), name)
    return [
        task
        for path in paths
        for task in (
            *(RdTask(path, plan, variant, target, target in shown) for variant, target in own),
            *(RdTask(path, plan, names) for names in rivals.values()),
        )
    ]


def few(targets: Sequence[Target]) -> list[Target]:
    """Return up to SHOWN_TARGETS of them, the first and the last one included."""
    most = min(len(targets), SHOWN_TARGETS)
    places = {round(i * (len(targets) - 1) / max(most - 1, 1)) for i in range(most)}
    return [targets[place] for place in sorted(places)]


def measure(task: RdTask) -> list[Measurement]:
    """Carry out a task."""
    plan = task.plan
    rgb = load(task.path, plan.square)
    with State(plan.state) as state:
        place = Measuring(rgb, digest_of(rgb), state, Meter(rgb, plan.weights))
        if isinstance(task.codec, Variant):
            assert task.target is not None
            return list(_own(place, task, task.codec, task.target))
        return [
            measured
            for name in task.codec
            for measured in _peer(place, plan, RIVALS[name], task.path.name)
        ]


def _own(
    place: Measuring, task: RdTask, variant: Variant, target: float | Budget
) -> Iterator[Measurement]:
    for decoder in variant.decoders:
        title = variant.title(decoder)
        effort, model = variant.effort, Path(variant.model).stem
        if isinstance(target, Budget):
            name = f"{title}, fitted"
            curve = CurveKey(name, "xcodec", decoder, target.unit, None, effort, model)
            coding = OwnCoding(variant, decoder, ("size", target.bytes(place.rgb)))
            setting = target.value
        else:
            curve = CurveKey(title, "xcodec", decoder, "rate", None, effort, model)
            coding = OwnCoding(variant, decoder, ("rate", target))
            setting = target
        if place.size(coding):
            yield _measured(place, task.plan, curve, setting, coding, shown=task.shown)


def _peer(place: Measuring, plan: RdPlan, rival: Rival, picture: str) -> Iterator[Measurement]:
    if plan.recorded and rival.recordable:
        yield from _recorded(place, plan, rival, picture)
        return
    settings = rival.settings
    if plan.rates and plan.full_size and not rival.part:
        for codec in settings:
            curve = CurveKey(codec.title, "peer", codec.name, "quality")
            for quality in codec.low:
                if place.size(coding := PeerCoding(codec, quality)):
                    yield _measured(place, plan, curve, quality, coding)
    for budget in plan.budgets:
        size = budget.bytes(place.rgb)
        best = place.best(settings, plan.scales, size, plan.aims, rival.part)
        for aim, peer in best.items():
            curve = CurveKey(_scaled(rival.title, aim), "peer", rival.name, budget.unit, aim)
            choice = f"{peer.codec.name} 1/{peer.scale:g} {peer.quality:g}"
            yield _measured(place, plan, curve, budget.value, peer, choice)


def _recorded(place: Measuring, plan: RdPlan, rival: Rival, name: str) -> Iterator[Measurement]:
    assert plan.recorded is not None
    height, width = place.rgb.shape[:2]
    known = recorded.picture(plan.recorded, name, (width, height))
    if known is None:
        return

    def measured(curve: CurveKey, budget: Budget, point: RecordedPoint) -> Measurement:
        size = point.counts[rival.part]
        figures = {name: point.figures.get(name) for name in plan.metrics}
        choice = f"{rival.name} 1/{point.scale:g} {RECORDED}"
        return Measurement(curve, budget.value, size, _bpp(size, place.rgb), figures, choice)

    for budget in plan.budgets:
        for aim, point in known.best(rival.part, budget.bytes(place.rgb), plan.aims):
            curve = CurveKey(_scaled(rival.title, aim), "peer", rival.name, budget.unit, aim)
            yield measured(curve, budget, point)


def _scaled(title: str, aim: str) -> str:
    return f"{title}, scaled, best {metrics.METRICS[aim].title}"


def _measured(
    place: Measuring,
    plan: RdPlan,
    curve: CurveKey,
    setting: float,
    coding: Coding,
    choice: str | None = None,
    shown: bool = False,
) -> Measurement:
    size = place.size(coding)
    figures = place.figures(coding, plan.metrics)
    label = kept_as(choice or f"{curve.name} {setting:g}", size, figures["psnr"])
    place.keep(coding, label, decoded=shown)
    return Measurement(curve, setting, size, _bpp(size, place.rgb), figures, choice)


def kept_as(how: str, size: int, psnr: float | None) -> list[Any]:
    """The label under which the state stores the file of a point, from what its record says.

    how  : the choice of codec, scale and quality, or curve and setting
    psnr : None for infinity, as in a record
    """
    exact = psnr is None or not math.isfinite(psnr)
    return [how, size, None if exact else f"{psnr:.6g}"]


def _bpp(size: int, rgb: RGB) -> float:
    return 8.0 * size / float(rgb.shape[0] * rgb.shape[1])


def best_peers(measured: Sequence[Measurement], names: Sequence[str]) -> Iterator[Measurement]:
    """Yield the best of one picture's scaled files, and of its payloads, for each aim and budget.

    measured : of the picture
    names    : of the peers that the run measures; those of ``BEST`` count

    The best payload exists where all of its peers have a file: without one of them, such as a codec
    of which nothing is recorded, it would be another thing from picture to picture.
    """
    for title, members in BEST.items():
        asked = [name for name in members if name in names]
        found: dict[tuple[str, str, float], list[Measurement]] = {}
        for m in measured:
            if m.curve.aim is not None and m.curve.codec in asked:
                found.setdefault((m.curve.aim, m.curve.target, m.setting), []).append(m)
        for (aim, target, _), files in found.items():
            if title == BEST_PAYLOAD and len(files) < len(asked):
                continue
            best = max(files, key=partial(_score, aim))
            yield replace(best, curve=CurveKey(_scaled(title, aim), "best", title, target, aim))


def _score(aim: str, measurement: Measurement) -> float:
    value = measurement.figures[aim]
    assert value is not None  # The file was chosen by this figure.
    return float(value if metrics.METRICS[aim].rising else -value)


def by_picture(
    done: Iterable[tuple[RdTask, list[Measurement]]], paths: Sequence[Path]
) -> list[list[Measurement]]:
    """Group the measurements of tasks by picture, and add the best files and payloads."""
    found: dict[Path, list[Measurement]] = {path: [] for path in paths}
    names: dict[str, None] = {}
    for task, measured in done:
        found[task.path] += measured
        names |= dict.fromkeys(task.plan.rivals)
    return [[*measured, *best_peers(measured, list(names))] for measured in found.values()]
