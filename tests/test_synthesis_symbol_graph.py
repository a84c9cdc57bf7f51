"""The symbol graph: what it says of two symbols, and that a label survives it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import TREES

from hmer_cli.data.captions import Captions
from hmer_cli.data.store import open_store
from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.expr.tree import Tree, parse, to_tokens
from hmer_cli.synthesis.symbol_graph import CELL, Relation, SymbolGraph

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


def pairs(graph: SymbolGraph) -> dict[tuple[int, int], Relation]:
    """The relation of every ordered pair of symbols."""
    count = range(len(graph.symbols))
    return {(i, j): Relation(int(graph.relations[i, j])) for i in count for j in count if i != j}


def relations(label: str) -> dict[tuple[str, str], str]:
    """What the graph of a label says of neighbours, by their symbols."""
    graph = SymbolGraph.of(parse(tokenize(label)))
    return {
        (graph.symbols[i], graph.symbols[j]): r.name
        for (i, j), r in pairs(graph).items()
        if Relation.NONE < r <= Relation.INSIDE
    }


@given(TREES)
@settings(max_examples=150)
def test_a_tree_survives_its_graph(tree: Tree) -> None:
    assert SymbolGraph.of(tree).tree() == tree


@given(TREES, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_a_graph_does_not_depend_on_the_order_of_its_symbols(tree: Tree, random: object) -> None:
    graph = SymbolGraph.of(tree)
    order = list(range(len(graph.symbols)))
    random.shuffle(order)  # type: ignore[attr-defined]
    symbols = tuple(graph.symbols[i] for i in order)
    assert SymbolGraph(symbols, graph.relations[np.ix_(order, order)]).tree() == tree


@given(TREES)
@settings(max_examples=60)
def test_every_pair_has_an_edge_and_every_edge_its_inverse(tree: Tree) -> None:
    graph = SymbolGraph.of(tree)
    count = len(graph.symbols)
    found = pairs(graph)
    assert len(found) == count * (count - 1)
    assert all(found[j, i] == relation.inverse for (i, j), relation in found.items())
    forward = [r for r in found.values() if Relation.NONE < r <= Relation.INSIDE]
    assert len(forward) == max(count - 1, 0)


def test_neighbours_are_related_as_latex_says() -> None:
    assert relations(r"x _ { i } ^ { 2 } + \frac { a } { b }") == {
        ("x", "i"): "SUB",
        ("x", "2"): "SUP",
        ("x", "+"): "RIGHT",
        ("+", r"\frac"): "RIGHT",
        (r"\frac", "a"): "ABOVE",
        (r"\frac", "b"): "BELOW",
    }
    assert relations(r"\sqrt [ 3 ] { y z }") == {
        (r"\sqrt", "3"): "ABOVE",
        (r"\sqrt", "y"): "INSIDE",
        ("y", "z"): "RIGHT",
    }
    assert relations(r"\sum \limits _ { n } x")[r"\sum", "n"] == "BELOW"


def test_the_cells_of_a_matrix_stand_beside_and_below_each_other() -> None:
    graph = SymbolGraph.of(parse(tokenize(r"\begin{pmatrix} a & b \\ & d \end{pmatrix}")))
    assert graph.symbols == (r"\begin{pmatrix}", CELL, "a", CELL, "b", CELL, CELL, "d")
    said = {place: r.name for place, r in pairs(graph).items() if 0 < r < 7}
    assert said == {
        (0, 1): "INSIDE", (1, 2): "INSIDE", (1, 3): "RIGHT", (3, 4): "INSIDE",
        (1, 5): "BELOW", (5, 6): "RIGHT", (6, 7): "INSIDE",
    }  # fmt: skip


def test_a_graph_that_is_no_tree_is_refused() -> None:
    graph = SymbolGraph.of(parse(tokenize("a b c")))
    for change in ((0, 2, Relation.RIGHT), (2, 0, Relation.RIGHT), (0, 1, Relation.NONE)):
        relations = graph.relations.copy()
        relations[change[:2]], relations[change[1::-1]] = change[2], change[2].inverse
        with pytest.raises(ValueError, match=r"no tree|two symbols"):
            SymbolGraph(graph.symbols, relations).tree()


@pytest.mark.data
def test_the_training_labels_of_crohme_survive_their_graphs(
    data_file: Callable[[str], Path],
) -> None:
    captions = Captions(open_store(data_file("crohme.zip")))
    labels = [line.label for line in captions.lines() if "rain" in str(line.folder)]
    assert len(labels) > 8000
    for label in labels[::4]:
        tree = parse(tokenize(label))
        again = SymbolGraph.of(tree).tree()
        assert again == tree and join(to_tokens(again)) == join(to_tokens(tree))
