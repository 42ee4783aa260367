"""The U-Net of ``generator.Generator`` as an ONNX graph, to run it without torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import ModelError
from xcodec.reconstruction import onnx_format
from xcodec.reconstruction.architecture import SLOPE, Architecture, Weights
from xcodec.reconstruction.conditions import CHANNELS


def model(architecture: Architecture, weights: Weights) -> bytes:
    """An ONNX model of a generator: from conditions ``x`` to the residual that it adds to the fill.

    Both have squares of 2x2 pixels as channels.

    Raises ModelError if the weights do not fit the architecture.
    """
    return Graph(weights).model(architecture)


class Graph:
    """An ONNX graph to which nodes and constants are added."""

    def __init__(self, weights: Weights) -> None:
        self._weights, self._unused = weights, set(weights)
        self._constants: dict[str, NDArray[Any]] = {}
        self._nodes: list[bytes] = []

    def model(self, shape: Architecture) -> bytes:
        """The serialised model; raises ModelError if the weights do not fit the architecture."""
        return self._made([("x", 4 * CHANNELS)], (self._forward(shape), 4 * 3))

    def _forward(self, shape: Architecture) -> str:
        """Add the network; returns the name of its residual."""
        widths = shape.widths
        self._constant("scales", np.array([1, 1, 2, 2], np.float32))
        x = self._convolution("x", "stem", (widths[0], 4 * CHANNELS, 3))
        skips = []
        for i, count in enumerate(shape.down):
            x = self._blocks(x, f"down.{i}", count, widths[i])
            skips.append(x)
            x = self._convolution(x, f"shrink.{i}", (widths[i + 1], widths[i], 2))
        x = self._blocks(x, "middle", shape.middle, widths[-1])
        for i in reversed(range(len(skips))):
            x = self._convolution(x, f"grow.{i}", (widths[i], widths[i + 1], 1))
            nearest = {"mode": "nearest", "nearest_mode": "floor"}
            x = self._node(
                "Resize", x, "", "scales", **nearest, coordinate_transformation_mode="asymmetric"
            )
            x = self._blocks(self._node("Add", skips[i], x), f"up.{i}", shape.up[i], widths[i])
        x = self._convolution(x, "head", (4 * 3, widths[0], 3))
        if self._unused:
            raise ModelError(f"{min(self._unused)} is not a weight of this network")
        return x

    def _made(self, given: Sequence[tuple[str, int]], result: tuple[str, int]) -> bytes:
        """The serialised model, with names and channels of its inputs and of its output."""
        return onnx_format.model(
            self._nodes,
            (onnx_format.tensor(name, value) for name, value in self._constants.items()),
            [onnx_format.images(name, channels) for name, channels in given],
            [onnx_format.images(*result)],
        )

    def _blocks(self, x: str, key: str, count: int, width: int) -> str:
        for i in range(count):
            first = self._convolution(x, f"{key}.{i}.first", (width, width, 3))
            branch = self._rectified(first, f"{key}.{i}")
            scale = self._weight(f"{key}.{i}.second.scale", (width,))
            branch = self._convolution(branch, f"{key}.{i}.second", (width, width, 3), scale)
            x = self._node("Add", x, branch)
        return x

    def _rectified(self, x: str, key: str) -> str:
        """Add a leaky rectifier.

        key : of the block that x belongs to
        """
        return self._node("LeakyRelu", x, alpha=SLOPE)

    def _kernel(self, key: str) -> NDArray[np.float32]:
        """The kernel of a convolution that was added: (channels out, in, side, side)."""
        kernel: NDArray[np.float32] = self._constants[f"{key}.weight"]
        return kernel

    def _convolution(
        self,
        x: str,
        key: str,
        shape: tuple[int, int, int],
        scale: NDArray[np.float32] | None = None,
    ) -> str:
        """Add a convolution of 3x3 pixels and stride 1, or with a stride equal to its side.

        shape : channels out and in, and the side
        """
        out, channels, side = shape
        kernel = self._weight(f"{key}.weight", (out, channels, side, side))
        bias = self._weight(f"{key}.bias", (out,))
        if scale is not None:
            kernel, bias = kernel * scale[:, None, None, None], bias * scale
        return self._convolved(x, key, kernel, bias)

    def _convolved(
        self, x: str, key: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> str:
        names = self._constant(f"{key}.weight", kernel), self._constant(f"{key}.bias", bias)
        return self._conv(x, *names, kernel.shape[-1])

    def _conv(self, x: str, kernel: str, bias: str, side: int) -> str:
        stride, pad = (1, 1) if side == 3 else (side, 0)
        return self._node("Conv", x, kernel, bias, strides=[stride] * 2, pads=[pad] * 4)

    def _node(self, kind: str, *inputs: str, **attributes: onnx_format.Attribute) -> str:
        name = f"{kind}{len(self._nodes)}"
        self._nodes.append(onnx_format.node(kind, inputs, name, **attributes))
        return name

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self._constants.setdefault(name, value)
        return name

    def _weight(self, key: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        found = self._weights.get(key)
        if found is None or found.shape != shape:
            raise ModelError(f"{key} is {'missing' if found is None else found.shape}")
        self._unused.discard(key)
        return found
