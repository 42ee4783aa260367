"""``xcodec bench rd``: rate and distortion over a folder of pictures.

xcodec is measured at rates and within budgets. Other codecs are measured over their qualities at
full size, and within budgets over scales and qualities: the best file of each picture counts, for
PSNR and for LPIPS separately. A task is one picture and one codec; several processes share the
tasks of a run, and the state stores their results.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xcodec.errors import InputError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.measures.metrics import Figures, Meter
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.peers.xcodecs import Variant
from xcodec.evaluation.runs.measuring import Coding, Measuring, OwnCoding, PeerCoding, load
from xcodec.evaluation.runs.records import digest_of
from xcodec.evaluation.runs.state import State
from xcodec.types import RGB

AIMS = ("psnr", "lpips")
"""Metrics by which the best file within a budget is chosen."""
BEST_PEER = "best peer"


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
    rivals   : names of the other codecs
    rates    : of xcodec; if there are any, other codecs are measured at full size
    budgets  : for scaled files of the other codecs, and with ``fit`` for xcodec
    scales   : factors by which pictures are scaled down for the other codecs
    square   : side in pixels to which the pictures' middle squares are resized; None: whole
               pictures
    metrics  : their names
    weights  : folder of LPIPS' weights
    """

    state: Path
    variants: tuple[Variant, ...] = ()
    rivals: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()
    budgets: tuple[Budget, ...] = ()
    scales: tuple[float, ...] = codecs.SCALES
    fit: bool = True
    square: int | None = None
    metrics: tuple[str, ...] = metrics.ALWAYS
    weights: Path | None = None


@dataclass(frozen=True)
class RdTask:
    """A picture and a codec: a variant of xcodec at a target, or another codec at all settings."""

    path: Path
    plan: RdPlan
    codec: Variant | str
    target: float | Budget | None = None


@dataclass(frozen=True)
class CurveKey:
    """The curve that a measurement belongs to.

    name   : for readers
    kind   : "xcodec", "peer" or "best" (the best of several peers)
    codec  : xcodec's decoder, or the name of the other codec
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
    targets: list[float | Budget] = [*plan.rates, *(plan.budgets if plan.fit else ())]
    if not (plan.rates or plan.budgets):
        raise InputError("nothing to measure: give rates, bytes or bpp")
    own = [(variant, target) for variant in plan.variants for target in targets]
    return [
        task
        for path in paths
        for task in (
            *(RdTask(path, plan, variant, target) for variant, target in own),
            *(RdTask(path, plan, name) for name in plan.rivals),
        )
    ]


def measure(task: RdTask) -> list[Measurement]:
    """Carry out a task."""
    plan = task.plan
    rgb = load(task.path, plan.square)
    with State(plan.state) as state:
        place = Measuring(rgb, digest_of(rgb), state, Meter(rgb, plan.weights))
        if isinstance(task.codec, Variant):
            assert task.target is not None
            return list(_own(place, plan, task.codec, task.target))
        return list(_peer(place, plan, task.codec))


def _own(
    place: Measuring, plan: RdPlan, variant: Variant, target: float | Budget
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
            yield _measured(place, plan, curve, setting, coding)


def _peer(place: Measuring, plan: RdPlan, name: str) -> Iterator[Measurement]:
    (codec,) = codecs.codecs([name])
    if plan.rates:
        curve = CurveKey(codec.title, "peer", name, "quality")
        for quality in codec.low:
            yield _measured(place, plan, curve, quality, PeerCoding(codec, quality))
    aims = AIMS if plan.weights else AIMS[:1]
    for budget in plan.budgets:
        best = place.best(codec, plan.scales, budget.bytes(place.rgb), aims)
        for aim, peer in best.items():
            curve = CurveKey(_scaled(codec.title, aim), "peer", name, budget.unit, aim)
            choice = f"{name} 1/{peer.scale:g} {peer.quality:g}"
            yield _measured(place, plan, curve, budget.value, peer, choice)


def _scaled(title: str, aim: str) -> str:
    return f"{title}, scaled, best {metrics.METRICS[aim].title}"


def _measured(
    place: Measuring,
    plan: RdPlan,
    curve: CurveKey,
    setting: float,
    coding: Coding,
    choice: str | None = None,
) -> Measurement:
    size = place.size(coding)
    bpp = 8 * size / (place.rgb.shape[0] * place.rgb.shape[1])
    figures = place.figures(coding, plan.metrics)
    return Measurement(curve, setting, size, bpp, figures, choice)


def best_peers(measured: Sequence[Measurement]) -> list[Measurement]:
    """Return the best of one picture's scaled files for each aim and budget.

    The codecs of ``codecs.BEST_OF`` count.
    """
    best: dict[tuple[str, str, float], Measurement] = {}
    for m in measured:
        aim = m.curve.aim
        if aim is None or m.curve.codec not in codecs.BEST_OF:
            continue
        place = (aim, m.curve.target, m.setting)
        sign = 1 if metrics.METRICS[aim].rising else -1
        if place not in best or sign * _value(m, aim) > sign * _value(best[place], aim):
            best[place] = m
    return [
        Measurement(
            CurveKey(_scaled(BEST_PEER, aim), "best", BEST_PEER, target, aim),
            m.setting,
            m.bytes,
            m.bpp,
            m.figures,
            m.choice,
        )
        for (aim, target, _), m in best.items()
    ]


def _value(measurement: Measurement, aim: str) -> float:
    value = measurement.figures[aim]
    assert value is not None  # The file was chosen by this figure.
    return value


def by_picture(
    done: Iterable[tuple[RdTask, list[Measurement]]], paths: Sequence[Path]
) -> list[list[Measurement]]:
    """Group the measurements of tasks by picture, and add the best peers."""
    found: dict[Path, list[Measurement]] = {path: [] for path in paths}
    for task, measured in done:
        found[task.path] += measured
    return [[*measured, *best_peers(measured)] for measured in found.values()]
