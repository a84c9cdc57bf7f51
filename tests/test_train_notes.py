"""The pages of lecture notes that the region detector learns from."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from hmer_cli.synthesis.engine import InkEngine
from hmer_cli.synthesis.formula_grammar import FormulaGrammar
from hmer_cli.training.compose.symbol_bank import SymbolBank

sys.path.append(str(Path(__file__).parent.parent / "train"))

from lectures import DISPLAY, INLINE, instance
from notes import notes_page
from person import WAYS, Person, Steady
from written import HEIGHT, WIDTH, Box, Pixels, Sheet


def page(seed: int) -> tuple[Pixels, list[Box]]:
    return notes_page(SymbolBank(), [], FormulaGrammar(), np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(4))
def test_every_box_of_a_page_holds_ink_and_there_is_ink_elsewhere(seed: int) -> None:
    image, boxes = page(seed)
    assert image.shape == (HEIGHT, WIDTH) and boxes
    rest = image < 120
    for x0, y0, x1, y1 in boxes:
        inside = rest[max(0, int(y0)) : int(y1) + 1, max(0, int(x0)) : int(x1) + 1]
        assert 0 < inside.mean() < 0.7
    for x0, y0, x1, y1 in boxes:
        rest[max(0, int(y0)) : int(y1) + 1, max(0, int(x0)) : int(x1) + 1] = False
    assert rest.sum() > 500


def test_a_page_is_the_same_for_the_same_seed_and_no_other() -> None:
    (one, boxes), (again, others), (another, _) = page(5), page(5), page(6)
    assert (one == again).all() and boxes == others
    assert (one != another).any()


@pytest.mark.parametrize("templates", [INLINE, DISPLAY])
def test_what_lectures_are_full_of_can_be_written(templates: str) -> None:
    random = np.random.default_rng(0)
    sheet = Sheet(random, lambda page, text, x, y: x, 20, 2, 60, 100)
    for template in re.split(r"\s*;\s*|\n", templates.strip()):
        InkEngine().check(instance(template, sheet))


def test_a_person_has_few_ways_of_a_letter() -> None:
    random = np.random.default_rng(1)
    hand = Steady(SymbolBank().hand(random), random)
    assert 1 < len({id(hand.glyph("a")) for _ in range(100)}) <= WAYS


def test_words_stand_on_the_line_and_begin_where_they_should() -> None:
    person = Person.any(SymbolBank(), np.random.default_rng(2))
    points = np.concatenate(person.word("noon"))
    assert points[:, 0].min() == pytest.approx(0, abs=1e-3)
    assert abs(points[:, 1].max()) < 0.5 * person.x
    assert person.word("§") == []
