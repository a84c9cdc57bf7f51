"""Synthetic ink by one hand: the order of writing, and how near symbols stand."""

from __future__ import annotations

import numpy as np
import pytest

from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.geometry import union
from hmer_cli.synthesis.font import FontWriter
from hmer_cli.synthesis.layout import layout
from hmer_cli.synthesis.layout_statistics import LayoutStyle, learnt
from hmer_cli.training.compose.consistent_hand import VARIANTS
from hmer_cli.training.compose.examples import UNTIED, Example
from hmer_cli.training.compose.recompose import Recomposer
from hmer_cli.training.compose.symbol_bank import SymbolBank
from hmer_cli.training.compose.symbol_substitution import _replaced


def written(label: str, seed: int) -> Example:
    return Recomposer(SymbolBank(), habits=True).example(label, np.random.default_rng(seed))


def first_strokes(example: Example) -> dict[str, int]:
    """When each sign of an expression, all different, was begun."""
    assert example.places is not None
    tied = zip(example.tokens, example.places, strict=True)
    return {token: min(example.symbols[place]) for token, place in tied if place != UNTIED}


def test_every_stroke_is_of_the_sign_that_it_was_before() -> None:
    label = r"\hat { p } = \frac { \frac { a } { b } + 1 } { \sum _ { i } ^ { n } x _ { 2 } }"
    for seed in range(20):
        example = written(label, seed)
        assert sorted(i for each in example.symbols for i in each) == list(
            range(len(example.strokes))
        )
        assert example.places is not None
        boxes = {}
        for token, place in zip(example.tokens, example.places, strict=True):
            if place != UNTIED:
                points = np.concatenate([example.strokes[i] for i in example.symbols[place]])
                boxes[token] = points.min(0), points.max(0)
        assert boxes["a"][1][1] < boxes["b"][0][1] < boxes["x"][0][1]  # top, y down
        assert boxes["p"][1][0] < boxes["="][0][0] < boxes["+"][0][0] < boxes["1"][0][0]


def test_bars_are_written_after_the_numerator_by_most_and_covers_after_what_they_cover() -> None:
    begun = [first_strokes(written(r"\frac { a } { b } + \hat { c }", i)) for i in range(80)]
    bars = sum(order[r"\frac"] < order["a"] for order in begun)
    assert 8 <= bars <= 32
    assert all(max(order[r"\frac"], order["a"]) < order["b"] for order in begun)
    assert sum(order[r"\hat"] < order["c"] for order in begun) <= 20


def test_scripts_are_written_either_way() -> None:
    begun = [first_strokes(written("x _ { 1 } ^ { 2 } + y", i)) for i in range(60)]
    assert 6 <= sum(order["2"] < order["1"] for order in begun) <= 32
    assert all(order["x"] < order["1"] < order["+"] for order in begun)


def test_an_expression_has_few_forms_of_a_letter() -> None:
    example = written("a a a a a a a a a a", 3)
    forms = {round(float(np.ptp(example.strokes[s[0]][:, 0])), 1) for s in example.symbols}
    assert len(forms) <= VARIANTS


@pytest.mark.parametrize(("label", "down"), [("x _ { i }", True), ("x ^ { i }", False)])
def test_near_scripts_are_nearer_and_still_beyond_their_base(label: str, down: bool) -> None:
    def reach(near: bool) -> list[float]:
        found = []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            style = LayoutStyle(learnt(), rng, near=near)
            base, script = layout(parse(tokenize(label)), FontWriter(rng), style)
            edges = (3, 1.0) if down else (1, -1.0)
            found.append((script.box[edges[0]] - base.box[edges[0]]) * edges[1])
        return found

    near, far = reach(True), reach(False)
    assert min(near) >= 0.2 - 1e-6
    assert np.mean(near) < np.mean(far)


def test_limits_of_an_integral_stand_clear_of_it() -> None:
    tree = parse(tokenize(r"\int \limits _ { a } ^ { b } x"))
    above = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sign, low, high, x = layout(tree, FontWriter(rng), LayoutStyle(learnt(), rng, near=True))
        middle = (sign.box[1] + sign.box[3]) / 2
        assert high.box[3] < middle < low.box[1] + 0.6
        assert high.box[0] >= sign.box[2] or high.box[3] <= sign.box[1]
        assert x.box[0] >= union([sign.box, low.box, high.box])[2] - 0.13
        above += high.box[3] <= sign.box[1]
    assert 0 < above < 40


def test_new_ink_is_written_when_the_old_was() -> None:
    def stroke(x: float) -> np.ndarray:
        return np.array([(x, 0), (x + 1, 1)], np.float32)

    strokes = tuple(map(stroke, (10, 0, 20, 30)))  # the second symbol was written first
    example = Example(strokes, ("a", "b", "c"), ((1,), (0, 3), (2,)), (0, 1, 2))
    new = _replaced(example, {1: ("d", [stroke(11), stroke(12), stroke(13)])})
    assert new.tokens == ("a", "d", "c")
    assert [float(s[0, 0]) for s in new.strokes] == [11, 12, 13, 0, 20]
    assert new.symbols == ((3,), (0, 1, 2), (4,))
