"""Whole runs of benchmarks: from options, as texts, to a record and tables."""

import itertools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xcodec.errors import InputError, ModelError
from xcodec.evaluation.measures import lpips, metrics
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.runs import points, rd, records, speed, summary
from xcodec.evaluation.pages import tables
from xcodec.evaluation.measures.curves import Point
from xcodec.evaluation.runs.options import arguments, numbers, pictures, span, texts
from xcodec.evaluation.runs.rd import Budget, Plan
from xcodec.evaluation.runs.state import default_path
from xcodec.evaluation.peers.xcodecs import GENERATOR, Variant

DEFAULT_RATES = (0.01, 0.02, 0.05, 0.1)
NO_PEERS = {"peers": "", "sizes": "", "bpp": "", "fit": False, "efforts": "", "encode": ()}


def rate_distortion(
    folder: Path, label: str | None, command: str, **options: Any
) -> tuple[dict[str, Any], str]:
    """A run of ``rd`` over a folder: its record and its tables.

    options : those of ``xcodec bench rd``, lists as texts between commas

    Raises InputError for options that make no sense, before anything is measured.
    """
    chosen = pictures(folder, options["positions"], numbers(options["only"], int))
    plan = _plan(options)
    limits, asked = span(options["within_bpp"]), numbers(options["at"], float)
    models = {v.model for v in plan.variants if GENERATOR in v.decoders}
    used = records.weights(sorted(models), plan.weights)
    todo = rd.tasks(chosen, plan)
    found = records.each(rd.measure, todo, options["jobs"] or os.cpu_count() or 1)
    measured = rd.by_picture(zip(todo, found, strict=True), chosen)
    figures = summarised(measured, plan, asked, limits)
    label = label or folder.resolve().name
    record = records.record("rd", label, command, chosen, used, figures)
    return (
        record,
        f"{label}: {len(chosen)} pictures, means\n\n{tables.shown(figures, plan.metrics)}",
    )


def restoration(
    folder: Path, label: str | None, command: str, **options: Any
) -> tuple[dict[str, Any], str]:
    """A run of ``points`` over a folder: its record and its table.

    options : those of ``xcodec bench points``, lists as texts between commas

    Raises InputError for options that make no sense, before anything is measured.
    """
    chosen = pictures(folder, options["positions"], numbers(options["only"], int))
    kinds, masks = points.fills(texts(options["fills"])), points.masks(texts(options["masks"]))
    fractions = numbers(options["fractions"], float)
    plan = _plan(options | NO_PEERS | {"decoders": GENERATOR, "rates": "0.01"})
    models = {v.model for v in plan.variants if GENERATOR in kinds}
    used = records.weights(sorted(models), plan.weights)
    todo = [
        points.Task(path, plan, mask, fraction, kinds)
        for mask in masks
        for fraction in fractions
        for path in chosen
    ]
    found = records.each(points.measure, todo, options["jobs"] or os.cpu_count() or 1)
    rows = points.rows(list(zip(todo, found, strict=True)), plan.metrics)
    label = label or folder.resolve().name
    figures = {"square": plan.square, "metrics": list(plan.metrics), "rows": rows}
    record = records.record("points", label, command, chosen, used, figures)
    text = f"{label}: {len(chosen)} pictures, means"
    return record, f"{text}\n\n{points.shown(rows, plan.metrics)}"


def timing(
    picture: Path, label: str | None, command: str, **options: Any
) -> tuple[dict[str, Any], str]:
    """A run of ``speed`` on a picture: its record and its tables.

    options : those of ``xcodec bench speed``, lists as texts between commas

    Raises InputError for options that make no sense, before anything is measured.
    """
    rgb, rate, model, times = (
        speed.load(picture),
        options["rate"],
        options["model"],
        options["runs"],
    )
    names = options["peers"]
    rivals = [codec.name for codec in codecs.codecs(None if names is None else texts(names))]
    sizes = numbers(options["megapixels"], float)
    if any(size <= 0 for size in sizes):
        raise InputError("megapixels are above 0")
    used = records.weights([model], None)
    height, width = rgb.shape[:2]
    figures = {
        "width": width,
        "height": height,
        "rate": rate,
        "processes": speed.processes(picture, rate, model, times),
        "rows": speed.coding(rgb, rivals, sizes, rate, model, times),
    }
    record = records.record("speed", label or picture.name, command, [picture], used, figures)
    text = f"{picture.name}, {width}x{height} pixels, rate {rate:g}"
    return record, f"{text}\n\n{speed.shown(figures)}"


def summarised(
    measured: list[list[rd.Measurement]],
    plan: Plan,
    asked: Iterable[float],
    limits: Point | None,
) -> dict[str, Any]:
    """The figures of a record.

    asked  : bpp at which curves are set beside each other besides xcodec's own
    limits : bpp of peers that count for the deltas
    """
    curves = summary.as_curves(measured)
    places = summary.places(curves, asked)
    return {
        "square": plan.square,
        "metrics": list(plan.metrics),
        "scales": list(plan.scales) if plan.budgets else [],
        "encode": dict(plan.variants[0].encode) if plan.variants else {},
        "curves": curves,
        "beside": summary.beside(curves, places, plan.metrics),
        "takeovers": summary.takeovers(curves, plan.metrics),
        "deltas": summary.deltas(curves, plan.metrics, limits),
    }


def _plan(options: dict[str, Any]) -> Plan:
    weights = lpips.find_weights(options["weights"])
    if options["weights"] and not weights:
        raise ModelError(f"{options['weights']}: no weights of LPIPS")
    names = options["peers"]
    rivals = codecs.codecs(None if names is None else texts(names))
    asked = options["metrics"]
    rates = numbers(options["rates"], float)
    budgets = [Budget("bytes", size) for size in numbers(options["sizes"], int)]
    budgets += [Budget("bpp", bpp) for bpp in numbers(options["bpp"], float)]
    if any(budget.value <= 0 for budget in budgets):
        raise InputError("budgets are above 0")
    chosen = metrics.choose(None if asked is None else texts(asked))
    return Plan(
        state=options["state"] or default_path(),
        variants=variants(options),
        rivals=tuple(codec.name for codec in rivals),
        rates=rates if rates or budgets else DEFAULT_RATES,
        budgets=tuple(budgets),
        fit=options["fit"],
        square=options["square"],
        metrics=tuple(name for name in metrics.METRICS if name in {*chosen, "psnr", "lpips"}),
        weights=weights,
    )


def variants(options: dict[str, Any]) -> tuple[Variant, ...]:
    """The variants of xcodec that options name: efforts by models by decoders."""
    decoders, names = texts(options["decoders"]), texts(options["models"])
    efforts = numbers(options["efforts"], int) or (None,)
    if not decoders:
        return ()
    given = arguments(options["encode"])
    first, *others = names or ("photo",)
    return tuple(
        Variant(effort, model, kinds, given, options["device"])
        for effort, (model, kinds) in itertools.product(
            efforts,
            # The classical fill doesn't depend on the model: it is measured with the first.
            [(first, decoders)] + [(m, (GENERATOR,)) for m in others if GENERATOR in decoders],
        )
    )
