r"""The symbol layout tree (SLT) of a label.

A tree is a row of nodes related by Right; each node is one written symbol with the rows Above,
Below, Sup, Sub and Inside it. Grouping braces are not represented, so two labels have equal trees
exactly if they describe the same layout (Zanibbi and Blostein, IJDAR 2012).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from hmer_cli.expr.commands import (
    COVERS,
    GRID_DELIMITERS,
    GRIDS,
    INTEGRALS,
    OPERATORS,
    STACKING,
    STACKS,
)

Tree: TypeAlias = tuple["Node", ...]
"""Nodes from left to right."""

_HOLDERS = COVERS | {r"\sqrt"}
_GRIDS = {rf"\begin{{{name}}}" for name in GRIDS}
BARE_GRID = r"\begin{matrix}"
"""A grid that has no brackets of its own."""
_ENVIRONMENTS = {sides: rf"\begin{{{name}}}" for name, sides in GRID_DELIMITERS.items()}


@dataclass(frozen=True, slots=True)
class Node:
    r"""One written symbol and the rows related to it; an empty row is an unused relation.

    ``symbol`` is its token, or ``\mathbb { R }`` for a letter in a font, ``\begin{bmatrix}`` for a
    grid, whose rows of cells are ``cells``, and ``""`` for scripts without a base. A fraction has
    its parts Above and Below the bar, a root its index Above. ``at`` is the index of its token in
    the parsed label; it is ignored in comparisons.
    Raises ValueError for a relation that the symbol cannot have.
    """

    symbol: str
    above: Tree = ()
    below: Tree = ()
    sup: Tree = ()
    sub: Tree = ()
    inside: Tree = ()
    cells: tuple[tuple[Tree, ...], ...] = ()
    at: int | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        wrong = (
            (self.inside and self.symbol not in _HOLDERS)
            or bool(self.cells) != (self.symbol in _GRIDS)
            or (self.below and self.symbol == r"\sqrt")
        )
        if wrong:
            raise ValueError(f"{self.symbol!r} cannot have these parts")

    @property
    def rows(self) -> Iterator[Tree]:
        """The rows related to this node, in the order of the label."""
        yield from (self.above, self.inside, self.below)
        yield from (cell for row in self.cells for cell in row)
        yield from (self.sub, self.sup)


def placed(node: Node) -> bool:
    r"""Whether the rows Above and Below come first in the label: ``\overset { a } { = }``."""
    stacked = node.symbol in OPERATORS or node.symbol in STACKS or node.symbol == r"\sqrt"
    return bool(node.above or node.below) and not stacked


def walk(tree: Tree) -> Iterator[Node]:
    """Every node of the tree, parents first."""
    for node in tree:
        yield node
        for row in node.rows:
            yield from walk(row)


def rebuild(tree: Tree, change: Callable[[Node], Node]) -> Tree:
    """The tree with ``change`` applied to every node, children first."""
    return rebuild_rows(tree, lambda row: tuple(change(node) for node in row))


def rebuild_rows(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """The tree with ``change`` applied to every row, those of its nodes first."""

    def renewed(node: Node) -> Node:
        if not any(node.rows):  # most have none, and a copy takes long
            return node
        return replace(
            node,
            above=rebuild_rows(node.above, change),
            below=rebuild_rows(node.below, change),
            sup=rebuild_rows(node.sup, change),
            sub=rebuild_rows(node.sub, change),
            inside=rebuild_rows(node.inside, change),
            cells=tuple(tuple(rebuild_rows(c, change) for c in row) for row in node.cells),
        )

    return change(tuple(renewed(node) for node in tree))


def name_grids(tree: Tree) -> Tree:
    r"""The tree with every bare matrix in brackets as the environment that has them.

    ``( \begin{matrix} a \\ b \end{matrix} )`` is ``\begin{pmatrix} a \\ b \end{pmatrix}``; a brace
    that nothing closes begins ``cases``.
    """
    return rebuild_rows(tree, _named)


def _named(row: Tree) -> Tree:
    out: list[Node] = []
    rest = list(reversed(row))
    while rest:
        node = rest.pop()
        grid = rest[-1] if rest else None
        if grid is None or grid.symbol != BARE_GRID or any(node.rows) or _scripted(grid):
            out.append(node)
            continue
        close = rest[-2] if len(rest) > 1 else None
        name = close and _ENVIRONMENTS.get((node.symbol, close.symbol))
        if close and name:
            del rest[-2:]
            out.append(replace(close, symbol=name, cells=grid.cells))
        elif node.symbol == r"\{" and _fits_cases(grid, rest):
            rest[-1] = replace(grid, symbol=_ENVIRONMENTS[r"\{", ""])
        else:
            out.append(node)
    return tuple(out)


def _fits_cases(grid: Node, rest: list[Node]) -> bool:
    """Whether it is narrow enough, and no brace behind it closes the one before it; ``rest`` is
    from right to left."""
    open_braces = 1
    for node in reversed(rest[:-1]):
        open_braces += (node.symbol == r"\{") - (node.symbol == r"\}")
        if not open_braces:
            return False
    return all(len(row) <= GRIDS["cases"] for row in grid.cells)


def _scripted(node: Node) -> bool:
    return any((node.above, node.below, node.sup, node.sub))


def stack_limits(tree: Tree) -> Tree:
    r"""The tree with the scripts of every sum, integral and limit Above and Below it.

    Labels have ``\limits`` after every scripted one of them, whatever the layout of the ink.
    """

    def stacked(node: Node) -> Node:
        if node.symbol not in STACKING or not (node.sub or node.sup):
            return node
        above, below = node.above + node.sup, node.below + node.sub
        return replace(node, above=above, below=below, sup=(), sub=())

    return rebuild(tree, stacked)


def place_limits(tree: Tree) -> Tree:
    """The tree with limits where LaTeX sets them in a display: beside integrals, above and below
    sums and their like."""

    def placed(node: Node) -> Node:
        if node.symbol not in STACKING:
            return node
        low, high = node.below + node.sub, node.above + node.sup
        if node.symbol in INTEGRALS:
            return replace(node, above=(), below=(), sup=high, sub=low)
        return replace(node, above=high, below=low, sup=(), sub=())

    return rebuild(tree, placed)
