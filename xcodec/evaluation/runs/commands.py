"""The commands ``xcodec bench rd``, ``points`` and ``speed``: from options to a record and tables.

Options that are lists are comma-separated texts, as on the command line.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xcodec.choices import MAX_EFFORT
from xcodec.errors import InputError
from xcodec.evaluation.measures.curves import Point
from xcodec.evaluation.pages import tables
from xcodec.evaluation.peers import codecs, recorded, rivals
from xcodec.evaluation.peers.xcodecs import GENERATOR, Variant
from xcodec.evaluation.runs import points, rd, records, speed, summary
from xcodec.evaluation.runs.known import Known
from xcodec.evaluation.runs.options import (
    FolderOptions,
    arguments,
    chosen_metrics,
    numbers,
    span,
    texts,
)
from xcodec.evaluation.runs.rd import Budget, RdPlan
from xcodec.evaluation.runs.schema import PointsFigures, RdFigures, Record, SpeedFigures
from xcodec.options import MAX_RATE, MIN_RATE
from xcodec.system import checks

DEFAULT_RATES = (0.01, 0.02, 0.05, 0.1)
DEFAULT_MODEL = "photo"


@dataclass(frozen=True, kw_only=True)
class RdOptions(FolderOptions):
    """Options of ``xcodec bench rd``.

    rates      : of xcodec; default without budgets: DEFAULT_RATES
    sizes, bpp : budgets in bytes and in bits per pixel
    fit        : whether xcodec is measured within the budgets too
    full_size  : whether other codecs are measured at full size if there are rates
    decoders   : of xcodec
    models     : names or paths of weights
    efforts    : of xcodec; empty: the default one
    peers      : names of other codecs; None: all that are installed
    recorded   : folder of recorded points of codecs that cannot be coded here
    known      : record of before that other codecs' figures are taken from; None: measure them all
    at         : further bpp at which the curves are interpolated
    within_bpp : range of the other codecs' bpp for Bjontegaard deltas, "LOW,HIGH"
    encode     : further arguments of ``xcodec.encode``, NAME=VALUE each
    square     : side in pixels to which middle squares are resized
    metrics    : None: all that can be used, without DISTS
    device     : where the generators run
    """

    rates: str = ""
    sizes: str = ""
    bpp: str = ""
    fit: bool = True
    full_size: bool = True
    decoders: str = "classical,generator"
    models: str = DEFAULT_MODEL
    efforts: str = ""
    peers: str | None = None
    recorded: Path | None = None
    known: Path | None = None
    at: str = ""
    within_bpp: str = ""
    encode: tuple[str, ...] = ()
    square: int | None = None
    metrics: str | None = None
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class PointsOptions(FolderOptions):
    """Options of ``xcodec bench points``.

    fractions : of the pixels that are known
    masks     : of ``points.POINT_MASKS``
    fills     : of ``points.TITLES``; empty: all
    models    : names or paths of weights
    square    : side in pixels to which middle squares are resized
    metrics   : None: all that can be used
    device    : where the generators run
    """

    fractions: str
    masks: str = "random"
    fills: str = ""
    models: str = DEFAULT_MODEL
    square: int | None = None
    metrics: str | None = None
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class SpeedOptions:
    """Options of ``xcodec bench speed``.

    label      : None: the name of the picture
    megapixels : sizes at which every codec is measured
    peers      : names of other codecs; None: all that are installed
    runs       : repetitions
    """

    picture: Path
    label: str | None = None
    rate: float = 0.02
    model: str = DEFAULT_MODEL
    megapixels: str = ""
    peers: str | None = None
    runs: int = 5


def rate_distortion(options: RdOptions, command: str) -> tuple[Record, str]:
    """Run ``rd`` over a folder; returns its record and its tables.

    command : the command line, for the record

    Raises InputError for invalid options, before anything is measured.
    """
    chosen = options.pictures()
    plan = _rd_plan(options)
    limits, asked = span(options.within_bpp), numbers(options.at, float)
    models = {v.model for v in plan.variants if GENERATOR in v.decoders}
    used = records.weights(sorted(models), plan.weights, plan.metrics)
    before = Known(options.known, plan) if options.known else None
    todo = rd.tasks(chosen, plan)
    known = [(task, before.of(task) if before else None) for task in todo]
    left = [task for task, there in known if there is None]
    found = iter(records.each(rd.measure, left, options.jobs))
    done = [(task, next(found) if there is None else there) for task, there in known]
    measured = rd.by_picture(done, chosen)
    figures = summarised(measured, plan, asked, limits)
    record = records.record("rd", options.title, command, chosen, used, figures)
    head = f"{options.title}: {records.so_many(len(chosen))}, means"
    return record, f"{head}\n\n{tables.text(figures, plan.metrics)}"


def restoration_from_points(options: PointsOptions, command: str) -> tuple[Record, str]:
    """Run ``points`` over a folder; returns its record and its table.

    command : the command line, for the record

    Raises InputError for invalid options, before anything is measured.
    """
    chosen = options.pictures()
    masks, fractions = points.masks(texts(options.masks)), numbers(options.fractions, float)
    if not (masks and fractions):
        raise InputError("nothing to measure: give masks and fractions")
    for fraction in fractions:
        checks.real("fractions", fraction, MIN_RATE, MAX_RATE)
    plan = points.PointsPlan(
        state=options.state_path,
        variants=tuple(
            Variant(model=model, decoders=(GENERATOR,), device=options.device)
            for model in texts(options.models) or (DEFAULT_MODEL,)
        ),
        fills=points.fills(texts(options.fills)),
        square=options.square,
        metrics=chosen_metrics(options.metrics),
        weights=options.lpips_weights,
    )
    models = {v.model for v in plan.variants if GENERATOR in plan.fills}
    used = records.weights(sorted(models), plan.weights, plan.metrics)
    todo = [
        points.PointsTask(path, plan, mask, fraction)
        for mask in masks
        for fraction in fractions
        for path in chosen
    ]
    found = records.each(points.measure, todo, options.jobs)
    rows = points.rows(list(zip(todo, found, strict=True)), plan.metrics)
    figures: PointsFigures = {"square": plan.square, "metrics": list(plan.metrics), "rows": rows}
    record = records.record("points", options.title, command, chosen, used, figures)
    head = f"{options.title}: {records.so_many(len(chosen))}, means"
    return record, f"{head}\n\n{points.table(rows, plan.metrics)}"


def timing(options: SpeedOptions, command: str) -> tuple[Record, str]:
    """Run ``speed`` on a picture; returns its record and its tables.

    command : the command line, for the record

    Raises InputError for invalid options, before anything is measured.
    """
    picture, rate, model, runs = options.picture, options.rate, options.model, options.runs
    checks.real("rate", rate, MIN_RATE, MAX_RATE)
    rgb = speed.load(picture)
    names = None if options.peers is None else texts(options.peers)
    others = [codec.name for codec in codecs.codecs(names)]
    sizes = numbers(options.megapixels, float)
    if any(size <= 0 for size in sizes):
        raise InputError("megapixels must be above 0")
    used = records.weights([model], None)
    height, width = rgb.shape[:2]
    figures: SpeedFigures = {
        "width": width,
        "height": height,
        "rate": rate,
        "processes": speed.processes(picture, rate, model, runs),
        "rows": speed.coding(rgb, others, sizes, rate, model, runs),
    }
    label = options.label or picture.name
    record = records.record("speed", label, command, [picture], used, figures)
    text = f"{picture.name}, {width}x{height} pixels, rate {rate:g}"
    return record, f"{text}\n\n{speed.tables(figures)}"


def summarised(
    measured: list[list[rd.Measurement]],
    plan: RdPlan,
    asked: Iterable[float],
    limits: Point | None,
) -> RdFigures:
    """Return the figures of a record of ``rd``.

    measured : by picture
    asked    : bpp at which the curves are interpolated, besides those of xcodec's first curve
    limits   : range of the other codecs' bpp for Bjontegaard deltas
    """
    curves = summary.as_curves(measured)
    places = summary.places(curves, asked)
    known = recorded.files(plan.recorded) if plan.recorded else []
    return {
        "square": plan.square,
        "metrics": list(plan.metrics),
        "scales": list(plan.scales) if plan.budgets else [],
        "encode": dict(plan.variants[0].encode) if plan.variants else {},
        "curves": curves,
        "beside": summary.beside(curves, places, plan.metrics),
        "takeovers": summary.takeovers(curves, plan.metrics),
        "deltas": summary.deltas(curves, plan.metrics, limits),
        "recorded": {path.name: records.digest(path) for path in known},
    }


def _rd_plan(options: RdOptions) -> RdPlan:
    names = None if options.peers is None else texts(options.peers)
    found = rivals.rivals(names, options.recorded is not None)
    if options.recorded:
        recorded.files(options.recorded)  # An error now is better than one after hours.
    rates = numbers(options.rates, float)
    budgets = [Budget("bytes", size) for size in numbers(options.sizes, int)]
    budgets += [Budget("bpp", bpp) for bpp in numbers(options.bpp, float)]
    if any(budget.value <= 0 for budget in budgets):
        raise InputError("budgets must be above 0")
    for rate in rates:
        checks.real("rates", rate, MIN_RATE, MAX_RATE)
    return RdPlan(
        state=options.state_path,
        variants=variants(options),
        rivals=tuple(rival.name for rival in found),
        rates=rates if rates or budgets else DEFAULT_RATES,
        budgets=tuple(budgets),
        fit=options.fit,
        full_size=options.full_size,
        square=options.square,
        metrics=chosen_metrics(options.metrics),
        weights=options.lpips_weights,
        recorded=options.recorded,
    )


def variants(options: RdOptions) -> tuple[Variant, ...]:
    """Return the variants of xcodec: all efforts with all models and decoders."""
    decoders, names = texts(options.decoders), texts(options.models)
    efforts = numbers(options.efforts, int) or (None,)
    for effort in efforts:
        checks.whole("efforts", effort, 0, MAX_EFFORT)
    if not decoders:
        return ()
    given = arguments(options.encode)
    first, *others = names or (DEFAULT_MODEL,)
    return tuple(
        Variant(effort, model, kinds, given, options.device)
        for effort, (model, kinds) in itertools.product(
            efforts,
            # The classical fill does not depend on the model: it is measured with the first one.
            [(first, decoders)] + [(m, (GENERATOR,)) for m in others if GENERATOR in decoders],
        )
    )
