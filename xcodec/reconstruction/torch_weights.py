"""Weights of generators in files, as networks of torch.

A file is safetensors, as ``precision`` packs them, with metadata in JSON: loading it runs no code.
"""

import json
from pathlib import Path
from typing import Any

import safetensors.numpy
import torch
from torch.overrides import TorchFunctionMode

from xcodec.errors import ModelError
from xcodec.reconstruction import model_files
from xcodec.reconstruction.architecture import (
    Architecture,
    OnDemandArchitecture,
    Shape,
    XGansArchitecture,
)
from xcodec.reconstruction.baselines import OnDemand, XGans
from xcodec.reconstruction.conditions import CHANNELS
from xcodec.reconstruction.generator import Generator, Network
from xcodec.reconstruction.model_files import FORMAT, Card
from xcodec.reconstruction.weight_packing import packed
from xcodec.system import files


def save(path: Path, generator: Network, card: Card) -> None:
    """Write weights as ``precision`` packs them, atomically, over an existing file.

    Raises InputError where that fails.
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
    with model_files.opened(path) as (file, card):
        state = {key: torch.from_numpy(value) for key, value in model_files.weights(file).items()}
        # Nothing is allocated before the shapes are known to fit.
        with torch.device("meta"), _Unfilled():
            generator = build(card.architecture)
        generator.load_state_dict(state, assign=True)
    return generator.eval(), card


def mixed(paths: tuple[Path, ...], realism: float) -> Network:
    """The generator whose weights lie between those of two files, or those of one file.

    realism : share of the second file's weights, 0..1

    Raises ModelError where they aren't weights of the same network.
    """
    generator, _ = load(paths[0])
    if len(paths) == 1:
        return generator
    realistic, _ = load(paths[1])
    model_files.require_same(paths, generator.architecture, realistic.architecture)
    theirs = realistic.state_dict()
    with torch.no_grad():
        for key, value in generator.state_dict().items():
            if value.is_floating_point():
                value.lerp_(theirs[key], realism)
    return generator


def build(architecture: Shape) -> Network:
    """An untrained network of any kind; raises ModelError for a kind that is none."""
    if isinstance(architecture, Architecture):
        return Generator(architecture)
    if isinstance(architecture, XGansArchitecture):
        return XGans(architecture)
    if isinstance(architecture, OnDemandArchitecture):
        return OnDemand(architecture)
    raise ModelError(f"no network has the architecture {architecture}")


def channels(architecture: Shape) -> int:
    """Planes of the conditions that a network sees."""
    return CHANNELS if architecture.blends else 3
