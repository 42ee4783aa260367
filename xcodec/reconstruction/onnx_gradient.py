"""The gradient of a U-Net's error as an ONNX graph: the network and, after it, its transpose.

So what runs networks without torch says where a classical fill should rather be.
"""

import numpy as np
from numpy.typing import NDArray

from xcodec.reconstruction.architecture import SLOPE, Architecture, Weights
from xcodec.reconstruction.conditions import CHANNELS
from xcodec.reconstruction.onnx_graph import Graph

STEEP = 1e30
"""A rectifier's input times this, clipped to its two slopes, is its slope there."""


def model(architecture: Architecture, weights: Weights) -> bytes:
    """ONNX's bytes: from conditions ``x`` at half the resolution, squares of 2 by 2 pixels as
    channels, and the fill less the picture there, ``error``, to the gradient with respect to the
    fill of half the squared error of what the network paints, less ``error`` itself.

    weights : by the names that torch has for them

    Raises ModelError where they don't fit the architecture.
    """
    return _Adjoint(weights).model(architecture)


class _Adjoint(Graph):
    """A graph that runs forward and back."""

    def model(self, shape: Architecture) -> bytes:
        """ONNX's bytes; raises ModelError where weights don't fit the architecture."""
        self._slopes: dict[str, str] = {}
        residual = self._forward(shape)
        error = self._node("Add", residual, "error")
        g = self._back(error, "head", 3)
        skips: list[str] = []
        for i in range(len(shape.up)):
            g = self._blocks_back(g, f"up.{i}", shape.up[i])
            skips.append(g)
            # Nearest neighbours' transpose is the sum of four, four times their mean.
            pooled = self._node("AveragePool", g, kernel_shape=[2, 2], strides=[2, 2])
            g = self._back(pooled, f"grow.{i}", 1, 4.0)
        g = self._blocks_back(g, "middle", shape.middle)
        for i in reversed(range(len(shape.down))):
            # Each stride has squares of its own: the transpose needs no sums.
            kernel = self._constant(f"shrink.{i}.back", self._kernel(f"shrink.{i}"))
            g = self._node("ConvTranspose", g, kernel, strides=[2, 2], kernel_shape=[2, 2])
            g = self._blocks_back(self._node("Add", g, skips[i]), f"down.{i}", shape.down[i])
        fill = self._kernel("stem")[:, : 4 * 3]
        g = self._transposed(g, "stem", fill, 3)
        g = self._node("Add", g, residual)
        return self._made([("x", 4 * CHANNELS), ("error", 4 * 3)], (g, 4 * 3))

    def _rectified(self, x: str, key: str) -> str:
        steep = self._constant("steep", np.full(1, STEEP, np.float32))
        self._slopes[key] = self._node("Mul", x, steep)
        return super()._rectified(x, key)

    def _blocks_back(self, g: str, key: str, count: int) -> str:
        low = self._constant("low", np.array(SLOPE, np.float32))
        high = self._constant("high", np.array(1, np.float32))
        for i in reversed(range(count)):
            branch = self._back(g, f"{key}.{i}.second", 3)
            slope = self._node("Clip", self._slopes[f"{key}.{i}"], low, high)
            branch = self._back(self._node("Mul", branch, slope), f"{key}.{i}.first", 3)
            g = self._node("Add", g, branch)
        return g

    def _back(self, g: str, key: str, side: int, factor: float = 1.0) -> str:
        return self._transposed(g, key, self._kernel(key) * np.float32(factor), side)

    def _transposed(self, g: str, key: str, kernel: NDArray[np.float32], side: int) -> str:
        turned = self._constant(f"{key}.back", kernel.transpose(1, 0, 2, 3)[..., ::-1, ::-1])
        return self._node("Conv", g, turned, strides=[1, 1], pads=[side // 2] * 4)
