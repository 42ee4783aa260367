"""Optimisers: Muon for kernels and AdamW for scales and biases, or one optimiser for all weights.

Muon (Jordan et al. 2024) replaces the momentum of a matrix by the nearest orthogonal matrix, so
that all directions learn at the same speed. torch's own Muon always computes in bfloat16, which
takes longer than the rest of a step on a processor without it. Both are measured in
docs/research/optimiser.md.
"""

from collections import defaultdict

import torch
from torch import Tensor, nn

BETAS = (0.9, 0.99)
"""Of AdamW, beside Muon."""
BETAS_OF_GANS = (0.5, 0.999)
"""Of Adam (Radford et al. 2016; pix2pix)."""
MOMENTUM = 0.95
"""Of Muon (Jordan et al. 2024)."""
ITERATIONS = 4
"""Newton-Schulz iterations toward the orthogonal matrix; Jordan et al. take 5."""
QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of an iteration (Jordan et al. 2024): the steepest for small singular values."""
LIKE_ADAM = 0.2
"""Root mean square of AdamW's updates: Muon's are scaled to it, so that both share a learning
rate (Liu et al. 2025, "Muon is scalable for LLM training")."""


class Plain:
    """Adam or plain gradient descent for all weights of a network.

    kind : "adam" (betas 0.5 and 0.999, as GANs use it) or "sgd"
    """

    def __init__(self, network: nn.Module, kind: str) -> None:
        self._named = dict(network.named_parameters())
        weights = self._named.values()
        self._inner: torch.optim.Optimizer = (
            torch.optim.Adam(weights, betas=BETAS_OF_GANS)
            if kind == "adam"
            else torch.optim.SGD(weights)
        )

    def step(self, rate: float) -> None:
        """Update the weights from their gradients at a learning rate, then clear the gradients."""
        for group in self._inner.param_groups:
            group["lr"] = rate
        self._inner.step()
        self._inner.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """The state that a resumed run needs, by names of weights."""
        return {
            f"{moment}.{name}": value
            for name, weight in self._named.items()
            for moment, value in self._inner.state.get(weight, {}).items()
            if isinstance(value, Tensor)
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Continue from a ``state``; tensors with other names are ignored."""
        for key, value in tensors.items():
            moment, _, name = key.partition(".")
            if name in self._named:
                weight = self._named[name]
                # Adam counts its steps on the processor.
                place = value if moment == "step" else value.to(weight.device)
                self._inner.state[weight][moment] = place


class Optimizer:
    """Muon for the kernels of a network, AdamW for the rest of its weights.

    half : whether to compute in bfloat16
    """

    def __init__(self, network: nn.Module, weight_decay: float, half: bool = False) -> None:
        named = dict(network.named_parameters())
        self._kernels = {name: weight for name, weight in named.items() if weight.dim() == 4}
        self._others = {name: weight for name, weight in named.items() if weight.dim() != 4}
        self._adamw = torch.optim.AdamW(self._others.values(), betas=BETAS, weight_decay=0.0)
        self._momenta = {name: torch.zeros_like(weight) for name, weight in self._kernels.items()}
        self._weight_decay = weight_decay
        self._type = torch.bfloat16 if half else torch.float32

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update the weights from their gradients at a learning rate, then clear the gradients."""
        alike: dict[torch.Size, list[str]] = defaultdict(list)
        for name, kernel in self._kernels.items():
            alike[kernel.shape].append(name)
        for names in alike.values():
            self._move([self._kernels[name] for name in names], names, rate)
        for group in self._adamw.param_groups:
            group["lr"] = rate
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)

    def _move(self, kernels: list[nn.Parameter], names: list[str], rate: float) -> None:
        """Update kernels of one shape together."""
        aims = []
        for name, kernel in zip(names, kernels, strict=True):
            assert kernel.grad is not None
            momentum = self._momenta[name].lerp_(kernel.grad, 1 - MOMENTUM)
            aims.append(kernel.grad.lerp(momentum, MOMENTUM).permute(0, 2, 3, 1).flatten(1))
            kernel.grad = None
        moves = orthogonal(torch.stack(aims).to(self._type))
        far = rate * LIKE_ADAM * max(moves.shape[1:]) ** 0.5
        for kernel, move in zip(kernels, moves, strict=True):
            kernel.mul_(1 - rate * self._weight_decay)
            rows = kernel.permute(0, 2, 3, 1)
            rows.sub_(move.view(rows.shape), alpha=far)

    def state(self) -> dict[str, Tensor]:
        """The state that a resumed run needs, by names of weights."""
        found = {f"momentum_buffer.{name}": value for name, value in self._momenta.items()}
        return found | {
            f"{moment}.{name}": value
            for name, weight in self._others.items()
            for moment, value in self._adamw.state.get(weight, {}).items()
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Continue from a ``state``; tensors with other names are ignored."""
        for key, value in tensors.items():
            moment, _, name = key.partition(".")
            if name in self._momenta:
                self._momenta[name].copy_(value)
            elif name in self._others:
                self._adamw.state[self._others[name]][moment] = value


def orthogonal(matrices: Tensor) -> Tensor:
    """Nearly orthogonal matrices close to those given, (count, rows, columns).

    Singular values are brought near 1 (0.7 to 1.2, except the smallest ones).
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    first, third, fifth = QUINTIC
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(
            x, torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth), x, beta=first
        )
    return x.mT if tall else x
