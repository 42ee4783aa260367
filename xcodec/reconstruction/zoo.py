"""Weights of generators: their files, their names and where they are found.

A file is safetensors, in half precision, with metadata in JSON: loading it runs no code.
"""

import functools
import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch.overrides import TorchFunctionMode

from xcodec import files
from xcodec.errors import InputError, ModelError
from xcodec.reconstruction.architecture import Architecture, Shape
from xcodec.reconstruction.generator import Network
from xcodec.reconstruction.networks import build

ENVIRONMENT = "XCODEC_MODELS"
"""Environment variable: a folder of weights that is searched first."""
SUFFIX = ".safetensors"
REALISTIC = "-real"
"""What the name of a model's realistic weights adds to that of its faithful ones."""
FORMAT = "xcodec generator 1"
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


def save(path: Path, generator: Network, card: Card) -> None:
    """Write weights in half precision, atomically, over an existing file.

    Raises InputError where that fails.
    """
    halves = {k: _half(v.detach().cpu()) for k, v in generator.state_dict().items()}
    texts = {
        "format": FORMAT,
        "name": card.name,
        "architecture": generator.architecture.to_json(),
        "settings": json.dumps(card.settings),
        "steps": str(card.steps),
        "hours": f"{card.hours:.4f}",
        "history": json.dumps(card.history),
        "best": json.dumps(card.best),
    }
    files.write_atomic(path, safetensors.torch.save(halves, texts), overwrite=True)


class _Unfilled(TorchFunctionMode):
    """New weights stay as they are: to draw numbers for them without memory takes several times as
    long as to read the ones of a file."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in ("normal_", "uniform_"):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def load(path: Path) -> tuple[Network, Card]:
    """The generator in a file, in float32 on the processor, and its card.

    Raises ModelError where the file is missing, damaged or something else.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path}: too large for weights of a generator")
        with safetensors.safe_open(path, framework="pt") as file:
            texts = file.metadata() or {}
            if texts.get("format") != FORMAT:
                raise ModelError(f"{path}: not weights of an xcodec generator")
            state = {key: _float(file.get_tensor(key)) for key in file.keys()}  # noqa: SIM118
        card = _card(texts)
        # Nothing is allocated before the shapes are known to fit.
        with torch.device("meta"), _Unfilled():
            generator = build(card.architecture)
        generator.load_state_dict(state, assign=True)
    except (OSError, safetensors.SafetensorError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        first = (str(reason).splitlines() or [""])[0]
        raise ModelError(f"{path}: no usable weights: {first}") from error
    return generator.eval(), card


def blended(name: str | os.PathLike[str], realism: float = 0.0) -> Network:
    """A model's generator, as ``mixed`` has it. Raises InputError and ModelError."""
    return mixed(sets(name, realism), realism)


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


def mixed(paths: tuple[Path, ...], realism: float) -> Network:
    """The generator whose weights lie between those of two files, or those of one file.

    realism : share of the second file's weights, 0..1

    Raises ModelError where they aren't weights of the same network.
    """
    generator, _ = load(paths[0])
    if len(paths) == 1:
        return generator
    realistic, _ = load(paths[1])
    if realistic.architecture != generator.architecture:
        names = " and ".join(path.name for path in paths)
        raise ModelError(f"{names} are different networks: they can't be mixed")
    theirs = realistic.state_dict()
    with torch.no_grad():
        for key, value in generator.state_dict().items():
            if value.is_floating_point():
                value.lerp_(theirs[key], realism)
    return generator


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


def _half(tensor: torch.Tensor) -> torch.Tensor:
    """In half precision; counters stay whole."""
    return (tensor.half() if tensor.is_floating_point() else tensor).contiguous()


def _float(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


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
