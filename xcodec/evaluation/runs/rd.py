"""``xcodec bench rd``: rate and distortion over a folder of pictures.

xcodec is encoded at rates, and to fit budgets; peers run over their qualities at full size, and
within budgets over scales and qualities (the best file of each picture counts, for PSNR and for
LPIPS each by itself). Everything is a task of one picture and one codec; the tasks of a run go to
several processes, and the state remembers what each has found.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from xcodec.types import RGB
from xcodec.pictures import loading
from xcodec.errors import InputError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.runs.measuring import Coding, Measuring, Own, Peer
from xcodec.evaluation.measures.metrics import Figures, Meter
from xcodec.evaluation.runs.records import digest_of
from xcodec.evaluation.runs.state import State
from xcodec.evaluation.peers.xcodecs import Variant

AIMS = ("psnr", "lpips")
"""What "the best file" may mean."""
BEST = "best peer"


@dataclass(frozen=True)
class Budget:
    """How large a file may be: so many "bytes", or so many bits a pixel ("bpp")."""

    unit: str
    value: float

    def bytes(self, rgb: RGB) -> int:
        """The largest size in bytes of a file of a picture."""
        area = rgb.shape[0] * rgb.shape[1]
        return int(self.value if self.unit == "bytes" else self.value * area / 8)


@dataclass(frozen=True)
class Plan:
    """What a run measures.

    state    : file of the state
    variants : of xcodec
    rivals   : names of peers
    rates    : of xcodec; where there are some, peers are measured at full size
    budgets  : for xcodec, if ``fit``, and for peers with scale-down
    scales   : factors by which peers are scaled down
    square   : pictures are cut to the middle square and resized to this side, Lanczos
    metrics  : names of figures
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
class Task:
    """A picture through a codec: a variant of xcodec at a target, or a peer at all its own."""

    path: Path
    plan: Plan
    codec: Variant | str
    target: float | Budget | None = None


@dataclass(frozen=True)
class Curve:
    """What points belong together.

    name   : for readers
    kind   : "xcodec", "peer" or "best": the best of several peers
    codec  : xcodec's decoder, or the peer's name
    target : what is set: "rate", "quality", "bytes" or "bpp"
    aim    : of budgets: the metric that peers' files are best for
    effort, model : of xcodec; the effort is None for the default
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
    """A file of a picture, at a setting of a curve.

    choice : of a peer within a budget: its codec, scale and quality
    """

    curve: Curve
    setting: float
    bytes: int
    bpp: float
    figures: Figures
    choice: str | None = field(default=None)


def load(path: Path, square: int | None = None) -> RGB:
    """A picture, cut to its middle square and resized to a side by Lanczos where asked."""
    rgb = loading.load(path).rgb
    if square is None:
        return rgb
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = Image.fromarray(np.ascontiguousarray(rgb[top : top + side, left : left + side]))
    return np.asarray(middle.resize((square, square), Image.Resampling.LANCZOS))


def tasks(paths: Sequence[Path], plan: Plan) -> list[Task]:
    """All that a run has to do, long tasks before short ones within a picture."""
    targets: list[float | Budget] = [*plan.rates, *(plan.budgets if plan.fit else ())]
    if not (plan.rates or plan.budgets):
        raise InputError("nothing to measure: give rates, bytes or bpp")
    return [
        task
        for path in paths
        for task in (
            *(Task(path, plan, variant, target) for variant in plan.variants for target in targets),
            *(Task(path, plan, name) for name in plan.rivals),
        )
    ]


def measure(task: Task) -> list[Measurement]:
    """The measurements of a task."""
    plan = task.plan
    rgb = load(task.path, plan.square)
    state = State(plan.state)
    try:
        place = Measuring(rgb, digest_of(rgb), state, Meter(rgb, plan.weights))
        if isinstance(task.codec, Variant):
            assert task.target is not None
            return list(_own(place, plan, task.codec, task.target))
        return list(_peer(place, plan, task.codec))
    finally:
        state.close()


def _own(
    place: Measuring, plan: Plan, variant: Variant, target: float | Budget
) -> Iterator[Measurement]:
    for decoder in variant.decoders:
        title = variant.title(decoder)
        effort, model = variant.effort, Path(variant.model).stem
        if isinstance(target, Budget):
            curve = Curve(f"{title}, fitted", "xcodec", decoder, target.unit, None, effort, model)
            coding = Own(variant, decoder, ("size", target.bytes(place.rgb)))
            setting = target.value
        else:
            curve = Curve(title, "xcodec", decoder, "rate", None, effort, model)
            coding = Own(variant, decoder, ("rate", target))
            setting = target
        if place.size(coding):
            yield _measured(place, plan, curve, setting, coding)


def _peer(place: Measuring, plan: Plan, name: str) -> Iterator[Measurement]:
    (codec,) = codecs.codecs([name])
    if plan.rates:
        curve = Curve(codec.title, "peer", name, "quality")
        for quality in codec.low:
            yield _measured(place, plan, curve, quality, Peer(codec, quality))
    aims = AIMS if plan.weights else AIMS[:1]
    for budget in plan.budgets:
        best = place.best(codec, plan.scales, budget.bytes(place.rgb), aims)
        for aim, peer in best.items():
            curve = Curve(_scaled(codec.title, aim), "peer", name, budget.unit, aim)
            choice = f"{name} 1/{peer.scale:g} {peer.quality:g}"
            yield _measured(place, plan, curve, budget.value, peer, choice)


def _scaled(title: str, aim: str) -> str:
    return f"{title}, scaled, best {metrics.METRICS[aim].title}"


def _measured(
    place: Measuring,
    plan: Plan,
    curve: Curve,
    setting: float,
    coding: Coding,
    choice: str | None = None,
) -> Measurement:
    size = place.size(coding)
    bpp = 8 * size / (place.rgb.shape[0] * place.rgb.shape[1])
    figures = place.figures(coding, plan.metrics)
    return Measurement(curve, setting, size, bpp, figures, choice)


def best_peers(measured: Sequence[Measurement]) -> list[Measurement]:
    """By aim and budget the best of one picture's peers, of those that ``peers.BEST`` names."""
    best: dict[tuple[str, str, float], Measurement] = {}
    for m in measured:
        aim = m.curve.aim
        if aim is None or m.curve.codec not in codecs.BEST:
            continue
        place = (aim, m.curve.target, m.setting)
        sign = 1 if metrics.METRICS[aim].rising else -1
        if place not in best or sign * _known(m, aim) > sign * _known(best[place], aim):
            best[place] = m
    return [
        Measurement(
            Curve(_scaled(BEST, aim), "best", BEST, target, aim),
            m.setting,
            m.bytes,
            m.bpp,
            m.figures,
            m.choice,
        )
        for (aim, target, _), m in best.items()
    ]


def _known(measurement: Measurement, aim: str) -> float:
    value = measurement.figures[aim]
    assert value is not None  # It was chosen by this figure.
    return value


def by_picture(
    done: Iterable[tuple[Task, list[Measurement]]], paths: Sequence[Path]
) -> list[list[Measurement]]:
    """The measurements of each picture, the best peers among them."""
    found: dict[Path, list[Measurement]] = {path: [] for path in paths}
    for task, measured in done:
        found[task.path] += measured
    return [[*measured, *best_peers(measured)] for measured in found.values()]
