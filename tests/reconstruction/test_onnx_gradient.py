"""The gradient without torch is that with it (xcodec/reconstruction/onnx_gradient.py)."""

import numpy as np
import pytest
import torch

from xcodec.errors import ModelError
from xcodec.reconstruction import onnx_gradient
from xcodec.reconstruction.architecture import Architecture, Weights
from xcodec.reconstruction.generator import Generator
from xcodec.reconstruction.opencv_painter import ProxyGradient

SHAPES = [
    Architecture((6, 8, 12, 10), (0, 1, 2), 2, (0, 1, 1)),
    Architecture((4, 6, 8, 8), (1, 0, 1), 0, (2, 1, 0)),
    Architecture((6, 8, 12, 10), (0, 1, 1), 1, (1, 1, 0), scale=2),
]


def taught(architecture: Architecture) -> Generator:
    """A generator whose every weight matters."""
    torch.manual_seed(1)
    generator = Generator(architecture).requires_grad_(False)
    for weight in generator.parameters():
        weight.copy_(torch.randn_like(weight) * (0.1 if weight.dim() > 1 else 0.3))
    return generator


def weights(generator: Generator) -> Weights:
    return {key: value.numpy() for key, value in generator.state_dict().items()}


@pytest.mark.parametrize("architecture", SHAPES)
@pytest.mark.parametrize("size", [(64, 96), (32, 32)])
def test_the_gradient_is_that_of_autograd(
    architecture: Architecture, size: tuple[int, int]
) -> None:
    generator = taught(architecture)
    rng = np.random.default_rng(2)
    x = rng.standard_normal((7, *size)).astype(np.float32)
    error = rng.standard_normal((*size, 3)).astype(np.float32) * 40
    seen = torch.from_numpy(x)[None].requires_grad_()
    target = seen.detach()[:, :3] - torch.from_numpy(np.moveaxis(error, -1, 0)) * (2 / 255)
    half = (generator(seen) - target).square().sum() / 2
    (expected,) = torch.autograd.grad(half, seen)
    found = error + ProxyGradient(architecture, weights(generator)).minus_error(x, error)
    grey = np.moveaxis(expected[0, :3].numpy(), 0, -1) * 255 / 2
    assert found.shape == (*size, 3)
    assert np.abs(grey).max() > 1.2 * np.abs(error).max()  # The network has its say.
    assert np.allclose(found, grey, atol=1e-3 * np.abs(grey).max())


def test_sizes_that_are_no_multiple_are_mirrored() -> None:
    gradient = ProxyGradient(SHAPES[0], weights(taught(SHAPES[0])))
    rng = np.random.default_rng(3)
    x = rng.standard_normal((7, 45, 31)).astype(np.float32)
    error = rng.standard_normal((45, 31, 3)).astype(np.float32)
    wide = gradient.minus_error(
        np.pad(x, ((0, 0), (0, 3), (0, 1)), "reflect"),
        np.pad(error, ((0, 3), (0, 1), (0, 0)), "reflect"),
    )
    assert np.array_equal(gradient.minus_error(x, error), wide[:45, :31])


def test_weights_that_do_not_fit_are_named() -> None:
    some = weights(taught(SHAPES[0]))
    some.pop("grow.1.weight")
    with pytest.raises(ModelError, match=r"grow\.1\.weight"):
        onnx_gradient.model(SHAPES[0], some)
