"""The generator by torch, on the processor or on a GPU."""

from contextlib import ExitStack
from functools import lru_cache, partial
from pathlib import Path

import torch

from xcodec.errors import InputError
from xcodec.reconstruction import model_files, torch_weights
from xcodec.reconstruction.conditions import conditions, from_network
from xcodec.reconstruction.generator import Network
from xcodec.system import threads
from xcodec.system.processor import has_bf16
from xcodec.types import Fill, Floats, Samples

DEVICES = ("auto", "cpu", "cuda", "mps")


class Painter:
    """A generator on a device.

    device : one of DEVICES; "auto" is the fastest available

    Raises InputError if the device is not available, ModelError for a network that does not start
    from the classical fill.
    """

    def __init__(self, generator: Network, device: str = "auto") -> None:
        generator.architecture.require_fill()
        self._device = choose(device)
        moved = generator.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._generator: Network = moved

    def window(
        self, samples: Samples, fill: Fill, rows: slice = slice(None), cols: slice = slice(None)
    ) -> Floats:
        """RGB float32 (rows, cols, 3) of a window, nominally 0..255, not clipped.

        fill : the classical fill of the samples
        """
        x = torch.from_numpy(conditions(samples, fill, rows, cols))[None].to(self._device)
        painted = threads.with_openmp(partial(predict, self._generator, x))[0]
        return from_network(painted.permute(1, 2, 0).cpu().numpy())


def painter(model: str, device: str, realism: float = 0.0) -> Painter:
    """The painter of a model, cached.

    model   : as in ``model_files.find``
    realism : 0..1, the share of the realistic weights

    Raises InputError or ModelError as ``model_files.sets`` and ``Painter`` do.
    """
    paths = model_files.sets(model, realism)
    return _painter(paths, tuple(map(model_files.digest, paths)), realism, device)


@lru_cache(maxsize=2)
def _painter(
    paths: tuple[Path, ...], digests: tuple[str, ...], realism: float, device: str
) -> Painter:
    return Painter(torch_weights.mixed(paths, realism), device)


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
