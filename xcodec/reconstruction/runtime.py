"""Which runtime runs a network: OpenCV, or torch where that is faster. No torch here.

OpenCV comes with xcodec and starts at once. Torch is an extra: it runs networks on graphics cards,
large pictures on processors with bfloat16, and networks other than U-Nets.
"""

import gc
import importlib.util
import platform
import shutil
from pathlib import Path

from xcodec.reconstruction import model_files, opencv_painter
from xcodec.reconstruction.architecture import Architecture, Shape
from xcodec.reconstruction.painter import Painter
from xcodec.system import packages
from xcodec.system.processor import has_bf16

WORTH_TORCH = 1 << 21
"""Pixels from which convolutions in bfloat16 make up for torch's start
(docs/research/opencv-or-torch.md)."""


def generator(model: str, device: str, pixels: int, realism: float = 0.0) -> Painter:
    """The network that draws files, by the runtime that finishes ``pixels`` pixels first.

    model   : as in ``model_files.find``
    device  : as in ``torch_painter.choose``
    realism : 0..1, the share of the realistic weights

    Raises InputError or ModelError as ``model_files.sets`` does, ModelError for a network that does
    not start from the classical fill, InputError if the device is not available, DependencyError if
    it needs torch and torch is not installed.
    """
    paths = model_files.sets(model, realism)
    architecture = model_files.card(paths[0]).architecture
    architecture.require_fill()
    return _loaded(paths, architecture, device, pixels, realism)


def network(path: Path, device: str, pixels: int) -> Painter:
    """Any network, by the runtime that finishes ``pixels`` pixels first.

    Raises ModelError if the weights do not fit, InputError and DependencyError as ``generator``
    does.
    """
    return _loaded((path,), model_files.card(path).architecture, device, pixels, 0.0)


def _loaded(
    paths: tuple[Path, ...], architecture: Shape, device: str, pixels: int, realism: float
) -> Painter:
    if isinstance(architecture, Architecture) and by_opencv(device, pixels):
        return opencv_painter.painter(paths, realism)
    what = "this network" if device in ("auto", "cpu") else f"device {device!r}"
    gc.disable()  # Useless garbage collection takes a sixth of the time that torch needs to load.
    try:
        packages.require("torch", "torch", what)
        from xcodec.reconstruction import torch_painter
    finally:
        gc.enable()
    return torch_painter.painter(paths, device, realism)


def by_opencv(device: str, pixels: int) -> bool:
    """Whether OpenCV runs a U-Net: it is at least as fast as torch for a picture of this many
    pixels, or there is no torch."""
    if device not in ("auto", "cpu"):
        return False
    if not (device == "auto" and _has_card()) and (pixels < WORTH_TORCH or not has_bf16()):
        return True
    return not _has_torch()


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _has_card() -> bool:
    """Whether there may be a GPU that torch can use: its driver is installed."""
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    return apple or shutil.which("nvidia-smi") is not None or Path("/dev/kfd").exists()
