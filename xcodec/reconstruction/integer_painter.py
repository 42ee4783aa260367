"""The generator by onnxruntime, in 8-bit integers, on processors made for them. No torch here.

It takes half the time of OpenCV, and pictures lose next to nothing
(docs/research/eight-bit-painting.md).
"""

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import ModelError
from xcodec.reconstruction import model_files, onnx_integers, ranges
from xcodec.reconstruction.architecture import Architecture, Weights
from xcodec.reconstruction.onnx_integers import Ranges
from xcodec.reconstruction.painter import Painter
from xcodec.reconstruction.squares import through
from xcodec.system import packages, threads
from xcodec.system.processor import has_integer_dot_products

EXTRA = "fast"
"""The extra that installs onnxruntime."""
ERRORS_ONLY = 3
"""onnxruntime's level of severity below which it does not write to standard error."""

_painters = WeakSet["IntegerPainter"]()


class IntegerPainter(Painter):
    """A U-Net that onnxruntime runs on the processor, in 8-bit integers where it has ranges."""

    def __init__(self, architecture: Architecture, weights: Weights, ranges: Ranges) -> None:
        """Raises ModelError if the weights do not fit the architecture, DependencyError if
        onnxruntime is not installed."""
        self.architecture = self._shape = architecture
        self._model = onnx_integers.model(architecture, weights, ranges)
        self._session: Any = None
        self._started()
        _painters.add(self)

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        picture: NDArray[np.float32] = x[:3] + through(self._run, self._shape, {"x": x})
        return picture

    def stop(self) -> None:
        """End the threads; the next picture starts them again."""
        self._session = None

    def _run(self, planes: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._started().run(None, planes)[0][0]
        return found

    def _started(self) -> Any:
        """An inference session of this process; several threads may use it at once."""
        session = self._session
        if session is None:
            onnxruntime = packages.require("onnxruntime", EXTRA, "painting in 8-bit integers")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads.count()
            options.log_severity_level = ERRORS_ONLY
            # Threads that wait would otherwise keep their core busy.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self._session = session = onnxruntime.InferenceSession(
                self._model, options, providers=["CPUExecutionProvider"]
            )
        return session


def painter(paths: tuple[Path, ...]) -> IntegerPainter | None:
    """The painter of a U-Net, cached; None if this processor, or what is installed, lacks
    something that it needs: 8-bit dot products, onnxruntime, ranges of exactly these weights.

    paths : of ``model_files.sets``; means of two sets have no ranges

    Raises ModelError if the weights cannot be read or their ranges are damaged.
    """
    if len(paths) > 1 or not has_integer_dot_products() or not ranges.beside(paths[0]).is_file():
        return None
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    return _painter(paths[0], model_files.digest(paths[0]))


@lru_cache(maxsize=4)
def _painter(path: Path, digest: str) -> IntegerPainter | None:
    known = ranges.read(path)
    if known is None:
        return None
    card, weights = model_files.read(path)
    card.architecture.require_fill()
    assert isinstance(card.architecture, Architecture)
    try:
        return IntegerPainter(card.architecture, weights, known)
    except ModelError as error:
        raise ModelError(f"{path}: no usable weights: {error}") from error
    except ImportError:  # It is there and cannot be loaded: OpenCV will do.
        return None


def _before_fork() -> None:
    """End onnxruntime's threads: a child would wait forever for their end."""
    for each in list(_painters):
        each.stop()


threads.before_fork(_before_fork)
