r"""Symbol layout tree <-> HMEG's symbol graph: every pair of symbols has an edge.

Input and output: a tree, or a `SymbolGraph` with an N x N matrix of relations. The edge of two
symbols is the position of the second relative to the first if they are neighbours in the tree,
otherwise `Relation.NONE` (Gao, Chen et al., CVPR 2024, section 3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.node import Node, Tree
from hmer_cli.synthesis.layout_statistics import spelled_rows

CELL = "&"
"""The symbol of a matrix cell, which has no ink: its content stands Inside it."""


class Relation(IntEnum):
    """The position of the second of two symbols relative to the first; from 7 on, inverses."""

    NONE = 0
    RIGHT = 1
    SUP = 2
    SUB = 3
    ABOVE = 4
    BELOW = 5
    INSIDE = 6
    RIGHT_INVERSE = 7
    SUP_INVERSE = 8
    SUB_INVERSE = 9
    ABOVE_INVERSE = 10
    BELOW_INVERSE = 11
    INSIDE_INVERSE = 12

    @property
    def inverse(self) -> Relation:
        """The relation of the first to the second."""
        if not self:
            return self
        return Relation(self + 6 if self <= Relation.INSIDE else self - 6)


@dataclass(frozen=True)
class SymbolGraph:
    r"""Symbols in the order of their label, and their pairwise relations.

    ``relations`` (N, N), int8: entry (i, j) is the position of symbol j relative to i; entry (j, i)
    is its inverse. Only neighbours are related: the next symbol of a row, the first symbol of a row
    attached to another. The index of a root stands Above it. A matrix has a symbol `CELL` a cell:
    the first cell Inside the matrix, the next of its row Right of it, the first of the next row
    Below.
    """

    symbols: tuple[str, ...]
    relations: NDArray[np.int8]

    @classmethod
    def of(cls, tree: Tree) -> SymbolGraph:
        """The graph of a tree."""
        builder = _Builder()
        builder.row(tree)
        relations = np.zeros((len(builder.symbols),) * 2, np.int8)
        for first, relation, second in builder.edges:
            relations[first, second] = relation
            relations[second, first] = relation.inverse
        return cls(tuple(builder.symbols), relations)

    def tree(self) -> Tree:
        """The tree that has this graph, whatever the order of its symbols.

        Raises ValueError where no tree has it.
        """
        if not self.symbols:
            return ()
        forward = (self.relations > Relation.NONE) & (self.relations <= Relation.INSIDE)
        inverse = np.where(forward, self.relations + 6, 0)
        (roots,) = np.nonzero(~forward.any(axis=0))
        consistent = np.array_equal(inverse.T, np.where(forward, 0, self.relations))
        if len(roots) != 1 or not consistent or (forward.sum(axis=0) > 1).any():
            raise ValueError("this graph is no tree")
        walker = _Walker(self)
        tree = walker.row(int(roots[0]))
        if walker.visited != len(self.symbols):
            raise ValueError("this graph is no tree")
        return tree


class _Builder:
    def __init__(self) -> None:
        self.symbols: list[str] = []
        self.edges: list[tuple[int, Relation, int]] = []

    def add(self, symbol: str, relation: Relation = Relation.NONE, to: int = -1) -> int:
        """The index of a new symbol that stands so to an earlier one."""
        self.symbols.append(symbol)
        if relation:
            self.edges.append((to, relation, len(self.symbols) - 1))
        return len(self.symbols) - 1

    def row(self, tree: Tree, relation: Relation = Relation.NONE, to: int = -1) -> None:
        for node in tree:
            at = self.add(node.symbol, relation, to)
            self.cells(node.cells, at)
            for name in spelled_rows(node):
                self.row(getattr(node, name), Relation[name.upper()], at)
            relation, to = Relation.RIGHT, at

    def cells(self, rows: Sequence[Sequence[Tree]], grid: int) -> None:
        relation, first = Relation.INSIDE, grid
        for row in rows:
            at = first
            for column, content in enumerate(row):
                at = self.add(CELL, Relation.RIGHT if column else relation, at)
                first = first if column else at
                self.row(content, Relation.INSIDE, at)
            relation = Relation.BELOW


class _Walker:
    def __init__(self, graph: SymbolGraph) -> None:
        self.graph = graph
        self.visited = 0

    def row(self, at: int | None) -> Tree:
        """The row that begins with this symbol."""
        nodes: list[Node] = []
        while at is not None:
            nodes.append(self.node(at))
            at = self.next(at, Relation.RIGHT)
        return tuple(nodes)

    def node(self, at: int) -> Node:
        self.visited += 1
        symbol = self.graph.symbols[at]
        grid = symbol.startswith(r"\begin")
        parts = ("above", "below", "sup", "sub") if grid else _ROWS
        cells = self.cells(self.next(at, Relation.INSIDE)) if grid else ()
        rows = {name: self.row(self.next(at, Relation[name.upper()])) for name in parts}
        return Node(symbol, cells=cells, **rows)  # type: ignore[arg-type]

    def cells(self, head: int | None) -> tuple[tuple[Tree, ...], ...]:
        rows: list[tuple[Tree, ...]] = []
        while head is not None:
            cells: list[Tree] = []
            at: int | None = head
            while at is not None:
                self.visited += 1
                cells.append(self.row(self.next(at, Relation.INSIDE)))
                at = self.next(at, Relation.RIGHT)
            rows.append(tuple(cells))
            head = self.next(head, Relation.BELOW)
        return tuple(rows)

    def next(self, at: int, relation: Relation) -> int | None:
        """The symbol that stands so to this one, if there is one."""
        (found,) = np.nonzero(self.graph.relations[at] == relation)
        if len(found) > 1:
            raise ValueError(f"two symbols stand {relation.name} of {self.graph.symbols[at]}")
        return int(found[0]) if len(found) else None


_ROWS = ("above", "below", "sup", "sub", "inside")
