"""Distributed training: the processes that `torchrun` starts, mostly one.

Rank, world size, broadcast and reduction; without torchrun all are those of a single process.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from hmer_cli.errors import UsageError

CPU = torch.device("cpu")


def own_device() -> torch.device:
    """The GPU of this process, by the local rank that torchrun sets; the CPU if there is no GPU.

    Raises UsageError where there are more processes than GPUs.
    """
    gpus = torch.cuda.device_count()
    if not gpus:
        return CPU
    place = int(os.environ["LOCAL_RANK"]) if dist.is_torchelastic_launched() else 0
    if place >= gpus:
        raise UsageError(f"there are {gpus} GPUs", f"give torchrun --nproc_per_node={gpus}")
    device = torch.device("cuda", place)
    torch.cuda.set_device(device)
    return device


@dataclass(frozen=True)
class ProcessGroup:
    """This process: its ``rank`` of ``size`` and its device.

    Gradients are averaged between GPUs by NCCL, on CPUs by Gloo. Counters always use Gloo
    (``counters``), so that no host waits for its GPU.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = CPU
    counters: dist.ProcessGroup | None = None

    @classmethod
    def join(cls) -> Self:
        """The group that torchrun describes in the environment; without it, this process alone.

        Raises UsageError where there are more processes than GPUs.
        """
        together = dist.is_torchelastic_launched()
        device = own_device()
        if not together:
            return cls(device=device)
        dist.init_process_group("gloo" if device == CPU else "nccl")
        return cls(dist.get_rank(), dist.get_world_size(), device, dist.new_group(backend="gloo"))

    @property
    def leads(self) -> bool:
        """Whether this is the first process, which scores, writes and reports."""
        return self.rank == 0

    def wrap(self, module: nn.Module, find_unused: bool = False) -> nn.Module:
        """The module, its gradients averaged over all processes in every backward pass.

        With ``find_unused``, gradients of parameters that a process did not use count as 0.
        """
        if self.size == 1:
            return module
        return DistributedDataParallel(module, find_unused_parameters=find_unused)

    def total(self, *values: float) -> list[float]:
        """The sum of each value over all processes; a barrier."""
        if self.size == 1:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(sums, group=self.counters)
        return [float(value) for value in sums]

    def leading(self, *values: float) -> list[float]:
        """The values of the first process, broadcast to all."""
        return self.total(*(value if self.leads else 0.0 for value in values))

    def leave(self) -> None:
        """Leave the process group."""
        if self.counters is not None:
            dist.destroy_process_group()
