"""Figures of other codecs from a record of before.

They do not change when xcodec does, and measuring them takes hours.
"""

import math
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from xcodec.errors import InputError
from xcodec.evaluation.peers.rivals import RIVALS
from xcodec.evaluation.runs import records
from xcodec.evaluation.runs.rd import Budget, CurveKey, Measurement, RdPlan, RdTask
from xcodec.evaluation.runs.schema import CurvePoint, RdRecord, RecordedCurve

UNRELATED = ("xcodec", "commit", "python", "scipy", "constriction", "onnxruntime", "bjontegaard")
"""Versions in a record that other codecs' figures do not depend on."""


class Known:
    """The figures of other codecs' scaled files that a record holds."""

    def __init__(self, path: Path, plan: RdPlan) -> None:
        """Read a record for a run.

        Raises InputError, which says why, if its figures are not those that the run would measure.
        """
        record = records.load(path)
        if record["benchmark"] != "rd":
            raise InputError(f"{path}: not a record of bench rd")
        if reason := _differs(record, plan):
            raise InputError(f"{path}: other codecs were measured with other {reason}")
        self._places = {digest: i for i, digest in enumerate(record["pictures"].values())}
        self._budgets = {_key(budget): budget.value for budget in plan.budgets}
        self._curves: dict[str, list[RecordedCurve]] = {}
        for curve in record["figures"]["curves"]:
            if curve["kind"] == "peer" and curve["aim"] is not None:
                self._curves.setdefault(curve["codec"], []).append(curve)

    def of(self, task: RdTask) -> list[Measurement] | None:
        """Return the measurements of a task, or None if the record does not hold them all."""
        if not isinstance(task.codec, tuple):
            return None
        if any(name not in self._curves or RIVALS[name].recordable for name in task.codec):
            return None
        place = self._places.get(records.digest(task.path))
        if place is None:
            return None
        return [
            _measurement(curve, point, place, setting, task.plan.metrics)
            for name in task.codec
            for curve in self._curves[name]
            if curve["aim"] in task.plan.aims
            for point in curve["points"]
            if (setting := self._budgets.get((curve["target"], point["setting"]))) is not None
            and point["pictures"]["bytes"][place] is not None
        ]


def _differs(record: RdRecord, plan: RdPlan) -> str | None:
    """What other codecs were measured with that a run would not use; None if nothing."""
    figures = record["figures"]
    if plan.rates and plan.full_size:
        return "files: full size is asked for (--no-full-size leaves it out)"
    if figures["square"] != plan.square:
        return "squares"
    if figures["scales"] != list(plan.scales):
        return "scales"
    if missing := set(plan.metrics) - set(figures["metrics"]):
        return f"metrics, without {', '.join(sorted(missing))}"
    settings = {(c["target"], p["setting"]) for c in figures["curves"] for p in c["points"]}
    for budget in plan.budgets:
        if _key(budget) not in settings:
            return f"budgets, without {budget.value:g} {budget.unit}"
    before, now = record["versions"], records.versions()
    for name in sorted(before.keys() | now.keys()):
        if name not in UNRELATED and before.get(name) != now.get(name):
            return f"versions: {name} {before.get(name)}, not {now.get(name)}"
    for path, digest in records.weights((), plan.weights, plan.metrics).items():
        if record["weights"].get(path.name) != digest:
            return f"weights: {path.name}"
    return None


def _key(budget: Budget) -> tuple[str, float]:
    """A budget as a record has it."""
    return budget.unit, budget.value if budget.unit == "bytes" else records.rounded(budget.value)


def _measurement(
    curve: RecordedCurve, point: CurvePoint, place: int, setting: float, names: Sequence[str]
) -> Measurement:
    """The measurement of one picture at a point, by the metrics of these names."""
    pictures: dict[str, Sequence[Any]] = {**point["pictures"]}  # type: ignore[dict-item]
    values = {name: column[place] for name, column in pictures.items()}
    if values["psnr"] is None:  # A file has a PSNR, and a record holds no infinite one.
        values["psnr"] = math.inf
    figures = {name: values[name] for name in names}
    whole: dict[str, Any] = {**curve}
    key = CurveKey(**{field.name: whole[field.name] for field in fields(CurveKey)})
    size, bpp, choice = values["bytes"], values["bpp"], values["choice"]
    return Measurement(key, setting, size, bpp, figures, choice)
