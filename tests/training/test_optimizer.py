"""Muon and AdamW side by side (xcodec/training/optimizer.py)."""

import pytest
import torch

from xcodec.training.optimizer import MOMENTUM, Optimizer, orthogonal


@pytest.mark.parametrize("shape", [(2, 6, 40), (2, 40, 6)])
def test_singular_values_are_brought_near_one(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(1)
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_kernels_move_as_torchs_muon_moves_them() -> None:
    torch.manual_seed(2)
    layer = torch.nn.Conv2d(5, 8, 3).to(memory_format=torch.channels_last)
    matrix = torch.nn.Parameter(layer.weight.detach().permute(0, 2, 3, 1).flatten(1).clone())
    ours = Optimizer(layer, 0.1)
    theirs = torch.optim.Muon(
        [matrix],
        lr=0.01,
        weight_decay=0.1,
        momentum=MOMENTUM,
        ns_steps=4,
        adjust_lr_fn="match_rms_adamw",
    )
    before = matrix.detach().clone()
    for _ in range(3):
        gradient = torch.randn_like(layer.weight)
        layer.weight.grad = gradient
        layer.bias.grad = torch.zeros_like(layer.bias)
        matrix.grad = gradient.permute(0, 2, 3, 1).flatten(1).contiguous()
        ours.step(0.01)
        theirs.step()
    moved = layer.weight.detach().permute(0, 2, 3, 1).flatten(1) - before
    # torch's computes in bfloat16, which has three digits.
    error = (moved - (matrix.detach() - before)).norm() / moved.norm()
    assert error < 0.02
    assert moved.norm() > 0.05


def test_a_restored_optimiser_goes_on_alike() -> None:
    torch.manual_seed(3)
    layers = [torch.nn.Conv2d(3, 4, 3) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    gradients = [torch.randn(2, 4, 3, 3, 3), torch.randn(2, 4)]

    def step(layer: torch.nn.Conv2d, optimizer: Optimizer, i: int) -> None:
        layer.weight.grad, layer.bias.grad = gradients[0][i].clone(), gradients[1][i].clone()
        optimizer.step(0.01)

    first = Optimizer(layers[0], 0.0)
    step(layers[0], first, 0)
    layers[1].load_state_dict(layers[0].state_dict())
    second = Optimizer(layers[1], 0.0)
    second.restore({name: value.clone() for name, value in first.state().items()})
    for layer, optimizer in zip(layers, (first, second), strict=True):
        step(layer, optimizer, 1)
    assert torch.equal(layers[0].weight, layers[1].weight)
    assert torch.equal(layers[0].bias, layers[1].bias)
