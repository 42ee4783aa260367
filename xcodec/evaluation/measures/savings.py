"""Bytes that one codec saves against another at equal PSNR, from records of ``xcodec bench rd``."""

import json
import statistics
from pathlib import Path
from typing import Any

from xcodec.errors import InputError
from xcodec.evaluation.measures import curves
from xcodec.evaluation.measures.curves import Point
from xcodec.system import files


def between(
    new: Path, old: Path, codec: str, against: str | None = None, span: Point | None = None
) -> str:
    """Return the Bjontegaard delta rate from a codec in one record to a codec in another, as text.

    codec, against : names of curves or parts of names, such as "generator" or "JPEG"
    span           : range of the old curve's bpp to use

    The first line is of the mean curves, the second one of the single pictures.
    Raises InputError if a record has no such curve, or if the pictures differ.
    """
    ours, theirs = _mean_and_pictures(new, codec), _mean_and_pictures(old, against or codec)
    if len(ours) != len(theirs):
        raise InputError(f"{new} and {old} are of different pictures")
    changes = [
        curves.delta(one, other, span=span).rate for one, other in zip(ours, theirs, strict=True)
    ]
    lines = [f"means: {_percent(changes[0])}"]
    pictures = sorted(change for change in changes[1:] if change is not None)
    if pictures:
        spread = f"{_percent(pictures[0])} to {_percent(pictures[-1])}"
        middle = _percent(statistics.median(pictures))
        lines.append(f"{len(pictures)} pictures: median {middle}, {spread}")
    return "\n".join(lines)


def _mean_and_pictures(path: Path, name: str) -> list[list[Point]]:
    """Pairs of bpp and PSNR of a curve: of the means, then of each picture."""
    data = files.read(path)
    try:
        found = json.loads(data)["figures"]["curves"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a record of xcodec bench rd") from error
    # In records of schema 1 the name of a curve is its "codec".
    named = [(curve.get("name") or curve["codec"], curve) for curve in found]
    exact = [curve for title, curve in named if title == name]
    for curve in exact or [curve for title, curve in named if name in title]:
        return _pairs(curve["points"])
    raise InputError(f"{path}: has no curve {name!r}, only {', '.join(t for t, _ in named)}")


def _pairs(points: list[dict[str, Any]]) -> list[list[Point]]:
    # Plain dictionaries, since the points of schema 1 are read too.
    means = [(point["bpp"], point["psnr"]) for point in points]
    columns = [
        list(zip(point["pictures"]["bpp"], point["pictures"]["psnr"], strict=True))
        for point in points
    ]
    return [means, *(list(curve) for curve in zip(*columns, strict=True))]


def _percent(change: float | None) -> str:
    return "no overlap" if change is None else f"{100 * change:+.1f} %"
