"""Networks by torch, on the processor or on a GPU."""

from contextlib import ExitStack
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from xcodec.choices import DEVICES
from xcodec.errors import InputError
from xcodec.reconstruction import model_files, torch_weights
from xcodec.reconstruction.generator import Network
from xcodec.reconstruction.painter import Painter
from xcodec.system import threads
from xcodec.system.processor import has_bf16


class TorchPainter(Painter):
    """A network on a device.

    device : one of DEVICES; "auto" is the fastest available

    Raises InputError if the device is not available.
    """

    def __init__(self, network: Network, device: str = "auto") -> None:
        self.architecture = network.architecture
        self._device = choose(device)
        moved = network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network: Network = moved

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        batch = torch.from_numpy(np.ascontiguousarray(x))[None].to(self._device)
        picture = threads.with_openmp(partial(predict, self._network, batch))[0]
        return picture.cpu().numpy()


def painter(paths: tuple[Path, ...], device: str, realism: float = 0.0) -> TorchPainter:
    """The painter of a network, cached.

    paths   : of ``model_files.sets``
    realism : 0..1, the share of the second file

    Raises InputError if the device is not available, ModelError if the weights cannot be read.
    """
    return _painter(paths, tuple(map(model_files.digest, paths)), realism, device)


@lru_cache(maxsize=4)
def _painter(
    paths: tuple[Path, ...], digests: tuple[str, ...], realism: float, device: str
) -> TorchPainter:
    return TorchPainter(torch_weights.mixed(paths, realism), device)


def predict(generator: Network, x: torch.Tensor) -> torch.Tensor:
    """RGB (batch, 3, height, width) on the network's scale, without gradients.

    x : conditions (batch, 7, height, width), on the generator's device
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=False))
        if x.device.type == "cpu":  # On GPUs float32 is fast enough, and more exact.
            stack.enter_context(torch.autocast("cpu", torch.bfloat16, enabled=has_bf16()))
        picture: torch.Tensor = generator(x)
        return picture


def choose(device: str) -> torch.device:
    """The device of a name, one of DEVICES; raises InputError if it is not available."""
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return torch.device(next(name for name, usable in there.items() if usable))
    if device not in there:
        raise InputError(f"device is {device!r}: it must be one of {', '.join(DEVICES)}")
    if not there[device]:
        raise InputError(f"device is {device!r}: torch finds none on this machine")
    return torch.device(device)
