"""``xcodec bench plot``: figures of records of ``rd`` and ``restoration``, and of training runs."""

import io
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from xcodec.errors import InputError, ModelError
from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.runs import summary
from xcodec.evaluation.runs.records import so_many
from xcodec.evaluation.runs.schema import Record, RecordedCurve, RestorationFigures, figure
from xcodec.reconstruction import model_files
from xcodec.system.packages import require

FORMATS = ("svg", "png")
LEVEL_AXES = {"points": "known pixels, %", "color-noise": "noise, %"}
BLOCK_AXIS = "side of the block, pixels"
"""Labels of the axis of the level of damage: of these tasks, and of the others."""
RIVALS = ("x-gans", "on-demand")
"""Presets of networks that xcodec's own are compared with."""
HISTORY = ".history.json"
"""Suffix of files with the validations of a training run."""
TICKS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
COLOURS = ("#0b6e69", "#6b8f1a", "#c4501b", "#7a4fb3", "#2266c2", "#b3266f", "#8a6a00", "#4d5a66")
Panel = Callable[[Any], None]
"""A function that draws into matplotlib's axes."""
History = list[dict[str, Any]]
"""Validations of a training run, as in ``model_files.Card``."""
STYLE: Any = {
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e1da",
    "axes.edgecolor": "#9a9a9a",
    "text.parse_math": False,  # A "$" in a label is one.
    "svg.hashsalt": "xcodec",  # The same input gives the same file.
}


def draw(record: Record, kind: str, names: tuple[str, ...] = ("psnr", "lpips")) -> bytes:
    """Return a figure of a record in a format of FORMATS, with a panel for each metric.

    Records of rd are drawn over bits per pixel on a logarithmic scale; of the scaled files a panel
    shows those that are best for its metric. Records of restoration are drawn over the level of
    damage, with a row of panels for each distribution of points.

    Raises InputError if the record has no curves, DependencyError without matplotlib.
    """
    if not names:
        raise InputError("there is no metric to draw")
    if record["benchmark"] == "rd":
        panels: list[list[Panel]] = [
            [partial(_rate_panel, record["figures"]["curves"], name) for name in names]
        ]
    elif record["benchmark"] == "restoration":
        panels = _over_levels(record["figures"], names)
    else:
        raise InputError("only records of rd and restoration have curves")
    return _drawn(panels, kind, f"{record['label']}, {so_many(len(record['pictures']))}")


def draw_trainings(histories: Mapping[str, History], kind: str) -> bytes:
    """Return a figure of the gain in PSNR over the networks' input, in dB over hours of training.

    histories : of each network, by name

    Raises InputError if none has two validations, DependencyError without matplotlib.
    """
    return _drawn([[partial(_hours_panel, histories)]], kind, "validation while training")


def histories(paths: tuple[Path, ...]) -> dict[str, History]:
    """Read the histories from files of weights or from .history.json files, by name: after that of
    their folder where several have the same one.

    Raises ModelError for other files.
    """
    names = [path.name.removesuffix(HISTORY).removesuffix(model_files.SUFFIX) for path in paths]
    found: dict[str, History] = {}
    for path, name in zip(paths, names, strict=True):
        if names.count(name) > 1:
            name = f"{path.resolve().parent.name}/{name}"
        if path.name.endswith(HISTORY):
            found[name] = _history(path)
        else:
            with model_files.opened(path) as (_, card):
                found[name] = card.history
    return found


def _history(path: Path) -> History:
    try:
        history: History = json.loads(path.read_bytes())
        [(each["hours"], each["psnr"].values(), each["fill"].values()) for each in history]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: not the history of a training run") from error
    return history


def _drawn(panels: list[list[Panel]], kind: str, title: str) -> bytes:
    """A figure of rows of panels with a common legend."""
    if kind not in FORMATS:
        raise InputError(f"a figure is {' or '.join(FORMATS)}, not {kind!r}")
    matplotlib = require("matplotlib", "bench")
    new_figure = require("matplotlib.figure", "bench").Figure
    with matplotlib.rc_context(STYLE):
        drawing = new_figure(figsize=(9.2, 0.6 + 3.5 * len(panels)), layout="constrained")
        places = drawing.subplots(len(panels), len(panels[0]), squeeze=False)
        handles: dict[str, Any] = {}
        for axes, row in zip(places, panels, strict=True):
            for panel, fill in zip(axes, row, strict=True):
                fill(panel)
                lines, labels = panel.get_legend_handles_labels()
                handles |= dict(zip(labels, lines, strict=True))
        if not handles:
            raise InputError("there are no curves of two points")
        drawing.legend(
            list(handles.values()),
            list(handles),
            loc="outside lower center",
            ncols=4,
            frameon=False,
        )
        drawing.suptitle(title, fontsize=10.5)
        stream = io.BytesIO()
        dated = {"Date": None} if kind == "svg" else {}
        drawing.savefig(stream, format=kind, dpi=150, metadata=dated)
    return stream.getvalue()


def _over_levels(figures: RestorationFigures, names: tuple[str, ...]) -> list[list[Panel]]:
    """A row of panels for each distribution of points."""
    distributions = dict.fromkeys(row["distribution"] for row in figures["rows"])
    return [
        [partial(_level_panel, figures, kind, name) for name in names] for kind in distributions
    ]


def _level_panel(figures: RestorationFigures, distribution: str, name: str, panel: Any) -> None:
    """Draw the methods over the level of damage."""
    methods = list(dict.fromkeys(row["method"] for row in figures["rows"]))
    # The first methods are the networks, in the same order.
    networks = zip(methods, figures["trained"], strict=False)
    own = {method for method, trained in networks if trained.get("preset") not in RIVALS}
    for place, method in enumerate(methods):
        points = sorted(
            (row["level"], value)
            for row in figures["rows"]
            if (row["method"], row["distribution"]) == (method, distribution)
            and (value := figure(row, name)) is not None
        )
        if len(points) > 1:
            panel.plot(*zip(*points, strict=True), label=method, **_style(place, method in own))
    panel.set_xlabel(LEVEL_AXES.get(figures["task"], BLOCK_AXIS))
    panel.set_ylabel(_axis(name))
    if distribution:
        panel.set_title(f"{distribution} points", fontsize=9.5)


def _hours_panel(histories: Mapping[str, History], panel: Any) -> None:
    """Draw the networks over hours of training."""
    for place, (name, history) in enumerate(histories.items()):
        points = [
            (each["hours"], fmean(each["psnr"].values()) - fmean(each["fill"].values()))
            for each in history
        ]
        if len(points) > 1:
            panel.plot(*zip(*points, strict=True), label=name, **_style(place, False))
    panel.set_xlabel("hours of training")
    panel.set_ylabel("PSNR above the input, dB")


def _style(place: int, own: bool) -> dict[str, Any]:
    """The style of a curve.

    own : whether it is xcodec's
    """
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linewidth": 2.4 if own else 1.4,
        "marker": "o",
        "markersize": 4.5 if own else 2.5,
    }


def _axis(name: str) -> str:
    better = "more is better" if METRICS[name].rising else "less is better"
    return f"{METRICS[name].title} ({better})"


def _rate_panel(found: list[RecordedCurve], name: str, panel: Any) -> None:
    """Draw the codecs over bits per pixel."""
    families: list[tuple[str, str]] = []
    for curve in filter(summary.representative, found):
        family = curve["kind"], curve["codec"]
        if family not in families:
            families.append(family)
        points = sorted(summary.pairs(curve, name))
        if len(points) < 2 or curve["aim"] not in (None, METRICS[name].aim):
            continue
        panel.plot(
            *zip(*points, strict=True),
            label=curve["name"].split(", best")[0],
            linestyle="-" if curve["aim"] is None else "--",
            **_style(families.index(family), curve["kind"] == "xcodec"),
        )
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.xaxis.set_minor_formatter("")
    low, high = panel.get_xlim()
    panel.set_xticks([x for x in TICKS if low <= x <= high])
    panel.set_xlabel("bits per pixel")
    panel.set_ylabel(_axis(name))
