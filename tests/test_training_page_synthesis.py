"""The pages of lecture notes that the region detector learns from."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hmer_cli.synthesis.engine import InkEngine
from hmer_cli.synthesis.formula_grammar import FormulaGrammar
from hmer_cli.training.compose.consistent_hand import VARIANTS, ConsistentHand
from hmer_cli.training.compose.symbol_bank import SymbolBank
from hmer_cli.training.page_synthesis.lecture_page import lecture_page
from hmer_cli.training.page_synthesis.sheet import HEIGHT, WIDTH, Box, Pixels, Sheet
from hmer_cli.training.page_synthesis.templates import DISPLAY, INLINE, instantiate
from hmer_cli.training.page_synthesis.writer import Writer


def page(seed: int) -> tuple[Pixels, list[Box]]:
    return lecture_page(SymbolBank(), [], FormulaGrammar(), np.random.default_rng(seed))


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
        InkEngine().check(instantiate(template, sheet))


def test_a_writer_has_few_variants_of_a_letter() -> None:
    random = np.random.default_rng(1)
    hand = ConsistentHand(SymbolBank().hand(random), random)
    assert 1 < len({id(hand.glyph("a")) for _ in range(100)}) <= VARIANTS


def test_words_stand_on_the_line_and_begin_where_they_should() -> None:
    writer = Writer.sample(SymbolBank(), np.random.default_rng(2))
    points = np.concatenate(writer.word("noon"))
    assert points[:, 0].min() == pytest.approx(0, abs=1e-3)
    assert abs(points[:, 1].max()) < 0.5 * writer.x
    assert writer.word("§") == []
