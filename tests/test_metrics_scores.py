"""Scores against counts made by hand and against a slow, plain Levenshtein distance."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.metrics import scores
from hmer_cli.metrics.scores import Confusion, Pair, score

TOKENS = ["x", "2", "+", "^", "{", "}", r"\frac", r"\alpha"]
labels = st.lists(st.sampled_from(TOKENS), max_size=12).map(join)
known_labels = st.lists(st.sampled_from(TOKENS), min_size=1, max_size=20).map(join)
pair_sets = st.lists(st.builds(Pair, known_labels, labels), min_size=1, max_size=8)


def slow_distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Levenshtein distance by its definition."""

    @functools.cache
    def distance(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        change = distance(i - 1, j - 1) + (a[i - 1] != b[j - 1])
        return min(change, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

    return distance(len(a), len(b))


def test_scores_counted_by_hand() -> None:
    pairs = [
        Pair("x ^ { 2 }", "x ^ { 2 }"),  # right
        Pair("x + 2", "x 2"),  # a token left out: 1 edit in 3, 2 characters in 5
        Pair(r"\alpha", "x 2 +"),  # 3 edits in 1 token, 6 in 6 characters
        Pair("x", ""),  # read as nothing
    ]
    found = score(pairs)
    assert found.n == 4
    assert found.wer == pytest.approx((0 + 1 + 3 + 1) / (5 + 3 + 1 + 1))
    assert found.cer == pytest.approx((0 + 2 + 6 + 1) / (9 + 5 + 6 + 1))
    assert (found.exprate, found.exprate1, found.exprate2) == (0.25, 0.5, 0.5)
    assert found.structure_exprate == 0.25


def test_a_prediction_is_not_mended_by_looking_at_the_truth() -> None:
    assert score([Pair("a b", "a | b |")]).wer == 1.0
    assert score([Pair("a | b |", "a b")]).wer == 0.5


def test_structure_forgives_the_spelling_and_the_symbols() -> None:
    assert scores.same_structure(Pair("x ^ { 2 }", "x ^ 2"))
    assert not scores.same_structure(Pair("x ^ { 2 }", "x _ { 2 }"))
    assert scores.same_structure(Pair("x ^ { 2 }", "y ^ { 3 }"))
    assert not scores.same_structure(Pair("x ^ { 2 }", "x ^ { 2 3 }"))
    assert not scores.same_structure(Pair("x", "x y"))


@pytest.mark.parametrize("broken", ["x ^ {", "} x", r"\frac { x", ""])
def test_a_prediction_without_a_tree_is_not_equal_and_not_dropped(broken: str) -> None:
    assert score([Pair("x", broken), Pair("x", "x")]).structure_exprate == 0.5


def test_an_unknown_truth_counts_as_wrong_and_not_as_tokens() -> None:
    found = score([Pair("x", "x"), Pair("", "")])
    assert (found.n, found.wer, found.cer) == (2, 0.0, 0.0)
    assert (found.exprate, found.exprate2, found.structure_exprate) == (0.5, 0.5, 0.5)
    assert score([Pair("", "")]).exprate2 == 0.0


def test_an_empty_set_has_no_scores() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        score([])
    assert scores.score_by_length([]) == {}
    assert scores.confusions([]) == []
    assert scores.token_edits([]) == scores.character_edits([]) == []


@given(pair_sets)
def test_edits_are_levenshtein_distances(pairs: list[Pair]) -> None:
    by_token = [slow_distance(tokenize(p.truth), tokenize(p.prediction)) for p in pairs]
    by_character = [slow_distance(p.truth, p.prediction) for p in pairs]
    assert scores.token_edits(pairs) == by_token
    assert scores.character_edits(pairs) == by_character
    found = score(pairs)
    assert found.wer == pytest.approx(sum(by_token) / sum(len(p.truth.split()) for p in pairs))
    assert found.cer == pytest.approx(sum(by_character) / sum(len(p.truth) for p in pairs))
    read = [edits for edits, pair in zip(by_token, pairs, strict=True) if pair.prediction.split()]
    assert found.exprate1 == sum(edits <= 1 for edits in read) / len(pairs)


@given(pair_sets, st.randoms(use_true_random=False))
def test_no_score_depends_on_order_or_spacing(pairs: list[Pair], order: random.Random) -> None:
    shuffled = [Pair(f" {p.truth}  ", p.prediction.replace(" ", "  ")) for p in pairs]
    order.shuffle(shuffled)
    assert score(shuffled) == score(pairs)
    assert scores.confusions(shuffled) == scores.confusions(pairs)


@given(pair_sets)
def test_rates_rise_with_what_they_forgive(pairs: list[Pair]) -> None:
    found = score(pairs)
    assert 0 <= found.exprate <= found.exprate1 <= found.exprate2 <= 1
    assert found.exprate <= found.structure_exprate <= 1
    right = score([Pair(p.truth, p.truth) for p in pairs])
    assert (right.wer, right.cer, right.exprate, right.structure_exprate) == (0, 0, 1, 1)


@given(pair_sets)
def test_the_confusions_are_the_edits(pairs: list[Pair]) -> None:
    found = scores.confusions(pairs)
    assert sum(each.count for each in found) == sum(scores.token_edits(pairs))
    assert all(each.truth != each.prediction for each in found)
    assert [each.count for each in found] == sorted((c.count for c in found), reverse=True)


def test_confusions_by_kind() -> None:
    pairs = [Pair("x + 2", "x + z"), Pair("2", "z"), Pair("x x", "x"), Pair("a", "a )")]
    assert scores.confusions(pairs) == [
        Confusion("2", "z", 2),
        Confusion("", ")", 1),
        Confusion("x", "", 1),
    ]


def test_confusions_of_symbols_have_no_braces() -> None:
    pairs = [Pair("x ^ { 2 }", "x 2"), Pair(r"\sqrt { a }", "a"), Pair("x _ { 1 }", "x ^ { z }")]
    assert scores.symbol_confusions(pairs) == [Confusion("1", "z", 1), Confusion(r"\sqrt", "", 1)]


@pytest.mark.parametrize(
    ("truth", "prediction", "found"),
    [
        (r"\mathbb { R }", "R", [Confusion(r"\mathbb", "", 1)]),
        (r"\begin{pmatrix} a \end{pmatrix}", r"( a \end{pmatrix}",
         [Confusion(r"\begin{pmatrix}", "(", 1)]),
        (r"\begin{cases} a \\ b \end{cases}", r"\begin{aligned} a \\ b \end{aligned}",
         [Confusion(r"\begin{cases}", "", 1)]),
        (r"\begin{aligned} a & = b \end{aligned}", "a = b", []),
        (r"\overset { a } { = }", r"\begin{matrix} a \\ = \end{matrix}", []),
    ],
)  # fmt: skip
def test_confusions_of_symbols_are_of_all_tokens_that_leave_ink(
    truth: str, prediction: str, found: list[Confusion]
) -> None:
    assert scores.symbol_confusions([Pair(truth, prediction)]) == found


@given(st.lists(st.builds(Pair, labels, labels), min_size=1, max_size=8))
def test_short_and_long_make_the_whole(pairs: list[Pair]) -> None:
    groups = scores.score_by_length(pairs)
    assert sum(groups[name].n for name in ("short", "long") if name in groups) == len(pairs)
    assert sum(s.n for name, s in groups.items() if name not in ("short", "long")) == len(pairs)


def test_fourteen_tokens_are_short_and_fifteen_long() -> None:
    pairs = [Pair(join(["x"] * 14), ""), Pair(join(["x"] * 15), join(["x"] * 15))]
    groups = scores.score_by_length(pairs)
    assert {name: s.n for name, s in groups.items()} == {
        "short": 1,
        "long": 1,
        "10-14": 1,
        "15-19": 1,
    }
    assert (groups["short"].wer, groups["long"].wer) == (1.0, 0.0)
