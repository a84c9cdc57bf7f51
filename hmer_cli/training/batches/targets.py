"""Targets that all batches share: padded labels as tensors.

Batches move from a worker process to the device as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor

from hmer_cli.recognition.units import BLANK

IGNORED = -100
"""What stands in ``after`` beyond the end of a label; cross-entropy passes it over."""


@dataclass(frozen=True)
class Targets:
    """The labels of a batch, B of them, made ready by whoever draws its images.

    before and after (B, L + 1) int64: the label's units behind a start, and the same units before
    an end, so that the two teach a decoder the next unit; ``lengths`` are the labels' own, on the
    host; ``tight`` counts the images whose label asked for more frames than they would have had.
    """

    before: Tensor
    after: Tensor
    lengths: tuple[int, ...]
    tight: int

    @property
    def count(self) -> int:
        """The number of images."""
        return len(self.lengths)

    @property
    def labels(self) -> Tensor:
        """The units (B, L) as the CTC loss takes them, blank beyond each length."""
        return self.before[:, 1:]

    def pin_memory(self) -> Self:
        """The same in memory from which a GPU copies while the host goes on."""
        return self._map(Tensor.pin_memory)

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def _map(self, change: Callable[[Tensor], Tensor]) -> Self:
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Any] = {k: change(v) for k, v in held.items() if isinstance(v, Tensor)}
        for key, value in held.items():
            if isinstance(value, tuple) and all(isinstance(v, Tensor) for v in value):
                moved[key] = tuple(map(change, value))
        return replace(self, **moved)


def shifted(labels: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Labels -> ``before``, ``after`` and ``lengths`` of `Targets`."""
    lengths = tuple(map(len, labels))
    before = torch.full((len(labels), max(lengths) + 1), BLANK)
    after = torch.full_like(before, IGNORED)
    for i, label in enumerate(labels):
        before[i, 1 : len(label) + 1] = after[i, : len(label)] = torch.tensor(label).long()
        after[i, len(label)] = BLANK
    return before, after, lengths
