"""The layout by a ruler: what LaTeX says of two signs can be measured in their boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_cli.expr.latex import normalise
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.synthesis.blocks import Mark
from hmer_cli.synthesis.font import FontWriter
from hmer_cli.synthesis.layout import layout
from hmer_cli.synthesis.layout_statistics import LayoutStyle, learnt
from hmer_cli.synthesis.strokes import fill

seeds = st.integers(0, 2**32 - 1)
hands = settings(max_examples=40)


def write(latex: str, seed: int) -> list[Mark]:
    rng = np.random.default_rng(seed)
    tree = parse(tokenize(normalise(latex)))
    return layout(tree, FontWriter(rng), LayoutStyle(learnt(), rng))


def middle(mark: Mark) -> tuple[float, float]:
    x0, y0, x1, y1 = mark.box
    return (x0 + x1) / 2, (y0 + y1) / 2


@hands
@given(seeds)
def test_signs_of_a_row_stand_from_left_to_right(seed: int) -> None:
    marks = write("a + b = 2 c", seed)
    middles = [middle(mark)[0] for mark in marks]
    assert middles == sorted(middles)


@hands
@given(seeds, st.sampled_from(["x", "b", "p", ")", r"\Sigma"]))
def test_scripts_are_smaller_and_stand_above_and_below_at_the_right(seed: int, base: str) -> None:
    plain, sub, sup = write(f"{base}_m^k", seed)
    assert middle(sup)[1] < middle(plain)[1] < middle(sub)[1]
    assert min(sub.box[0], sup.box[0]) > middle(plain)[0]
    assert sup.box[3] <= middle(plain)[1]
    assert sub.box[1] >= middle(plain)[1]
    assert sup.box[3] - sup.box[1] < 1.7 * 1.15


@hands
@given(seeds, st.sampled_from(["f", "x", "A"]))
def test_a_prime_hangs_at_the_top_of_its_letter(seed: int, letter: str) -> None:
    base, prime = write(f"{letter} '", seed)
    assert base.box[1] - 0.8 < middle(prime)[1] < base.box[1] + 0.6
    assert prime.box[0] > middle(base)[0]


@hands
@given(seeds, st.sampled_from(["a", "x + y ^ 2", r"\frac 1 x", r"\sqrt { b }"]))
def test_a_fraction_has_its_parts_on_their_sides_of_the_bar(seed: int, over: str) -> None:
    bar, *parts = write(rf"\frac {{ {over} }} {{ q }}", seed)
    *numerator, denominator = parts
    assert all(mark.box[3] <= bar.box[1] for mark in numerator)
    assert denominator.box[1] >= bar.box[3]
    for marks in (numerator, [denominator]):
        centre = (min(m.box[0] for m in marks) + max(m.box[2] for m in marks)) / 2
        assert bar.box[0] < centre < bar.box[2]
    assert -1.0 < middle(bar)[1] < 0


@hands
@given(seeds)
def test_a_root_covers_what_it_holds_and_its_index_stands_in_its_crook(seed: int) -> None:
    root, index, *inside = write(r"\sqrt [ 3 ] { x + b }", seed)
    assert root.knee is not None
    for mark in inside:
        assert mark.box[0] >= root.knee and mark.box[1] > root.box[1]
    assert inside[-1].box[2] < root.box[2] + 0.2
    assert index.box[2] <= root.knee + 1e-6 and middle(index)[1] < middle(root)[1]


@hands
@given(seeds, st.sampled_from(["()", "[]", r"\{ \}", "||", r"\langle \rangle"]))
def test_brackets_are_stretched_over_what_they_hold(seed: int, pair: str) -> None:
    left, right = pair.split() if " " in pair else pair
    opened, *held, closed = write(rf"{left} \frac {{ a }} {{ \frac b c }} {right}", seed)
    top, bottom = min(m.box[1] for m in held), max(m.box[3] for m in held)
    for bracket in (opened, closed):
        assert bracket.box[1] <= top + 0.2 + 1e-6 and bracket.box[3] >= bottom - 0.2 - 1e-6
        assert bracket.box[2] - bracket.box[0] < 1.01


@hands
@given(seeds)
def test_limits_stand_over_and_under_a_sum_the_lower_one_spelled_first(seed: int) -> None:
    total, *below, above, _ = write(r"\sum _ { i = 0 } ^ n x", seed)
    assert above.box[3] < total.box[1]
    assert all(mark.box[1] > total.box[3] for mark in below)


@hands
@given(seeds, st.sampled_from([r"\hat", r"\bar", r"\vec", r"\dot", r"\tilde", r"\overline"]))
def test_accents_stand_over_their_letter(seed: int, accent: str) -> None:
    cover, letter = write(rf"{accent} {{ b }}", seed)
    assert cover.box[3] < letter.box[1]
    assert cover.box[0] < middle(letter)[0] + 0.3 and cover.box[2] > middle(letter)[0] - 0.3


def test_an_underline_lies_under() -> None:
    line, letter = write(r"\underline { b }", 3)
    assert line.box[1] > letter.box[3]


@hands
@given(seeds, st.sampled_from(["pmatrix", "bmatrix", "vmatrix"]))
def test_a_matrix_stands_in_rows_and_columns_between_its_delimiters(seed: int, name: str) -> None:
    left, a, b, c, d, right = write(rf"\begin{{{name}}} a & b \\ c & d \end{{{name}}}", seed)
    assert a.box[2] < b.box[0] and c.box[2] < d.box[0]
    assert a.box[3] < c.box[1] and b.box[3] < d.box[1]
    for mark in (a, b, c, d):
        assert left.box[2] < mark.box[0] and mark.box[2] < right.box[0]
        assert left.box[1] < middle(mark)[1] < left.box[3]


def test_cases_have_a_brace_on_the_left_only_and_a_bare_matrix_none() -> None:
    cases = write(r"\begin{cases} a & b \\ c & d \end{cases}", 1)
    bare = write(r"\begin{matrix} a \\ c \end{matrix}", 1)
    assert [mark.token for mark in cases] == [r"\{", "a", "b", "c", "d"]
    assert [mark.token for mark in bare] == ["a", "c"]


LABELS = [
    r"x = \frac { - b \pm \sqrt { b ^ 2 - 4 a c } } { 2 a }",
    r"\begin{bmatrix} x & \vdots \\ \hat { y } & \sqrt [ 3 ] { 2 } \end{bmatrix} \in \mathbb { R }",
    r"\int _ 0 ^ 1 \sin ^ 2 ( \omega t ) d t \approx 0 . 5 \%",
]


@hands
@given(seeds, st.sampled_from(LABELS))
def test_boxes_hold_their_strokes(seed: int, label: str) -> None:
    marks = write(label, seed)
    strokes, symbols = fill(marks, unit=10.0)
    assert sorted(i for members in symbols for i in members) == list(range(len(strokes)))
    for mark, members in zip(marks, symbols, strict=True):
        points = np.concatenate([strokes[i] for i in members]) / 10
        low, high = np.array(mark.box[:2]) - 0.03, np.array(mark.box[2:]) + 0.03
        assert (points >= low).all() and (points <= high).all()


def test_marks_come_in_the_order_of_the_label() -> None:
    marks = write(r"\sqrt [ 3 ] { \frac a b } _ i ^ 2", 0)
    assert [mark.token for mark in marks] == [r"\sqrt", "3", r"\frac", "a", "b", "i", "2"]


def test_every_sample_differs_and_every_seed_gives_the_same_again() -> None:
    first, again, other = (write(LABELS[0], seed) for seed in (1, 1, 2))
    assert [mark.box for mark in first] == [mark.box for mark in again]
    assert [mark.box for mark in first] != [mark.box for mark in other]


def test_nothing_to_write_is_told() -> None:
    with pytest.raises(ValueError, match="nothing"):
        write("{ }", 0)


@hands
@given(seeds)
def test_a_binomial_is_one_sign_of_two_brackets_round_its_rows(seed: int) -> None:
    binomial, over, under = write(r"\binom { n } { k }", seed)
    assert binomial.token == r"\binom" and len(binomial.glyph.lengths) == 2
    for row in (over, under):
        assert binomial.box[0] < row.box[0] and row.box[2] < binomial.box[2]
    assert middle(over)[1] < middle(binomial)[1] < middle(under)[1]


@hands
@given(seeds, st.sampled_from(["overset", "underset"]))
def test_what_is_placed_on_a_sign_is_spelled_before_it(seed: int, placer: str) -> None:
    placed, sign, after = write(rf"\{placer} {{ d }} {{ = }} x", seed)
    assert (placed.token, sign.token, after.token) == ("d", "=", "x")
    assert (middle(placed)[1] < middle(sign)[1]) == (placer == "overset")
    assert abs(middle(placed)[0] - middle(sign)[0]) < 1.0


@hands
@given(seeds)
def test_a_brace_holds_its_row_and_says_its_script_under_its_middle(seed: int) -> None:
    brace, a, _, b, said = write(r"\underbrace { a + b } _ { n }", seed)
    assert max(a.box[3], b.box[3]) < brace.box[3] < said.box[3]
    assert a.box[0] - 0.5 < said.box[0] and said.box[2] < b.box[2] + 0.5


def test_names_of_two_words_have_a_space() -> None:
    (name,) = write(r"\limsup", 3)
    (word,) = write(r"\lim", 3)
    assert name.glyph.width > 2 * word.glyph.width


@pytest.mark.parametrize("latex", [
    r"P ( \frac { a } { b } | B )", r"\{ x | \frac { 1 } { x } > 0 \}",
    r"E [ X | \frac { Y } { 2 } ]",
    r"\langle x | \frac { A } { 2 } | y \rangle",
])  # fmt: skip
def test_a_bar_between_brackets_leaves_them_their_partners(latex: str) -> None:
    marks = write(latex, 1)
    signs = [mark for mark in marks if mark.token in ("(", "[", r"\{", r"\langle")] + marks[-1:]
    first = next(n for n, mark in enumerate(marks) if mark is signs[0])
    held = marks[first + 1 : -1]
    top, bottom = min(m.box[1] for m in held), max(m.box[3] for m in held)
    assert len(signs) == 2
    for sign in signs:
        assert sign.box[1] <= top + 0.2 + 1e-6 and sign.box[3] >= bottom - 0.2 - 1e-6


@pytest.mark.parametrize("latex", [r"| \frac a b \rangle", r"( | \frac a b | )"])
def test_bars_that_hold_something_are_stretched_over_it(latex: str) -> None:
    marks = write(latex, 1)
    over, under = (next(mark for mark in marks if mark.token == letter) for letter in "ab")
    bar = next(mark for mark in marks if mark.token == "|")
    assert bar.box[1] <= over.box[1] + 0.2 + 1e-6 and bar.box[3] >= under.box[3] - 0.2 - 1e-6


@hands
@given(seeds)
def test_a_brace_keeps_its_script_under_it_where_something_is_set_over_both(seed: int) -> None:
    marks = write(r"\overset { a } { \underbrace { x } _ { n } }", seed)
    assert [mark.token for mark in marks] == ["a", r"\underbrace", "x", "n"]
    over, brace, x, said = marks
    assert over.box[3] < middle(x)[1] < brace.box[3] < said.box[3]
    assert middle(brace)[1] < said.box[1] + 0.3
    assert abs(middle(said)[0] - middle(brace)[0]) < 1.0


def ink_of(marks: list[Mark]) -> list[np.ndarray]:
    """The points of every mark, an eighth of an x height or less apart."""
    strokes, symbols = fill(marks, unit=1.0)
    return [np.concatenate([strokes[i] for i in members]) for members in symbols]


@pytest.mark.parametrize("latex", [
    r"\log _ { 1 0 } x", r"g _ 1 + q _ 1", r"N _ { 1 } ' l", r"d ^ { l } | 1 |",
])  # fmt: skip
@pytest.mark.parametrize("near", [False, True])
def test_no_symbol_is_hidden_on_the_strokes_of_another(latex: str, near: bool) -> None:
    tree = parse(tokenize(normalise(latex)))
    for seed in range(60):
        rng = np.random.default_rng(seed)
        ink = ink_of(layout(tree, FontWriter(rng), LayoutStyle(learnt(), rng, near=near)))
        for i, own in enumerate(ink):
            others = np.concatenate(ink[:i] + ink[i + 1 :])
            distance = np.hypot(*(own[:, None] - others).transpose(2, 0, 1)).min(axis=1)
            assert (distance < 0.1).mean() < 0.6


@hands
@given(seeds, st.sampled_from([r"\iint", r"\iiint"]), st.booleans())
def test_a_limit_beside_integrals_is_under_the_last_at_most(
    seed: int, token: str, near: bool
) -> None:
    rng = np.random.default_rng(seed)
    tree = parse(tokenize(normalise(rf"{token} _ {{ D }} f")))
    sign, limit, _ = layout(tree, FontWriter(rng), LayoutStyle(learnt(), rng, near=near))
    if limit.box[1] < sign.box[3]:
        last = np.split(sign.glyph.points, np.cumsum(sign.glyph.lengths)[:-1])[-1]
        wide = np.ptp(last[:, 0]) / sign.glyph.width * (sign.box[2] - sign.box[0])
        assert limit.box[0] > sign.box[2] - 0.6 * wide


def test_all_integrals_of_an_expression_have_their_limits_in_one_place() -> None:
    for seed in range(30):
        marks = write(r"\int \limits _ a ^ b \int \limits _ a ^ b f", seed)
        first, second = marks[0].box, marks[3].box
        sides = {marks[n].box[3] < box[1] for n, box in ((2, first), (5, second))}
        assert len(sides) == 1


def test_the_cells_of_a_row_are_further_apart_than_letters() -> None:
    for seed in range(200):
        a, b, c, d = write(r"\begin{matrix} a & b \\ c & d \end{matrix}", seed)
        assert min(b.box[0] - a.box[2], d.box[0] - c.box[2]) > 0.59


def test_the_head_of_an_arrow_is_as_long_over_many_letters_as_over_one() -> None:
    for seed in range(30):
        arrow, *letters = write(r"\overrightarrow { A B C D E }", seed)
        (points,) = ink_of([arrow])
        plain = arrow.glyph
        assert arrow.knee is not None and plain.knee is not None
        assert arrow.box[2] - arrow.knee == pytest.approx(plain.box[2] - plain.knee, abs=1e-3)
        assert (points[:, 0] > arrow.knee - 0.01).sum() >= (plain.points[:, 0] > plain.knee).sum()
        assert np.ptp(points[:, 0]) > letters[-1].box[2] - letters[0].box[0] - 0.3
