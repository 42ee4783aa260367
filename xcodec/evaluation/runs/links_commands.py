"""Whole runs over links that lose packets: from options, as texts, to a record and tables."""

import os
from pathlib import Path
from typing import Any

from xcodec.coding.packets import MAX_SIZE, MIN_SIZE
from xcodec.errors import InputError, ModelError
from xcodec.evaluation.runs import links, links_summary, records
from xcodec.evaluation.measures import lpips
from xcodec.evaluation.peers import codecs, ssdv
from xcodec.evaluation.runs.channels import CHANNELS
from xcodec.evaluation.runs.options import arguments, numbers, pictures, texts
from xcodec.evaluation.runs.state import default_path


def run(
    folder: Path, label: str | None, command: str, **options: Any
) -> tuple[dict[str, Any], str]:
    """A run over a folder: its record and its tables.

    options : those of ``xcodec bench links``, lists as texts between commas

    Raises InputError for options that make no sense, before anything is measured.
    """
    chosen = pictures(folder, options["positions"], numbers(options["only"], int))
    plan = _plan(options)
    used = records.weights([plan.model], plan.weights)
    todo = [
        links.Task(path, place, budget, plan)
        for place, path in enumerate(chosen)
        for budget in plan.budgets
    ]
    found = records.each(links.measure, todo, options["jobs"] or os.cpu_count() or 1)
    rows = links_summary.rows(cell for cells in found for cell in cells)
    label = label or folder.resolve().name
    figures = {
        "square": plan.square,
        "packet_size": plan.packet_size,
        "seeds": plan.seeds,
        "encode": plan.encode,
        "rows": rows,
    }
    record = records.record("links", label, command, chosen, used, figures)
    head = f"{label}: {len(chosen)} pictures, PSNR / SSIM / LPIPS, means"
    return record, f"{head}\n\n{links_summary.shown(rows)}"


def _plan(options: dict[str, Any]) -> links.Plan:
    weights = lpips.find_weights(options["weights"])
    if options["weights"] and not weights:
        raise ModelError(f"{options['weights']}: no weights of LPIPS")
    channels = texts(options["channels"])
    if not channels or not set(channels) <= set(CHANNELS):
        raise InputError(f"channels are {', '.join(CHANNELS)}")
    budgets = numbers(options["sizes"], int)
    if not budgets or min(budgets) < MIN_SIZE:
        raise InputError(f"budgets are {MIN_SIZE} bytes or more")
    if not MIN_SIZE <= options["packet_size"] <= MAX_SIZE:
        raise InputError(f"packets have {MIN_SIZE} to {MAX_SIZE} bytes")
    planned, losses = numbers(options["planned"], float), numbers(options["losses"], float)
    if not losses or not all(0 <= loss <= 0.9 for loss in planned + losses):
        raise InputError("losses lie in 0..0.9")
    if options["seeds"] < 1:
        raise InputError("at least one seed")
    return links.Plan(
        state=options["state"] or default_path(),
        budgets=budgets,
        packet_size=options["packet_size"],
        planned=planned,
        losses=losses,
        channels=channels,
        seeds=options["seeds"],
        rivals=tuple(codec.name for codec in codecs.codecs(texts(options["peers"]))),
        ssdv=ssdv.installed(),
        model=options["model"],
        encode=arguments(options["encode"]),
        square=options["square"],
        weights=weights,
    )
