"""What the options of benchmarks mean: pictures of a folder, lists between commas, arguments."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from xcodec.errors import InputError

Item = TypeVar("Item")

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".ppm")


def pictures(folder: Path, positions: str = "all", only: Sequence[int] = ()) -> list[Path]:
    """The pictures of a folder in sorted order, or some of them.

    positions : "all", "odd" (1st, 3rd, ...) or "even"
    only      : the places that count, from 1; empty for all

    Raises InputError where none is left, or a place is beyond the last picture.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    beyond = [place for place in only if not 1 <= place <= len(found)]
    if beyond:
        raise InputError(f"{folder}: has {len(found)} pictures, so none at place {beyond[0]}")
    parity = {"all": (0, 1), "odd": (1,), "even": (0,)}[positions]
    places = only or range(1, len(found) + 1)
    chosen = [found[place - 1] for place in places if place % 2 in parity]
    if not chosen:
        raise InputError(f"{folder}: no such pictures")
    return chosen


def arguments(texts: Iterable[str]) -> dict[str, Any]:
    """NAME=VALUE as arguments of ``xcodec.encode``; a value that isn't JSON is text.

    Raises InputError where there is no "=".
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
    """Words between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def numbers(text: str, kind: Callable[[str], Item]) -> tuple[Item, ...]:
    """Numbers between commas; raises InputError where something else is there."""
    try:
        return tuple(kind(part) for part in texts(text))
    except ValueError:
        raise InputError(f"not numbers between commas: {text!r}") from None


def span(text: str) -> tuple[float, float] | None:
    """Two numbers between commas, LOW,HIGH; None for nothing. Raises InputError for else."""
    ends = numbers(text, float)
    if ends and (len(ends) != 2 or not 0 < ends[0] < ends[1]):
        raise InputError(f"not two numbers LOW,HIGH: {text!r}")
    return (ends[0], ends[1]) if ends else None
