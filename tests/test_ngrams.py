"""The character n-gram model and the search with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.recognition import ngrams
from hmer_cli.recognition.ctc import greedy
from hmer_cli.recognition.lexicon import Lexicon, words
from hmer_cli.recognition.ngrams import LanguageScore, Ngrams, count_ngrams, search

TEXTS = [[1, 2, 3], [1, 2, 3], [1, 2, 3, 1, 2], [3, 1]]
UNITS = 5


@pytest.fixture(name="model")
def a_model() -> Ngrams:
    return Ngrams(count_ngrams(TEXTS, order=3, least=1), UNITS)


@pytest.mark.parametrize("prefix", [(), (1,), (1, 2), (4, 4), (2, 1, 2)])
def test_shares_of_what_comes_next_sum_to_one(model: Ngrams, prefix: tuple[int, ...]) -> None:
    assert np.exp(model.next(prefix)).sum() == pytest.approx(1)


def test_what_was_seen_more_often_is_likelier(model: Ngrams) -> None:
    after = model.next((1, 2))
    assert after.argmax() == 3
    assert after[1] < after[3]


def frames(*rows: dict[int, float]) -> np.ndarray:
    found = np.full((len(rows), UNITS), 1e-4, np.float32)
    for row, shares in zip(found, rows, strict=True):
        for unit, share in shares.items():
            row[unit] = share
    return np.log(found / found.sum(axis=1, keepdims=True))


def best(found: np.ndarray, language: LanguageScore) -> tuple[int, ...]:
    return search(found, language)[0].units


DOUBTFUL = frames({1: 0.9}, {2: 0.9}, {0: 0.9}, {4: 0.5, 3: 0.4})


def test_without_weight_the_search_reads_as_the_best_path(model: Ngrams) -> None:
    assert best(DOUBTFUL, LanguageScore(model, 0.0, 0.0)) == greedy(DOUBTFUL) == (1, 2, 4)


def test_the_model_decides_where_ctc_is_in_doubt(model: Ngrams) -> None:
    assert best(DOUBTFUL, LanguageScore(model, 1.0, 0.0)) == (1, 2, 3)


def test_repeats_need_a_blank_between(model: Ngrams) -> None:
    twice = frames({1: 0.9}, {0: 0.9}, {1: 0.9}, {1: 0.9})
    assert best(twice, LanguageScore(model, 0.0, 0.0)) == (1, 1)


@given(st.integers(0, 10_000))
def test_extensions_left_out_change_nothing(seed: int) -> None:
    model = Ngrams(count_ngrams(TEXTS, order=3, least=1), UNITS)
    language = LanguageScore(model, 0.3, 0.5)
    noise = np.random.default_rng(seed).normal(0, 2, (12, UNITS)).astype(np.float32)
    found = noise - np.log(np.exp(noise).sum(axis=1, keepdims=True))

    def step_of_all(*given: Any) -> Any:
        return ngrams_step(*given[:-1], 10**9)

    ngrams_step, pruned = ngrams._step, search(found, language, width=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "_step", step_of_all)
        assert search(found, language, width=4) == pruned


NAMES = ["", "a", "c", "t", "␣"]


def line(*units: int) -> np.ndarray:
    """Frames that are sure of these units, but where 0 stands, between ``c`` and ``t``."""
    rows = []
    for unit in units:
        rows += [{unit: 0.9} if unit else {2: 0.5, 3: 0.4}, {0: 0.9}]
    return frames(*rows)


def test_a_word_of_the_lexicon_is_preferred_within_and_at_the_end_of_a_line(model: Ngrams) -> None:
    lexicon = Lexicon(["cat", "act"], NAMES)
    within, end = line(2, 1, 0, 4, 1, 2, 3), line(1, 2, 3, 4, 2, 1, 0)
    assert best(within, LanguageScore(model, 0.0, 0.0)) == (2, 1, 2, 4, 1, 2, 3)
    assert best(within, LanguageScore(model, 0.0, 0.0, lexicon)) == (2, 1, 3, 4, 1, 2, 3)
    assert best(end, LanguageScore(model, 0.0, 0.0)) == (1, 2, 3, 4, 2, 1, 2)
    assert best(end, LanguageScore(model, 0.0, 0.0, lexicon)) == (1, 2, 3, 4, 2, 1, 3)


@pytest.mark.parametrize(
    "text", ["It's Mary's", "well-known, 1,234 (or 5)!", "□ = □ is", "", "the boys' hats"]
)
def test_words_are_known_whatever_stands_around_them(text: str) -> None:
    known = "it mary well known or is the boys hats".split()
    assert set(words(text)) <= set(known)


def test_an_unknown_word_costs_as_much_wherever_it_stands() -> None:
    lexicon = Lexicon(["cat"], NAMES)
    assert lexicon.score((2, 1, 3)) == lexicon.score((3, 3, 4, 2, 1, 3)) == lexicon.score(()) == 0
    assert lexicon.score((3, 3)) == lexicon.score((2, 1, 3, 4, 3, 3)) < 0
