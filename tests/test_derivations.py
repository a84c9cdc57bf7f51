"""Lines of a derivation become one expression, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.document.aligned import group_derivations, joined
from hmer_cli.document.build_records import records_of
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.records import PageRead, RegionReading, Result
from hmer_cli.expr.validity import problems
from hmer_cli.recognition.reading import Reading, TokenReading

SYMBOL = 20.0


def line(label: str, x: float, y: float, confidence: float = 0.5) -> RegionReading:
    """An expression whose tokens stand side by side from x on, with their middle at y.

    Its region is that of a source ten times as large.
    """
    tokens = tuple(
        TokenReading(token, 0.9, (x + SYMBOL * i, y - 10, x + SYMBOL * (i + 1), y + 10))
        for i, token in enumerate(label.split())
    )
    box = (x, y - 15, x + SYMBOL * len(tokens), y + 15)
    region = (10 * box[0], 10 * box[1], 10 * box[2], 10 * box[3])
    return RegionReading(region, box, f"{label} {x} {y}", Reading(label, confidence, tokens))


FIRST, SECOND, THIRD = line("f = a + b", 100, 50), line("= c", 120, 90), line("\\leq d", 118, 130)


def join_derivations(expressions: list[RegionReading]) -> list[RegionReading]:
    return [joined(group) for group in group_derivations(expressions)]


def labels(*expressions: RegionReading) -> list[str]:
    return [each.reading.label for each in join_derivations([*expressions])]


def test_lines_in_one_column_are_one_aligned() -> None:
    wanted = r"\begin{aligned} f & = a + b \\ & = c \\ & \leq d \end{aligned}"
    assert labels(FIRST, SECOND, THIRD) == [wanted]
    assert problems(wanted) == []


def test_the_joined_expression_says_where_it_is_and_how_sure() -> None:
    (one,) = join_derivations([FIRST, SECOND])
    assert one.box == (100, 35, 200, 105)
    assert one.region == (1000, 350, 2000, 1050)
    assert one.reading.confidence == 0.25
    assert [t.token for t in one.reading.tokens] == one.reading.label.split()
    plus = [t for t in one.reading.tokens if t.token == "+"]
    assert plus == [FIRST.reading.tokens[3]]


def test_a_derivation_is_as_doubtful_as_its_lines() -> None:
    lines = line("f = a + b", 100, 50, 0.8), replace(line("= c", 120, 90, 0.8), words="so c")
    (whole,) = records_of([PageRead("a.png", 1, Result("fake", lines))], Corrections())
    assert (whole.status, whole.error) == ("low", "may be words: so c")
    assert [each.status for each in whole.lines] == ["ok", "low"]


def test_what_stands_elsewhere_stays_by_itself() -> None:
    beside, below = line("x = 1", 400, 50), line("= e", 120, 200)
    assert labels(FIRST, beside, SECOND, below) == [
        r"\begin{aligned} f & = a + b \\ & = c \end{aligned}",
        "x = 1",
        "= e",
    ]


def test_a_system_is_aligned_where_its_relations_are() -> None:
    assert labels(line("x = 1", 100, 50), line("y < 2", 105, 90)) == [
        r"\begin{aligned} x & = 1 \\ y & < 2 \end{aligned}"
    ]
    assert len(labels(line("x = 1", 100, 50), line("y < 2", 135, 90))) == 2


@pytest.mark.parametrize(
    ("first", "second", "aligned"),
    [
        ("P ( X = 1 ) = a", "P ( X = 2 ) = b", r"P ( X = 1 ) & = a \\ P ( X = 2 ) & = b"),
        (
            r"\{ x = 1 \} = A",
            r"\langle x = 2 \rangle = B",
            r"\{ x = 1 \} & = A \\ \langle x = 2 \rangle & = B",
        ),
        (r"| 0 \rangle = a", r"| 1 \rangle = b", r"| 0 \rangle & = a \\ | 1 \rangle & = b"),
        ("[ 0 , 1 [ = I", "] 0 , 1 ] = J", r"[ 0 , 1 [ & = I \\ ] 0 , 1 ] & = J"),
    ],
)
def test_the_relation_of_a_line_stands_in_no_brackets(
    first: str, second: str, aligned: str
) -> None:
    found = labels(line(first, 100, 50), line(second, 100, 90))
    assert found == [rf"\begin{{aligned}} {aligned} \end{{aligned}}"]


def test_a_relation_in_brackets_alone_aligns_nothing() -> None:
    assert len(labels(line("P ( X = 1 )", 100, 50), line("P ( X = 2 )", 100, 90))) == 2


@pytest.mark.parametrize(
    "label", ["c", "x _ { i = 1 }", r"\frac { a = b } { c }", "= {", "= } c", "& = c", ""]
)
def test_a_line_without_a_relation_of_its_own_joins_nothing(label: str) -> None:
    second = line(label, 120, 90)
    assert join_derivations([FIRST, second]) == [FIRST, second]


def test_a_new_reading_has_a_new_key_and_the_same_one_the_same() -> None:
    (one,), (same,) = join_derivations([FIRST, SECOND]), join_derivations([FIRST, SECOND])
    (other,) = join_derivations([FIRST, replace(SECOND, key="another")])
    assert one.key == same.key != other.key


@given(
    st.lists(
        st.builds(
            line,
            st.sampled_from(["a = b", "= c", r"\leq \frac { a } { b }", "x", "f ( x ) = 1"]),
            st.integers(0, 10).map(lambda v: v * 10.0),
            st.integers(0, 10).map(lambda v: v * 20.0),
        ),
        max_size=7,
    )
)
def test_nothing_is_lost_and_all_of_it_is_valid(expressions: list[RegionReading]) -> None:
    found = join_derivations(expressions)
    own = {"&", r"\\", r"\begin{aligned}", r"\end{aligned}"}
    before = sorted(t for e in expressions for t in e.reading.label.split())
    after = sorted(t for e in found for t in e.reading.label.split() if t not in own)
    assert before == after
    assert not any(problems(each.reading.label) for each in found)
