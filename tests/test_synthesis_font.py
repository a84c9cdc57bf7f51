"""The stroke font: whole, legible to a ruler, and never the same twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hmer_cli.expr.commands import KNOWN, STRUCTURE
from hmer_cli.expr.tokens import Vocabulary
from hmer_cli.synthesis.font import FontWriter, drawings, knows, outlines, sample
from hmer_cli.synthesis.writer_style import WriterStyle

VOCABULARY = Vocabulary.load(Path(__file__).parent.parent / "train" / "vocabulary-2.txt")
UNDRAWN = {t for t in STRUCTURE if not t.startswith(("\\frac", "\\sqrt"))}


def test_the_vocabulary_is_wide_and_every_token_of_it_may_stand_in_a_label() -> None:
    assert len(VOCABULARY) >= 200
    assert [token for token in VOCABULARY if token not in KNOWN] == []


def test_the_font_writes_every_sign_of_the_vocabulary() -> None:
    covers = [token for token in VOCABULARY if token in UNDRAWN and knows(token)]
    assert r"\hat" in covers
    assert [t for t in VOCABULARY if t not in UNDRAWN and not knows(t)] == []


@pytest.mark.parametrize(
    ("token", "top", "bottom"),
    [("x", -1, 0), ("b", -1.7, 0), ("p", -1, 0.65), ("A", -1.6, 0), (r"\sum", -2, 0.4)],
)
def test_signs_stand_on_the_baseline_as_high_as_they_should(
    token: str, top: float, bottom: float
) -> None:
    _, y0, _, y1 = sample(token).box
    assert (y0, y1) == pytest.approx((top, bottom), abs=0.1)


def test_no_two_signs_have_the_same_strokes() -> None:
    drawn = {
        token: ways[0].controls.round().tobytes() + bytes(ways[0].lengths)
        for token, ways in outlines().items()
        if token not in (r"\bar", r"\overline", r"\frac", "-")
    }
    assert len(set(drawn.values())) == len(drawn)


def test_a_hand_never_writes_the_same_twice_but_the_same_again_from_its_seed() -> None:
    hand, again = FontWriter(np.random.default_rng(1)), FontWriter(np.random.default_rng(1))
    first, second = hand.glyph("a"), hand.glyph("a")
    assert not np.array_equal(first.points, second.points)
    assert np.array_equal(first.points, again.glyph("a").points)


def test_a_function_is_one_glyph_of_all_its_letters() -> None:
    glyph = sample(r"\sin")
    parts = [sample(letter) for letter in "sin"]
    assert len(glyph.lengths) == sum(len(part.lengths) for part in parts)
    assert glyph.width > sum(part.width for part in parts)


def test_a_sign_that_is_not_in_the_font_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        FontWriter(np.random.default_rng(0)).glyph(r"\aleph")


def test_a_sign_is_written_in_its_ways_as_often_as_people_do() -> None:
    hands = [FontWriter(np.random.default_rng(0), WriterStyle.of(seed)) for seed in range(300)]
    barred = np.mean([len(hand.glyph("7").lengths) == 2 for hand in hands])
    plain, with_bar = outlines()["7"]
    assert with_bar.share / (plain.share + with_bar.share) == pytest.approx(barred, abs=0.08)
    assert with_bar.share > 2 * plain.share


def test_a_drawing_is_pulled_about_its_middle() -> None:
    drawn = drawings()["a"][0]
    x0, y0, x1, y1 = drawn.glyph("a").box
    left, top, right, bottom = drawn.pulled(1.0, 2.0, 0.5, 0.25).glyph("a").box
    assert (right - left, bottom - top) == pytest.approx((2 * (x1 - x0), (y1 - y0) / 2), abs=1e-4)
    assert (left + right, top + bottom) == pytest.approx((x0 + x1, y0 + y1 + 0.5), abs=1e-4)
