"""Which runtime runs a network: OpenCV, or another where that is faster. No torch here.

OpenCV comes with xcodec and starts at once. Two others are extras. onnxruntime takes half the time
where processor and weights allow 8-bit integers. Torch runs networks on graphics cards, large
pictures on processors with bfloat16, and networks other than U-Nets.
"""

import gc
import importlib.util
import platform
import shutil
from pathlib import Path

from xcodec.reconstruction import integer_painter, model_files, opencv_painter
from xcodec.reconstruction.architecture import Architecture, Shape
from xcodec.reconstruction.painter import Painter
from xcodec.system import packages
from xcodec.system.processor import has_bf16

WORTH_TORCH = 1 << 21
"""Pixels from which convolutions in bfloat16 make up for torch's start
(docs/research/opencv-or-torch.md)."""
FINE = 2.0
"""Files with a step below so many grey levels are too good for 8-bit integers, which move pixels by
0.3 grey levels (docs/research/eight-bit-painting.md)."""


def generator(
    model: str, device: str, pixels: int, realism: float = 0.0, fine: bool = False
) -> Painter:
    """The network that draws files, by the runtime that finishes ``pixels`` pixels first.

    model   : as in ``model_files.find``
    device  : as in ``torch_painter.choose``
    realism : 0..1, the share of the realistic weights
    fine    : paint in float32, for files with a step below FINE

    Raises InputError or ModelError as ``model_files.sets`` does, ModelError for a network that does
    not start from the classical fill, InputError if the device is not available, DependencyError if
    it needs torch and torch is not installed.
    """
    paths = model_files.sets(model, realism)
    architecture = model_files.card(paths[0]).architecture
    architecture.require_fill()
    return _loaded(paths, architecture, device, pixels, realism, fine)


def network(path: Path, device: str, pixels: int) -> Painter:
    """Any network, by the runtime that finishes ``pixels`` pixels first.

    Raises ModelError if the weights do not fit, InputError and DependencyError as ``generator``
    does.
    """
    return _loaded((path,), model_files.card(path).architecture, device, pixels)


def _loaded(
    paths: tuple[Path, ...],
    architecture: Shape,
    device: str,
    pixels: int,
    realism: float = 0.0,
    fine: bool = False,
) -> Painter:
    if isinstance(architecture, Architecture):
        integers = on_processor(device) and not fine
        if integers and (painter := integer_painter.painter(paths)):
            return painter
        if by_opencv(device, pixels):
            return opencv_painter.painter(paths, realism)
    what = "this network" if device in ("auto", "cpu") else f"device {device!r}"
    gc.disable()  # Useless garbage collection takes a sixth of the time that torch needs to load.
    try:
        packages.require("torch", "torch", what)
        from xcodec.reconstruction import torch_painter
    finally:
        gc.enable()
    return torch_painter.painter(paths, device, realism)


def on_processor(device: str) -> bool:
    """Whether networks run on the processor: the user wants it, or nothing else is there."""
    return device == "cpu" or (device == "auto" and not (_has_card() and _has_torch()))


def by_opencv(device: str, pixels: int) -> bool:
    """Whether OpenCV runs a U-Net that is not in 8-bit integers: it is at least as fast as torch
    for a picture of this many pixels, or there is no torch."""
    if not on_processor(device):
        return False
    return pixels < WORTH_TORCH or not has_bf16() or not _has_torch()


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _has_card() -> bool:
    """Whether there may be a GPU that torch can use: its driver is installed."""
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    return apple or shutil.which("nvidia-smi") is not None or Path("/dev/kfd").exists()
