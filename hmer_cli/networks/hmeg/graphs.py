"""Batches of symbol graphs as tensors for HMEG's networks.

Input: symbol graphs. Output: padded symbols (B, N), relations (B, N, N) and masks (B, N).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch
from torch import Tensor

from hmer_cli.synthesis.graph_arrays import GraphArrays, reach
from hmer_cli.synthesis.symbol_graph import SymbolGraph

UNKNOWN = 1
"""The index of symbols that the network has not learnt; 0 is the padding."""


@dataclass(frozen=True)
class Graphs:
    """A batch of B graphs of up to N symbols, padded.

    symbols (B, N), relations and reaches (B, N, N) int64: the tokens, the relation of every pair
    and how far apart in the label it is (see `graph_arrays.reach`). parents (B, N) int64, beside
    (B, N) and chain (B, N, N): see `graph_arrays.GraphArrays`. mask (B, N): 1 for symbols, 0 for
    padding.
    """

    symbols: Tensor
    relations: Tensor
    reaches: Tensor
    parents: Tensor
    beside: Tensor
    chain: Tensor
    mask: Tensor

    @classmethod
    def of(cls, graphs: Sequence[SymbolGraph], tokens: Sequence[str]) -> Self:
        """The batch; ``tokens`` are the ones learnt, in the order of their indices."""
        index = {token: i for i, token in enumerate(tokens, start=UNKNOWN + 1)}
        B, N = len(graphs), max(len(graph.symbols) for graph in graphs)
        batch = cls(
            torch.zeros(B, N, dtype=torch.long),
            torch.zeros(B, N, N, dtype=torch.long),
            torch.from_numpy(reach(N)).expand(B, N, N),
            torch.arange(N).repeat(B, 1),
            torch.zeros(B, N),
            torch.eye(N).repeat(B, 1, 1),
            torch.zeros(B, N),
        )
        for b, graph in enumerate(graphs):
            size = len(graph.symbols)
            batch.mask[b, :size] = 1
            batch.symbols[b, :size] = torch.tensor([index.get(t, UNKNOWN) for t in graph.symbols])
            batch.relations[b, :size, :size] = torch.from_numpy(graph.relations.astype(np.int64))
            arrays = GraphArrays.of(graph)
            batch.parents[b, :size] = torch.from_numpy(arrays.parents)
            batch.beside[b, :size] = torch.from_numpy(arrays.beside)
            batch.chain[b, :size, :size] = torch.from_numpy(arrays.chain)
        return batch

    def to(self, device: torch.device | str) -> Graphs:
        """The batch on a device."""
        return Graphs(*(getattr(self, f.name).to(device) for f in fields(self)))
