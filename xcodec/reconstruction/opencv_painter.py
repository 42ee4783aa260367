"""The default generator on the processor by OpenCV: without torch, whose start alone takes longer
than most pictures.

The network is handed over as an ONNX graph that is made from the weights.
"""

import platform
import shutil
from functools import lru_cache
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.errors import ModelError
from xcodec.reconstruction import model_files
from xcodec.reconstruction.architecture import Architecture, Weights
from xcodec.reconstruction.conditions import GREY, conditions, from_network
from xcodec.types import Fill, Floats, Samples

WORTH_TORCH = 1 << 21
"""Pixels from which convolutions in bfloat16 win back torch's start."""


class _Network:
    """A graph that OpenCV runs, on pictures of any size."""

    def __init__(self, model: bytes, architecture: Architecture) -> None:
        """model : ONNX's bytes, of a graph that works on squares of 2 by 2 pixels, or of the means
        that the architecture sees
        """
        self._scale, self._multiple = architecture.scale, architecture.multiple
        self._network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        self._alone = Lock()  # The network holds what it computes.

    def __call__(self, **given: NDArray[np.float32]) -> NDArray[np.float32]:
        """Planes (3, height, width) from those (channels, height, width) that the graph takes, by
        its names for them.
        """
        height, width = next(iter(given.values())).shape[1:]
        room = (0, 0), (0, -height % self._multiple), (0, -width % self._multiple)
        padded = {name: np.pad(x, room, "reflect") for name, x in given.items()}
        size = (width + room[2][1]) // self._scale, (height + room[1][1]) // self._scale
        means = {name: _resized(x, size, cv2.INTER_AREA) for name, x in padded.items()}
        squares = {name: _unshuffled(x) for name, x in means.items()}
        with self._alone:
            for name, planes in squares.items():
                self._network.setInput(planes[None], name)
            found = _shuffled(self._network.forward()[0])
        whole = size[0] * self._scale, size[1] * self._scale
        return _resized(found, whole, cv2.INTER_NEAREST)[:, :height, :width]


class Painter:
    """A generator on the processor, for windows of any size."""

    def __init__(self, architecture: Architecture, weights: Weights) -> None:
        """weights : by the names that torch has for them; raises ModelError where they don't fit"""
        from xcodec.reconstruction import onnx_graph  # Only here: it starts onnx.

        self._network = _Network(onnx_graph.model(architecture, weights), architecture)

    def window(
        self, samples: Samples, fill: Fill, rows: slice = slice(None), cols: slice = slice(None)
    ) -> Floats:
        """RGB float32 (rows, cols, 3) of a window, nominally 0..255, not clipped.

        fill : the classical fill of the samples
        """
        x = conditions(samples, fill, rows, cols)
        return from_network(np.moveaxis(x[:3] + self._network(x=x), 0, -1))


class Critic:
    """The gradient of a generator's error, on the processor, for windows of any size."""

    def __init__(self, architecture: Architecture, weights: Weights) -> None:
        """weights : by the names that torch has for them; raises ModelError where they don't fit"""
        from xcodec.reconstruction import onnx_gradient  # Only here: it starts onnx.

        self._network = _Network(onnx_gradient.model(architecture, weights), architecture)

    def excess(self, conditions: NDArray[np.float32], error: Floats) -> Floats:
        """What that gradient, of half the squared error with respect to the fill, has beyond the
        fill's own error: float32 (height, width, 3), grey levels.

        conditions : (7, height, width)
        error      : of the fill that they hold, (height, width, 3), grey levels
        """
        scaled = np.moveaxis(np.asarray(error, np.float32), -1, 0) * GREY
        return np.moveaxis(self._network(x=conditions, error=scaled), 0, -1) / GREY


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
    paths = model_files.sets(model, realism)
    return _painter(paths, tuple(map(model_files.digest, paths)), realism)


@lru_cache(maxsize=2)
def _painter(paths: tuple[Path, ...], digests: tuple[str, ...], realism: float) -> Painter:
    architecture, weights = _read(paths[0])
    for path in paths[1:]:
        other, theirs = _read(path)
        model_files.require_same(paths, architecture, other)
        share = np.float32(realism)
        weights = {key: value + share * (theirs[key] - value) for key, value in weights.items()}
    try:
        return Painter(architecture, weights)
    except ModelError as error:
        raise ModelError(f"{paths[0]}: no usable weights: {error}") from error


def critic(path: Path) -> Critic:
    """The critic with the weights in a file; raises ModelError where they are none."""
    architecture, weights = _read(path)
    return Critic(architecture, weights)


def _read(path: Path) -> tuple[Architecture, Weights]:
    with model_files.opened(path) as (file, card):
        architecture = card.architecture
        architecture.require_fill()
        assert isinstance(architecture, Architecture)
        return architecture, model_files.weights(file)


def _resized(planes: NDArray[np.float32], size: tuple[int, int], how: int) -> NDArray[np.float32]:
    """Planes (c, height, width) at another width and height."""
    if size == planes.shape[:0:-1]:
        return planes
    return np.stack([cv2.resize(plane, size, interpolation=how) for plane in planes])


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
