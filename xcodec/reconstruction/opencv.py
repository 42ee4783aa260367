"""The default generator on the processor by OpenCV: without torch, whose start alone takes longer
than most pictures.

The network is handed over as an ONNX graph that is made from the weights.
"""

import platform
import shutil
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from xcodec.errors import ModelError
from xcodec.reconstruction import zoo
from xcodec.reconstruction.architecture import MULTIPLE, SLOPE, Architecture
from xcodec.reconstruction.conditions import CHANNELS, conditions, from_network
from xcodec.samples import Fill, Floats, Samples

Weights = dict[str, NDArray[np.float32]]

WORTH_TORCH = 1 << 21
"""Pixels from which convolutions in bfloat16 win back torch's start."""
OPSET, IR = 13, 8
"""ONNX's versions that hold all that is needed here, and that old readers know too."""


class Painter:
    """A generator on the processor, for windows of any size."""

    def __init__(self, architecture: Architecture, weights: Weights) -> None:
        """weights : by the names that torch has for them; raises ModelError where they don't fit"""
        model = np.frombuffer(_Graph(architecture, weights).model(), np.uint8)
        self._network = cv2.dnn.readNetFromONNX(model)
        self._alone = Lock()  # The network holds what it computes.

    def window(
        self, samples: Samples, fill: Fill, rows: slice = slice(None), cols: slice = slice(None)
    ) -> Floats:
        """RGB float32 (rows, cols, 3) of a window, nominally 0..255, not clipped.

        fill : the classical fill of the samples
        """
        x = conditions(samples, fill, rows, cols)
        _, height, width = x.shape
        padded = np.pad(x, ((0, 0), (0, -height % MULTIPLE), (0, -width % MULTIPLE)), "reflect")
        with self._alone:
            self._network.setInput(_unshuffled(padded)[None])
            residual = _shuffled(self._network.forward()[0])[:, :height, :width]
        return from_network(np.moveaxis(x[:3] + residual, 0, -1))


def suits(device: str, pixels: int) -> bool:
    """Whether torch has nothing better for a picture of so many pixels.

    device : as for ``paint.choose``
    """
    if device not in ("auto", "cpu"):
        return False
    if device == "auto" and _has_card():
        return False
    return pixels < WORTH_TORCH or not _has_bf16()


def _has_card() -> bool:
    """Whether there may be a graphics card that torch uses: its driver is there."""
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    return apple or shutil.which("nvidia-smi") is not None or Path("/dev/kfd").exists()


def _has_bf16() -> bool:
    """Whether the processor itself computes in bfloat16, as far as Linux tells."""
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def painter(model: str, realism: float = 0.0) -> Painter:
    """The generator of a name or path, loaded once for many pictures.

    realism : share of its realistic weights, as in ``zoo.sets``; raises what that raises, and
              ModelError for a network that sees no fill
    """
    paths = zoo.sets(model, realism)
    return _painter(paths, tuple(map(zoo.digest, paths)), realism)


@lru_cache(maxsize=2)
def _painter(paths: tuple[Path, ...], digests: tuple[str, ...], realism: float) -> Painter:
    architecture, weights = _read(paths[0])
    for path in paths[1:]:
        other, theirs = _read(path)
        zoo.require_same(paths, architecture, other)
        share = np.float32(realism)
        weights = {key: value + share * (theirs[key] - value) for key, value in weights.items()}
    try:
        return Painter(architecture, weights)
    except ModelError as error:
        raise ModelError(f"{paths[0]}: no usable weights: {error}") from error


def _read(path: Path) -> tuple[Architecture, Weights]:
    with zoo.opened(path, "np") as (file, card):
        architecture = card.architecture
        architecture.require_fill()
        assert isinstance(architecture, Architecture)
        keys = file.keys()
        return architecture, {key: file.get_tensor(key).astype(np.float32) for key in keys}


def _unshuffled(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squares of 2 by 2 pixels as channels: (c, 2 h, 2 w) to (4 c, h, w)."""
    c, height, width = planes.shape
    squares = planes.reshape(c, height // 2, 2, width // 2, 2).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(squares).reshape(4 * c, height // 2, width // 2)


def _shuffled(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The reverse: (4 c, h, w) to (c, 2 h, 2 w)."""
    c, height, width = planes.shape
    squares = planes.reshape(c // 4, 2, 2, height, width).transpose(0, 3, 1, 4, 2)
    return squares.reshape(c // 4, 2 * height, 2 * width)


class _Graph:
    """The U-Net of ``generator.Generator`` between unshuffled conditions and residual."""

    def __init__(self, architecture: Architecture, weights: Weights) -> None:
        self._shape, self._weights = architecture, weights
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}

    def model(self) -> bytes:
        """ONNX's bytes; raises ModelError where weights don't fit the architecture."""
        shape, widths = self._shape, self._shape.widths
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
        if left := self._weights.keys() - self._constants.keys() - self._scales:
            raise ModelError(f"nothing uses {min(left)}")
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, "h", "w"])
            for name, channels in (("x", 4 * CHANNELS), (x, 4 * 3))
        ]
        graph = helper.make_graph(
            self._nodes, "generator", ends[:1], ends[1:], list(self._constants.values())
        )
        opsets = [helper.make_opsetid("", OPSET)]
        made: bytes = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR
        ).SerializeToString()
        return made

    @property
    def _scales(self) -> set[str]:
        return {key for key in self._weights if key.endswith(".second.scale")}

    def _blocks(self, x: str, key: str, count: int, width: int) -> str:
        for i in range(count):
            first = self._convolution(x, f"{key}.{i}.first", (width, width, 3))
            branch = self._node("LeakyRelu", first, alpha=SLOPE)
            scale = self._weight(f"{key}.{i}.second.scale", (width,))
            branch = self._convolution(branch, f"{key}.{i}.second", (width, width, 3), scale)
            x = self._node("Add", x, branch)
        return x

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
        name = f"{kind}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def _constant(self, name: str, value: NDArray[np.float32]) -> str:
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def _weight(self, key: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        found = self._weights.get(key)
        if found is None or found.shape != shape:
            raise ModelError(f"{key} is {'missing' if found is None else found.shape}")
        return found
