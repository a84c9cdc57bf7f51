"""The hand in a mirror: what is written is what is drawn, boxed and labelled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_cli.errors import InputError
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.validity import problems
from hmer_cli.ink.inkml import read_inkml, write_inkml
from hmer_cli.ink.render import draw
from hmer_cli.synthesis.engine import Handwriting, InkEngine
from hmer_cli.synthesis.font import FontWriter, sample
from hmer_cli.synthesis.formula_grammar import FormulaGrammar
from hmer_cli.synthesis.glyph import Points, join
from hmer_cli.synthesis.pen_kinematics import glide, impulse_response, link
from hmer_cli.synthesis.writer_style import WriterStyle

seeds = st.integers(0, 2**32 - 1)
some = settings(max_examples=25)
QUADRATIC = r"x = \frac { - b \pm \sqrt { b ^ { 2 } - 4 a c } } { 2 a }"


def write(label: str, style: int, seed: int = 0) -> Handwriting:
    return InkEngine().write(label, style, np.random.default_rng(seed))


def phrase(seed: int) -> str:
    return FormulaGrammar().sample(np.random.default_rng(seed))


@some
@given(seeds)
def test_phrases_are_valid_labels_that_the_hand_can_write(seed: int) -> None:
    label = phrase(seed)
    assert problems(label) == [] and normalise(label) == label
    assert 1 <= len(tokenize(label)) < 90
    InkEngine().check(label)


@some
@given(seeds)
def test_the_image_is_the_ink_drawn_and_the_file_holds_the_same_ink(seed: int) -> None:
    done = write(phrase(seed), seed, seed)
    assert done.ink is not None
    again = read_inkml(write_inkml(done.ink), "again")
    assert again.label == done.label
    assert again.symbols == done.ink.symbols
    assert np.array_equal(draw(again.strokes, done.image.shape, done.pen), done.image)


@some
@given(seeds)
def test_boxes_hold_their_strokes_and_all_ink_lies_in_boxes(seed: int) -> None:
    done = write(phrase(seed), seed, seed)
    assert done.ink is not None
    covered = np.zeros(done.image.shape, bool)
    for (token, box), symbol in zip(done.boxes, done.ink.symbols, strict=True):
        assert token == symbol.label
        points = np.concatenate([done.ink.strokes[i] for i in symbol.strokes])
        assert (points >= box[:2]).all() and (points <= box[2:]).all()
        x0, y0, x1, y1 = (int(v) for v in np.floor(box))
        covered[max(y0 - 1, 0) : y1 + 2, max(x0 - 1, 0) : x1 + 2] = True
    assert (done.image[~covered] > 250).all()
    assert sorted(i for s in done.ink.symbols for i in s.strokes) == list(
        range(len(done.ink.strokes))
    )


def test_one_writer_writes_alike_and_two_do_not() -> None:
    def letter(style: int, seed: int) -> Points:
        hand = FontWriter(np.random.default_rng(seed), WriterStyle.of(style))
        box = (glyph := hand.glyph("x")).box
        return np.array(
            [box[2] - box[0], box[3] - box[1], glyph.points[0, 0] - glyph.points[-1, 0]]
        )

    spread_of_one = np.std([letter(3, seed) for seed in range(30)], axis=0)
    spread_of_all = np.std([letter(style, 0) for style in range(30)], axis=0)
    assert (spread_of_one < 0.5 * spread_of_all).all()


def test_the_same_rng_writes_the_same_and_a_style_fixes_the_pen() -> None:
    first, again, other = (write(QUADRATIC, 5, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.image, again.image)
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


@given(st.floats(0.75, 3.0), seeds)
@some
def test_a_glide_begins_and_ends_with_the_stroke_and_cuts_its_corners(tempo: float, s: int) -> None:
    rng = np.random.default_rng(s)
    corner = rng.uniform(-1, 1, (3, 2)).astype(np.float32)
    stroke = np.concatenate([np.linspace(corner[0], corner[1], 9), np.linspace(*corner[1:], 9)])
    moved = glide(stroke, tempo)
    assert np.allclose(moved[[0, -1]], stroke[[0, -1]], atol=1e-5)
    low, high = stroke.min(axis=0) - 1e-5, stroke.max(axis=0) + 1e-5
    assert (moved >= low).all() and (moved <= high).all()
    assert impulse_response(tempo).sum() == pytest.approx(1)


def test_joined_letters_are_one_stroke() -> None:
    joined = link(sample("i").strokes[0], sample("n").strokes[0] + np.float32(0.6))
    assert np.abs(np.diff(joined, axis=0)).max() < 0.35


@pytest.mark.parametrize(
    "label",
    [
        r"\aleph",
        r"\begin{Bmatrix} a \end{Bmatrix}",
        "{ }",
        r"\check { x }",
    ],
)
def test_what_the_hand_cannot_write_is_told(label: str) -> None:
    with pytest.raises(InputError):
        InkEngine().check(label)
    with pytest.raises(InputError):
        write(label, 0)


def test_a_letter_that_begins_at_its_right_is_not_joined() -> None:
    word = join("nc", [sample("n"), sample("c")], 0.1, link)
    assert len(word.lengths) == len(sample("n").lengths) + len(sample("c").lengths)
    assert len(join("nn", [sample("n"), sample("n")], 0.1, link).lengths) == 1
