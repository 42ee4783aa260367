"""``xcodec bench plot``: the curves of a record of ``rd`` as a figure for a page of text."""

import io
from typing import Any

from xcodec.errors import InputError, XcodecError
from xcodec.evaluation import summary
from xcodec.evaluation.metrics import METRICS

KINDS = ("svg", "png")
TICKS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
COLOURS = ("#0b6e69", "#6b8f1a", "#c4501b", "#7a4fb3", "#2266c2", "#b3266f", "#8a6a00", "#4d5a66")
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
    """The figure in a format of KINDS: a panel a metric, bits per pixel on a logarithmic scale.

    Scaled peers are drawn where they are best for the panel's metric.

    Raises InputError where the record has no curves, XcodecError without matplotlib.
    """
    if record["benchmark"] != "rd":
        raise InputError("only records of rd have curves")
    if kind not in KINDS:
        raise InputError(f"a figure is {' or '.join(KINDS)}, not {kind!r}")
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise XcodecError("figures need matplotlib: pip install matplotlib") from error
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 4.1), layout="constrained")
        panels = figure.subplots(1, len(names), squeeze=False)[0]
        for panel, name in zip(panels, names, strict=True):
            _panel(panel, record["figures"]["curves"], name)
        handles: dict[str, Any] = {}
        for panel in panels:
            lines, labels = panel.get_legend_handles_labels()
            handles |= dict(zip(labels, lines, strict=True))
        if not handles:
            raise InputError("the record has no curves of two points")
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="outside lower center",
            ncols=4,
            frameon=False,
        )
        figure.suptitle(f"{record['label']}, {len(record['pictures'])} pictures", fontsize=10.5)
        stream = io.BytesIO()
        dated = {"Date": None} if kind == "svg" else {}
        figure.savefig(stream, format=kind, dpi=150, metadata=dated)
    return stream.getvalue()


def _panel(panel: Any, found: list[dict[str, Any]], name: str) -> None:
    families: list[tuple[str, str]] = []
    for curve in found:
        family = curve["kind"], curve["codec"]
        if family not in families:
            families.append(family)
        points = sorted(summary.pairs(curve, name))
        if len(points) < 2 or curve["aim"] not in (None, name):
            continue
        own = curve["kind"] == "xcodec"
        panel.plot(
            *zip(*points, strict=True),
            label=curve["name"].split(", best")[0],
            color=COLOURS[families.index(family) % len(COLOURS)],
            linestyle="-" if curve["aim"] is None else "--",
            linewidth=2.4 if own else 1.4,
            marker="o",
            markersize=4.5 if own else 2.5,
        )
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.xaxis.set_minor_formatter("")
    low, high = panel.get_xlim()
    panel.set_xticks([x for x in TICKS if low <= x <= high])
    panel.set_xlabel("bits per pixel")
    better = "more is better" if METRICS[name].rising else "less is better"
    panel.set_ylabel(f"{METRICS[name].title} ({better})")
