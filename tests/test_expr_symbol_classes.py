"""The table of token classes agrees with the grammar and with the Unicode glyphs."""

from __future__ import annotations

import pytest

from hmer_cli.expr.commands import KNOWN, STACKING, STRUCTURE
from hmer_cli.expr.glyphs import CLOSING, GLYPHS, OPENING
from hmer_cli.expr.symbol_classes import (
    ALIGNED_RELATIONS,
    APPEARANCES,
    LAYOUT_CLASSES,
    PAIRS,
    exchange_class,
    layout_class,
)

DRAWN = sorted({*LAYOUT_CLASSES, *(t for tokens in APPEARANCES.values() for t in tokens.split())})


@pytest.mark.parametrize("token", [token for token in DRAWN if token != r"\ast"])
def test_every_classified_token_is_one_that_a_label_may_hold(token: str) -> None:
    assert token in KNOWN
    assert token in GLYPHS or token in STRUCTURE


def test_brackets_are_the_same_for_layout_and_mathml() -> None:
    opening = {token for token, name in LAYOUT_CLASSES.items() if name == "open"}
    closing = {token for token, name in LAYOUT_CLASSES.items() if name == "close"}
    assert opening == set(OPENING) and closing == set(CLOSING)
    assert {(a, b) for a, b in PAIRS if a in opening} == set(zip(OPENING, CLOSING, strict=True))


def test_derivations_are_aligned_on_relations_only() -> None:
    assert {layout_class(token) for token in ALIGNED_RELATIONS} == {"relation"}


def test_no_appearance_shares_a_token_with_another() -> None:
    tokens = [token for tokens in APPEARANCES.values() for token in tokens.split()]
    assert len(tokens) == len(set(tokens))


@pytest.mark.parametrize(
    ("token", "expected"),
    [("x", "lower"), ("X", "upper"), ("7", "digit"), (r"\xi", "greek"), (r"\Xi", "Greek"),
     (r"\lim", "lim"), (r"\oint", "int"), (r"\sum", "sum"), (r"\sin", "function"), ("+", "sign"),
     (r"\leq", "relation"), ("(", "bracket"), ("!", "single"), (r"\infty", "other")],
)  # fmt: skip
def test_tokens_that_can_replace_each_other_have_one_class(token: str, expected: str) -> None:
    assert exchange_class(token) == expected
    assert (expected in ("lim", "int", "sum")) == (token in STACKING)
