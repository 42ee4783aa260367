"""Checks of what callers give: each raises InputError, mostly an OptionError, whose text names the
argument."""

import math
import operator
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError, OptionError

_LONGEST = 60
"""Characters of a value that messages show."""


def real(name: str, value: Any, low: float, high: float, unit: str = "") -> float | None:
    """The value as a float, low <= value <= high; None stays None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise OptionError((name,), f"is {_told(value)}; it must be a number")
    try:
        number = float(value)
    except OverflowError as error:  # Of an integer with hundreds of digits.
        raise OptionError((name,), "is huge; it must be a number that a float can hold") from error
    if not low <= number <= high:
        within = f"{_shown(low)}..{_shown(high)}{unit}"
        raise OptionError((name,), f"is {number:g}; it must be in {within}")
    return number


def whole(name: str, value: Any, low: int, high: float = math.inf) -> int | None:
    """The value as an int, low <= value <= high; None stays None."""
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError as error:
        raise OptionError((name,), f"is {_told(value)}; it must be a whole number") from error
    if isinstance(value, bool):
        raise OptionError((name,), f"is {_told(value)}; it must be a whole number")
    if not low <= number <= high:
        most = f"at least {low}" if high == math.inf else f"in {low}..{_shown(high)}"
        shown = number if abs(number) < 1 << 64 else "huge"  # Python refuses to print some.
        raise OptionError((name,), f"is {shown}; it must be {most}")
    return number


def one_of(name: str, value: Any, known: Sequence[Any], other: str = "") -> None:
    """Whether a value is one of those that are known.

    other : what it may be besides, for the text
    """
    if not isinstance(value, str | int) or value not in known:
        names = ", ".join(map(str, known)) + (f" {other}" if other else "")
        raise OptionError((name,), f"is {_told(value)}; it must be one of {names}")


def text(name: str, value: Any) -> None:
    """Whether a value is a text that can be stored."""
    if not isinstance(value, str):
        raise OptionError((name,), f"is {_told(value)}; it must be a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise OptionError((name,), "holds a surrogate, which is no character") from error


def items(name: str, value: Any, count: int | None = None) -> Sequence[Any]:
    """The value, a sequence of ``count`` items, or of any number, none of which is None."""
    if (
        not isinstance(value, list | tuple)
        or any(each is None for each in value)
        or (count is not None and len(value) != count)
    ):
        wanted = "a list" if count is None else f"{count} numbers"
        raise OptionError((name,), f"is {_told(value)}; it must be {wanted}")
    return value


def flags(options: Any, *names: str) -> None:
    """Whether attributes are true or false: a text such as "no" would count as true."""
    for name in names:
        if not isinstance(value := getattr(options, name), int | np.bool_):
            raise OptionError((name,), f"is {_told(value)}; it must be True or False")


def array(name: str, value: Any, kind: type[np.generic]) -> None:
    """Whether a value is an array of a type."""
    if not isinstance(value, np.ndarray) or value.dtype != kind:
        wanted = np.dtype(kind).name
        raise OptionError((name,), f"is {_told(value)}; it must be an array of {wanted}")


def same_size(what: str, mask: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Whether a mask has the height and width of its picture.

    what : what the mask is called
    """
    if mask.shape != shape:
        size, wanted = ("x".join(map(str, each[::-1])) for each in (mask.shape, shape))
        raise InputError(f"{what} is {size}, the picture {wanted}")


def content(data: Any) -> bytes:
    """The bytes of a .xgc file that a caller gives as bytes, or as anything that holds bytes."""
    try:
        return data if isinstance(data, bytes) else bytes(memoryview(data))
    except TypeError as error:
        raise InputError(
            f"a .xgc file is given by its bytes, not as {type(data).__name__}: read it first"
        ) from error


def _told(value: Any) -> str:
    """A value as a short text of one line."""
    if getattr(value, "ndim", 0):
        return f"an array of {value.dtype}"
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _shown(limit: float) -> str:
    return f"{limit:.4g}" if abs(limit) < 1e4 else f"{limit:.0f}"
