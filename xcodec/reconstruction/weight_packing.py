"""Weights as files store them: kernels in 8 bits with a step for each output, the rest in float16.

This halves the files and changes PSNR by at most 0.002 dB (docs/research/weight-precision.md).
No torch here.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import ModelError

STEP = ".step"
"""Suffix of the names of steps, after that of their kernel."""
LARGEST = 127
"""Largest absolute value of int8 that is used."""


def packed(weights: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Weights as a file stores them: kernels as int8 and float16 steps, other floats as float16.

    Integers (counters) stay as they are.

    weights : float32 or integers, by name; kernels have two dimensions or more, outputs first
    """
    kept: dict[str, NDArray[Any]] = {}
    for name, unordered in weights.items():
        # Files are in C order, whatever the order in memory.
        value = np.array(unordered, order="C")
        if not np.issubdtype(value.dtype, np.floating):
            kept[name] = value
        elif value.ndim < 2:
            kept[name] = value.astype(np.float16)
        else:
            step = (np.abs(value).max(tuple(range(1, value.ndim))) / LARGEST).astype(np.float16)
            step = np.maximum(step, np.finfo(np.float16).smallest_subnormal)
            whole = np.rint(value / _beside(step, value))
            kept[name] = whole.clip(-LARGEST, LARGEST).astype(np.int8)
            kept[name + STEP] = step
    return kept


def unpacked(kept: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The reverse of ``packed``: weights in float32, and counters.

    Files of the older format, with float16 alone, are read too. Raises ModelError if steps are
    missing, left over or of the wrong shape.
    """
    steps = {name: value for name, value in kept.items() if name.endswith(STEP)}
    weights: dict[str, NDArray[Any]] = {}
    for name, value in kept.items():
        if name.endswith(STEP):
            continue
        if value.dtype == np.int8:
            step = steps.pop(name + STEP, np.empty(0))
            if value.ndim < 2 or step.shape != value.shape[:1]:
                raise ModelError(f"{name} has no matching steps")
            weights[name] = value * _beside(step, value)
        else:
            floating = np.issubdtype(value.dtype, np.floating)
            weights[name] = value.astype(np.float32) if floating else value
    if steps:
        raise ModelError(f"{min(steps)} belongs to no kernel")
    return weights


def _beside(step: NDArray[Any], kernel: NDArray[Any]) -> NDArray[np.float32]:
    """Steps, one for each output, with the dimensions of their kernel."""
    return step.astype(np.float32).reshape(-1, *(1,) * (kernel.ndim - 1))
