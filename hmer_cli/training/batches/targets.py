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
"""Padding of ``after``, which cross-entropy ignores."""


@dataclass(frozen=True)
class Targets:
    """The labels of a batch of B expressions.

    Attributes:
        before: units after a start symbol, (B, L + 1) int64: inputs of a decoder.
        after: the same units before an end symbol, (B, L + 1) int64: its targets.
        lengths: lengths of the labels, on the host.
        infeasible: number of images whose label needs more CTC frames than they have.
    """

    before: Tensor
    after: Tensor
    lengths: tuple[int, ...]
    infeasible: int

    @property
    def count(self) -> int:
        """The number of images."""
        return len(self.lengths)

    @property
    def labels(self) -> Tensor:
        """The units (B, L) as the CTC loss takes them, blank beyond each length."""
        return self.before[:, 1:]

    def pin_memory(self) -> Self:
        """The same in pinned memory, for asynchronous copies to a GPU."""
        return self._map(Tensor.pin_memory)

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def _map(self, change: Callable[[Tensor], Tensor]) -> Self:
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Any] = {k: change(v) for k, v in held.items() if isinstance(v, Tensor)}
        for key, value in held.items():
            if isinstance(value, Targets):
                moved[key] = value._map(change)
            elif isinstance(value, tuple) and all(isinstance(v, Tensor) for v in value):
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
