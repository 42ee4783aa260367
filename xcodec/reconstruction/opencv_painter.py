"""The generator by OpenCV, on the processor and without torch.

Starting torch takes longer than reconstructing most pictures (docs/research/opencv-or-torch.md).
OpenCV gets the network as an ONNX model that is made from the weights.
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.errors import ModelError
from xcodec.reconstruction import model_files, onnx_gradient, onnx_graph
from xcodec.reconstruction.architecture import Architecture, Shape, Weights
from xcodec.reconstruction.conditions import GREY_LEVEL
from xcodec.reconstruction.painter import Painter
from xcodec.system import threads
from xcodec.types import Floats


class _Network:
    """A network that OpenCV runs on pictures of any size."""

    def __init__(self, model: bytes, architecture: Architecture) -> None:
        """model : serialised ONNX, with squares of 2x2 pixels, or of 2x2 means, as channels"""
        self._scale, self._multiple = architecture.scale, architecture.multiple
        self._network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        self._alone = threads.Lock()  # The network keeps its inputs and outputs in itself.

    def __call__(self, **given: NDArray[np.float32]) -> NDArray[np.float32]:
        """Output planes (3, height, width).

        given : input planes (channels, height, width) by the names of the model's inputs
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


class OpenCVPainter(Painter):
    """A U-Net that OpenCV runs on the processor."""

    def __init__(self, architecture: Architecture, weights: Weights) -> None:
        """Raises ModelError if the weights do not fit the architecture."""
        self.architecture = architecture
        self._network = _Network(onnx_graph.model(architecture, weights), architecture)

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        residual = self._network(x=x)
        picture: NDArray[np.float32] = x[:3] + residual
        return picture


class ProxyGradient:
    """The gradient of a network's error with respect to the fill, for windows of any size."""

    def __init__(self, architecture: Architecture, weights: Weights) -> None:
        """Raises ModelError if the weights do not fit the architecture."""
        self._network = _Network(onnx_gradient.model(architecture, weights), architecture)

    def minus_error(self, conditions: NDArray[np.float32], error: Floats) -> Floats:
        """The gradient of half the squared error with respect to the fill, minus the fill's own
        error: float32 (height, width, 3), grey levels.

        conditions : (7, height, width)
        error      : that fill minus the original, (height, width, 3), grey levels
        """
        scaled = np.moveaxis(np.asarray(error, np.float32), -1, 0) * GREY_LEVEL
        return np.moveaxis(self._network(x=conditions, error=scaled), 0, -1) / GREY_LEVEL


def painter(paths: tuple[Path, ...], realism: float = 0.0) -> OpenCVPainter:
    """The painter of a U-Net, cached.

    paths   : of ``model_files.sets``
    realism : 0..1, the share of the second file

    Raises ModelError if the weights cannot be read or are those of another kind of network.
    """
    return _painter(paths, tuple(map(model_files.digest, paths)), realism)


@lru_cache(maxsize=4)
def _painter(paths: tuple[Path, ...], digests: tuple[str, ...], realism: float) -> OpenCVPainter:
    shape, weights = model_files.mixed(paths, realism)
    architecture = _u_net(shape)
    try:
        return OpenCVPainter(architecture, weights)
    except ModelError as error:
        raise ModelError(f"{paths[0]}: no usable weights: {error}") from error


def proxy_gradient(path: Path) -> ProxyGradient:
    """The proxy gradient of the network in a file; raises ModelError."""
    card, weights = model_files.read(path)
    return ProxyGradient(_u_net(card.architecture), weights)


def _u_net(architecture: Shape) -> Architecture:
    """A U-Net's architecture; raises ModelError for a network that does not start from the fill."""
    architecture.require_fill()
    assert isinstance(architecture, Architecture)
    return architecture


def _resized(planes: NDArray[np.float32], size: tuple[int, int], how: int) -> NDArray[np.float32]:
    """Planes (c, height, width) at another width and height."""
    if size == planes.shape[:0:-1]:
        return planes
    return np.stack([cv2.resize(plane, size, interpolation=how) for plane in planes])


def _unshuffled(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squares of 2x2 pixels as channels: (c, 2 h, 2 w) to (4 c, h, w)."""
    c, height, width = planes.shape
    squares = planes.reshape(c, height // 2, 2, width // 2, 2).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(squares).reshape(4 * c, height // 2, width // 2)


def _shuffled(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The reverse: (4 c, h, w) to (c, 2 h, 2 w)."""
    c, height, width = planes.shape
    squares = planes.reshape(c // 4, 2, 2, height, width).transpose(0, 3, 1, 4, 2)
    return squares.reshape(c // 4, 2 * height, 2 * width)
