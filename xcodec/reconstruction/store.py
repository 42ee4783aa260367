"""Weights of generators in files, as networks of torch.

A file is safetensors, as ``precision`` packs them, with metadata in JSON: loading it runs no code.
"""

import json
from pathlib import Path
from typing import Any

import safetensors.numpy
import torch
from torch.overrides import TorchFunctionMode

from xcodec import files
from xcodec.reconstruction import zoo
from xcodec.reconstruction.generator import Network
from xcodec.reconstruction.networks import build
from xcodec.reconstruction.precision import packed
from xcodec.reconstruction.zoo import FORMAT, Card


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
    with zoo.opened(path) as (file, card):
        state = {key: torch.from_numpy(value) for key, value in zoo.weights(file).items()}
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
    zoo.require_same(paths, generator.architecture, realistic.architecture)
    theirs = realistic.state_dict()
    with torch.no_grad():
        for key, value in generator.state_dict().items():
            if value.is_floating_point():
                value.lerp_(theirs[key], realism)
    return generator
