"""The ruler of layouts: what says what its label says passes, what says something else fails."""

from __future__ import annotations

import numpy as np
import pytest

from hmer_cli.expr.latex import normalise
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.metrics.layouts import aligned, diversity, edges, overlap, relations_held
from hmer_cli.synthesis.font import FontWriter
from hmer_cli.synthesis.layout import layout
from hmer_cli.synthesis.layout_statistics import LayoutStyle, learnt
from hmer_cli.synthesis.symbol_graph import Relation, SymbolGraph


def written(latex: str, seed: int) -> tuple[SymbolGraph, np.ndarray]:
    rng = np.random.default_rng(seed)
    tree = parse(tokenize(normalise(latex)))
    marks = layout(tree, FontWriter(rng), LayoutStyle(learnt(), rng))
    return SymbolGraph.of(tree), np.array([mark.box for mark in marks])


LATEX = [
    r"a x^2 + b_i = 0",
    r"\frac{a + b}{\sqrt{x} - 1}",
    r"\sum_{i=0}^{n} x_i (y - z)",
    r"\sqrt[3]{\frac{1}{x}} f'(x)",
    r"\overline{a + b} \hat{c}",
]


@pytest.mark.parametrize("latex", LATEX)
def test_our_own_layout_says_what_its_label_says(latex: str) -> None:
    held = [h for seed in range(40) for h in relations_held(*written(latex, seed))]
    assert np.mean(held) > 0.96


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("x^2", "x2"),
        ("x_2", "x2"),
        ("x2", "x^2"),
        ("x2", "x_2"),
        ("x^2", "x_2"),
        (r"\frac{a}{b}", r"\frac{b}{a}"),
        ("a+b", "b+a"),
        (r"\sqrt{x}y", r"\sqrt{xy}"),
    ],
)
def test_a_layout_that_says_something_else_fails(said: str, read: str) -> None:
    fails = []
    for seed in range(40):
        graph, boxes = written(said, seed)
        other = SymbolGraph.of(parse(tokenize(normalise(read))))
        places = [list(graph.symbols).index(token) for token in other.symbols]
        fails.append(not all(relations_held(other, boxes[places])))
    assert np.mean(fails) > 0.8


def test_a_relation_turned_round_fails() -> None:
    for latex in LATEX:
        graph, boxes = written(latex, 0)
        mirrored = boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1]
        upside = boxes[:, [0, 3, 2, 1]] * [1, -1, 1, -1]
        for (_, relation, _), left, down in zip(
            edges(graph),
            relations_held(graph, mirrored),
            relations_held(graph, upside),
            strict=True,
        ):
            assert not left or relation not in (Relation.RIGHT, Relation.SUP, Relation.SUB)
            assert not down or relation not in (Relation.ABOVE, Relation.BELOW, Relation.SUP)


def test_place_and_size_count_for_nothing() -> None:
    graph, boxes = written(LATEX[1], 3)
    elsewhere = boxes * 37 + [5, 9, 5, 9]
    assert relations_held(graph, elsewhere) == relations_held(graph, boxes)
    assert aligned(elsewhere, boxes) == pytest.approx(boxes)
    assert overlap(elsewhere, boxes) == pytest.approx(1)
    assert diversity([boxes, elsewhere]) == pytest.approx(0, abs=1e-6)


def test_boxes_elsewhere_overlap_less_and_other_samples_differ() -> None:
    _, one = written(LATEX[0], 1)
    _, other = written(LATEX[0], 2)
    assert overlap(other, one) < 0.9
    assert diversity([one, other]) > 0.01
