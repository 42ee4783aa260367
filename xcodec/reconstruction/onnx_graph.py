"""The U-Net of ``generator.Generator`` as an ONNX graph, for what runs networks without torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from xcodec.errors import ModelError
from xcodec.reconstruction.architecture import SLOPE, Architecture, Weights
from xcodec.reconstruction.conditions import CHANNELS

OPSET, IR = 13, 8
"""ONNX's versions that hold all that is needed here, and that old readers know too."""


def model(architecture: Architecture, weights: Weights) -> bytes:
    """ONNX's bytes: from conditions at half the resolution, squares of 2 by 2 pixels as channels,
    to the residual there.

    weights : by the names that torch has for them

    Raises ModelError where they don't fit the architecture.
    """
    return Graph(weights).model(architecture)


class Graph:
    """Nodes and constants, as they are added."""

    def __init__(self, weights: Weights) -> None:
        self._weights, self._unused = weights, set(weights)
        self._constants: dict[str, NDArray[np.float32]] = {}
        # Built in place: onnx's helpers copy all weights from part to part.
        self._model = ModelProto(ir_version=IR)
        self._model.opset_import.append(helper.make_opsetid("", OPSET))
        self._model.graph.name = "generator"

    def model(self, shape: Architecture) -> bytes:
        """ONNX's bytes; raises ModelError where weights don't fit the architecture."""
        return self._made([("x", 4 * CHANNELS)], (self._forward(shape), 4 * 3))

    def _forward(self, shape: Architecture) -> str:
        """The residual."""
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
            raise ModelError(f"nothing uses {min(self._unused)}")
        return x

    def _made(self, given: Sequence[tuple[str, int]], result: tuple[str, int]) -> bytes:
        """The graph's bytes, from names and channels of what it takes and gives."""
        *starts, end = (
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, "h", "w"])
            for name, channels in (*given, result)
        )
        self._model.graph.input.extend(starts)
        self._model.graph.output.append(end)
        made: bytes = self._model.SerializeToString()
        return made

    def _blocks(self, x: str, key: str, count: int, width: int) -> str:
        for i in range(count):
            first = self._convolution(x, f"{key}.{i}.first", (width, width, 3))
            branch = self._rectified(first, f"{key}.{i}")
            scale = self._weight(f"{key}.{i}.second.scale", (width,))
            branch = self._convolution(branch, f"{key}.{i}.second", (width, width, 3), scale)
            x = self._node("Add", x, branch)
        return x

    def _rectified(self, x: str, key: str) -> str:
        """key : of the block that x belongs to"""
        return self._node("LeakyRelu", x, alpha=SLOPE)

    def _kernel(self, key: str) -> NDArray[np.float32]:
        """Of a convolution that was added: (channels out, in, side, side)."""
        return self._constants[f"{key}.weight"]

    def _convolution(
        self,
        x: str,
        key: str,
        shape: tuple[int, int, int],
        scale: NDArray[np.float32] | None = None,
    ) -> str:
        """Of 3 by 3 pixels, or of as many as it strides.

        shape : channels out and in, and the side
        """
        out, channels, side = shape
        kernel = self._weight(f"{key}.weight", (out, channels, side, side))
        bias = self._weight(f"{key}.bias", (out,))
        if scale is not None:
            kernel, bias = kernel * scale[:, None, None, None], bias * scale
        names = self._constant(f"{key}.weight", kernel), self._constant(f"{key}.bias", bias)
        stride, pad = (1, 1) if side == 3 else (side, 0)
        return self._node("Conv", x, *names, strides=[stride] * 2, pads=[pad] * 4)

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}{len(self._model.graph.node)}"
        self._model.graph.node.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def _constant(self, name: str, value: NDArray[np.float32]) -> str:
        if name not in self._constants:
            self._constants[name] = value
            self._model.graph.initializer.add(
                name=name,
                data_type=TensorProto.FLOAT,
                dims=value.shape,
                raw_data=value.astype("<f4", copy=False).tobytes(),
            )
        return name

    def _weight(self, key: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        found = self._weights.get(key)
        if found is None or found.shape != shape:
            raise ModelError(f"{key} is {'missing' if found is None else found.shape}")
        self._unused.discard(key)
        return found
