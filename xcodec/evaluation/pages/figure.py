"""``xcodec bench plot``: records of ``rd`` or ``restoration``, and trainings, as figures."""

import io
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from xcodec.errors import InputError, ModelError, XcodecError
from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.runs import summary
from xcodec.reconstruction import model_files

KINDS = ("svg", "png")
LEVELS = {"points": "known pixels, %", "color-noise": "noise, %"}
RIVALS = ("x-gans", "on-demand")
"""Presets of networks that xcodec's own are compared with."""
BLOCKS = "side of the block, pixels"
HISTORY = ".history.json"
"""What the name of a file with the validations of a training ends with."""
TICKS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
COLOURS = ("#0b6e69", "#6b8f1a", "#c4501b", "#7a4fb3", "#2266c2", "#b3266f", "#8a6a00", "#4d5a66")
Panel = Callable[[Any], None]
"""What draws into the axes of a panel."""
STYLE: Any = {
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e1da",
    "axes.edgecolor": "#9a9a9a",
    "svg.hashsalt": "xcodec",  # The same figures give the same file.
}


def draw(record: dict[str, Any], kind: str, names: tuple[str, ...] = ("psnr", "lpips")) -> bytes:
    """The figure in a format of KINDS, a panel a metric.

    Of rd: over bits per pixel on a logarithmic scale, scaled peers where they are best for the
    panel's metric. Of restoration: over the level of damage, a row of panels for each distribution
    of points.

    Raises InputError where the record has no curves, XcodecError without matplotlib.
    """
    if record["benchmark"] == "rd":
        panels: list[list[Panel]] = [
            [partial(_rate_panel, record["figures"]["curves"], name) for name in names]
        ]
    elif record["benchmark"] == "restoration":
        panels = _over_levels(record["figures"], names)
    else:
        raise InputError("only records of rd and restoration have curves")
    return _drawn(panels, kind, f"{record['label']}, {len(record['pictures'])} pictures")


def draw_trainings(histories: Mapping[str, list[dict[str, Any]]], kind: str) -> bytes:
    """Gain in PSNR over what the networks start from, in dB over hours of training.

    histories : as in ``zoo.Card``, by the name of each network

    Raises InputError where none has two validations, XcodecError without matplotlib.
    """
    return _drawn([[partial(_hours_panel, histories)]], kind, "validation while training")


def histories(paths: tuple[Path, ...]) -> dict[str, list[dict[str, Any]]]:
    """The histories in files of weights, or in their .history.json, by the names of these.

    Raises ModelError for other files.
    """
    found = {}
    for path in paths:
        if path.name.endswith(HISTORY):
            found[path.name.removesuffix(HISTORY)] = _history(path)
        else:
            with model_files.opened(path) as (_, card):
                found[path.stem] = card.history
    return found


def _history(path: Path) -> list[dict[str, Any]]:
    try:
        history: list[dict[str, Any]] = json.loads(path.read_bytes())
        [(each["hours"], each["psnr"].values(), each["fill"].values()) for each in history]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: not the history of a training") from error
    return history


def _drawn(panels: list[list[Panel]], kind: str, title: str) -> bytes:
    """A figure of rows of panels, with one legend for all."""
    if kind not in KINDS:
        raise InputError(f"a figure is {' or '.join(KINDS)}, not {kind!r}")
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise XcodecError("figures need matplotlib: pip install matplotlib") from error
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 0.6 + 3.5 * len(panels)), layout="constrained")
        places = figure.subplots(len(panels), len(panels[0]), squeeze=False)
        handles: dict[str, Any] = {}
        for axes, row in zip(places, panels, strict=True):
            for panel, fill in zip(axes, row, strict=True):
                fill(panel)
                lines, labels = panel.get_legend_handles_labels()
                handles |= dict(zip(labels, lines, strict=True))
        if not handles:
            raise InputError("there are no curves of two points")
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="outside lower center",
            ncols=4,
            frameon=False,
        )
        figure.suptitle(title, fontsize=10.5)
        stream = io.BytesIO()
        dated = {"Date": None} if kind == "svg" else {}
        figure.savefig(stream, format=kind, dpi=150, metadata=dated)
    return stream.getvalue()


def _over_levels(figures: dict[str, Any], names: tuple[str, ...]) -> list[list[Panel]]:
    """By distribution of points, a panel a metric."""
    distributions = dict.fromkeys(row["distribution"] for row in figures["rows"])
    return [
        [partial(_level_panel, figures, kind, name) for name in names] for kind in distributions
    ]


def _level_panel(figures: dict[str, Any], distribution: str, name: str, panel: Any) -> None:
    """The methods over the level of damage."""
    methods = list(dict.fromkeys(row["method"] for row in figures["rows"]))
    # Networks come first, in the same order.
    networks = zip(methods, figures["trained"], strict=False)
    own = {method for method, trained in networks if trained.get("preset") not in RIVALS}
    for place, method in enumerate(methods):
        points = sorted(
            (row["level"], row[name])
            for row in figures["rows"]
            if (row["method"], row["distribution"]) == (method, distribution)
            and row[name] is not None
        )
        if len(points) > 1:
            panel.plot(*zip(*points, strict=True), label=method, **_look(place, method in own))
    panel.set_xlabel(LEVELS.get(figures["task"], BLOCKS))
    panel.set_ylabel(_axis(name))
    if distribution:
        panel.set_title(f"{distribution} points", fontsize=9.5)


def _hours_panel(histories: Mapping[str, list[dict[str, Any]]], panel: Any) -> None:
    """The networks over hours."""
    for place, (name, history) in enumerate(histories.items()):
        points = [
            (each["hours"], fmean(each["psnr"].values()) - fmean(each["fill"].values()))
            for each in history
        ]
        if len(points) > 1:
            panel.plot(*zip(*points, strict=True), label=name, **_look(place, False))
    panel.set_xlabel("hours of training")
    panel.set_ylabel("PSNR above the input, dB")


def _look(place: int, own: bool) -> dict[str, Any]:
    """How a curve is drawn.

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


def _rate_panel(found: list[dict[str, Any]], name: str, panel: Any) -> None:
    """The codecs over bits per pixel."""
    families: list[tuple[str, str]] = []
    for curve in found:
        family = curve["kind"], curve["codec"]
        if family not in families:
            families.append(family)
        points = sorted(summary.pairs(curve, name))
        if len(points) < 2 or curve["aim"] not in (None, name):
            continue
        panel.plot(
            *zip(*points, strict=True),
            label=curve["name"].split(", best")[0],
            linestyle="-" if curve["aim"] is None else "--",
            **_look(families.index(family), curve["kind"] == "xcodec"),
        )
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.xaxis.set_minor_formatter("")
    low, high = panel.get_xlim()
    panel.set_xticks([x for x in TICKS if low <= x <= high])
    panel.set_xlabel("bits per pixel")
    panel.set_ylabel(_axis(name))
