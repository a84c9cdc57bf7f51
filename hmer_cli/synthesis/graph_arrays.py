"""A symbol graph as the arrays that HMEG's layout network takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.synthesis.symbol_graph import Relation, SymbolGraph

REACHES = (1, 2, 3, 5, 8, 13)
"""How far apart two symbols are in their label, in steps of about equal weight."""

_LEFTWARD = (Relation.ABOVE, Relation.BELOW, Relation.INSIDE)


@dataclass(frozen=True)
class GraphArrays:
    """The tree under the N symbols of a graph.

    parents (N,) int64 and beside (N,): the symbol before each in the tree, itself for the first,
    and 1 where it stands to the right of that one. chain (N, N): 1 where the second symbol is the
    first or comes before it in the tree. The last two are float32.
    """

    parents: NDArray[np.int64]
    beside: NDArray[np.float32]
    chain: NDArray[np.float32]

    @classmethod
    def of(cls, graph: SymbolGraph) -> GraphArrays:
        """The wiring of a graph whose symbols are in the order of their label."""
        size = len(graph.symbols)
        wiring = cls(np.arange(size), np.zeros(size, np.float32), np.eye(size, dtype=np.float32))
        forward = (graph.relations > Relation.NONE) & (graph.relations <= Relation.INSIDE)
        for child in range(size):
            for parent in np.nonzero(forward[:, child])[0].tolist():
                wiring.parents[child] = parent
                wiring.beside[child] = graph.relations[parent, child] not in _LEFTWARD
                wiring.chain[child] += wiring.chain[parent]
        return wiring


def reach(size: int) -> NDArray[np.int64]:
    """(N, N): how far the second symbol is behind the first, from 0 to 2 * len(REACHES)."""
    place = np.arange(size)
    apart = place[None, :] - place[:, None]
    steps = np.searchsorted(REACHES, np.abs(apart), side="right")
    return np.asarray(len(REACHES) + np.sign(apart) * steps, np.int64)
