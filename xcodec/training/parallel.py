"""One run on many processes: each takes its share of a step's crops, gradients are averaged.

Started by ``accelerate launch -m xcodec train ...`` or torchrun; alone, nothing of it is loaded.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from xcodec.errors import InputError


@dataclass(frozen=True)
class World:
    """The processes of a run.

    rank, size : which of how many this one is; the first writes files and speaks
    device     : the one that the launcher gave this process; None where it is alone
    """

    rank: int = 0
    size: int = 1
    device: torch.device | None = None

    @property
    def first(self) -> bool:
        """Whether this process writes files and speaks."""
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
        """The first process's numbers, on all of them."""
        if self.size == 1:
            return list(numbers)
        from accelerate.utils import broadcast

        # Single precision: some cards have no other.
        values = torch.tensor(numbers, dtype=torch.float32, device=device)
        found: list[float] = broadcast(values, from_process=0).tolist()
        return found


def world(device: str) -> World:
    """The processes that a launcher started this one with; raises InputError without accelerate.

    device : what the user asked for; "cpu" keeps all processes on processors
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return World()
    try:
        from accelerate import PartialState
    except ImportError as error:
        raise InputError(
            "several processes need accelerate: pip install 'xcodec[train]'"
        ) from error
    state = PartialState(cpu=device == "cpu" or not torch.cuda.is_available())
    return World(state.process_index, state.num_processes, state.device)
