"""The U-Net as an ONNX graph whose convolutions multiply 8-bit integers, for onnxruntime.

Kernels are in 8 bits anyway (``weight_packing``). Inputs and outputs of a convolution get 256 even
steps over the range of their values on training pictures. Convolutions from and to half the
resolution stay in float32: they would cause most of the error, and no photo may lose more than
0.03 dB (docs/research/eight-bit-painting.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec.reconstruction.architecture import Architecture, Weights
from xcodec.reconstruction.onnx_graph import Graph
from xcodec.reconstruction.weight_packing import LARGEST

FLOATING = ("stem", "down.0.", "shrink.0", "grow.0", "up.0.", "head")
"""How the names of convolutions in float32 begin: those that see or make half the resolution."""
STEPS = 255
"""Steps from the lowest value of a tensor to the highest."""
TINY = np.float32(1e-20)
"""In place of a range of nothing but zeros."""


@dataclass(frozen=True)
class Layer:
    """Lowest and highest values of a convolution's input and output on training pictures."""

    inputs: tuple[float, float]
    outputs: tuple[float, float]


Ranges = Mapping[str, Layer]
"""Layers by the names of the convolutions that multiply integers."""


def model(architecture: Architecture, weights: Weights, ranges: Ranges) -> bytes:
    """An ONNX model of a generator, with inputs and outputs as in ``onnx_graph.model``.

    ranges : convolutions without a range are computed in float32

    Raises ModelError if the weights do not fit the architecture.
    """
    return _Integers(weights, ranges).model(architecture)


class _Integers(Graph):
    """A graph in which values are rounded before and after convolutions of integers.

    Runtimes merge a convolution with the roundings around it: QuantizeLinear and DequantizeLinear,
    as ONNX defines them.
    """

    def __init__(self, weights: Weights, ranges: Ranges) -> None:
        super().__init__(weights)
        self._ranges = ranges
        self._rounded: dict[str, str] = {}
        self._steps: dict[str, np.float32] = {}

    def _convolved(
        self, x: str, key: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> str:
        if key not in self._ranges:
            return super()._convolved(x, key, kernel, bias)
        layer = self._ranges[key]
        x = self._round(x, layer.inputs)
        steps = np.maximum(np.abs(kernel).max((1, 2, 3)), TINY) / np.float32(LARGEST)
        whole = np.rint(kernel / steps[:, None, None, None]).astype(np.int8)
        units = self._steps[x] * steps
        limits = np.iinfo(np.int32)
        counts = np.rint(bias.astype(np.float64) / units).clip(limits.min, limits.max)
        y = self._conv(
            x,
            self._scaled(f"{key}.weight", whole, steps),
            self._scaled(f"{key}.bias", counts.astype(np.int32), units),
            kernel.shape[-1],
        )
        return self._round(y, layer.outputs)

    def _scaled(self, name: str, whole: NDArray[np.integer], steps: NDArray[np.float32]) -> str:
        """Add a constant: integers times a step for each output."""
        zero = self._constant(f"{name}.zero", np.zeros(len(steps), whole.dtype))
        step = self._constant(f"{name}.step", steps)
        return self._node("DequantizeLinear", self._constant(name, whole), step, zero, axis=0)

    def _round(self, x: str, within: tuple[float, float]) -> str:
        """Add the rounding of a tensor to STEPS, unless it is rounded already."""
        if x in self._steps:
            return x
        if x not in self._rounded:
            low, high = min(within[0], 0.0), max(within[1], 0.0)  # Padding is exactly zero.
            step = np.float32(max(high - low, float(TINY)) / STEPS)
            zero = np.rint(-low / step).clip(0, STEPS)
            names = (
                self._constant(f"{x}.step", np.array(step)),
                self._constant(f"{x}.zero", np.array(zero, np.uint8)),
            )
            whole = self._node("QuantizeLinear", x, *names)
            self._rounded[x] = self._node("DequantizeLinear", whole, *names)
            self._steps[self._rounded[x]] = step
        return self._rounded[x]
