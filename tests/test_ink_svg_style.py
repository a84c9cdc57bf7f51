"""Style sheets, colours, opacity, transforms and clips of SVG: what is seen, and where."""

from __future__ import annotations

import pytest
from PIL import ImageColor
from test_ink_svg import INK, PEN, boxes, svg

from hmer_cli.errors import InputError
from hmer_cli.ink import svg_style
from hmer_cli.ink.colours import WHITE, colour_of


@pytest.mark.parametrize("sheet", [
    ".st0{fill:none;stroke:#000000;stroke-width:3;}",
    "path { fill: none; stroke: black }",
    "#one, .other { fill:none; stroke:#000 }",
    "<![CDATA[ /* a { b */ path.st0{fill:none;stroke:rgb(0,0,0)} ]]>",
    "svg > g .st0{fill:none;stroke:#000} .st0:hover{display:none}",
    "@media screen{.st0{fill:none;stroke:#000}} @media print{.st0{display:none}}",
    "@font-face{font-family:x} @import url('a.css'); .st0{fill:none;stroke:#000}",
    ":root{--ink:#000} .st0{fill:none;stroke:var(--ink)}",
    "g{color:#000;stroke:currentColor} .st0{fill:none}",
    "* {fill:none} .st0{stroke:var(--none, #000)}",
    "* {fill:none} .st0{stroke:var(--none, rgb(0, 0, 0))}",
    "* {fill:none} .st0{stroke:var(--none, var(--other, hsl(0, 0%, 0%)))}",
    ":root{--ink:rgb(0,0,0)} .st0{fill:var( --a,none );stroke:var(--ink, rgb(255, 255, 255))}",
    "* {fill:none} .st0{stroke:#000;stroke-width:calc(var(--none, min(3px, 9px)) * 1)}",
])  # fmt: skip
def test_style_sheets_say_what_is_a_line(sheet: str) -> None:
    ink = svg(f"<style>{sheet}</style><g><path id='one' class='st0 x' d='M20 50H60M40 30V70'/></g>")
    assert boxes(ink) == [[20, 50, 60, 50], [40, 30, 40, 70]]


@pytest.mark.parametrize(("attributes", "shown"), [
    ("class='no'", False),
    ("class='no' style='display:inline'", True),
    ("class='no' display='inline'", False),  # an attribute is less than any rule
    ("class='no' id='yes'", True),
    ("class='no must'", True),
    ("class='no must' style='display:none'", True),
    ("class='sure' style='visibility:visible'", True),
    ("class='sure'", False),
    ("style='opacity:0'", False),
    ("stroke='transparent'", False),
    ("stroke='rgba(0, 0, 0, 0.1)'", False),
    ("stroke='hsl(0 0% 0% / 20%)'", False),
    ("stroke-width='0'", False),
    ("style='mix-blend-mode:multiply'", False),
])  # fmt: skip
def test_the_cascade_decides_what_is_seen(attributes: str, shown: bool) -> None:
    sheet = ".no{display:none} #yes{display:inline} .must{display:inline!important} " \
            ".sure{visibility:hidden}"  # fmt: skip
    ink = svg(f"<style>{sheet}</style>{INK}<path {PEN} {attributes} d='M150 20H190'/>"
              .replace(f"{PEN} stroke", "fill='none' stroke"))  # fmt: skip
    assert (len(ink.strokes) == 3) is shown


def test_opacity_of_groups_is_multiplied_and_hidden_groups_may_show_a_child() -> None:
    faint = f"<g opacity='.6'><path opacity='.6' {PEN} d='M150 20H190'/></g>"
    assert len(svg(INK + faint).strokes) == 2
    child = f"<g visibility='hidden'><path visibility='visible' {PEN} d='M150 20H190'/></g>"
    assert len(svg(INK + child).strokes) == 3


@pytest.mark.parametrize(("opacity", "named"), [("0.5", ["translucent shape"]), ("0.1", [])])
def test_shapes_that_let_the_paper_through_are_named(opacity: str, named: list[str]) -> None:
    shape = f"<path d='M20 50L60 48L60 52L20 54Z' fill-opacity='{opacity}'/>"
    ink = svg(f"{INK}{shape}")
    assert len(ink.strokes) == 2
    assert [each.what for each in ink.left_out] == named


@pytest.mark.parametrize(("fill", "named"), [("#fff", ["translucent shape"]), ("#222", [])])
def test_translucent_shapes_on_dark_paper_are_named_by_its_colour(
    fill: str, named: list[str]
) -> None:
    paper = "<rect width='200' height='200' fill='#222'/>"
    shape = f"<path d='M20 50L60 48L60 52L20 54Z' fill='{fill}' fill-opacity='0.5'/>"
    pen = "<path d='M20 20L60 60' stroke='#fff' fill='none'/>"
    ink = svg(f"{paper}{pen}{shape}")
    assert [each.what for each in ink.left_out] == named


def test_a_translucent_tint_of_the_page_is_not_named() -> None:
    tint = "<rect width='200' height='200' fill='yellow' fill-opacity='0.5'/>"
    assert svg(f"{tint}{INK}", "viewBox='0 0 200 200'").left_out == ()


@pytest.mark.parametrize(("transform", "box"), [
    ("style='transform: translate(10px, 5px) scale(2)'", [10, 5, 30, 5]),
    ("style='transform:rotate(0.25turn)'", [0, 0, 0, 10]),
    ("style='transform:rotate(90deg);transform-origin:10px 0px'", [10, -10, 10, 0]),
    ("transform='matrix(1,0,0,1,10-5)'", [10, -5, 20, -5]),
    ("transform='skewX(45)' style='transform:none'", [0, 0, 10, 0]),
    ("style='translate: 10px 5px'", [10, 5, 20, 5]),
    ("style='translate:10px;rotate:90deg;scale:2 3'", [10, 0, 10, 20]),
    ("style='rotate:z 90deg;transform-origin:10px 0px'", [10, -10, 10, 0]),
    ("style='scale:50%' transform='translate(10)'", [5, 0, 10, 0]),
    ("style='translate: 50% calc(1px + (2px * 2))'", [200, 5, 210, 5]),
    ("style='translate:none;rotate:none;scale:none'", [0, 0, 10, 0]),
    ("rotate='45' translate='no' scale='2'", [0, 0, 10, 0]),  # attributes of other elements
])  # fmt: skip
def test_transforms_of_css_move_as_attributes_do(transform: str, box: list[float]) -> None:
    line, page = (
        f"<path {PEN} {transform} d='M0 0H10'/>",
        "viewBox='0 0 400 150' overflow='visible'",
    )
    assert boxes(svg(line, page)) == [pytest.approx(box, abs=0.05)]


def test_a_path_may_stand_in_the_style() -> None:
    assert boxes(svg(f"<path {PEN} style='d:path(\"M20 50H60\")' d='M0 0H9'/>")) == [
        [20, 50, 60, 50]
    ]
    sheet = "<style>.a{d: path('M20 50H60');fill:none;stroke:#000}</style>"
    assert boxes(svg(f"{sheet}<path class='a'/>")) == [[20, 50, 60, 50]]


def test_what_a_clip_path_hides_is_no_ink() -> None:
    clip = "<clipPath id='c'><rect x='0' y='0' width='100' height='150'/></clipPath>"
    path = f"<path {PEN} d='M150 20H190'/>"
    ink = svg(f"{clip}<g clip-path='url(#c)'>{INK}{path}</g>")
    assert len(ink.strokes) == 2


SMALL = "<rect width='9' height='9'/>"


@pytest.mark.parametrize(("attributes", "inside"), [
    ("transform='translate(100 0)'", "<rect width='100' height='150'/>"),
    ("style='transform:translate(100px)'", "<rect width='100' height='150'/>"),
    ("transform='scale(2)'", "<rect width='50' height='75' transform='translate(50)'/>"),
    ("", "<rect width='100' height='150' style='transform:translate(100px)'/>"),
    ("", "<rect width='100' height='150' style='translate:100px'/>"),
    ("", "<rect class='moved' width='100' height='150'/>"),
    ("", f"{SMALL}<use href='#r'/>"),
    ("", f"{SMALL}<text x='120' y='20'>seen through the letters</text>"),
    ("", "<rect width='9' height='9' style='transform:translate(50%)'/>"),
])  # fmt: skip
def test_what_a_clip_path_shows_is_ink(attributes: str, inside: str) -> None:
    sheet = "<style>.moved{transform:translate(100px)}</style>"
    used = "<defs><rect id='r' x='100' width='100' height='150'/></defs>"
    clip = f"{sheet}{used}<clipPath id='c' {attributes}><title>c</title>{inside}</clipPath>"
    ink = svg(f"{clip}<path {PEN} clip-path='url(#c)' d='M150 20H190'/>")
    assert boxes(ink) == [[150, 20, 190, 20]]


def test_a_clip_path_that_was_moved_away_hides_what_lies_where_it_was() -> None:
    clip = f"<clipPath id='c' transform='translate(300 0)'>{SMALL}</clipPath>"
    ink = svg(f"{clip}{INK}<path {PEN} clip-path='url(#c)' d='M1 1H9'/>")
    assert len(ink.strokes) == 2


@pytest.mark.parametrize(("text", "rgba"), [
    ("#fff", (1, 1, 1, 1)), ("#FF000080", (1, 0, 0, 128 / 255)), ("navy", (0, 0, 128 / 255, 1)),
    ("rgb(100%, 0%, 50%)", (1, 0, 0.5, 1)), ("rgb(255 0 0 / 50%)", (1, 0, 0, 0.5)),
    ("rgba(255,0,0,.5)", (1, 0, 0, 0.5)), ("hsl(120, 100%, 50%)", (0, 1, 0, 1)),
    ("hsla(240deg 100% 50% / 1)", (0, 0, 1, 1)),
])  # fmt: skip
def test_colours_are_those_of_css(text: str, rgba: tuple[float, ...]) -> None:
    assert colour_of(text) == pytest.approx(rgba)


@pytest.mark.parametrize("text", ["none", "", "url(#g)", "#12345", "rgb(1,2)", "rgb(a,b,c)"])
def test_what_is_no_colour_is_none(text: str) -> None:
    assert colour_of(text) is None


@pytest.mark.parametrize("style", [
    "{" * 50_000, "a" * 200_000, "/*" * 100_000, "." * 100_000, ">" * 50_000 + "{}",
    ".a{--x:var(--y);--y:var(--x);stroke:var(--x)}", ".a{stroke:" + "var(--x" * 20_000 + "}",
], ids=["braces", "name", "comments", "dots", "children", "circle", "nested"])  # fmt: skip
def test_style_sheets_of_nonsense_are_passed_over(style: str) -> None:
    escaped = style.replace(">", "&gt;")
    assert len(svg(f"<style>{escaped}</style>{INK}").strokes) == 2


def test_rules_without_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg_style, "_MAX_TESTS", 10_000)
    sheet = "*{color:red}" * 500
    with pytest.raises(InputError, match="too many rules of style"):
        svg(f"<style>{sheet}</style>{INK * 50}")


def test_a_named_colour_is_the_same_before_and_after_pillow_has_looked_it_up() -> None:
    first = colour_of("white")
    ImageColor.getrgb("white")  # it keeps what it found in its table
    assert colour_of("white") == first == WHITE
