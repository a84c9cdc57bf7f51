"""SVG that is minified or has errors, as browsers show it, and what shapes cost that are shown
again."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from inkfiles import boxes

from hmer_cli.errors import InputError
from hmer_cli.ink import svg_outlines, svg_strokes
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.notes import kind_of
from hmer_cli.ink.svg_geometry import Get, outlines
from hmer_cli.ink.svg_path import Points

PEN = "fill='none' stroke='#000' stroke-width='3'"
LINE = f"<path {PEN} d='M20 50H60'/>"


def whole(content: str, attributes: str = "viewBox='0 0 400 150'") -> str:
    return f"<svg xmlns='http://www.w3.org/2000/svg' {attributes}>{content}</svg>"


def read(data: bytes) -> Ink:
    kind = kind_of(data)
    assert kind is not None and kind.name == "SVG"
    (ink,) = kind.read(data, "x.svg")
    return ink


def svg(content: str, attributes: str = "viewBox='0 0 400 150'") -> Ink:
    return read(whole(content, attributes).encode())


@pytest.mark.parametrize(("transform", "box"), [
    ("translate(.5.5)", [20.5, 50.5, 60.5, 50.5]),
    ("translate(10-5)", [30, 45, 70, 45]),
    ("matrix(.99.1-.1.99 0 0)", [14.8, 51.5, 54.4, 55.5]),
    ("translate(1e1.5e1)scale(1)", [30, 55, 70, 55]),
])  # fmt: skip
def test_numbers_of_transforms_may_touch(transform: str, box: list[float]) -> None:
    assert boxes(svg(f"<g transform='{transform}'>{LINE}</g>")) == [pytest.approx(box, abs=0.05)]


@pytest.mark.parametrize("transform", ["translate(1 b)", "translate(1;2)", "rotate(9 1em1e)"])
def test_what_else_stands_in_a_transform_is_refused(transform: str) -> None:
    with pytest.raises(InputError, match=r"x.svg: transform .* is not understood"):
        svg(f"<g transform='{transform}'>{LINE}</g>")


def test_turns_out_of_the_plane_are_no_turns_in_it() -> None:
    turned = f"<g style='transform:rotateZ(90deg)'>{LINE}</g>"
    assert boxes(svg(turned, "overflow='visible'")) == [[-50, 20, -50, 60]]
    for kind in ("rotateX(180deg)", "rotateY(180deg)", "rotate3d(1, 0, 0, 180deg)"):
        with pytest.raises(InputError, match="is not understood"):
            svg(f"<g style='transform:{kind}'>{LINE}</g>")


@pytest.mark.parametrize("width", [
    "stroke-width='0.2vw'", "stroke-width='1ch'", "stroke-width='.5vmin'", "stroke-width='1Q'",
    "style='stroke-width:calc(1px + 1px)'", "style='stroke-width:initial'", "stroke-width='thin'",
    "stroke-width='-1'", "stroke-width='NaN'", "style='stroke-width:-1px'", "stroke-width=''",
    "style='stroke-width:var(--none)'", "stroke-width='1foo'",
])  # fmt: skip
def test_an_odd_width_of_a_line_hides_no_line(width: str) -> None:
    ink = svg(f"{LINE}<path fill='none' stroke='#000' {width} d='M20 80H60'/>")
    assert (boxes(ink), ink.left_out) == ([[20, 50, 60, 50], [20, 80, 60, 80]], ())


@pytest.mark.parametrize(("around", "own", "seen"), [
    ("stroke-width='0'", "stroke-width='foo'", False),  # is that of the group
    ("stroke-width='0'", "stroke-width=''", False),
    ("stroke-width='0'", "style='stroke-width:unset'", False),
    ("stroke-width='0'", "style='stroke-width:initial'", True),
    ("stroke-width='3'", "stroke-width='0' style='stroke-width:foo'", False),  # is the attribute's
    ("stroke-width='3'", "style='stroke-width:0;stroke-width:foo'", False),
    ("stroke-width='3'", "style='stroke:initial'", False),
    ("stroke-width='3'", "style='stroke:var(--none)'", True),
])  # fmt: skip
def test_a_value_that_is_none_counts_as_not_given(around: str, own: str, seen: bool) -> None:
    line = f"<g fill='none' stroke='#000' {around}><path {own} d='M20 80H60'/></g>"
    assert len(svg(LINE + line).strokes) == 1 + seen


@pytest.mark.parametrize("shape", [
    "<line x1='NaN' y1='3' x2='9' y2='9'/>", "<line x1='round(up, 1px, 2px)' x2='90' y2='9'/>",
    "<line x1='calc(1px + 2)' x2='90'/>", "<rect x='calc(1px+2px)' width='9' height='90'/>",
    "<circle cx='calc(9px / 0)' cy='3' r='9'/>", "<circle cx='env(a, 3px)' cy='3' r='9'/>",
    "<rect x='undefined' y='3' width='9' height='90'/>", "<circle cx='1' cy='3' r='9 px x'/>",
    "<svg x='left'><path d='M0 0H9'/></svg>", "<use href='#a' x='NaN'/>",
])  # fmt: skip
def test_a_shape_without_a_place_is_named_and_no_ink(shape: str) -> None:
    ink = svg(f"{LINE}<defs><path id='a' d='M0 0H9'/></defs><g {PEN}>{shape}</g>")
    assert [each.what for each in ink.left_out] == ["damaged shape"]
    assert boxes(ink) == [[20, 50, 60, 50]]


def test_a_shape_without_a_place_that_is_not_painted_is_not_named() -> None:
    assert svg(f"{LINE}<rect fill='none' width='NaN' height='9'/>").left_out == ()


@pytest.mark.parametrize("style", ["style='x:NaN'", "style='x:-1foo'"])
def test_an_error_in_style_leaves_the_place_that_the_attributes_say(style: str) -> None:
    ink = svg(f"<rect {PEN} {style} x='10' y='20' width='30' height='40'/>")
    assert boxes(ink) == [[10, 20, 40, 60]]


@pytest.mark.parametrize("shape", [
    "<path d='M10 20H40V60H10Z'/>",
    "<rect x='calc(4px + 2 * 3px)' y='20' width='calc((20% + 10px) * 1)' height='4e1'/>",
    "<rect style='x:calc(100% - 90px);y:max(10px, 20px);width:min(30%, 80px)' height='40'/>",
    "<rect x='10' y='clamp(20px, 3px, 30px)' width='calc(1in - 66px)' height='abs(-40px)'/>",
    "<g style='--w:15px'><rect x='10' y='20' style='width:calc(2*var(--w))' height='40'/></g>",
    "<svg x='CALC( 5px + 5px )' y='20' width='50' height='50'><rect width='30' height='40'/></svg>",
])  # fmt: skip
def test_lengths_that_are_computed_are_computed(shape: str) -> None:
    ink = svg(f"<g {PEN}>{shape}</g>", "viewBox='0 0 100 100'")
    assert (boxes(ink), ink.left_out) == ([[10, 20, 40, 60]], ())


@pytest.mark.parametrize(("width", "number"), [
    ("calc(50px + 10px)", 1), ("calc(100% - 40px)", 2), ("calc(10% + 40px)", 2), ("100%", 2),
    ("clamp(60px, 100%, 90px)", 2), ("clamp(100%, 60px, 50px)", 2), ("clamp(60px, 50px, 100%)", 2),
    ("max(60px, 100%)", 2), ("max(100%, 60px)", 2), ("min(60px, 100%)", 2), ("min(100%, 60px)", 2),
    ("max(50px, 60px)", 1), ("clamp(60px, 3px, 90px)", 1),
])  # fmt: skip
def test_a_page_as_wide_as_computed_ends_there(width: str, number: int) -> None:
    far = f"{LINE}<path {PEN} d='M70 70V90'/>"
    assert len(svg(far, f"width='{width}' height='100'").strokes) == number


def test_a_length_without_end_takes_no_time() -> None:
    for text in ("calc(" * 9_999, "calc(" + "1px + " * 99_999, "calc(" + "9" * 99_999):
        ink = svg(f"{LINE}<rect {PEN} width='{text}' height='9'/>")
        assert [each.what for each in ink.left_out] == ["damaged shape"]


def test_points_are_drawn_up_to_an_error_and_none_is_made_up() -> None:
    ink = svg(f"{LINE}<polyline {PEN} points='10,90 40,20 NaN,70 90,90'/>")
    assert boxes(ink)[1] == [10, 20, 40, 90]
    assert [each.what for each in ink.left_out] == ["damaged path"]


@pytest.mark.parametrize("size", [
    "width='800' height='200'", "style='width:8in;height:2in'", "width='8cm' height='20mm'",
])  # fmt: skip
def test_a_drawing_that_is_stretched_is_read_as_it_is_shown(size: str) -> None:
    drawn = "<path fill='none' stroke='#000' stroke-width='.01' d='M.1 .1V.9M.2 .5H.4'/>" \
            "<path fill='none' stroke='#000' stroke-width='.01' d='M.5 1.1V1.2'/>"  # fmt: skip
    box = "viewBox='0 0 1 1'"
    ink = svg(drawn, f"{box} {size} preserveAspectRatio='none'")
    assert ink.strokes[0] == pytest.approx(np.array([(0.1, 0.025), (0.1, 0.225)]))
    assert ink.strokes[1] == pytest.approx(np.array([(0.2, 0.125), (0.4, 0.125)]))
    assert [each.what for each in ink.left_out] == ["line outside the page"]
    for other in (f"{box} {size}", f"{box} preserveAspectRatio='none'",
                  f"{box} width='100%' height='100%' preserveAspectRatio='none'"):  # fmt: skip
        assert svg(drawn, other).strokes[0] == pytest.approx(np.array([(0.1, 0.1), (0.1, 0.9)]))


def test_a_drawing_as_large_as_a_window_has_room() -> None:
    far = f"{LINE}<path {PEN} d='M900 700H950'/>"
    assert len(svg(far, "width='100vw' height='100vh'").strokes) == 2


@pytest.mark.parametrize("data", [
    whole(LINE).encode("utf-16"),
    f"<?xml version='1.0' encoding='UTF-16'?>{whole(LINE)}".encode("utf-16-be"),
    f"<?xml version='1.0'?><!-- <ink> {'long ' * 2000} -->{whole(LINE)}".encode(),
    "<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'svg11.dtd' [\n"
    f"<!ATTLIST ink a CDATA #IMPLIED><!-- <ink> ]> -->\n] >{whole(LINE)}".encode(),
    whole(LINE).replace("<svg", "<s:svg").replace("</svg", "</s:svg")
    .replace("xmlns=", "xmlns:s=").replace("<path", "<s:path").encode(),
], ids=["UTF-16", "UTF-16 without a mark", "comment", "DOCTYPE", "prefix"])  # fmt: skip
def test_a_drawing_is_known_by_its_root(data: bytes) -> None:
    assert boxes(read(data)) == [[20, 50, 60, 50]]


def test_inkml_that_speaks_of_svg_is_inkml() -> None:
    traces = "<!-- not an <svg > --><trace>0 0, 1 1</trace>"
    kind = kind_of(f'<ink xmlns="http://www.w3.org/2003/InkML">{traces}</ink>'.encode())
    assert kind is not None and kind.name == "InkML"


@pytest.mark.parametrize("piece", ["<!DOCTYPE [", "<!--", "<?", "]  ", "<a", "<1", "<!DOCTYPE a>"])
def test_the_root_is_looked_for_in_linear_time(piece: str) -> None:
    begin = time.process_time()
    kind_of(b"<!DOCTYPE [" + piece.encode() * 300_000)
    kind_of(b"<" + piece.encode() * 300_000)
    assert time.process_time() - begin < 2


RING = "M" + " ".join(
    f"{100 + 50 * math.cos(n / 160):.2f},{70 + 50 * math.sin(n / 160):.2f}" for n in range(1000)
)
CLIPPED = f"<clipPath id='c'><path d='{RING}z'/></clipPath>" + "".join(
    f"<path {PEN} clip-path='url(#c)' d='M{60 + n / 10} 50H{80 + n / 10}'/>" for n in range(100)
)
USED = f"<defs><path id='c' {PEN} d='{RING}z'/></defs>" + "".join(
    f"<use href='#c' x='{n}'/>" for n in range(100)
)


@pytest.mark.parametrize("content", [CLIPPED, USED], ids=["clipped", "used"])
def test_a_shape_that_is_shown_often_is_parsed_once(
    content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    def counted(
        tag: str, get: Get, size: tuple[float, float], window: tuple[float, float]
    ) -> list[tuple[Points, bool]]:
        parsed.append(tag)
        return outlines(tag, get, size, window)

    monkeypatch.setattr(svg_outlines, "outlines", counted)
    assert len(svg(content).strokes) == 100
    assert len(parsed) == 1 + content.count("clip-path")


def test_points_that_are_shown_again_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg_strokes, "_MAX_USED", 1000)
    with pytest.raises(InputError, match="more than 1000 elements, or 100000 points"):
        svg(USED)
    turned = CLIPPED.replace("<path fill", "<path transform='translate(0)' fill")
    assert len(svg(turned).strokes) == 100
    moved = turned.split("translate(0)")
    with pytest.raises(InputError, match="clip paths show more"):
        svg("".join(f"{part}translate({n / 100})" for n, part in enumerate(moved[:-1])) + moved[-1])
