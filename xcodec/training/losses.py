"""The paper's losses (section 3.5) and pixel losses, a class each.

Pictures are float32 (batch, 3, height, width) on the network's scale -1..1 throughout.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from xcodec.choices import AGGREGATES, POINT_NORMS
from xcodec.errors import InputError
from xcodec.training.discriminators import Verdict
from xcodec.training.groups import PIXEL_KINDS
from xcodec.training.vgg import Vgg

SMALLEST = 1e-3
"""Smallest error of a crop (0.13 grey levels): the slope of the root is infinite at zero."""
PERCEPTUAL_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""Weights of relu1_1 ... relu5_1, as in pix2pixHD (Wang et al. 2018)."""


def crop_errors(picture: Tensor, target: Tensor) -> Tensor:
    """Root-mean-square error of each crop, float32 (batch,), on the network's scale.

    As a loss, its mean lies between the mean squared error, which busy crops dominate, and the
    logarithm of that error (PSNR), which flat crops dominate.
    """
    squares = (picture.float() - target.float()).square().mean((1, 2, 3))
    return (squares + SMALLEST**2).sqrt()


def gain(errors: Tensor, baseline: Tensor) -> float:
    """Mean improvement in PSNR over crops, in dB, of root-mean-square errors over a baseline's."""
    return float((20 * torch.log10(baseline / errors)).mean())


class PixelLoss:
    """Distance of a picture from the original.

    kind : one of PIXEL_KINDS; "rms" is the mean of ``crop_errors``
    """

    def __init__(self, kind: str = "rms") -> None:
        if kind not in PIXEL_KINDS:
            raise InputError(f"pixel loss is {kind!r}: it must be one of {', '.join(PIXEL_KINDS)}")
        self._kind = kind

    def __call__(self, picture: Tensor, target: Tensor) -> Tensor:
        """The loss, 0 for equal pictures."""
        if self._kind == "rms":
            return crop_errors(picture, target).mean()
        loss = F.l1_loss if self._kind == "l1" else F.mse_loss
        return loss(picture.float(), target.float())


class AdversarialLoss:
    """Equation 2 with least squares (Mao et al. 2017), aggregated over the discriminators.

    aggregate : "max": the generator trains against the best discriminator (equation 4; F := max of
                Durugkar et al. 2016); "mean": against their mean
    """

    def __init__(self, aggregate: str = "max") -> None:
        if aggregate not in AGGREGATES:
            raise InputError(
                f"aggregate is {aggregate!r}: it must be one of {', '.join(AGGREGATES)}"
            )
        self._aggregate = aggregate

    def generator(self, painted: Sequence[Verdict]) -> Tensor:
        """The generator's loss: 0 if the discriminators take its pictures for originals."""
        each = torch.stack([(v.score.float() - 1).square().mean() for v in painted])
        return each.max() if self._aggregate == "max" else each.mean()

    def discriminators(self, real: Sequence[Verdict], painted: Sequence[Verdict]) -> Tensor:
        """The discriminators' loss, summed over them: 0 if they recognise every picture."""
        losses = [
            ((r.score.float() - 1).square().mean() + p.score.float().square().mean()) / 2
            for r, p in zip(real, painted, strict=True)
        ]
        return torch.stack(losses).sum()


class FeatureMatchingLoss:
    """Equation 3: L1 between the discriminators' features of the original and of the picture.

    Mean over each layer but the last, summed over layers and discriminators. The features of
    originals are constants: no gradient flows through them.
    """

    def __call__(self, real: Sequence[Verdict], painted: Sequence[Verdict]) -> Tensor:
        """The loss, 0 for equal features."""
        losses = [
            F.l1_loss(mine.float(), its.detach().float())
            for r, p in zip(real, painted, strict=True)
            for its, mine in zip(r.features, p.features, strict=True)
        ]
        return torch.stack(losses).sum()


class PerceptualLoss:
    """Equation 5: L1 between VGG's features of picture and original, relu1_1 ... relu5_1.

    The weights are PERCEPTUAL_WEIGHTS; if the network ends earlier, its last tap also gets the
    weights of the missing ones.
    """

    def __init__(self, vgg: Vgg) -> None:
        self.name = vgg.kind.name
        self._vgg = vgg
        count = len(vgg.kind.taps)
        kept = PERCEPTUAL_WEIGHTS[: count - 1]
        self.weights = (*kept, sum(PERCEPTUAL_WEIGHTS) - sum(kept))

    def __call__(self, picture: Tensor, target: Tensor) -> Tensor:
        """The loss, 0 for equal pictures."""
        with torch.no_grad():
            theirs = self._vgg(target.float())
        mine = self._vgg(picture.float())
        losses = [
            weight * F.l1_loss(x, y)
            for weight, x, y in zip(self.weights, mine, theirs, strict=True)
        ]
        return torch.stack(losses).sum()


class PointLoss:
    """Equation 6, the corresponding point loss: the picture must keep the given points.

    ||s - Mask(G(s), s)||^2 over the known pixels, divided by their number, so that few points are
    not penalised more than many.

    norm : one of POINT_NORMS; the paper uses "l2", and its figure 12 compares them
    """

    def __init__(self, norm: str = "l2") -> None:
        if norm not in POINT_NORMS:
            raise InputError(f"point norm is {norm!r}: it must be one of {', '.join(POINT_NORMS)}")
        self.norm = norm

    def __call__(self, picture: Tensor, target: Tensor, known: Tensor) -> Tensor:
        """The loss, 0 if the known pixels agree.

        target : (batch, 3, height, width), the original where pixels are known
        known  : (batch, 1, height, width), 1 where a pixel is known and 0 elsewhere
        """
        if self.norm == "none":
            return picture.new_zeros(())
        error = (picture.float() - target.float()) * known
        total = error.square().sum() if self.norm == "l2" else error.abs().sum()
        return total / (3 * known.sum()).clamp(min=1)
