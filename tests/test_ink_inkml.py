"""InkML in and out: what real files look like, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from handmade import inks_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hmer_cli.errors import InputError
from hmer_cli.ink.ink import Ink, Symbol
from hmer_cli.ink.inkml import read_inkml, write_inkml

FRACTION = r"""<ink xmlns="http://www.w3.org/2003/InkML">
<traceFormat><channel name="X" type="decimal"/><channel name="Y" type="decimal"/></traceFormat>
<annotation type="UI">ours_1</annotation>
<annotation type="truth">$\frac{a}{2}$</annotation>
<annotationXML type="truth" encoding="Content-MathML">
<math xmlns='http://www.w3.org/1998/Math/MathML'><mfrac xml:id="-_1">
<mi xml:id="a_1">a</mi><mn xml:id="2_1">2</mn></mfrac></math>
</annotationXML>
<trace id="0">
3 1, 2.5 2, 3 3,
</trace>
<trace id="1">0 4, 6 4</trace>
<trace id="2">2 5, 4 5, 2 7, 4 7</trace>
<trace id="3">4 5</trace>
<traceGroup xml:id="4"><annotation type="truth">Segmentation</annotation>
<traceGroup xml:id="5"><annotation type="truth">-</annotation>
<traceView traceDataRef="1"/><annotationXML href="-_1"/></traceGroup>
<traceGroup xml:id="6"><annotation type="truth">a</annotation>
<traceView traceDataRef="0"/><annotationXML href="a_1"/></traceGroup>
<traceGroup xml:id="7"><annotation type="truth">2</annotation>
<traceView traceDataRef="2"/><traceView traceDataRef="3"/><annotationXML href="2_1"/></traceGroup>
</traceGroup></ink>"""


def read(text: str) -> Ink:
    return read_inkml(text.encode(), "test")


def points(text: str) -> list[list[list[float]]]:
    """The strokes of an InkML document with this inside."""
    return [stroke.tolist() for stroke in read(f"<ink>{text}</ink>").strokes]


def trace(text: str) -> list[list[float]]:
    """The points of a lone trace."""
    return points(f"<trace>{text}</trace>")[0]


def channels(*names: str) -> str:
    return f"<traceFormat>{''.join(f'<channel name={name!r}/>' for name in names)}</traceFormat>"


def test_crohme_file_gives_strokes_symbols_and_label() -> None:
    ink = read(FRACTION)
    assert [stroke.tolist() for stroke in ink.strokes] == [
        [[3, 1], [2.5, 2], [3, 3]],
        [[0, 4], [6, 4]],
        [[2, 5], [4, 5], [2, 7], [4, 7]],
        [[4, 5]],
    ]
    assert ink.symbols == (
        Symbol((1,), "-", "-_1"),
        Symbol((0,), "a", "a_1"),
        Symbol((2, 3), "2", "2_1"),
    )
    assert ink.label == r"\frac { a } { 2 }"
    assert ink.truth == r"$\frac{a}{2}$"
    assert (ink.name, ink.annotations) == ("test", {"UI": "ours_1"})


def test_label_is_skipped_on_demand() -> None:
    assert read_inkml(FRACTION.encode(), "test", label=False).label is None


def test_label_from_mathwriting_annotations_prefers_the_normalized_one() -> None:
    ink = read(
        r'<ink><annotation type="label">x\le y</annotation>'
        r'<annotation type="normalizedLabel">x\leq y</annotation>'
        '<trace id="t0">1 2 3, 4 5 6</trace></ink>'
    )
    assert (ink.label, ink.truth) == (r"x \leq y", r"x\leq y")


def test_ink_without_truth_has_no_label() -> None:
    assert read("<ink><trace>1 2, 3 4</trace></ink>").label is None


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("Y", "X"), "2 1, 4 3"),
        (("T", "X", "Y"), "7 1 2, 8 3 4"),
        (("X", "Y", "F"), "1 2, 3 4"),  # a channel that is declared but not there
        (("T", "Y", "B1", "X"), "7 2 T 1, 8 4 F 3"),
        (("P", "X", "Y"), "#1F 1 2, #fF 3 4"),
    ],
)
def test_channels_in_any_order(names: tuple[str, ...], text: str) -> None:
    assert points(f"{channels(*names)}<trace>{text}</trace>") == [[[1, 2], [3, 4]]]
    assert points(f"<trace>{text}</trace>{channels(*names)}") == [[[1, 2], [3, 4]]]


def test_third_channel_without_a_format_is_left_out() -> None:
    assert trace("1 2 99, 3 4 100") == [[1, 2], [3, 4]]


def test_mirrored_axis_points_down_again() -> None:
    form = "<traceFormat><channel name='X'/><channel name='Y' orientation='-ve'/></traceFormat>"
    assert points(f"{form}<trace>1 2, 3 4</trace>") == [[[1, -2], [3, -4]]]


def test_every_trace_follows_its_context() -> None:
    ink = (
        '<definitions><context xml:id="yx"><inkSource xml:id="pen">'
        f'{channels("Y", "X")}</inkSource></context><traceFormat xml:id="txy">'
        '<channel name="T"/><channel name="X"/><channel name="Y"/></traceFormat>'
        '<context xml:id="timed" traceFormatRef="#txy"/></definitions>'
        '<trace contextRef="#yx">2 1</trace>'
        '<traceGroup contextRef="#timed"><trace>9 1 2</trace></traceGroup>'
        "<trace>1 2</trace>"
        '<context contextRef="#yx"/><trace>2 1</trace>'
    )
    assert points(ink) == [[[1, 2]]] * 4


def test_difference_coding_of_the_recommendation() -> None:
    coded = """1125 18432,'23'43,"7"-8,3-5,7 -3,6 2,6 8,3 6,2 4,*6,!1500 !18800, 3 *"""
    assert trace(coded) == [
        [1125, 18432],
        [1148, 18475],
        [1178, 18510],
        [1211, 18540],
        [1251, 18567],
        [1297, 18596],
        [1349, 18633],
        [1404, 18676],
        [1461, 18723],
        [1520, 18776],
        [1500, 18800],
        [3, 18800],
    ]


def test_numbers_may_have_a_plus() -> None:
    assert trace("+1 +2,'+3 '4,+1-1") == [[1, 2], [4, 6], [5, 5]]
    assert trace("+1 +2, +3 -4") == [[1, 2], [3, -4]]
    assert trace("""1125 18432,'23'43,"7"-8,3-5,+7 -3,+6+2""") == trace(
        """1125 18432,'23'43,"7"-8,3-5,7 -3,6 2"""
    )


@given(
    arrays.arrays(
        np.int32, st.tuples(st.integers(3, 30), st.just(2)), elements=st.integers(-5000, 5000)
    )
)
def test_all_codings_of_the_same_points_agree(table: np.ndarray) -> None:
    def coded(order: str, rows: np.ndarray) -> str:
        return "".join(f",{order}{x}{order}{y}" for x, y in rows)

    first, second = np.diff(table, axis=0), np.diff(table, 2, axis=0)
    start = f"{table[0, 0]} {table[0, 1]}"
    assert trace(start + coded("!", table[1:])) == table.tolist()
    assert trace(start + coded("'", first)) == table.tolist()
    assert trace(start + coded("'", first[:1]) + coded('"', second)) == table.tolist()


def test_points_that_were_not_reported_are_left_out() -> None:
    assert trace("1 2, ? 3, 4 ?, 5 6") == [[1, 2], [5, 6]]


def test_single_point_is_a_dot_and_empty_traces_are_none() -> None:
    assert points("<trace>\n</trace><trace>3 4</trace><trace/>") == [[[3, 4]]]


def test_pen_in_the_air_draws_nothing_and_continued_strokes_are_joined() -> None:
    ink = (
        '<trace id="a" continuation="begin">1 2</trace><trace type="penUp">8 8, 9 9</trace>'
        '<trace id="b" continuation="end" priorRef="#a" brushRef="#red">3 4</trace>'
    )
    assert points(ink) == [[[1, 2], [3, 4]]]


@pytest.mark.parametrize(
    ("traces", "drawn"),
    [
        ("<trace>1 1 T, 2 2 1, 3 3 F, 4 4 F, 5 5 T, 6 6 T</trace>", [[1, 2], [5, 6]]),
        ("<trace>1 1 1, 2 2 1, 3 3 0, 4 4 0, 5 5 1, 6 6 1</trace>", [[1, 2], [5, 6]]),
        ("<trace>1 1 F, 2 2 ?, 3 3 T, 4 4 *, 5 5 ?</trace>", [[3, 4, 5]]),
        ("<trace>1 1, 2 2, 3 3 F, 4 4, 5 5 T</trace>", [[1, 2], [5]]),
        ("<trace>1 1 F, 2 2 F</trace><trace>3 3 T, 4 4 T</trace>", [[3, 4]]),
        ("<trace>1 1 T, 2 2 T, ? ? F, 3 3 T, 4 4 T</trace>", [[1, 2], [3, 4]]),
        ("<trace>1 1 T, 2 ? F, ? ? ?, 3 3 T</trace><trace>? ? F</trace>", [[1], [3]]),
        ("<trace>1 1 T, ? ? T, 2 2 T</trace>", [[1, 2]]),
        ("<trace>1 1 F, ? ? F, 2 2 F</trace>", [[1, 2]]),  # says nothing
        (
            '<trace id="a" continuation="begin">1 1 T, ? ? F</trace>'
            '<trace continuation="end" priorRef="#a">2 2 T</trace>',
            [[1], [2]],
        ),
        ("<trace>1 1 F, 2 2 F</trace><trace>3 3 F</trace>", [[1, 2], [3]]),  # says nothing
        (
            '<trace id="a" continuation="begin">1 1 T, 2 2 F</trace>'
            '<trace continuation="end" priorRef="#a">3 3 F, 4 4 T</trace>',
            [[1], [4]],
        ),
        (
            '<trace id="a" continuation="begin">1 1 F, 2 2 T</trace>'
            '<trace continuation="end" priorRef="#a">3 3 T, 4 4 F</trace>',
            [[2, 3]],
        ),
    ],
)
def test_what_a_tip_switch_says_is_in_the_air_is_no_ink(
    traces: str, drawn: list[list[int]]
) -> None:
    found = points(channels("X", "Y", "S") + traces)
    assert found == [[[each, each] for each in stroke] for stroke in drawn]


def test_a_trace_in_two_strokes_is_one_symbol() -> None:
    ink = read(
        f"<ink>{channels('X', 'Y', 'S')}<trace>0 0 T</trace><traceGroup>"
        '<annotation type="truth">=</annotation>'
        "<trace>1 1 T, 2 1 T, 2 2 F, 1 2 T, 2 2 T</trace></traceGroup></ink>"
    )
    assert len(ink.strokes) == 3
    assert ink.symbols == (Symbol((1, 2), "="),)


def test_symbols_of_traces_inside_their_group() -> None:
    group = (
        '<ink><traceGroup><annotation type="truth">x</annotation>'
        '<trace xml:id="t0">1 2</trace><trace xml:id="t1">3 4</trace></traceGroup></ink>'
    )
    assert read(group).symbols == (Symbol((0, 1), "x"),)


def test_symbols_of_traces_without_ids() -> None:
    groups = "".join(
        f'<traceGroup><annotation type="truth">{sign}</annotation>{traces}</traceGroup>'
        for sign, traces in (("1", "<trace>1 2</trace>"), ("x", 2 * "<trace>3 4</trace>"))
    )
    assert read(f"<ink>{groups}</ink>").symbols == (Symbol((0,), "1"), Symbol((1, 2), "x"))


finite = st.floats(-1e6, 1e6, width=32)
strokes = st.lists(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 12), st.just(2)), elements=finite),
    min_size=1,
    max_size=5,
)
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip)


@st.composite
def inks(draw: st.DrawFn) -> Ink:
    lines = draw(strokes)
    some = st.lists(st.integers(0, len(lines) - 1), min_size=1, unique=True).map(tuple)
    names = st.sampled_from(["x", "<", "-", r"\alpha", "&", "{"])
    symbols = st.lists(st.builds(Symbol, some, names, st.sampled_from(["", "x_1", "<_1"])))
    return Ink(
        strokes=tuple(lines),
        symbols=tuple(draw(symbols)),
        label=draw(st.none() | st.sampled_from(["x ^ { 2 } < y", r"\frac { a } { b }"])),
        name="some ink",
        annotations=draw(st.dictionaries(st.sampled_from(["writer", "UI"]), words)),
    )


@given(inks())
def test_what_is_written_is_read_again(ink: Ink) -> None:
    back = read_inkml(write_inkml(ink), "some ink")
    assert [s.tolist() for s in back.strokes] == [s.tolist() for s in ink.strokes]
    assert back.symbols == ink.symbols
    assert (back.label, back.annotations) == (ink.label, ink.annotations)


def test_truth_is_written_beside_the_label() -> None:
    ink = Ink((np.ones((1, 2), np.float32),), label="x ^ { 2 }", truth="$x^2$")
    back = read_inkml(write_inkml(ink), "")
    assert (back.label, back.truth) == (ink.label, ink.truth)


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    ink = Ink((np.ones((1, 2), np.float32),), annotations={"writer": "a\0b\x1b"})
    assert read_inkml(write_inkml(ink), "").annotations == {"writer": "ab"}


@pytest.mark.data
@pytest.mark.slow
def test_every_file_of_crohme_is_read_but_the_empty_one(
    data_file: Callable[[str], Path],
) -> None:
    refused: list[InputError] = []
    inks = inks_of(data_file("crohme.zip"), label=False, report=refused.append)
    assert len(inks) == 10492
    assert all(ink.symbols for ink in inks)
    assert sum(not ink.truth for ink in inks) == 3  # their annotation is empty
    (error,) = refused
    assert error.what.endswith("MfrDB3088.inkml: the file is empty")
