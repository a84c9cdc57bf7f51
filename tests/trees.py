"""Symbol layout trees of every kind, for the tests that go over all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from hmer_cli.expr.commands import COVERS, OPERATORS, STACKS, SYMBOLS
from hmer_cli.expr.tree import Node, Tree

PLAIN = sorted(SYMBOLS - OPERATORS)
FACED = st.sampled_from("RNZk1")


def _grid(cells: list[list[Tree]]) -> Node | None:
    if len(cells) > 1 and cells[-1] == [()]:
        return None  # a last row that is empty is not written
    return Node(r"\begin{bmatrix}", cells=tuple(tuple(row) for row in cells))


def _nodes(rows: st.SearchStrategy[Tree]) -> st.SearchStrategy[Node]:
    scripts = {"sub": rows, "sup": rows}
    cells = st.lists(st.lists(rows, min_size=1, max_size=3), min_size=1, max_size=3)
    return st.one_of(
        st.builds(Node, st.sampled_from(PLAIN), above=rows, below=rows, **scripts),
        st.builds(Node, st.sampled_from(sorted(OPERATORS)), above=rows, below=rows, **scripts),
        st.builds(Node, FACED.map(lambda c: rf"\mathbb {{ {c} }}"), **scripts),
        st.builds(Node, st.sampled_from(sorted(STACKS)), above=rows, below=rows, **scripts),
        st.builds(Node, st.just(r"\sqrt"), above=rows, inside=rows, **scripts),
        st.builds(Node, st.sampled_from(sorted(COVERS)), inside=rows, above=rows, **scripts),
        cells.map(_grid).filter(lambda node: node is not None),
    )


LEAVES = st.lists(st.builds(Node, st.sampled_from(PLAIN)), max_size=3).map(tuple)
TREES: st.SearchStrategy[Tree] = st.recursive(
    LEAVES, lambda rows: st.lists(_nodes(rows), max_size=3).map(tuple), max_leaves=12
)
