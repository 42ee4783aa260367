"""One run on several processes: each has its share of the crops of a step, gradients are averaged.

The processes are started by ``accelerate launch -m xcodec train ...`` or by torchrun. A run on one
process does not load accelerate.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from xcodec.system import packages


@dataclass(frozen=True)
class World:
    """The processes of a run.

    rank, size : number of this process, from 0, and of all processes
    device     : the device that the launcher gave this process; None for a single process
    """

    rank: int = 0
    size: int = 1
    device: torch.device | None = None

    @property
    def first(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by their means over all processes."""
        if self.size == 1:
            return
        from accelerate.utils import reduce

        found = list(tensors)
        flat = torch.cat([tensor.reshape(-1).float() for tensor in found])
        parts = reduce(flat, reduction="mean").split([tensor.numel() for tensor in found])
        for tensor, part in zip(found, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def agreed(self, numbers: Sequence[float], device: torch.device) -> list[float]:
        """The numbers of the first process, on every process."""
        if self.size == 1:
            return list(numbers)
        from accelerate.utils import broadcast

        # Single precision: some GPUs have no double precision.
        values = torch.tensor(numbers, dtype=torch.float32, device=device)
        found: list[float] = broadcast(values, from_process=0).tolist()
        return found


def world(device: str) -> World:
    """The processes of this run, as a launcher started them.

    device : as the user asked; "cpu" keeps all processes off GPUs

    Raises DependencyError for several processes without accelerate.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return World()
    state = packages.require("accelerate", "train").PartialState(
        cpu=device == "cpu" or not torch.cuda.is_available()
    )
    return World(state.process_index, state.num_processes, state.device)
