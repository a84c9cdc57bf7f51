"""JSON strokes with tools and colours, and drawings of Excalidraw: what is ink, and what is not."""

from __future__ import annotations

import base64
import json
import struct
import time
from typing import Any

import numpy as np
import pytest
from inkfiles import boxes

from hmer_cli.errors import InputError
from hmer_cli.ink import erasing
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.json_strokes import read_json

UPRIGHT = [[50, 20], [50, 90]]
ACROSS = [[20, 50], [80, 50]]


def read(content: Any) -> Ink:
    (ink,) = read_json(json.dumps(content).encode(), "x.json")
    return ink


def element(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "x": 10, "y": 20, "width": 30, "height": 40, "angle": 0,
            "strokeColor": "#1e1e1e", "backgroundColor": "transparent", "fillStyle": "solid",
            "strokeWidth": 2, "opacity": 100, "isDeleted": False, **fields}  # fmt: skip


PEN = element("freedraw", x=100, y=0, points=[[0, 0], [30, 70], [9, 9]])


def scene(*elements: dict[str, Any], paper: str = "#ffffff") -> Ink:
    return read({"type": "excalidraw", "elements": [PEN, *elements],
                 "appState": {"viewBackgroundColor": paper}})  # fmt: skip


@pytest.mark.parametrize("eraser", [
    {"tool": "eraser", "width": 20}, {"tool": "Eraser", "size": 20},
    {"mode": "erase", "lineWidth": 20}, {"isEraser": True, "brushSize": 20},
    {"drawMode": False, "strokeWidth": 20}, {"brushRadius": 10, "brushColor": "#fff"},
    {"globalCompositeOperation": "destination-out", "thickness": 20},
    {"color": "white", "width": 20}, {"strokeColor": "rgb(255, 255, 255)", "width": 20},
    {"pointerType": "ERASER", "width": 20},
])  # fmt: skip
def test_erasers_erase_and_are_no_ink(eraser: dict[str, Any]) -> None:
    pen = {"points": UPRIGHT, "tool": "pen", "color": "black", "width": 3}
    gone = [pen, {**eraser, "points": UPRIGHT}, {**pen, "points": ACROSS}]
    assert boxes(read({"strokes": gone})) == [[20, 50, 80, 50]]
    assert boxes(read([pen, {**eraser, "points": ACROSS}])) == [
        pytest.approx([50, 20, 50, 40], abs=2),
        pytest.approx([50, 60, 50, 90], abs=2),
    ]


def test_an_eraser_of_unknown_width_is_a_doubt_where_it_crosses_ink() -> None:
    eraser = {"tool": "eraser", "points": ACROSS}
    ink = read([{"points": UPRIGHT}, eraser])
    assert (len(ink.strokes), [e.what for e in ink.left_out]) == (1, ["eraser of unknown width"])
    assert read([{"points": [[200, 0], [200, 9]]}, eraser]).left_out == ()


def test_many_erasers_of_unknown_width_take_no_time() -> None:
    pens = [{"points": [[10 * n, 0], [10 * n + 5, 20]]} for n in range(1_500)]
    erasers = [{"tool": "eraser", "points": [[10 * n + 4, 90 * (n % 3)]]} for n in range(1_500)]
    begun = time.process_time()
    ink = read([*pens, *erasers])
    assert time.process_time() - begun < 5  # 20 where each looks at every stroke in turn
    assert len(ink.strokes) == 1_500
    assert [each.box for each in ink.left_out] == [(x, 0, x, 0) for x in range(4, 15_000, 30)]


@pytest.mark.parametrize(("fields", "shown"), [
    ({"tool": "highlighter"}, False), ({"opacity": 0.3}, False), ({"opacity": 30}, False),
    ({"deleted": True}, False), ({"visible": False}, False), ({"color": "#ff000040"}, False),
    ({"tool": "marker"}, True), ({"opacity": 100}, True), ({"color": "yellow"}, True),
    ({"color": 16777215}, True), ({"width": 90, "height": 70, "color": "#000"}, True),
])  # fmt: skip
def test_only_what_is_seen_is_ink(fields: dict[str, Any], shown: bool) -> None:
    ink = read([{"points": UPRIGHT}, {"points": ACROSS, **fields}])
    assert (len(ink.strokes) == 2) is shown
    assert ink.left_out == ()


def test_white_ink_on_a_blackboard_is_ink() -> None:
    white = {"points": UPRIGHT, "color": "#fff", "width": 3}
    black = {"points": ACROSS, "color": "#000", "width": 3}
    assert len(read([white, white]).strokes) == 2
    yellow = {"points": [[20, 200], [80, 203]], "color": "yellow", "width": 3}
    assert len(read([white, yellow, white]).strokes) == 3
    assert boxes(read({"background": "#111", "strokes": [black, white]})) == [[50, 20, 50, 90]]
    assert boxes(read({"background": "#fff", "strokes": [white, black]})) == [[20, 50, 80, 50]]


def test_a_width_in_some_other_unit_erases_nothing() -> None:
    small = [{"points": [[0.1, 0.2], [0.1, 0.9]], "width": 3}]
    ink = read([*small, {"points": [[0, 0.5], [0.5, 0.5]], "tool": "eraser", "width": 20}])
    assert (len(ink.strokes), [e.what for e in ink.left_out]) == (1, ["eraser of unknown width"])


def test_lists_that_are_not_read_are_named() -> None:
    content = {"strokes": [UPRIGHT], "texts": [{"text": "+1"}], "images": [], "paths": [ACROSS]}
    assert [each.what for each in read(content).left_out] == ["paths", "texts"]


@pytest.mark.parametrize(("content", "number"), [
    ({"lines": [{"points": [{"x": 1, "y": 2}], "brushRadius": 2}], "width": 9, "height": 9}, 1),
    ([{"drawMode": True, "strokeWidth": 4, "paths": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}], 1),
])  # fmt: skip
def test_canvas_components_of_the_web_are_read(content: Any, number: int) -> None:
    assert len(read(content).strokes) == number


@pytest.mark.parametrize(("shape", "box"), [
    (element("line", points=[[0, 0], [30, 5]]), [10, 20, 40, 25]),
    (element("line", points=[[0, 0], [20, 0]], angle=np.pi / 2), [20, 10, 20, 30]),
    (element("rectangle"), [10, 20, 40, 60]),
    (element("rectangle", angle=np.pi / 2), [5, 25, 45, 55]),
    (element("ellipse"), [10, 20, 40, 60]),
    (element("diamond"), [10, 20, 40, 60]),
])  # fmt: skip
def test_shapes_of_excalidraw_are_strokes(shape: dict[str, Any], box: list[float]) -> None:
    ink = scene(shape)
    assert boxes(ink) == [[100, 0, 130, 70], pytest.approx(box, abs=0.1)]
    assert ink.left_out == ()


@pytest.mark.parametrize(("heads", "number"), [
    ({}, 2), ({"endArrowhead": None}, 1), ({"startArrowhead": "dot", "endArrowhead": "bar"}, 3),
])  # fmt: skip
def test_arrows_have_their_heads(heads: dict[str, Any], number: int) -> None:
    found = boxes(scene(element("arrow", points=[[0, 0], [80, 0]], **heads)))[1:]
    assert (found[0], len(found)) == ([10, 20, 90, 20], number)
    if not heads:
        assert found[1] == pytest.approx([61.8, 9.7, 90, 30.3], abs=0.1)


def test_a_small_filled_ellipse_is_a_dot_and_a_large_one_is_named() -> None:
    dot = element("ellipse", width=8, height=6, backgroundColor="#1e1e1e")
    assert scene(dot).strokes[1].tolist() == [[14, 23]]
    ink = scene(element("ellipse", width=300, height=200, backgroundColor="red"))
    assert (len(ink.strokes), [each.what for each in ink.left_out]) == (1, ["filled shape"])


def test_a_rectangle_round_the_ink_is_a_frame() -> None:
    ink = scene(element("rectangle", x=90, y=-10, width=60, height=100))
    assert boxes(ink) == [[100, 0, 130, 70]]
    assert [(each.what, each.doubtful) for each in ink.left_out] == [("frame", False)]


@pytest.mark.parametrize(("other", "what"), [
    (element("text", text="+ 1"), ["text"]), (element("image"), ["image"]),
    (element("embeddable"), ["embedded page"]), (element("hologram"), ["hologram"]),
    (element("text", text=" "), []), (element("frame"), []),
    (element("text", text="+ 1", isDeleted=True), []), (element("image", opacity=20), []),
])  # fmt: skip
def test_what_excalidraw_holds_besides_is_named(other: dict[str, Any], what: list[str]) -> None:
    ink = scene(other)
    assert [each.what for each in ink.left_out] == what
    assert all(each.box == (10, 20, 40, 60) for each in ink.left_out)


def test_the_canvas_of_excalidraw_decides_what_is_white() -> None:
    white = element("line", points=[[0, 0], [9, 0]], strokeColor="#ffffff")
    assert len(scene(white).strokes) == 1
    assert boxes(scene(white, paper="#121212")) == [[10, 20, 19, 20]]


def test_elements_that_are_not_understood_are_named() -> None:
    with pytest.raises(InputError, match=r"x.json: element 2 \(line\) is not understood"):
        scene(element("line"))
    with pytest.raises(InputError, match="without strokes, but text"):
        read({"elements": [element("text", text="1")]})


def test_erasers_beyond_counting_are_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "_MAX_TESTS", 1000)
    eraser = {"tool": "eraser", "points": ACROSS, "width": 5}
    ink = read([{"points": UPRIGHT}, *[eraser] * 20])
    assert boxes(ink) == [[50, 20, 50, 90]]
    assert [each.what for each in ink.left_out] == ["erasers beyond counting"]


COLUMNS = [[[50, 50], [20, 90]], [[20, 80], [50, 50]]]
FABRIC = {"type": "path", "left": 50, "top": 20, "strokeWidth": 0, "stroke": "#000",
          "path": [["M", 0, 0], ["L", 0, 35]], "scaleX": 1, "scaleY": 2}  # fmt: skip
TLDRAW = [
    {"typeName": "shape", "type": "draw", "id": "a", "x": 50, "y": 20, "index": "a1",
     "props": {"segments": [{"points": [{"x": 0, "y": 0}, {"x": 0, "y": 70}]}]}},
    {"typeName": "shape", "type": "draw", "id": "b", "x": 0, "y": 0, "index": "a2",
     "parentId": "g", "rotation": -np.pi / 2,
     "props": {"segments": [{"points": [{"x": 0, "y": 10}, {"x": 0, "y": 70}]}]}},
    {"typeName": "shape", "type": "group", "id": "g", "x": 10, "y": 50, "index": "a3"},
]  # fmt: skip


def packed(first: list[float], *steps: float) -> str:
    """As tldraw 4 packs points, by hand."""
    data = struct.pack(f"<{len(first)}f", *first) + struct.pack(f"<{len(steps)}e", *steps)
    return base64.b64encode(data).decode()


def drawn(*segments: dict[str, Any], **props: Any) -> dict[str, Any]:
    shape = {"typeName": "shape", "type": "draw", "id": "a", "x": 50, "y": 20, "index": "a1"}
    return {"records": [{**shape, "props": {"segments": list(segments), **props}}]}


def stroke(x: list[float], y: list[float], **fields: Any) -> dict[str, Any]:
    """An item of JIIX."""
    return {"type": "stroke", "X": x, "Y": y, **fields}


WRITTEN = [
    stroke(*COLUMNS[1], id="b", timestamp="2018-10-11 11:17:23.306000"),
    stroke(*COLUMNS[0], id="a", timestamp="2018-10-11 11:17:22.306000"),
]


@pytest.mark.parametrize("content", [
    {"drawing": COLUMNS},
    {"requests": [{"ink": [[*rows, [0, 9]] for rows in COLUMNS]}]},
    {"strokes": {"strokes": {"x": [r[0] for r in COLUMNS], "y": [r[1] for r in COLUMNS]}}},
    {"x": [r[0] for r in COLUMNS], "y": [r[1] for r in COLUMNS]},
    {"strokeGroups": [{"strokes": [{"x": x, "y": y, "t": [0, 1]} for x, y in COLUMNS]}]},
    {"type": "Math", "expressions": [{"operands": [
        {"items": [{"type": "stroke", "id": str(n), "X": x, "Y": y}]}
        for n, (x, y) in enumerate(COLUMNS)]}]},
    {"type": "Math", "expressions": [{"type": "matrix", "rows": [{"cells": [
        {"items": [{"type": "stroke", "X": x, "Y": y}]} for x, y in COLUMNS]}]}]},
    {"type": "Text", "words": [
        {"label": "t", "items": [{"type": "stroke", "X": x, "Y": y} for x, y in COLUMNS]}]},
    {"type": "Raw Content", "elements": [{"type": "Text", "words": [
        {"items": [{"type": "stroke", "X": x, "Y": y}]} for x, y in COLUMNS]}]},
    {"type": "Container", "children": [{"type": "Math", "expressions": [
        {"items": [stroke(x, y)]} for x, y in COLUMNS]}]},
    {"type": "Text Document", "children": [
        {"type": "Text", "words": [{"items": [stroke(*COLUMNS[0])]}]},
        {"type": "Drawing", "elements": [{"items": [stroke(*COLUMNS[1])]}]}]},
    {"type": "Drawing", "items": [stroke(x, y) for x, y in COLUMNS]},
    {"type": "Math", "expressions": [{"items": [each]} for each in WRITTEN]},
    {"strokes": [{"points": [{"X": x, "Y": y} for x, y in line]} for line in (UPRIGHT, ACROSS)]},
    [{"path": {"id": 1, "color": "#000", "width": 3, "data": [f"{x},{y}" for x, y in line]}}
     for line in (UPRIGHT, ACROSS)],
    {"objects": [FABRIC, {**FABRIC, "left": 80, "top": 50, "angle": 90, "scaleY": 60 / 35}]},
    {"objects": [{**FABRIC, "path": "M 0 0 L 0 35"},
                 {**FABRIC, "left": 20, "top": 50, "path": "M-1,2h60", "scaleY": 1}]},
    {"records": TLDRAW},
    {"document": {"store": {each["id"]: each for each in TLDRAW}}},
])  # fmt: skip
def test_strokes_of_known_programs_are_read(content: Any) -> None:
    assert boxes(read(content)) == [[50, 20, 50, 90], [20, 50, 80, 50]]


@pytest.mark.parametrize("content", [
    {"objects": [{"type": "path", "stroke": "#000", "path": [["M", 0]]}]},
    {"records": [{"typeName": "shape", "type": "draw", "x": 0, "y": 0, "props": {}}]},
    drawn({"path": packed([0, 0, 0.5], 0)}), drawn({"path": "AAAA"}), drawn({"path": "no base"}),
    drawn({"path": packed([0, 0, 0.5], float("inf"), 0, 0)}), drawn({"path": 7}),
    drawn({"path": packed([0, float("nan"), 0.5])}),
    {"strokeGroups": [1]}, {"drawing": [[1, 2]]}, {"x": [[1]], "y": [[1], [2]]},
    [{"path": {"data": ["a,b"]}}],
])  # fmt: skip
def test_damaged_files_of_known_programs_are_refused(content: Any) -> None:
    with pytest.raises(InputError):
        read(content)


@pytest.mark.parametrize("content", [
    drawn({"type": "free", "path": packed([0, 10, 0.5], 2.5, 30, 0.25, 2.5, -20, -0.5)}),
    drawn({"type": "free", "path": packed([0, 10], 2.5, 30, 2.5, -20), "dim": 2}),
    drawn({"path": packed([0, -20, 0.5], 5, -60, 0, 5, 40, 0)}, scaleX=0.5, scaleY=-0.5),
    drawn({"path": packed([0, 10, 0.5], 2.5, 30, 0)}, {"path": packed([5, 20, 0.5])}, scaleX=1),
    drawn({"path": ""}, {"path": packed([0, 10, 0.5], 2.5, 30, 0, 2.5, -20, 0)}),
    drawn({"points": packed([], 0, 10, 0.5, 2.5, 40, 0.5, 5, 20, 0.5)}),
])  # fmt: skip
def test_points_that_tldraw_packs_are_read(content: Any) -> None:
    assert read(content).strokes[0].tolist() == [[50, 30], [52.5, 60], [55, 40]]


def test_each_page_of_tldraw_is_a_page() -> None:
    first, second, group = ({**each, "parentId": each.get("parentId", "p1")} for each in TLDRAW)
    pages = [{"typeName": "page", "id": f"p{n}", "index": f"a{3 - n}"} for n in (1, 2)]
    text = {"typeName": "shape", "type": "text", "id": "t", "parentId": "p3", "index": "a1"}
    records = [*pages, {**first, "parentId": "p2"}, second, group, text]
    found = read_json(json.dumps({"records": records}).encode(), "x.tldr")
    kept = [boxes(ink) for ink in found if ink.strokes]
    assert kept == [[[50, 20, 50, 90]], [[20, 50, 80, 50]]]
    assert [[each.what for each in ink.left_out] for ink in found if not ink.strokes] == [
        ["shapes"]
    ]


def test_pages_of_tldraw_without_shapes_count() -> None:
    pages = [{"typeName": "page", "id": f"p{n}", "index": f"a{n}"} for n in (3, 1, 2)]
    shapes = [{**each, "parentId": each.get("parentId", "p2")} for each in TLDRAW]
    found = read_json(json.dumps({"records": [*pages, *shapes]}).encode(), "x.tldr")
    assert [len(ink.strokes) for ink in found] == [0, 2, 0]


@pytest.mark.parametrize("own", [
    {"strokes": [[[100, 0], [130, 40]]]},
    {"strokes": [[[100, 110, 120, 125, 130], [0, 10, 20, 30, 40]]]},
    {"lines": [{"points": [{"x": 100, "y": 0}, {"x": 130, "y": 40}]}]},
])  # fmt: skip
@pytest.mark.parametrize("other", [
    {"strokeGroups": [{"strokes": [{"x": x, "y": y} for x, y in COLUMNS]}]},
    {"objects": [{"type": "path", "stroke": "#000", "left": 50, "top": 20, "originX": "left",
                  "path": [["M", 0, 0], ["L", 0, 70]]},
                 {"type": "path", "stroke": "#000", "left": 20, "top": 50, "originX": "left",
                  "path": [["M", 0, 0], ["L", 60, 0]]}]},
])  # fmt: skip
def test_strokes_beside_those_of_a_programs_own_form_are_ink_too(own: Any, other: Any) -> None:
    expected = [[100, 0, 130, 40], *boxes(read(other))]
    ink = read({**other, **own})
    assert (boxes(ink), ink.left_out) == (expected, ())
    assert len(expected) == 3


@pytest.mark.parametrize("key", ["lines", "ink", "paths"])
@pytest.mark.parametrize("other", [["x = 1"], [{"colour": "black", "id": 1}]])
def test_a_list_of_something_else_beside_strokes_is_named(key: str, other: list[Any]) -> None:
    ink = read({"strokeGroups": [{"strokes": [{"x": x, "y": y} for x, y in COLUMNS]}], key: other})
    assert len(ink.strokes) == 2
    assert [each.what for each in ink.left_out] == [key]


def test_strokes_that_a_program_writes_twice_are_one() -> None:
    strokes = [{"x": x, "y": y} for x, y in COLUMNS]
    twice = {"strokeGroups": [{"strokes": strokes}], "strokes": strokes}
    assert len(read(twice).strokes) == 2


def test_what_tldraw_draws_besides_is_named() -> None:
    text = {"typeName": "shape", "type": "text", "id": "t", "x": 0, "y": 0, "index": "a4"}
    assert [each.what for each in read({"records": [*TLDRAW, text]}).left_out] == ["shapes"]


PEN_OF_MYSCRIPT = {
    "type": "stroke", "pointerType": "pen", "style": {"color": "#000000", "width": 1},
    "pointers": [{"x": 50, "y": 20, "t": 1, "p": 0.5}, {"x": 50, "y": 90, "t": 9, "p": 1}],
}  # fmt: skip


def test_strokes_of_iinkts_are_read() -> None:
    across = {"pointers": [{"x": x, "y": y, "t": 0, "p": 1} for x, y in ACROSS]}
    both = [[50, 20, 50, 90], [20, 50, 80, 50]]
    assert boxes(read([PEN_OF_MYSCRIPT, across])) == both
    assert boxes(read({"strokes": [PEN_OF_MYSCRIPT, across]})) == both
    assert boxes(read({"strokeGroups": [{"strokes": [PEN_OF_MYSCRIPT, across]}]})) == both
    group = {"type": "group", "children": [{"type": "recognized", "strokes": [across]}]}
    ink = read({"symbols": [PEN_OF_MYSCRIPT, group, {"type": "edge", "start": {"x": 0, "y": 0}}]})
    assert (boxes(ink), [each.what for each in ink.left_out]) == (both, ["shapes"])


@pytest.mark.parametrize(("style", "shown"), [
    ({"color": "#fff", "width": 3}, False), ({"color": "#0f0", "opacity": 0.3}, False),
    ({"color": "#0f0", "opacity": 1}, True), ("red", True),
])  # fmt: skip
def test_a_style_of_a_stroke_counts(style: Any, shown: bool) -> None:
    ink = read([PEN_OF_MYSCRIPT, {"points": [[200, 0], [200, 9]], "style": style}])
    assert (len(ink.strokes) == 2) is shown


@pytest.mark.parametrize("symbols", [
    [PEN_OF_MYSCRIPT, 3], [PEN_OF_MYSCRIPT, {"x": 3}], [PEN_OF_MYSCRIPT, {"pointers": 3}],
])  # fmt: skip
def test_damaged_symbols_of_iinkts_are_told(symbols: Any) -> None:
    with pytest.raises(InputError, match=r"x\.json: stroke.*understood"):
        read({"symbols": symbols})


@pytest.mark.parametrize("symbols", [
    [{"label": "+", "strokes": [0, 1]}], ["+"], [{"label": "+", "box": [20, 20, 80, 90]}], [3],
])  # fmt: skip
@pytest.mark.parametrize("key", ["strokes", "ink", "lines"])
def test_symbols_beside_strokes_are_labels(key: str, symbols: Any) -> None:
    strokes = [PEN_OF_MYSCRIPT, [{"x": x, "y": y} for x, y in ACROSS]]
    ink = read({key: strokes, "symbols": symbols})
    assert (boxes(ink), ink.left_out) == ([[50, 20, 50, 90], [20, 50, 80, 50]], ())
