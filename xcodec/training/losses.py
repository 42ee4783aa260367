"""What training makes small."""

import torch
from torch import Tensor

SMALLEST = 1e-3
"""Errors below this (0.13 grey levels) count as this: the root's slope at zero is infinite."""


def crop_errors(picture: Tensor, target: Tensor) -> Tensor:
    """Root-mean-square error of each crop, float32 (batch,), on the network's scale.

    Its mean is a loss between the mean square error, which busy crops dominate, and that error's
    logarithm (decibels), which flat ones do.

    picture, target : (batch, 3, height, width), scale -1..1
    """
    squares = (picture.float() - target.float()).square().mean((1, 2, 3))
    return (squares + SMALLEST**2).sqrt()


def gain(errors: Tensor, baseline: Tensor) -> float:
    """Mean PSNR of crops with ``errors`` above that of crops with ``baseline``, in dB."""
    return float((20 * torch.log10(baseline / errors)).mean())
