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
from xcodec.reconstruction.squares import through
from xcodec.system import threads
from xcodec.types import Floats


class _Network:
    """A network that OpenCV runs on pictures of any size."""

    def __init__(self, model: bytes, architecture: Architecture) -> None:
        """model : serialised ONNX, with squares of 2x2 pixels, or of 2x2 means, as channels"""
        self._architecture = architecture
        self._network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        self._alone = threads.Lock()  # The network keeps its inputs and outputs in itself.

    def __call__(self, **given: NDArray[np.float32]) -> NDArray[np.float32]:
        """Output planes (3, height, width).

        given : input planes (channels, height, width) by the names of the model's inputs
        """
        return through(self._forward, self._architecture, given)

    def _forward(self, planes: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        with self._alone:
            for name, each in planes.items():
                self._network.setInput(each, name)
            found: NDArray[np.float32] = self._network.forward()[0].copy()
        return found


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
