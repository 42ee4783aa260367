"""Which values the convolutions of a generator see: for painting in 8-bit integers.

Samples come from pictures of the training set, at the rates that the generator was trained for.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xcodec.encoder.analysis import quantised
from xcodec.options import EncodeOptions
from xcodec.pictures import loading
from xcodec.pictures.cropping import random_part
from xcodec.reconstruction import ranges, torch_weights
from xcodec.reconstruction.classical import fill
from xcodec.reconstruction.conditions import conditions
from xcodec.reconstruction.generator import Network
from xcodec.reconstruction.onnx_integers import FLOATING, Layer
from xcodec.training import packs
from xcodec.training.groups import FileSettings

RATES = 0.004, 0.3
"""Lowest and highest rate of the pictures."""
SIDE = 192
"""Pictures are cut to squares of this many pixels: it is the number of pictures that counts."""
EFFORT = 1
"""Of the encoder: symbols hardly matter here."""
COUNT = 40
"""Pictures of a folder that are used."""


def calibrate(weights: Path, folder: Path, count: int = COUNT, kept: Path | None = None) -> Path:
    """Measure a generator on some pictures of a folder, and write its ranges beside its weights;
    returns their file.

    folder, kept : as of ``chosen``

    Raises ModelError for weights that cannot decode files, InputError without pictures.
    """
    network, card = torch_weights.load(weights)
    card.architecture.require_fill()
    return ranges.write(weights, measured(network, seen(chosen(folder, count, kept))))


def chosen(folder: Path, count: int, kept: Path | None = None) -> list[Path]:
    """So many pictures of a folder, or of packs in it, always the same.

    count : 1 or more
    kept  : folder of the cache, which packs are unpacked into; None: that of training

    Raises InputError without pictures.
    """
    pictures = packs.pictures(folder, kept or FileSettings().cache)
    order = np.random.default_rng(0).permutation(len(pictures))[:count]
    return [pictures[i] for i in order]


def seen(pictures: Sequence[Path], seed: int = 0) -> Iterator[NDArray[np.float32]]:
    """The network's input (7, height, width) for a square of each picture at a random rate.

    Raises XcodecError if a picture cannot be read.
    """
    rng = np.random.default_rng(seed)
    for picture in pictures:
        square = np.ascontiguousarray(random_part(loading.load(picture).rgb, SIDE, rng))
        rate = float(np.exp(rng.uniform(*np.log(RATES))))
        samples = quantised(square, EncodeOptions(rate=rate, effort=EFFORT))
        yield conditions(samples, fill(samples))


def measured(network: Network, inputs: Iterable[NDArray[np.float32]]) -> dict[str, Layer]:
    """The lowest and highest values of the convolutions that can multiply integers.

    network : a U-Net, on the processor
    inputs  : at least one input of the network, (7, height, width)
    """
    lowest: dict[str, NDArray[np.float32]] = {}
    highest: dict[str, NDArray[np.float32]] = {}

    def note(key: str, _: nn.Module, given: tuple[torch.Tensor, ...], y: torch.Tensor) -> None:
        ends = [[float(end) for end in torch.aminmax(values)] for values in (given[0], y)]
        low, high = np.array(ends, np.float32).T
        lowest[key] = np.minimum(lowest.get(key, low), low)
        highest[key] = np.maximum(highest.get(key, high), high)

    hooks = [
        layer.register_forward_hook(partial(note, key))
        for key, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d) and not key.startswith(FLOATING)
    ]
    try:
        with torch.inference_mode():
            for x in inputs:
                network(torch.from_numpy(x)[None])
    finally:
        for hook in hooks:
            hook.remove()
    return {key: Layer(*map(_rounded, lowest[key], highest[key])) for key in lowest}


def _rounded(low: float, high: float) -> tuple[float, float]:
    """Ends of a range with few digits: libraries differ in the last ones."""
    return float(f"{low:.3g}"), float(f"{high:.3g}")
