"""Subgraphs that a layout discriminator sees: all symbols, or few as in Less-is-More.

Input: a batch of graphs. Output: indices of symbols (B, K), -1 for none (HMEG, section 3.3).
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from hmer_cli.networks.hmeg.graphs import Graphs
from hmer_cli.synthesis.symbol_graph import Relation

UNRELATED = 5
"""Largest number of symbols that are no neighbours (HMEG, section 3.3)."""


class View(Protocol):
    """Chooses the symbols of each graph that a `Discriminator` sees: (B, K) int64, -1 for none."""

    def __call__(self, graphs: Graphs, generator: torch.Generator) -> Tensor:
        """The choice, at random where it is one."""
        ...


def everything(graphs: Graphs, generator: torch.Generator) -> Tensor:
    """All symbols, as before Less-is-More."""
    places = torch.arange(graphs.mask.shape[1]).expand_as(graphs.mask)
    return torch.where(graphs.mask > 0, places, -1)


def less_is_more(graphs: Graphs, generator: torch.Generator) -> Tensor:
    """One random symbol, its true neighbours, at most five unrelated ones (HMEG, section 3.3)."""
    chosen = []
    for relations, mask in zip(graphs.relations, graphs.mask, strict=True):
        size = int(mask.sum())
        node = int(torch.randint(size, (1,), generator=generator))
        near = relations[node, :size] != Relation.NONE
        others = ~near
        others[node] = False
        far = others.nonzero()[:, 0]
        far = far[torch.randperm(len(far), generator=generator)[:UNRELATED]]
        chosen.append(torch.cat([torch.tensor([node]), near.nonzero()[:, 0], far]))
    return torch.nn.utils.rnn.pad_sequence(chosen, batch_first=True, padding_value=-1)


VIEWS: dict[str, View] = {
    "full": everything,
    "less": less_is_more,
}
"""The views by name."""
