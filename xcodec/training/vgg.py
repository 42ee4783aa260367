"""VGG as a perceptual loss needs it: its first convolutions, from weights that the user has.

Looked for in the folder given, then in $XCODEC_WEIGHTS, then in torch's hub cache, in this order of
preference: VGG19 (torchvision's), VGG16 and VGG19 up to relu3_4 (Oxford's, as safetensors).
"""

import os
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from xcodec.errors import ModelError

ENVIRONMENT = "XCODEC_WEIGHTS"
"""Environment variable: the folder of feature networks."""


@dataclass(frozen=True)
class Kind:
    """A network, and how its weights want to be used.

    name   : what a run calls it
    files  : names that its file may have; a "*" stands for anything
    pooled : convolutions that a 2x2 max-pooling comes before, as indices of torchvision's
    taps   : convolutions whose rectified outputs count: relu1_1 ... relu5_1, or what there is
    means  : mean activation of each tap, which the loss divides by; Oxford's scaling gives
             hundreds, torchvision's about 1 (measured on 5 training photos)
    oxford : RGB in 0..255 minus a mean, rather than torchvision's 0..1 with mean and deviation
    """

    name: str
    files: tuple[str, ...]
    pooled: tuple[int, ...]
    taps: tuple[int, ...]
    means: tuple[float, ...]
    oxford: bool


KINDS = (
    Kind("VGG19", ("vgg19-*.pth",), (5, 10, 19, 28), (0, 5, 10, 19, 28), (1.0,) * 5, False),
    Kind(
        "VGG16",
        ("vgg16_features.safetensors",),
        (5, 10, 17, 24),
        (0, 5, 10, 17, 24),
        (20.3, 173.0, 244.8, 147.9, 22.0),
        True,
    ),
    Kind(
        "VGG19 up to relu3_4",
        ("vgg19_to_relu3_4.safetensors",),
        (5, 10),
        (0, 5, 10, 16),
        (20.1, 116.1, 120.8, 493.3),
        True,
    ),
)
SHIFT, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""torchvision's mean and deviation of RGB in 0..1."""
OXFORD_SHIFT = (123.68, 116.779, 103.939)


class Vgg(nn.Module):
    """The convolutions of a VGG up to its last tap; its weights never learn."""

    def __init__(self, kind: Kind, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.kind = kind
        self.indices = sorted(
            {int(key.partition(".")[0]) for key in weights if key.endswith(".weight")}
        )
        self.indices = [index for index in self.indices if index <= max(kind.taps)]
        for index in self.indices:
            for part in ("weight", "bias"):
                self.register_buffer(f"{part}{index}", weights[f"{index}.{part}"].float())
        shift = torch.tensor(OXFORD_SHIFT if kind.oxford else SHIFT)
        spread = torch.ones(3) if kind.oxford else torch.tensor(SPREAD)
        self.register_buffer("shift", shift[:, None, None])
        self.register_buffer("spread", spread[:, None, None])

    def forward(self, picture: Tensor) -> list[Tensor]:
        """The taps' activations, each divided by its usual mean.

        picture : RGB (batch, 3, height, width), -1..1; sides of 16 or more
        """
        reach = 255 if self.kind.oxford else 1
        x = ((picture + 1) * (reach / 2) - self.get_buffer("shift")) / self.get_buffer("spread")
        taps: list[Tensor] = []
        for index in self.indices:
            if index in self.kind.pooled:
                x = F.max_pool2d(x, 2)
            weight, bias = self.get_buffer(f"weight{index}"), self.get_buffer(f"bias{index}")
            x = F.conv2d(x, weight, bias, padding=1).relu()
            if index in self.kind.taps:
                taps.append(x / self.kind.means[len(taps)])
        return taps


def load(folder: Path | None = None, kind: str | None = None) -> Vgg:
    """The best VGG that is there, or the one of this name (``Kind.name``).

    folder : where to look first

    Raises ModelError, which says where it looked, where there is none.
    """
    places = [folder] if folder else []
    if chosen := os.environ.get(ENVIRONMENT):
        places.append(Path(chosen))
    places.append(Path(torch.hub.get_dir()) / "checkpoints")
    for candidate in KINDS:
        if kind not in (None, candidate.name):
            continue
        for place in places:
            for pattern in candidate.files:
                for path in sorted(place.glob(pattern)):
                    return Vgg(candidate, _read(path))
    wanted = kind or "VGG"
    raise ModelError(
        f"the perceptual loss needs {wanted}: none of {', '.join(map(str, places))} has its weights"
    )


def _read(path: Path) -> dict[str, Tensor]:
    """Weights by "<index>.weight" and "<index>.bias"; raises ModelError."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
        start = "features."
        return {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: no usable weights of VGG: {first}") from error
