"""Files of weights: finding them by a model's name, and reading them. No torch here."""

import functools
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from xcodec.errors import InputError, ModelError
from xcodec.reconstruction.architecture import Architecture, Shape, Weights
from xcodec.reconstruction.weight_packing import unpacked
from xcodec.system import files

ENVIRONMENT = "XCODEC_MODELS"
"""Environment variable: a folder of models that is searched first."""
SUFFIX = ".safetensors"
REALISTIC = "-real"
"""Suffix of the names of realistic weights, after that of the faithful ones."""
FORMAT = "xcodec generator 2"
OLDER = "xcodec generator 1"
"""The same with all weights in half precision."""
MAX_BYTES = 1 << 28
"""Larger files are not read."""

Mean = Callable[[NDArray[Any], NDArray[Any], float], NDArray[Any]]


@dataclass(frozen=True)
class Card:
    """The metadata of a file of weights.

    settings : settings of the training (``TrainSettings.public``)
    steps    : training steps of all runs
    hours    : training time of all runs
    history  : validations, oldest first: {"steps", "hours", "mean", "psnr": {level: dB}, "fill":
               {level: dB}}
    best     : the entry of the history for these weights, if any
    """

    name: str
    architecture: Shape = field(default_factory=Architecture)
    settings: dict[str, Any] = field(default_factory=dict)
    steps: int = 0
    hours: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Raise ModelError, naming the file, for errors of the block at damaged or unfit weights."""
    try:
        yield
    except (OSError, safetensors.SafetensorError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        first = (str(reason).splitlines() or [""])[0]
        raise ModelError(f"{path}: no usable weights: {first}") from error


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Card]]:
    """An open file of weights, which gives arrays of numpy, and its card.

    Raises ModelError if the file is missing, damaged or something else, and as ``usable`` does.
    """
    with usable(path):
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path}: too large for weights of a generator")
        with safetensors.safe_open(path, framework="np") as file:
            texts = file.metadata() or {}
            if texts.get("format") not in (FORMAT, OLDER):
                raise ModelError(f"{path}: not weights of an xcodec generator")
            yield file, _card(texts)


def read(path: Path) -> tuple[Card, Weights]:
    """The card and the weights of a file, in float32; raises ModelError as ``opened`` does."""
    with opened(path) as (file, card):
        keys = file.keys()
        return card, unpacked({key: file.get_tensor(key) for key in keys})


def card(path: Path) -> Card:
    """The card of a file; raises ModelError as ``opened`` does."""
    with opened(path) as (_, card):
        return card


def mean(one: NDArray[Any], other: NDArray[Any], share: float) -> NDArray[Any]:
    """The weighted mean of two float32 arrays; ``share`` is the weight of the second, 0..1."""
    between: NDArray[Any] = one + np.float32(share) * (other - one)
    return between


def mixed(paths: tuple[Path, ...], realism: float, mean: Mean = mean) -> tuple[Shape, Weights]:
    """The architecture and the weighted mean of two files of weights, or the weights of one file.

    realism : share of the second file, 0..1
    mean    : computes the mean of two arrays

    Raises ModelError if a file cannot be read or the networks differ.
    """
    card, weights = read(paths[0])
    for path in paths[1:]:
        other, theirs = read(path)
        if other.architecture != card.architecture or theirs.keys() != weights.keys():
            names = " and ".join(each.name for each in paths)
            raise ModelError(f"{names} are different networks: they can't be mixed")
        with usable(path):
            for key, value in weights.items():
                if np.issubdtype(value.dtype, np.floating):
                    weights[key] = mean(value, theirs[key], realism)
    return card.architecture, weights


def sets(name: str | os.PathLike[str], realism: float = 0.0) -> tuple[Path, ...]:
    """The files of a model: its faithful weights and, with realism, its realistic ones.

    name    : of the faithful weights, as in ``find``; the realistic ones are named <name>-real
    realism : 0..1

    Raises InputError if realism is out of range, ModelError if a file is missing.
    """
    if not 0 <= realism <= 1:
        raise InputError(f"realism is {realism:g}: it must be in 0..1")
    path = find(name)
    if not realism:
        return (path,)
    text = os.fspath(name)
    other = text.removesuffix(SUFFIX) + REALISTIC + SUFFIX * text.endswith(SUFFIX)
    try:
        return path, find(other)
    except ModelError as error:
        raise ModelError(f"realism needs a second set of weights: {error}") from error


def find(name: str | os.PathLike[str]) -> Path:
    """The file of a model.

    name : a path (with a separator or the suffix .safetensors), or the name of a model, searched
           for in the folder that XCODEC_MODELS names, then among the models of xcodec

    Raises ModelError, which names the folders searched.
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
    raise ModelError(
        f"no model {text!r}: looked in {looked}; some models come with the source tree only"
    )


@functools.lru_cache(maxsize=16)
def _digest(path: Path, _size: int, _time: int) -> str:
    return files.digest(path)


def digest(path: Path) -> str:
    """``files.digest``, computed once unless the file changes; raises ModelError."""
    try:
        state = path.stat()
        return _digest(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error


def _places() -> list[Path]:
    """Folders of models: the user's, those of the installed package and of the source tree."""
    package = Path(__file__).resolve().parents[1]
    places = [package / "models", package.parent / "models"]
    if chosen := os.environ.get(ENVIRONMENT):
        places.insert(0, Path(chosen))
    return places


def _card(texts: dict[str, str]) -> Card:
    """The card in a file's metadata; raises ValueError or ModelError if it is damaged."""
    return Card(
        name=texts.get("name", ""),
        architecture=Shape.from_json(texts.get("architecture", "")),
        settings=json.loads(texts.get("settings", "{}")),
        steps=int(texts.get("steps", "0")),
        hours=float(texts.get("hours", "0")),
        history=json.loads(texts.get("history", "[]")),
        best=json.loads(texts.get("best", "null")),
    )
