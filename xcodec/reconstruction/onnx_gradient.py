"""The gradient of a U-Net's error as an ONNX graph: the network, then its transpose.

With it the encoder evaluates the proxy gradient (docs/research/lookahead.md) without torch.
"""

import numpy as np
from numpy.typing import NDArray

from xcodec.reconstruction.architecture import SLOPE, Architecture, Weights
from xcodec.reconstruction.conditions import CHANNELS
from xcodec.reconstruction.onnx_graph import Graph

STEEP = 1e30
"""The slope of a rectifier is its input times this, clipped to its two slopes."""


def model(architecture: Architecture, weights: Weights) -> bytes:
    """An ONNX model that computes the gradient of a network's error.

    Inputs are ``x``, the conditions, and ``error``, the fill minus the original, both on the
    network's scale, with squares of 2x2 pixels as channels. The output is the gradient of half the
    squared error of the network's picture with respect to the fill, minus ``error``.

    Raises ModelError if the weights do not fit the architecture.
    """
    return _Adjoint(weights).model(architecture)


class _Adjoint(Graph):
    """A graph of the forward and the backward pass."""

    def model(self, shape: Architecture) -> bytes:
        """The serialised model; raises ModelError if the weights do not fit the architecture."""
        self._slopes: dict[str, str] = {}
        residual = self._forward(shape)
        error = self._node("Add", residual, "error")
        g = self._back(error, "head", 3)
        skips: list[str] = []
        for i in range(len(shape.up)):
            g = self._blocks_back(g, f"up.{i}", shape.up[i])
            skips.append(g)
            # The transpose of nearest-neighbour upscaling is a sum of four: four times their mean.
            pooled = self._node("AveragePool", g, kernel_shape=[2, 2], strides=[2, 2])
            g = self._back(pooled, f"grow.{i}", 1, 4.0)
        g = self._blocks_back(g, "middle", shape.middle)
        for i in reversed(range(len(shape.down))):
            # The squares of a strided convolution do not overlap: its transpose needs no sums.
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
