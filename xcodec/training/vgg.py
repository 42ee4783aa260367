"""The convolutions of VGG for the perceptual loss, with weights that the user provides.

Folders are searched in this order: the one given, the one that XCODEC_WEIGHTS names, torch's hub
cache. The best network in any of them is used: VGG19 (torchvision's), VGG16, VGG19 up to relu3_4
(Oxford's, as safetensors).
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from xcodec.errors import ModelError
from xcodec.system import folders


@dataclass(frozen=True)
class Kind:
    """A network and the scaling of its weights.

    name   : its name in settings and messages
    files  : patterns of the names of its file
    pooled : convolutions preceded by a 2x2 max-pooling, as torchvision's indices
    taps   : convolutions whose rectified outputs are features: relu1_1 ... relu5_1, as far as the
             network goes
    means  : mean activation of each tap, which the loss divides by; hundreds in Oxford's scaling,
             about 1 in torchvision's (measured on 5 training photos)
    oxford : whether the input is RGB in 0..255 minus a mean, not torchvision's 0..1 normalised by
             mean and deviation
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
"""Oxford's mean of RGB in 0..255."""


class Vgg(nn.Module):
    """The convolutions of a VGG up to its last tap, with fixed weights."""

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
        """The activations of the taps, each divided by its mean on photos.

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
    """The best VGG that is found, or the one of a name.

    folder : searched first
    kind   : ``Kind.name`` of the network; None: any

    Raises ModelError, which names the folders searched, if there is none.
    """
    hub = Path(torch.hub.get_dir()) / "checkpoints"
    places = [place for place in (folder, folders.weights(), hub) if place]
    for candidate in KINDS:
        if kind not in (None, candidate.name):
            continue
        for place in places:
            for pattern in candidate.files:
                for path in sorted(place.glob(pattern)):
                    return Vgg(candidate, _read(path))
    wanted = kind or "VGG"
    searched = ", ".join(map(str, places))
    raise ModelError(f"the perceptual loss needs {wanted}: no weights of it in {searched}")


def _read(path: Path) -> dict[str, Tensor]:
    """Weights named "<index>.weight" and "<index>.bias"; raises ModelError."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
        start = "features."
        return {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: no usable weights of VGG: {first}") from error
