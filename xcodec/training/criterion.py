"""The weighted sum of losses that a run minimises."""

from collections.abc import Sequence

import torch
from torch import Tensor

from xcodec.training import vgg
from xcodec.training.discriminators import Verdict
from xcodec.training.losses import (
    AdversarialLoss,
    FeatureMatchingLoss,
    PerceptualLoss,
    PixelLoss,
    PointLoss,
)
from xcodec.training.settings import CODEC, TrainSettings

POINTED = (CODEC, "points", "white-block")
"""Tasks with a point loss."""


class Criterion:
    """The losses of a generator.

    network : name of the VGG of the perceptual loss; None without that loss

    Raises ModelError if a perceptual loss is asked for and no VGG is found.
    """

    def __init__(self, settings: TrainSettings, device: torch.device) -> None:
        self.weights = settings.losses
        self.pixel = PixelLoss(self.weights.pixel_kind)
        self.adversarial = AdversarialLoss(self.weights.aggregate)
        self.matching = FeatureMatchingLoss()
        # In other tasks the network does not see which points correspond (section 4).
        pointed = self.weights.point and settings.task in POINTED
        self.point = PointLoss(self.weights.point_norm if pointed else "none")
        self.perceptual: PerceptualLoss | None = None
        self.network: str | None = None
        if self.weights.perceptual:
            network = vgg.load(settings.files.features, self.weights.network).to(device)
            self.perceptual = PerceptualLoss(network)
            self.network = self.perceptual.name

    def __call__(
        self,
        picture: Tensor,
        target: Tensor,
        known: Tensor,
        real: Sequence[Verdict] = (),
        painted: Sequence[Verdict] = (),
    ) -> dict[str, Tensor]:
        """The losses with a weight above 0, each times its weight; training minimises their sum.

        picture, target : (batch, 3, height, width), -1..1
        known           : (batch, 1, height, width), 1 where a pixel is known
        real, painted   : verdicts of the discriminators; empty before they take part
        """
        weights = self.weights
        found: dict[str, Tensor] = {}
        if weights.pixel:
            found["pixel"] = weights.pixel * self.pixel(picture, target)
        if self.perceptual is not None:
            found["perceptual"] = weights.perceptual * self.perceptual(picture, target)
        if self.point.norm != "none":
            found["point"] = weights.point * self.point(picture, target, known)
        if painted and weights.adversarial:
            found["adversarial"] = weights.adversarial * self.adversarial.generator(painted)
        if painted and weights.matching:
            found["matching"] = weights.matching * self.matching(real, painted)
        return found
