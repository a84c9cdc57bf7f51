"""Boxes pulled apart: no row runs into itself, and bars reach over what they hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.metrics.layouts import relations_held
from hmer_cli.synthesis.font import FontWriter
from hmer_cli.synthesis.layout import layout
from hmer_cli.synthesis.layout_statistics import LayoutStyle, learnt
from hmer_cli.synthesis.separation import separate
from hmer_cli.synthesis.symbol_graph import SymbolGraph

LEAST = 0.05


def test_a_long_subscript_pushes_what_follows_it_but_nothing_up_or_down() -> None:
    tree = parse(tokenize("H _ { i j } = 2"))
    boxes = np.array(
        [[0, 0, 1, 2], [1, 1.5, 1.5, 2.5], [1.6, 1.5, 2.1, 2.5], [1.4, 0.8, 2, 1.2], [2.2, 0, 3, 2]]
    )
    moved = separate(tree, boxes, LEAST)
    assert np.array_equal(moved[:3], boxes[:3])
    assert moved[3, 0] == pytest.approx(2.1 + LEAST)
    assert moved[4, 0] - boxes[4, 0] == pytest.approx(moved[3, 0] - boxes[3, 0])
    assert np.array_equal(moved[:, 1::2], boxes[:, 1::2])


def test_bars_reach_over_what_they_hold() -> None:
    tree = parse(tokenize(r"\frac { \sqrt { a b } } { c }"))
    boxes = np.array(
        [
            [0, 3, 2, 3.1],
            [0, 0, 2, 2.5],
            [1, -0.2, 1.8, 2],
            [1.5, 1, 3, 2],
            [0.5, 4, 1.5, 5],
        ]
    )
    bar, radical, first, second, _ = separate(tree, boxes, LEAST)
    assert first[2] < second[0] < second[2] <= radical[2] <= bar[2]
    assert bar[0] <= radical[0] and radical[1] < first[1]


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(
        [
            r"a _ { i j k } + \frac { b ^ { 2 } - 4 a c } { x y } = ( n + 1 ) ^ { 2 }",
            r"\sum \limits _ { i = 0 } ^ { n } \sqrt { x ^ { 2 } + y } f ^ { \prime }",
        ],
    ),
)
def test_what_is_apart_stays_and_its_relations_with_it(seed: int, label: str) -> None:
    tree, rng = parse(tokenize(label)), np.random.default_rng(seed)
    laid = layout(tree, FontWriter(rng), LayoutStyle(learnt(), rng))
    boxes = np.array([mark.box for mark in laid])
    once = separate(tree, boxes, LEAST)
    assert np.allclose(separate(tree, once, LEAST), once)
    graph = SymbolGraph.of(tree)
    assert sum(relations_held(graph, once)) >= sum(relations_held(graph, boxes))
