"""Symbol graph -> the input arrays of HMEG's layout network (Gao, Chen et al., CVPR 2024).

Input: a `SymbolGraph` of N symbols. Output: `GraphArrays` of shapes (N,) and (N, N).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.synthesis.symbol_graph import Relation, SymbolGraph

REACHES = (1, 2, 3, 5, 8, 13)
"""Upper bounds of the buckets of distances between two symbols in their label."""

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
        """The arrays of a graph whose symbols are in the order of their label."""
        size = len(graph.symbols)
        arrays = cls(np.arange(size), np.zeros(size, np.float32), np.eye(size, dtype=np.float32))
        forward = (graph.relations > Relation.NONE) & (graph.relations <= Relation.INSIDE)
        for child in range(size):
            for parent in np.nonzero(forward[:, child])[0].tolist():
                arrays.parents[child] = parent
                arrays.beside[child] = graph.relations[parent, child] not in _LEFTWARD
                arrays.chain[child] += arrays.chain[parent]
        return arrays


def reach(size: int) -> NDArray[np.int64]:
    """(N, N): bucketed distance from the first symbol to the second, 0 to 2 * len(REACHES)."""
    place = np.arange(size)
    distance = place[None, :] - place[:, None]
    steps = np.searchsorted(REACHES, np.abs(distance), side="right")
    return np.asarray(len(REACHES) + np.sign(distance) * steps, np.int64)
