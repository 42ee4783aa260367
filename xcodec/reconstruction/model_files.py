"""Generators by name: where their weights are found and what these say of themselves. No torch."""

import functools
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors

from xcodec.errors import InputError, ModelError
from xcodec.reconstruction.architecture import Architecture, Shape, Weights
from xcodec.reconstruction.weight_packing import unpacked

ENVIRONMENT = "XCODEC_MODELS"
"""Environment variable: a folder of weights that is searched first."""
SUFFIX = ".safetensors"
REALISTIC = "-real"
"""What the name of a model's realistic weights adds to that of its faithful ones."""
FORMAT = "xcodec generator 2"
OLDER = "xcodec generator 1"
"""The same, but all in half precision."""
MAX_BYTES = 1 << 28


@dataclass(frozen=True)
class Card:
    """What a file of weights says about itself.

    settings : the settings of the training, names of files and folders without their path
    steps    : training steps, all runs together
    hours    : of training
    history  : validations, oldest first: {"steps", "hours", "psnr": {rate: dB}, "fill": {rate: dB}}
    best     : the history's entry that these weights earned, if any
    """

    name: str
    architecture: Shape = field(default_factory=Architecture)
    settings: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    hours: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Card]]:
    """A file of weights while it is read, with numpy's arrays, and its card.

    Raises ModelError where the file is missing, damaged or something else, also for what the block
    raises at weights that don't fit: RuntimeError or ValueError.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path}: too large for weights of a generator")
        with safetensors.safe_open(path, framework="np") as file:
            texts = file.metadata() or {}
            if texts.get("format") not in (FORMAT, OLDER):
                raise ModelError(f"{path}: not weights of an xcodec generator")
            yield file, _card(texts)
    except (OSError, safetensors.SafetensorError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        first = (str(reason).splitlines() or [""])[0]
        raise ModelError(f"{path}: no usable weights: {first}") from error


def weights(file: Any) -> Weights:
    """All weights of a file that is ``opened``; raises ModelError where they are damaged."""
    return unpacked({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118


def sets(name: str | os.PathLike[str], realism: float = 0.0) -> tuple[Path, ...]:
    """The files of a model: faithful weights, and the realistic ones where realism is above 0.

    name    : as in ``find``, of the faithful weights; the realistic ones lie beside them
    realism : 0..1

    Raises InputError for another number, ModelError where a file is missing.
    """
    if not 0 <= realism <= 1:
        raise InputError(f"realism is {realism:g}; it lies in 0..1")
    path = find(name)
    if not realism:
        return (path,)
    text = os.fspath(name)
    other = text.removesuffix(SUFFIX) + REALISTIC + SUFFIX * text.endswith(SUFFIX)
    try:
        return path, find(other)
    except ModelError as error:
        raise ModelError(f"realism needs a second set of weights: {error}") from error


def require_same(paths: tuple[Path, ...], one: Shape, other: Shape) -> None:
    """Raise ModelError unless two files of weights are of the same network."""
    if one != other:
        names = " and ".join(path.name for path in paths)
        raise ModelError(f"{names} are different networks: they can't be mixed")


def find(name: str | os.PathLike[str]) -> Path:
    """The file of a model.

    name : a path (with a separator or the suffix .safetensors), or a model's bare name, looked
           for in the folder $XCODEC_MODELS and then among the weights that come with xcodec

    Raises ModelError, which says where it looked.
    """
    text = os.fspath(name)
    if text.endswith(SUFFIX) or os.sep in text:
        if not Path(text).is_file():
            raise ModelError(f"no weights in {text}")
        return Path(text)
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", text):
        raise ModelError(f"not the name of a model: {text[:64]!r}")
    places = _places()
    for place in places:
        if (path := place / (text + SUFFIX)).is_file():
            return path
    looked = ", ".join(map(str, places))
    raise ModelError(f"no model {text!r}: looked in {looked}; some come with the sources only")


@functools.lru_cache(maxsize=16)
def _digest(path: Path, _size: int, _time: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def digest(path: Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256; raises ModelError if unreadable."""
    try:
        state = path.stat()
        return _digest(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error


def _places() -> list[Path]:
    """Folders that may hold weights: the user's, the installed ones, the source tree's."""
    package = Path(__file__).resolve().parents[1]
    places = [package / "models", package.parent / "models"]
    if chosen := os.environ.get(ENVIRONMENT):
        places.insert(0, Path(chosen))
    return places


def _card(texts: dict[str, str]) -> Card:
    """The card in a file's metadata; raises ValueError or ModelError where it is damaged."""
    return Card(
        name=texts.get("name", ""),
        architecture=Shape.from_json(texts.get("architecture", "")),
        settings=json.loads(texts.get("settings", "{}")),
        steps=int(texts.get("steps", "0")),
        hours=float(texts.get("hours", "0")),
        history=json.loads(texts.get("history", "[]")),
        best=json.loads(texts.get("best", "null")),
    )
