"""Bytes that one codec saves against another at equal PSNR, from records of ``xcodec bench rd``."""

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xcodec.errors import InputError
from xcodec.evaluation.measures import curves
from xcodec.evaluation.measures.curves import Point
from xcodec.system import files


@dataclass(frozen=True)
class Changes:
    """Bjontegaard delta rates, as shares: -0.1 where files are 10 % smaller.

    mean     : of the mean curves; None if their PSNRs do not overlap
    pictures : of each picture whose curves overlap, in ascending order
    """

    mean: float | None
    pictures: tuple[float, ...]

    @property
    def median(self) -> float | None:
        """The median picture's."""
        return statistics.median(self.pictures) if self.pictures else None


def changes(
    new: Path, old: Path, codec: str, against: str | None = None, span: Point | None = None
) -> Changes:
    """Return the Bjontegaard delta rates from a codec in one record to a codec in another.

    codec, against : names of curves or parts of names, such as "generator" or "JPEG"
    span           : range of the old curve's bpp to use

    Raises InputError if a record has no such curve, or if the pictures differ.
    """
    pictures, ours = _mean_and_pictures(new, codec)
    others, theirs = _mean_and_pictures(old, against or codec)
    if pictures != others or len(ours) != len(theirs):
        raise InputError(f"{new} and {old} are of different pictures")
    mean, *each = (
        curves.delta(one, other, span=span).rate for one, other in zip(ours, theirs, strict=True)
    )
    return Changes(mean, tuple(sorted(change for change in each if change is not None)))


def between(
    new: Path, old: Path, codec: str, against: str | None = None, span: Point | None = None
) -> str:
    """Return what ``changes`` finds as text: a line for the mean curves, one for the pictures."""
    found = changes(new, old, codec, against, span)
    lines = [f"means: {_percent(found.mean)}"]
    if found.pictures:
        spread = f"{_percent(found.pictures[0])} to {_percent(found.pictures[-1])}"
        middle = _percent(found.median)
        many = "1 picture" if len(found.pictures) == 1 else f"{len(found.pictures)} pictures"
        lines.append(f"{many}: median {middle}, {spread}")
    return "\n".join(lines)


def _mean_and_pictures(path: Path, name: str) -> tuple[list[str], list[list[Point]]]:
    """Digests of pictures, and pairs of bpp and PSNR of a curve: of the means, then of each
    picture."""
    data = files.read(path)
    try:
        record = json.loads(data)
        # In records of schema 1 the name of a curve is its "codec".
        named = [(c.get("name") or c["codec"], c) for c in record["figures"]["curves"]]
        exact = [curve for title, curve in named if title == name]
        for curve in exact or [curve for title, curve in named if name in title]:
            return list(record["pictures"].values()), _pairs(curve["points"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a record of xcodec bench rd") from error
    raise InputError(f"{path}: has no curve {name!r}, only {', '.join(t for t, _ in named)}")


def _pairs(points: list[dict[str, Any]]) -> list[list[Point]]:
    """Pictures without a file, or with an infinite PSNR, have no pair, and no mean counts them."""
    # Plain dictionaries, since the points of schema 1 are read too.
    columns = [
        list(zip(point["pictures"]["bpp"], point["pictures"]["psnr"], strict=True))
        for point in points
    ]
    means = [
        (point["bpp"], point["psnr"])
        for point, column in zip(points, columns, strict=True)
        if all(None not in pair for pair in column)
    ]
    pictures = zip(*columns, strict=True)
    return [means, *([pair for pair in curve if None not in pair] for curve in pictures)]


def _percent(change: float | None) -> str:
    return "no overlap" if change is None else f"{100 * change:+.1f} %"
