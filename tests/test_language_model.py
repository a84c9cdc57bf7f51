"""The language model: probabilities add up, repeated symbols are likelier, the file holds it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_cli.recognition.language_model import END, STEPS, UNKNOWN, LanguageModel
from hmer_cli.training.language_model import train

LABELS = [
    tuple(text.split())
    for text in (
        "x ^ { 2 } + y ^ { 2 } = z ^ { 2 }",
        "a ^ { 2 } + b ^ { 2 } = c ^ { 2 }",
        "x = y",
        "x = x",
        "\\frac { d x } { d t } = 0",
        "\\frac { \\partial f } { \\partial x } = 0",
        "\\frac { \\partial f } { \\partial t } = 0",
        "\\theta = 0",
        "\\theta + \\theta",
        "X + Y",
        "X = Y",
    )
] * 2

WRITTEN = sorted({token for label in LABELS for token in label})


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return train(LABELS, fewest=(1, 1, 1, 1, 1))


@settings(deadline=None, max_examples=40)
@given(history=st.lists(st.sampled_from(WRITTEN), max_size=6))
def test_the_probabilities_after_any_history_add_up_to_one(
    model: LanguageModel, history: list[str]
) -> None:
    following = [token for token in model.tokens if token not in ("<s>", END)]
    base = model([history])[0]
    with_cache = _after(model, history, [*following, END])
    assert base < 0
    assert with_cache == pytest.approx(1, abs=2 / STEPS)


def _after(model: LanguageModel, history: list[str], tokens: list[str]) -> float:
    """The sum of P(token | history): labels are scored with their end, so this takes it off."""
    rows = [[*history, token] for token in tokens if token != END]
    logs = model._logs([[*row, END] for row in rows])
    at = np.cumsum([len(row) + 1 for row in rows]) - 2
    end = model._logs([[*history, END]])[-1]
    return float(np.exp(logs[at]).sum() + math.exp(end))


def test_the_same_model_comes_out_of_its_text(model: LanguageModel) -> None:
    again = LanguageModel.unpacked(model.packed())
    assert again.packed() == model.packed()
    assert (again(LABELS) == model(LABELS)).all()


def test_a_symbol_that_stands_before_is_likelier(model: LanguageModel) -> None:
    same, other = model(["z = z".split(), "z = Y".split()])
    assert same > other


def test_what_is_often_written_is_likelier(model: LanguageModel) -> None:
    derivative, angle = model(
        [
            "\\frac { \\partial f } { \\partial t }".split(),
            "\\frac { \\theta f } { \\theta t }".split(),
        ]
    )
    assert derivative > angle + 2


def test_tokens_that_it_has_never_seen_are_possible(model: LanguageModel) -> None:
    assert math.isfinite(model([["\\aleph", "=", "\\beth"]])[0])
    assert UNKNOWN in model.tokens


def test_labels_do_not_touch_each_other(model: LanguageModel) -> None:
    together = model(LABELS)
    assert together == pytest.approx([model([label])[0] for label in LABELS])
    assert model([]).shape == (0,)


def test_rare_n_grams_are_left_out() -> None:
    small = train(LABELS[:11], fewest=(1, 1, 2, 2, 2))
    full = train(LABELS[:11], fewest=(1, 1, 1, 1, 1))
    assert len(small.orders[4].keys) < len(full.orders[4].keys)
    assert replace(small, orders=small.orders[:1])([["x"]])[0] < 0


def test_a_symbol_of_the_page_is_likelier(model: LanguageModel) -> None:
    labels = ["X = y".split(), "x = y".split()]
    for page, likelier in ({"X": 3.0}, 0), ({"x": 3.0, "y": 1.0}, 1):
        gained = model(labels, page) - model(labels)
        assert gained[likelier] > gained[1 - likelier]
    assert (model(labels, {}) == model(labels)).all()
