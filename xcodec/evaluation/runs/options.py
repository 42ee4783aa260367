"""Options of the benchmark commands: folders of pictures, comma-separated lists, arguments."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from xcodec.choices import PICTURES
from xcodec.errors import InputError
from xcodec.evaluation.measures import lpips, metrics
from xcodec.evaluation.runs.state import default_path

Number = TypeVar("Number", int, float)

REQUIRED_METRICS = ("psnr", "lpips")
"""Metrics that every run measures, since tables and budgets need them."""


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """Options of every benchmark that measures the pictures of a folder.

    positions : "all", "odd" (1st, 3rd, ...) or "even"
    only      : positions in sorted order from 1, as text: "1,4,7"; empty: all
    label     : what is measured, for readers; None: the folder's name
    state     : file of results that exist already; None: the user's cache folder
    weights   : folder of the weights of LPIPS and DISTS; None: the one that XCODEC_WEIGHTS names
    jobs      : processes; None: one per core
    """

    folder: Path
    positions: str = "all"
    only: str = ""
    label: str | None = None
    state: Path | None = None
    weights: Path | None = None
    jobs: int | None = None

    def pictures(self) -> list[Path]:
        """Return the chosen pictures. Raises InputError if there are none."""
        return pictures(self.folder, self.positions, numbers(self.only, int))

    @property
    def title(self) -> str:
        """The label, or the name of the folder."""
        return self.label or self.folder.resolve().name

    @property
    def state_path(self) -> Path:
        """The state file."""
        return self.state or default_path()

    @property
    def lpips_weights(self) -> Path | None:
        """The folder of the weights of LPIPS, and perhaps of DISTS, if there is one."""
        return lpips.find_weights(self.weights)


def pictures(folder: Path, positions: str = "all", only: Sequence[int] = ()) -> list[Path]:
    """Return the pictures of a folder in sorted order, or some of them; hidden files are none.

    positions : "all", "odd" (1st, 3rd, ...) or "even"
    only      : positions to use, from 1; empty: all

    Raises InputError if none is left, or if a position is beyond the last picture.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURES and not path.name.startswith(".") and not path.is_dir()
    )
    beyond = [place for place in only if not 1 <= place <= len(found)]
    if beyond:
        raise InputError(f"{folder}: no picture {beyond[0]}, only {len(found)} pictures")
    parity = {"all": (0, 1), "odd": (1,), "even": (0,)}[positions]
    places = only or range(1, len(found) + 1)
    chosen = [found[place - 1] for place in places if place % 2 in parity]
    if not chosen:
        reason = f"none of the pictures is at an {positions} position"
        raise InputError(f"{folder}: {reason if found else 'there are no pictures in it'}")
    return chosen


def arguments(texts: Iterable[str]) -> dict[str, Any]:
    """Parse NAME=VALUE as arguments of ``xcodec.encode``; values that are not JSON are text.

    Raises InputError if there is no "=".
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"not NAME=VALUE: {text!r}")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def texts(text: str) -> tuple[str, ...]:
    """Split a comma-separated list; what it names twice counts once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def numbers(text: str, kind: Callable[[str], Number]) -> tuple[Number, ...]:
    """Parse a comma-separated list of numbers; equal ones count once.

    Raises InputError for anything else, and for infinity and NaN.
    """
    try:
        found = tuple(dict.fromkeys(kind(part) for part in texts(text)))
        if all(abs(number) < math.inf for number in found):
            return found
    except ValueError:
        pass
    raise InputError(f"not numbers separated by commas: {text!r}")


def span(text: str) -> tuple[float, float] | None:
    """Parse "LOW,HIGH"; an empty text is None. Raises InputError for anything else."""
    ends = numbers(text, float)
    if ends and (len(ends) != 2 or not 0 < ends[0] < ends[1]):
        raise InputError(f"not two numbers LOW,HIGH: {text!r}")
    return (ends[0], ends[1]) if ends else None


def chosen_metrics(text: str | None) -> tuple[str, ...]:
    """Return the metrics of a comma-separated list and the required ones; None: all usable ones.

    Raises InputError for an unknown name, DependencyError if a package is not installed.
    """
    chosen = metrics.choose(None if text is None else texts(text))
    return tuple(name for name in metrics.METRICS if name in {*chosen, *REQUIRED_METRICS})
