"""Labels in the canonical spelling, and labels that more brackets make."""

from __future__ import annotations

import pytest

from hmer_cli.expr.validity import problems
from hmer_cli.recognition.confidence import alternatives
from hmer_cli.recognition.label_prior import LabelPrior
from hmer_cli.recognition.rescoring import Candidate, Ranked
from hmer_cli.recognition.units import Units

UNITS = Units(
    r"\sum \limits _ ^ { } i x y 2 R a b ( ) [ ] \hat \mathbb \frac \overset = ? \sqrt \\ "
    r"\begin{matrix} \end{matrix} \begin{pmatrix} \end{pmatrix}".split()
)
PRIOR = LabelPrior(UNITS, None, UNITS.tokens)


def listed(*labels: str) -> Ranked:
    """A list of these labels, each a little worse than the one before."""
    units = [tuple(UNITS.encode(label.split())) for label in labels]
    return Ranked(tuple(Candidate(each, -1.0 - i, 9.0 - i) for i, each in enumerate(units)))


def told(ranked: Ranked) -> list[str]:
    return [" ".join(UNITS.decode(each.units)) for each in ranked.candidates]


@pytest.mark.parametrize(
    ("other", "canonical"),
    [
        (r"\sum _ { i } x", r"\sum \limits _ { i } x"),
        ("x ^ { 2 } _ { i }", "x _ { i } ^ { 2 }"),
        (r"\overset { 2 } { \sum } x", r"\sum \limits ^ { 2 } x"),
        (
            r"( \begin{matrix} a \\ b \end{matrix} )",
            r"\begin{pmatrix} a \\ b \end{pmatrix}",
        ),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_spellings_of_one_expression_are_no_rivals(other: str, canonical: str, first: bool) -> None:
    both = [other, canonical] if first else [canonical, other]
    ranked = PRIOR.spelt(listed(*both, "y"))
    assert told(ranked) == [canonical, "y"]
    assert ranked.candidates[0].total == 9.0
    assert ranked.margin == pytest.approx(2.0)
    assert ranked.margin > listed(*both, "y").margin
    assert [each.label for each in alternatives(ranked, UNITS, 0.5)] == ["y"]


def test_a_spelling_keeps_to_the_character_set() -> None:
    few = LabelPrior(UNITS, None, set(UNITS.tokens) - {r"\limits"})
    label = r"\sum _ { i } x"
    assert told(few.spelt(listed(label))) == [label]
    few = LabelPrior(UNITS, None, set(UNITS.tokens) - {r"\begin{pmatrix}"})
    label, canonical = (
        rf"( \begin{{matrix}} x {scripts} \\ b \end{{matrix}} )"
        for scripts in ("^ { 2 } _ { i }", "_ { i } ^ { 2 }")
    )
    assert told(few.spelt(listed(label))) == [canonical]


@pytest.mark.parametrize(
    "label", [r"\hat { x } )", r"\mathbb { R } )", r"\frac { a } { b } )", r"\sqrt [ a ) ] { x }"]
)
def test_what_a_bracket_mends_is_a_label(label: str) -> None:
    found = [" ".join(UNITS.decode(each)) for each in PRIOR.repaired(listed(label))]
    assert found
    assert not any(map(problems, found))
