"""SVG as drawing programs and note apps write it: shapes, style, use, and what covers ink."""

from __future__ import annotations

import contextlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from inkfiles import boxes, outline

from hmer_cli.errors import InputError
from hmer_cli.ink import svg_strokes
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.svg_strokes import read_svg

PEN = "fill='none' stroke='#000' stroke-width='3'"
INK = f"<path {PEN} d='M20 20C60 20 60 90 20 90'/><path {PEN} d='M70 20V90'/>"
"""Two strokes, 70 high."""


def svg(content: str, attributes: str = "viewBox='0 0 400 150'") -> Ink:
    text = f"<svg xmlns='http://www.w3.org/2000/svg' {attributes}>{content}</svg>"
    (ink,) = read_svg(text.encode(), "x.svg")
    return ink


def left_out(ink: Ink) -> list[str]:
    return [each.what for each in ink.left_out]


@pytest.mark.parametrize("dot", [
    "<circle cx='50' cy='80' r='3'/>",
    "<circle cx='50' cy='80' r='3' fill='red' stroke='red'/>",
    "<ellipse cx='50' cy='80' rx='3' ry='2'/>",
    "<rect x='47' y='77' width='6' height='6'/>",
    "<polygon points='47,80 50,77 53,80 50,83'/>",
    "<path d='M47 77h6v6h-6z'/>",
])  # fmt: skip
def test_a_small_filled_shape_is_a_dot(dot: str) -> None:
    ink = svg(INK + dot)
    assert ink.strokes[2].tolist() == pytest.approx(np.array([[50, 80]]), abs=0.01)
    assert not ink.left_out


@pytest.mark.parametrize(("shape", "box"), [
    ("<line x1='10' y1='50' x2='1cm' y2='50'/>", [10, 50, 37.8, 50]),
    ("<polygon points='10,90 40,20 70,90'/>", [10, 20, 70, 90]),
    ("<polyline points='10,90 40,20 70,90'/>", [10, 20, 70, 90]),
    ("<circle cx='50%' cy='60' r='20'/>", [180, 40, 220, 80]),
    ("<ellipse cx='50' cy='60' rx='20' ry='30'/>", [30, 30, 70, 90]),
    ("<rect x='10' y='20' width='30' height='40'/>", [10, 20, 40, 60]),
])  # fmt: skip
def test_a_drawn_shape_is_a_stroke(shape: str, box: list[float]) -> None:
    ink = svg(f"<g {PEN}>{shape}</g>")
    assert boxes(ink) == [pytest.approx(box, abs=0.1)]


def test_a_filled_bar_is_a_stroke_and_a_large_shape_is_named() -> None:
    ink = svg(f"{INK}<rect x='10' y='100' width='100' height='4'/>")
    assert boxes(ink)[2] == pytest.approx([12, 102, 108, 102], abs=1)
    ink = svg(f"{INK}<ellipse cx='200' cy='60' rx='60' ry='40'/>")
    assert (len(ink.strokes), left_out(ink)) == (2, ["filled shape"])
    assert ink.left_out[0].box == pytest.approx((140, 20, 260, 100))


@pytest.mark.parametrize("paper", [
    "<rect width='100%' height='100%' fill='#fff'/>",
    "<rect width='400' height='150' fill='ivory'/>",
    "<path d='M-5 -5H900V900H-5z' fill='#eee'/>",
    "<rect width='400' height='150' fill='#fff'/><rect width='100%' height='100%' fill='url(#g)'/>",
    "<rect width='400' height='150' fill='none' stroke='gray'/>",
])  # fmt: skip
def test_the_paper_and_its_edge_are_no_ink(paper: str) -> None:
    ink = svg(paper + INK)
    assert (len(ink.strokes), ink.left_out) == (2, ())


def test_a_frame_round_the_ink_is_named_and_no_doubt() -> None:
    ink = svg(f"{INK}<rect {PEN} x='10' y='10' width='90' height='90'/>")
    assert (len(ink.strokes), left_out(ink), ink.left_out[0].doubtful) == (2, ["frame"], False)


@pytest.mark.parametrize(("element", "what"), [
    ("<text x='90' y='50'>+ <tspan>1</tspan></text>", "text"),
    ("<image x='90' y='50' width='9' height='9' href='data:,'/>", "image"),
    ("<foreignObject x='90' y='50'><p>hello</p></foreignObject>", "embedded page"),
    ("<use href='other.svg#a'/>", "use of what is not in the file"),
    ("<use href='#nowhere'/>", "use of what is not in the file"),
    (f"<line {PEN} x2='9' y2='9' marker-end='url(#head)'/>", "arrowhead or other marker"),
])  # fmt: skip
def test_what_is_not_read_is_named(element: str, what: str) -> None:
    assert left_out(svg(INK + element)) == [what]


@pytest.mark.parametrize("element", [
    "<text> </text>", "<title>a title</title>", "<text display='none'>1</text>",
    "<image visibility='hidden' href='a.png'/>", "<text opacity='0'>1</text>",
    "<defs><text>1</text></defs>", "<metadata><text>1</text></metadata>",
])  # fmt: skip
def test_what_is_not_seen_is_not_named(element: str) -> None:
    assert svg(INK + element).left_out == ()


def test_a_drawing_without_strokes_says_what_it_has() -> None:
    with pytest.raises(InputError, match="no strokes in it, but image, text"):
        svg("<text>1</text><image href='data:,'/>")


@pytest.mark.parametrize(("content", "box"), [
    ("<defs><path id='m' d='M0 0H40'/></defs><use href='#m' x='120' y='70'/>", [120, 70, 160, 70]),
    ("<symbol id='m' viewBox='0 0 10 10'><path d='M0 5H10'/></symbol>"
     "<use xlink:href='#m' x='20' y='30' width='100' height='100'/>", [20, 80, 120, 80]),
    ("<defs><g id='m'><path d='M0 0H40'/></g><use id='n' href='#m' y='5'/></defs>"
     "<use href='#n' transform='scale(2)' x='1'/>", [2, 10, 82, 10]),
    ("<svg x='10' y='20' width='50' height='100' viewBox='0 0 10 10'><path d='M0 5H10'/></svg>",
     [10, 70, 60, 70]),
    ("<a><switch><foreignObject requiredExtensions='x'/><g><path d='M0 5H10'/></g>"
     "<path d='M0 9H10'/></switch></a>", [0, 5, 10, 5]),
])  # fmt: skip
def test_use_and_nested_drawings_stand_where_they_should(content: str, box: list[float]) -> None:
    ink = svg(f"<g {PEN}>{content}</g>", "xmlns:xlink='http://www.w3.org/1999/xlink'")
    assert boxes(ink) == [pytest.approx(box, abs=0.01)]


def test_use_of_use_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg_strokes, "_MAX_USED", 1000)
    ring = f"{INK}<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>"
    assert len(svg(ring).strokes) == 2
    ten = [f"<use href='#l{n}'/>" * 10 for n in range(9)]
    layers = "".join(f"<g id='l{n}'>{each}</g>" for n, each in enumerate(ten, start=1))
    with pytest.raises(InputError, match="more than 1000 elements"):
        svg(f"<defs><path id='l0' d='M0 0H1'/>{layers}</defs><use href='#l9'/>")


def test_white_strokes_on_white_erase_and_are_no_ink() -> None:
    line = f"<path {PEN} d='M90 70H130'/>"
    white = "<path fill='none' stroke='#fff' stroke-width='20' d='M85 70H135'/>"
    assert len(svg(INK + line + white).strokes) == 2
    assert len(svg(INK + white + line).strokes) == 3  # drawn afterwards
    assert len(svg(INK + line + "<rect x='85' y='60' width='60' height='20' fill='white'/>")
               .strokes) == 2  # fmt: skip


def test_what_is_erased_in_the_middle_is_two_strokes() -> None:
    white = "<path fill='none' stroke='white' stroke-width='20' d='M60 50H80'/>"
    found = boxes(svg(INK + white))
    assert found[0] == [20, 20, pytest.approx(50, abs=2), 90]
    assert found[1] == pytest.approx([70, 20, 70, 40], abs=2)
    assert found[2] == pytest.approx([70, 60, 70, 90], abs=2)


@pytest.mark.parametrize(("attributes", "paper"), [
    ("viewBox='0 0 400 150'", "<rect width='400' height='150' fill='#123'/>"),
    ("viewBox='0 0 400 150' style='background:#222'", ""),
    ("viewBox='0 0 400 150'", ""),  # nothing but white: it was drawn on something dark
])  # fmt: skip
def test_white_strokes_on_a_blackboard_are_ink(attributes: str, paper: str) -> None:
    ink = svg(paper + INK.replace("#000", "#fff"), attributes)
    assert (len(ink.strokes), ink.left_out) == (2, ())
    if paper:
        dark = f"<path fill='none' stroke='#123' stroke-width='9' d='M60 50H80'/>{INK}"
        assert len(svg(paper + dark.replace("#000", "#fff"), attributes).strokes) == 2


def test_a_line_as_broad_as_a_marker_is_named() -> None:
    ink = svg("<path fill='none' stroke='#ff0' stroke-width='60' d='M10 50H90'/>" + INK)
    assert (len(ink.strokes), left_out(ink)) == (2, ["broad line"])
    thick = INK.replace("stroke-width='3'", "stroke-width='60'")
    assert svg(thick).left_out == ()  # no broader than the others


def test_outlines_with_holes_are_the_strokes_that_left_them() -> None:
    nought = "M100 20H160V90H100zM104 24V86H156V24z"  # a pen of 4 along a box
    for path in (nought, nought + "M128 50h2v2h-2z"):  # with a dot inside
        ink = svg(INK + f"<path d='{path}'/>")
        assert left_out(ink) == []
        assert boxes(ink)[2] == pytest.approx([102, 22, 158, 88], abs=1.5)
        assert [len(stroke) for stroke in ink.strokes[3:]] == [1] * path.count("M128")
    blot = "<path d='M100 20H160V90H100zM145 70V80H155V70z'/>"
    assert left_out(svg(INK + blot)) == ["filled shape"]


def test_the_fill_rule_decides_what_is_a_hole() -> None:
    rings = "M100 20H160V90H100zM104 24H156V86H104z"  # in one direction
    assert left_out(svg(INK + f"<path d='{rings}'/>")) == ["filled shape"]
    for way in ("fill-rule='evenodd'", "style='fill-rule:evenodd'"):
        assert len(svg(INK + f"<path {way} d='{rings}'/>").strokes) == 3


TWO = np.array([[0, 3], [2, 0], [7, 0], [9, 3], [6, 8], [0, 13], [10, 13]], np.float32)
"""A figure 2, 10 wide and 13 high."""


@pytest.mark.parametrize("paint", ["", "stroke='#000' stroke-width='.5'"])
def test_small_letters_as_outlines_are_no_dots(paint: str) -> None:
    ring = outline(TWO + np.float32(100), 3)
    path = "M" + " ".join(f"{x:.2f},{y:.2f}" for x, y in ring.tolist()) + "Z"
    ink = svg(f"{INK}<path fill='#000' {paint} d='{path}'/>")
    assert boxes(ink)[2] == pytest.approx([100, 100, 110, 113], abs=1.5)


def test_outlines_with_a_line_round_their_holes_are_strokes() -> None:
    nought = "M100 20H160V90H100zM104 24V86H156V24z"
    ink = svg(f"{INK}<path fill='#000' stroke='#000' stroke-width='.5' d='{nought}'/>")
    assert boxes(ink)[2:] == [pytest.approx([102, 22, 158, 88], abs=1.5)]
    nested = "M100 20H160V90H100zM145 70V80H155V70z"  # drawn by a pen, and filled by mistake
    assert len(svg(f"{INK}<path fill='#000' stroke='#000' d='{nested}'/>").strokes) == 4


def test_many_outlines_in_one_path_keep_their_holes() -> None:
    places = [(20 * column, 20 * row) for row in range(20) for column in range(20)]
    path = "".join(f"M{x} {y}h10v10h-10zM{x + 1} {y + 1}v8h8v-8z" for x, y in places)
    ink = svg(f"<path d='{path}'/>", "viewBox='0 0 400 400'")
    assert len(ink.strokes) == len(places)
    assert min(np.ptp(stroke, axis=0).min() for stroke in ink.strokes) > 8


def test_print_is_named_and_no_ink() -> None:
    glyph = "<symbol id='g'><path d='M0 0H30V4H18V60H12V4H0z'/></symbol>"
    ink = svg(f"{glyph}{INK}<use href='#g' x='90' y='20'/><use href='#g' x='130' y='20'/>")
    assert (len(ink.strokes), left_out(ink)) == (2, ["printed sign"] * 2)
    bar, cross = "M0 0h60v5h-60z", "M20 0h5v20h20v5h-20v20h-5v-20h-20v-5h20z"
    places = [f"<path transform='translate({90 + 70 * n})' d='{d}'/>"
              for n, d in enumerate((bar, cross, cross))]  # fmt: skip
    ink = svg(INK + "".join(places))
    assert (len(ink.strokes), left_out(ink)) == (2, ["printed sign"] * 3)
    assert len(svg(INK + places[0]).strokes) == 3


def test_every_file_of_the_corpus_is_read_or_refused() -> None:
    for path in (Path(__file__).parent / "fuzz/corpus/notes").glob("*.svg"):
        with contextlib.suppress(InputError):
            (ink,) = read_svg(path.read_bytes(), path.name)
            assert ink.strokes


def test_pieces_of_a_stroke_in_elements_of_their_own_are_one() -> None:
    places = [(10 * n, n * n) for n in range(9)]
    pieces = [
        f"<path fill='none' stroke='#000' stroke-width='{n % 3 + 1}' d='M{x} {y}L{u} {v}'/>"
        for n, ((x, y), (u, v)) in enumerate(pairwise(places))
    ]
    ink = svg("".join(pieces) + INK)
    assert ink.strokes[0].tolist() == [list(place) for place in places]
    assert len(ink.strokes) == 3
    assert len(svg("".join(pieces[:2])).strokes) == 1
    alike = "".join(pieces[:2]).replace("stroke-width='2'", "stroke-width='1'")
    assert len(svg(alike).strokes) == 2  # two strokes of one pen may meet
    assert len(svg(f"<path {PEN} d='M0 0H9M9 0V9M9 9H0M0 9V0'/>").strokes) == 4  # of one path


def test_pieces_of_a_pen_that_rests_are_one_stroke() -> None:
    places = [(20, 20), (20, 20), (30, 25), (30, 25), (45, 22), (60, 30)]
    pieces = "".join(
        f"<path fill='none' stroke='#000' stroke-width='{2 + number / 10}' d='M{a} {b}L{c} {d}'/>"
        for number, ((a, b), (c, d)) in enumerate(pairwise(places))
    )
    assert boxes(svg(pieces)) == [[20, 20, 60, 30]]


def test_what_lies_outside_the_page_is_no_ink_and_is_said() -> None:
    outside = f"<path {PEN} d='M20 410C60 410 60 480 20 480'/>"
    ink = svg(INK + outside)
    assert (len(ink.strokes), left_out(ink)) == (2, ["line outside the page"])
    assert not any(each.doubtful for each in ink.left_out)
    half_in = f"<path {PEN} d='M20 140V160'/>"
    assert len(svg(INK + half_in).strokes) == 3


@pytest.mark.parametrize("attributes", [
    "viewBox='0 0 400 150' width='400' height='700'", "viewBox='0 0 400 150' overflow='visible'",
    "viewBox='0 0 400 150' style='overflow: visible'", "",
])  # fmt: skip
def test_what_has_room_beside_the_view_box_is_seen(attributes: str) -> None:
    assert len(svg(f"{INK}<path {PEN} d='M20 380V420'/>", attributes).strokes) == 3


def test_what_is_drawn_again_at_the_same_place_is_there_once() -> None:
    assert boxes(svg(INK + INK)) == boxes(svg(INK))
    white = "<path fill='none' stroke='#fff' stroke-width='20' d='M85 70H135'/>"
    line = f"<path {PEN} d='M90 70H130'/>"
    assert len(svg(INK + line + white + line).strokes) == 3  # rubbed out in between


def test_the_lines_of_paper_are_no_ink() -> None:
    rules = "".join(f"<line {PEN} x1='20' x2='380' y1='{y}' y2='{y}'/>" for y in (30, 60, 90))
    assert len(svg(rules + INK).strokes) == 2
    assert len(svg(rules[: rules.index("/>") + 2] + INK).strokes) == 3  # one may be a long bar
    assert len(svg(rules.replace("380", "100") + INK).strokes) == 5


@pytest.mark.parametrize("offset", [0, 7], ids=["squared", "offset rows"])
@pytest.mark.parametrize("one_path", [False, True])
def test_the_dots_of_dotted_paper_are_no_ink(one_path: bool, offset: int) -> None:
    places = [(14 * i + offset * (j % 2), 14 * j) for i in range(1, 28) for j in range(1, 10)]
    gray = "fill='none' stroke='#bdbdbd' stroke-width='1.5' stroke-linecap='round'"
    path = f"<path {gray} d='" + " ".join(f"M{x} {y}L{x} {y}" for x, y in places) + "'/>"
    round_ = "".join(f"<circle cx='{x}' cy='{y}' r='.7' fill='#ccc'/>" for x, y in places)
    assert len(svg((path if one_path else round_) + INK).strokes) == 2


def test_dots_that_a_hand_set_are_ink() -> None:
    places = np.random.default_rng(0).uniform(100, 140, (40, 2)).round(1).tolist()
    taps = "".join(f"<path {PEN} stroke-linecap='round' d='M{x} {y}L{x} {y}'/>" for x, y in places)
    assert len(svg(taps + INK).strokes) == 42


PENCIL = f"<path {PEN} {{}} d='M90 20C120 20 130 90 100 90'/>"


@pytest.mark.parametrize(("pencil", "number"), [
    ("stroke-opacity='.5'", 3),
    ("opacity='.5' stroke-linejoin='round'", 3),
    ("stroke-opacity='.2'", 2),
    ("stroke-opacity='.5' style='stroke-width:12'", 2),
    ("stroke-opacity='.5' style='stroke-width:5.8'", 3),
    ("stroke-opacity='.5' style='stroke-width:6'", 2),
])  # fmt: skip
def test_a_translucent_line_is_ink_where_it_is_no_broader_than_the_pens(
    pencil: str, number: int
) -> None:
    assert len(svg(INK + PENCIL.format(pencil)).strokes) == number


def test_a_drawing_in_translucent_lines_alone_is_read() -> None:
    faint = INK.replace("'#000'", "'rgba(0,0,0,.5)'")
    assert len(svg(faint).strokes) == 2
    assert (
        len(svg(faint + PENCIL.format("style='stroke:rgb(0 0 0/.5);stroke-width:20'")).strokes) == 2
    )


def test_a_translucent_white_line_erases_nothing() -> None:
    across = f"<path {PEN} style='stroke:#fff;stroke-opacity:.5' d='M0 50H100'/>"
    assert len(svg(INK + across).strokes) == 2


@pytest.mark.parametrize("transform", [
    "transform: translate(50%)", "transform: rotate(1rad); transform-box: fill-box; "
    "transform-origin: center", "transform: perspective(3px)", "transform: scale(2) rotate(1em)",
    "translate: 1px 2px 3%", "rotate: x 45deg", "rotate: 1 1 0 45deg", "scale: calc(1 + 1)",
    "rotate: 90deg; transform-origin: center; transform-box: fill-box", "scale: auto",
])  # fmt: skip
def test_transforms_that_cannot_be_followed_are_refused(transform: str) -> None:
    with pytest.raises(InputError, match=r"x.svg: .*is not understood"):
        svg(f"<path {PEN} style='{transform}' d='M0 0H9'/>")


def test_the_middle_of_the_page_is_an_origin_of_transforms() -> None:
    turned = "style='transform:rotate(180deg);transform-origin:center'"
    assert boxes(svg(f"<path {PEN} {turned} d='M0 0H10'/>")) == [[390, 150, 400, 150]]
    moved = "style='transform:translate(5px);transform-origin:center;transform-box:fill-box'"
    assert boxes(svg(f"<path {PEN} {moved} d='M0 0H10'/>")) == [[5, 0, 15, 0]]
