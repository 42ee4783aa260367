"""Networks of torch, built from files of weights and saved to them.

Files are safetensors (``weight_packing``) with metadata in JSON: loading one runs no code.
"""

import json
from pathlib import Path
from typing import Any

import safetensors.numpy
import torch
from numpy.typing import NDArray
from torch.overrides import TorchFunctionMode

from xcodec.errors import ModelError
from xcodec.reconstruction import model_files
from xcodec.reconstruction.architecture import (
    Architecture,
    OnDemandArchitecture,
    Shape,
    Weights,
    XGansArchitecture,
)
from xcodec.reconstruction.baselines import OnDemand, XGans
from xcodec.reconstruction.conditions import CHANNELS
from xcodec.reconstruction.generator import Generator, Network
from xcodec.reconstruction.model_files import FORMAT, Card
from xcodec.reconstruction.weight_packing import packed
from xcodec.system import files


def save(path: Path, generator: Network, card: Card) -> None:
    """Write weights atomically, over an existing file.

    Raises InputError if that fails.
    """
    weights = {k: v.detach().cpu().numpy() for k, v in generator.state_dict().items()}
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
    files.write_atomic(path, safetensors.numpy.save(packed(weights), texts), overwrite=True)


class _Unfilled(TorchFunctionMode):
    """Skips the initialisation of new weights: it takes several times as long as reading a file."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in ("normal_", "uniform_"):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def load(path: Path) -> tuple[Network, Card]:
    """The network in a file, in float32 on the processor, and its card.

    Raises ModelError if the file is missing, damaged or something else.
    """
    card, weights = model_files.read(path)
    with model_files.usable(path):
        return _filled(card.architecture, weights), card


def mixed(paths: tuple[Path, ...], realism: float) -> Network:
    """The network with the weights of ``model_files.mixed``; raises ModelError."""
    architecture, weights = model_files.mixed(paths, realism, _lerp)
    with model_files.usable(paths[0]):
        return _filled(architecture, weights)


def _lerp(one: NDArray[Any], other: NDArray[Any], share: float) -> NDArray[Any]:
    """``model_files.mean`` by torch, whose last bits differ for shares above one half.

    Networks in bfloat16 turn these bits into grey levels: with another formula, pictures would
    differ from those of earlier versions.
    """
    return torch.lerp(torch.from_numpy(one), torch.from_numpy(other), share).numpy()


def _filled(architecture: Shape, weights: Weights) -> Network:
    """A network with these weights; raises RuntimeError if they do not fit."""
    # Nothing is allocated before the shapes are known to fit.
    with torch.device("meta"), _Unfilled():
        network = build(architecture)
    state = {key: torch.from_numpy(value) for key, value in weights.items()}
    network.load_state_dict(state, assign=True)
    return network.eval()


def build(architecture: Shape) -> Network:
    """An untrained network; raises ModelError for an unknown architecture."""
    if isinstance(architecture, Architecture):
        return Generator(architecture)
    if isinstance(architecture, XGansArchitecture):
        return XGans(architecture)
    if isinstance(architecture, OnDemandArchitecture):
        return OnDemand(architecture)
    raise ModelError(f"no network has the architecture {architecture}")


def channels(architecture: Shape) -> int:
    """Planes of a network's input."""
    return CHANNELS if architecture.blends else 3
