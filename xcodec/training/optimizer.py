"""What moves the weights: Muon for convolutions, AdamW for scales and biases.

Muon (Jordan et al. 2024) turns the momentum of a matrix into the nearest orthogonal one, so that
all its directions learn alike; docs/models.md has what it gains.
"""

import torch
from torch import Tensor, nn

BETAS = (0.9, 0.99)
MOMENTUM = 0.95
ITERATIONS = 4
"""Of Newton and Schulz, toward the orthogonal matrix."""


class Optimizer:
    """The optimiser of a network whose convolutions lie in memory as channels_last."""

    def __init__(self, network: nn.Module, weight_decay: float) -> None:
        named = dict(network.named_parameters())
        self._kernels = {name: weight for name, weight in named.items() if weight.dim() == 4}
        others = {name: weight for name, weight in named.items() if weight.dim() != 4}
        # torch's Muon takes matrices only: these share their memory with the kernels.
        matrices = {name: nn.Parameter(_flat(weight)) for name, weight in self._kernels.items()}
        assert all(
            matrices[name].data_ptr() == kernel.data_ptr() for name, kernel in self._kernels.items()
        )
        self._muon = torch.optim.Muon(
            matrices.values(),
            weight_decay=weight_decay,
            momentum=MOMENTUM,
            ns_steps=ITERATIONS,
            adjust_lr_fn="match_rms_adamw",  # The same learning rate suits both.
        )
        self._adamw = torch.optim.AdamW(others.values(), betas=BETAS, weight_decay=0.0)
        self._matrices, self._moved = matrices, matrices | others

    def step(self, rate: float) -> None:
        """Move the weights along their gradients at a learning rate, and forget the gradients."""
        for name, kernel in self._kernels.items():
            assert kernel.grad is not None
            self._matrices[name].grad = _flat(kernel.grad)
            kernel.grad = None
        for optimizer in (self._muon, self._adamw):
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()  # type: ignore[no-untyped-call]
            optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """All that a resumed run needs, by names of weights."""
        return {
            f"{moment}.{name}": value
            for name, weight in self._moved.items()
            for moment, value in self._of(name).state.get(weight, {}).items()
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from a ``state``; other tensors are left alone."""
        for key, value in tensors.items():
            moment, _, name = key.partition(".")
            if name in self._moved:
                self._of(name).state[self._moved[name]][moment] = value

    def _of(self, name: str) -> torch.optim.Optimizer:
        return self._muon if name in self._matrices else self._adamw


def _flat(kernel: Tensor) -> Tensor:
    """A kernel (out, in, high, wide) as a matrix (out, high * wide * in), in the same memory."""
    return kernel.detach().permute(0, 2, 3, 1).flatten(1)
