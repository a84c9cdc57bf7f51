"""Ink that was put into the files of note apps comes out as it went in."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from inkfiles import (
    INK,
    assert_same,
    json_strokes,
    read,
    written,
    xopp,
    xopp_package,
    xournal,
    zipped,
)
from numpy.typing import NDArray

from hmer_cli.errors import InputError
from hmer_cli.ink import packed_text
from hmer_cli.ink.centre_line import centre_line, pen_width
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.ink.notes import kind_of
from hmer_cli.ink.strokes import stroke_of
from hmer_cli.ink.svg import svg
from hmer_cli.ink.svg_path import path_lines
from hmer_cli.page.load.pages import open_pages
from hmer_cli.page.regions import find_regions


def evenly(line: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """``count`` points at equal distances along a line (N, 2)."""
    along = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    asked = np.linspace(0, along[-1], count)
    return np.stack([np.interp(asked, along, column) for column in line.T], axis=1)


FILES: dict[str, Callable[[Ink], bytes]] = {
    "xoj": lambda ink: xournal([ink]),
    "xopp": lambda ink: xopp([ink]),
    "xopp package": lambda ink: xopp_package([ink]),
    "svg": lambda ink: svg(ink, (800, 600), 2.0).encode(),
    "json": json_strokes,
    "inkml": write_inkml,
}


@pytest.mark.parametrize("kind", FILES)
def test_what_was_written_is_read_back(kind: str) -> None:
    (found,) = read(FILES[kind](INK))
    assert_same(found)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_ink_is_one_page_with_one_expression(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x").write_bytes(FILES[kind](INK))
    (page,) = open_pages(str(tmp_path / "x"))
    (region,) = find_regions(page)
    assert region.written is not None
    assert region.box == pytest.approx(INK.box(), abs=0.2)


def test_each_page_of_a_notebook_is_a_page() -> None:
    assert [len(ink.strokes) for ink in read(xopp([INK, Ink(()), INK]))] == [
        len(INK.strokes), 0, len(INK.strokes)
    ]  # fmt: skip


@pytest.mark.parametrize("stroke", [
    '<stroke tool="highlighter" color="#ffff007f" width="20">60 80 300 80</stroke>',
    '<stroke tool="pen" color="#ffff007f" width="20">60 80 300 80</stroke>',
    '<stroke tool="eraser" color="#000000ff" width="20">60 80 300 80</stroke>',
    '<text font="Sans" size="12" x="10" y="10">words</text>',
    '<stroke tool="pen" color="#ffffffff" width="20">400 80 500 80</stroke>',
])  # fmt: skip
def test_markers_erasers_and_words_are_no_strokes(stroke: str) -> None:
    assert_same(read(xopp([INK], stroke))[0])


def test_a_translucent_pen_as_narrow_as_the_others_is_read() -> None:
    pen = '<stroke tool="pen" color="#0000ff80" width="1">400 80 500 80</stroke>'
    (found,) = read(xopp([INK], pen))
    assert len(found.strokes) == len(INK.strokes) + 1


@pytest.mark.parametrize("eraser", [
    '<stroke tool="eraser" color="#ffffffff" width="20">60 80 300 80</stroke>',
    '<stroke tool="pen" color="white" width="20 12 14">60 80 300 80</stroke>',
])  # fmt: skip
def test_what_was_painted_over_on_paper_is_gone(eraser: str) -> None:
    under = '<stroke tool="pen" color="#000000ff" width="1">70 80 290 82</stroke>'
    assert_same(read(xopp([INK], under + eraser))[0])


@pytest.mark.parametrize(("paper", "pen", "number"), [
    ("#1f1f1fff", "#ffffffff", 1), ("#1f1f1fff", "black", 0), ("black", "white", 1),
    ("blue", "blue", 1), ("yellow", "#ffff80ff", 0), ("white", "white", 0),
])  # fmt: skip
def test_what_differs_from_the_paper_is_ink(paper: str, pen: str, number: int) -> None:
    stroke = f'<stroke tool="pen" color="{pen}" width="1">70 80 290 82</stroke>'
    background = f'<background type="solid" color="{paper}" style="plain"/>'
    text = f"<xournal><page width='600' height='800'>{background}<layer>{stroke}</layer></page>"
    assert len(read(f"{text}</xournal>".encode())[0].strokes) == number


@pytest.mark.parametrize(("pens", "number", "left_out"), [
    (["#ffffffff"] * 3, 3, []),
    (["#ffffffff", "#ffffffff", "#ffff00ff"], 3, []),
    (["#ffff00ff", "#ff0000ff", "#ffffffff"], 3, []),
    (["#3333ccff", "#ffff00ff", "#ffffffff"], 2, ["white ink"]),
    (["#000000ff", "#ffffffff"], 1, ["white ink"]),
])  # fmt: skip
def test_white_over_a_slide_is_ink_or_named(
    pens: list[str], number: int, left_out: list[str]
) -> None:
    strokes = "".join(
        f'<stroke tool="pen" color="{pen}" width="1">10 {y} 50 {y + 5} 60 {y + 9}</stroke>'
        for y, pen in zip(range(100, 900, 100), pens, strict=False)
    )
    slide = "<background type='pdf' domain='absolute' filename='dark.pdf' pageno='1ll'/>"
    text = f"<xournal><page width='600' height='800'>{slide}<layer>{strokes}</layer></page>"
    (ink,) = read(f"{text}</xournal>".encode())
    assert (len(ink.strokes), [each.what for each in ink.left_out]) == (number, left_out)


def test_white_over_ink_on_a_slide_erases_it() -> None:
    under = '<stroke tool="pen" color="#ff0000ff" width="1">70 80 290 82</stroke>'
    over = '<stroke tool="pen" color="white" width="20">60 80 300 80</stroke>'
    slide = '<background type="pixmap" domain="absolute" filename="slide.png"/>'
    text = f"<xournal><page>{slide}<layer>{under}{over}{under.replace('80', '380')}</layer></page>"
    (ink,) = read(f"{text}</xournal>".encode())
    assert (len(ink.strokes), ink.left_out) == (1, ())


def test_a_rectangle_round_the_ink_of_a_page_is_a_frame() -> None:
    x0, y0, x1, y1 = (round(each) for each in INK.box())
    corners = f"{x0 - 9} {y0 - 9} {x1 + 9} {y0 - 9} {x1 + 9} {y1 + 9} {x0 - 9} {y1 + 9}"
    stroke = f'<stroke tool="pen" color="red" width="1">{corners} {x0 - 9} {y0 - 9}</stroke>'
    (found,) = read(xopp([INK], stroke))
    assert_same(found)
    assert [each.what for each in found.left_out] == ["frame"]


def test_text_and_images_of_a_page_are_named() -> None:
    extra = (
        '<text font="Sans" size="12" x="10" y="20">words</text><text x="1" y="2"> </text>'
        '<image left="1" top="2" right="3" bottom="4">iVBO</image><teximage text="x"/>'
    )
    found = read(xopp([INK], extra))[0].left_out
    assert [(each.what, each.box) for each in found] == [
        ("text", (10, 20, 10, 20)), ("image", (1, 2, 3, 4)), ("typeset formula", None)
    ]  # fmt: skip


def encrypted(package: bytes) -> bytes:
    """The package with its members said to be encrypted: bit 0 of their flags."""
    data = bytearray(package)
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(signature, at + 1)
    return bytes(data)


DIGITS = b"9" * 400
"""An integer too large for a float."""

BAD: dict[str, tuple[bytes, str]] = {
    "cut off": (xopp([INK])[:-300], "cut off"),
    "not a number": (xopp([INK], "<stroke>1 2 nan 4</stroke>"), "no number"),
    "infinite": (xopp([INK], "<stroke>1 2 inf 4</stroke>"), "no number"),
    "words": (xopp([INK], "<stroke>one two</stroke>"), "not a list of points"),
    "too far": (xopp([INK], "<stroke>1 2 1e30 4</stroke>"), "beyond"),
    "entities": (b'<!DOCTYPE x [<!ENTITY a "b">]><xournal>&a;</xournal>', "entities"),
    "entities in a drawing": (
        b'<!DOCTYPE svg [<!ENTITY a "b">]><svg><path stroke="red" d="M1 1L2 2"/></svg>',
        "entities",
    ),
    "encrypted": (encrypted(xopp_package([INK])), "cannot be unpacked.*encrypted"),
    "infinite by a transform": (
        b"<svg><path transform='scale(1e300) scale(1e300)' stroke='red' d='M1 1L2 2'/></svg>",
        "no number",
    ),
    "nested": (
        b"<svg>" + b"<g>" * 300 + b"<path stroke='red' d='M1 1L2 2'/>" + b"</g>" * 300 + b"</svg>",
        "nested deeper",
    ),
    "json infinite": (b'{"strokes": [[[1, Infinity], [2, 3]]]}', "no number"),
    "version": (b"reMarkable .lines file, version=5          \0\0\0\0", "version 5"),
    "damaged": (b"reMarkable .lines file, version=6          \xff", "a package|damaged"),
    "no strokes": (b"<svg><rect width='3' height='3'/></svg>", "no strokes"),
    "infinite arc": (b"<svg><path stroke='red' d='M0 0A1e999 5 0 1 1 9 9'/></svg>", "beyond"),
    "far path": (b"<svg><path stroke='red' d='M0 0L1e300 9'/></svg>", "beyond"),
    "bad path": (b"<svg><path stroke='red' d='M 1 1 banana'/></svg>", "damaged path"),
    "json of others": (b'{"a": 1}', "without strokes"),
    "json cut off": (b'{"strokes": [[[1, 2]', "not valid JSON"),
    "json NaN": (b'{"strokes": [[[1, NaN], [2, 3]]]}', "no number"),
    "json deep": (b"[" * 100_000, "not valid JSON"),
    "json large point": (b'{"strokes": [[[1, %s], [2, 3]]]}' % DIGITS, "no number"),
    "json large column": (b'{"strokes": [{"x": [1, %s], "y": [2, 3]}]}' % DIGITS, "no number"),
    "json large row": (b"[[[1, 2, 3, 4, 5], [1, 2, 3, 4, -%s]]]" % DIGITS, "no number"),
    "json large flat": (b"[[1, 2, 3, %s]]" % DIGITS, "no number"),
    "json large place": (
        b'{"elements": [{"type": "freedraw", "x": %s, "y": 1, "points": [[1, 2]]}]}' % DIGITS,
        "no number",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_files_are_refused_with_a_word(what: str) -> None:
    data, word = BAD[what]
    with pytest.raises(InputError, match=word):
        read(data)


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_text, "MAX_TEXT", 1 << 16)
    for data in (gzip.compress(xournal([INK]) + b" " * 100_000), xopp_package([INK] * 20)):
        with pytest.raises(InputError, match="unpacks to more"):
            read(data)


def test_a_package_of_notes_is_a_document_and_no_archive_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "x.xopp").write_bytes(xopp_package([INK]))
    (page,) = open_pages(str(tmp_path / "x.xopp"))
    assert page.ink is not None
    (page,) = open_pages(str(tmp_path))
    assert page.source.endswith("x.xopp")


@pytest.mark.parametrize("content", [
    [[[x, y] for x, y in s.tolist()] for s in INK.strokes],
    {"strokes": [s.reshape(-1).tolist() for s in INK.strokes]},
    {"ink": [[s[:, 0].tolist(), s[:, 1].tolist(), [0] * len(s)] for s in INK.strokes]},
    {"strokes": [{"x": s[:, 0].tolist(), "y": s[:, 1].tolist()} for s in INK.strokes]},
    {"paths": [{"path": [[x, y, 0.5, 3] for x, y in s.tolist()]} for s in INK.strokes]},
    {"type": "excalidraw", "elements": [{"type": "text"}] + [
        {"type": "freedraw", "x": 10, "y": 5, "angle": 0, "points": (s - [10, 5]).tolist()}
        for s in INK.strokes]},
])  # fmt: skip
def test_strokes_in_json_are_read_in_every_documented_form(content: object) -> None:
    assert_same(read(json.dumps(content).encode())[0])


@pytest.mark.parametrize(
    ("opacity", "shown"), [(100, True), (51, True), (50, False), (None, True), ("50", True)]
)
def test_freedraw_counts_unless_its_opacity_is_that_of_a_marker(
    opacity: object, shown: bool
) -> None:
    pen = {"type": "freedraw", "x": 0, "y": 0, "points": [[1, 2], [3, 4]]}
    other = {**pen, "points": [[5, 6], [7, 8]], "opacity": opacity}
    (ink,) = read(json.dumps({"elements": [pen, other]}).encode())
    strokes = [stroke.tolist() for stroke in ink.strokes]
    assert strokes == [[[1, 2], [3, 4]], *[[[5, 6], [7, 8]]] * shown]


def test_a_list_with_an_integer_too_large_for_a_float_is_no_stroke() -> None:
    with pytest.raises(InputError, match="a stroke is not a list of points"):
        stroke_of([1, 10**400], "a stroke")


@pytest.mark.parametrize(("element", "points"), [
    ("<path stroke='red' d='m1 2 3 4h5v-6z'/>", [(1, 2), (4, 6), (9, 6), (9, 0), (1, 2)]),
    ("<polyline stroke='red' points='1,2 3,4'/>", [(1, 2), (3, 4)]),
    ("<line stroke='red' x1='1' y1='2' x2='3px' y2='4'/>", [(1, 2), (3, 4)]),
    ("<g transform='translate(10) scale(2)'><path style='stroke:#000' d='M1 2L3 4'/></g>",
     [(12, 4), (16, 8)]),
    ("<g transform='rotate(90 1 1)'><path stroke='red' d='M1 1L2 1'/></g>", [(1, 1), (1, 2)]),
])  # fmt: skip
def test_svg_is_read_with_its_transforms(element: str, points: list[tuple[int, int]]) -> None:
    (ink,) = read(f"<svg xmlns='http://www.w3.org/2000/svg'>{element}</svg>".encode())
    assert ink.strokes[0] == pytest.approx(np.array(points))


@pytest.mark.parametrize(
    "path", ["M0 0 C0 10 10 10 10 0", "M0 0 Q5 10 10 0", "M0 0 A5 5 0 0 0 10 0"]
)
def test_curves_of_svg_go_where_they_should(path: str) -> None:
    (ink,) = read(f"<svg><path stroke='red' d='{path}'/></svg>".encode())
    assert ink.strokes[0][[0, -1]] == pytest.approx(np.array([(0, 0), (10, 0)]), abs=1e-5)
    assert ink.strokes[0][:, 1].max() >= 4.5


@pytest.mark.parametrize("path", [
    "M0 0h10a5 5 0 01 5 5v20h30",
    "M0 0h10a5 5 0 015 5v20h30",
    "M0 0h10a5,5,0,0,1,5,5v20h30",
    "M0,0H10A5 5-0 01 15 5V25H45",
])  # fmt: skip
def test_flags_of_arcs_may_touch_what_follows(path: str) -> None:
    (ink,) = read(f"<svg><path stroke='red' d='{path}'/></svg>".encode())
    (stroke,) = ink.strokes
    assert stroke[[0, 1, -3, -2, -1]] == pytest.approx(
        np.array([(0, 0), (10, 0), (15, 5), (15, 25), (45, 25)]), abs=1e-4
    )
    arc = stroke[1:-2]
    assert np.hypot(*(arc - [10, 5]).T) == pytest.approx(np.full(len(arc), 5), abs=1e-4)


def test_arcs_in_a_row_need_no_space_and_an_error_in_one_ends_the_path() -> None:
    for path in ("M0 0a5 5 0 0110 10 5 5 0 10.5.5", "M0 0a5 5 0 0110 10 5 5 0 10.5.5 5 5 0 21 9 9"):
        (ink,) = read(f"<svg><path stroke='red' d='{path}'/></svg>".encode())
        (stroke,) = ink.strokes
        assert np.abs(stroke - [10, 10]).sum(axis=1).min() < 1e-4
        assert stroke[-1] == pytest.approx(np.array([10.5, 10.5]), abs=1e-4)


@pytest.mark.parametrize(("bad", "drawn"), [
    ("M 10 10 L 20 20 L undefined", 3), ("M 10 10 L NaN 20 L 30 30", 2), ("-7 7 L 9 9", 2),
])  # fmt: skip
def test_a_bad_path_is_drawn_up_to_its_error_and_named(bad: str, drawn: int) -> None:
    paths = "".join(f"<path stroke='red' d='{d}'/>" for d in ("M0 0L9 9", bad, "M0 50L9 59"))
    (ink,) = read(f"<svg>{paths}</svg>".encode())
    assert (len(ink.strokes), [each.what for each in ink.left_out]) == (drawn, ["damaged path"])


@pytest.mark.parametrize(
    "path", ["M1 1L2 2M9 9", "M9 9M1 1L2 2", "M1 1L2 2Z M1 1", "M1 1L2 2m3 3z"]
)
def test_a_move_alone_draws_nothing(path: str) -> None:
    lines = path_lines(path, "x")
    assert [line.tolist()[:2] for line, _ in lines][:1] == [[[1, 1], [2, 2]]]
    assert len(lines) == 1 + path.endswith("m3 3z")  # which is a dot of a round pen
    assert path_lines("L1 1L2 2", "x") == []


def test_path_data_of_digits_alone_takes_no_long_time() -> None:
    (ink,) = read(b"<svg><path stroke='red' d='M0 0L5 5C%s'/></svg>" % (b"1" * 100_000))
    assert ink.strokes[0].tolist() == [[0, 0], [5, 5]]


@pytest.mark.parametrize("hidden", [
    "<defs><path stroke='red' d='M0 0L9 9'/></defs>",
    "<path stroke='red' opacity='.3' d='M0 0L9 9'/>",
    "<g style='display:none'><path stroke='red' d='M0 0L9 9'/></g>",
])  # fmt: skip
def test_svg_that_is_not_shown_is_no_stroke(hidden: str) -> None:
    (ink,) = read(f"<svg>{hidden}<path stroke='red' d='M1 1L2 2'/></svg>".encode())
    assert len(ink.strokes) == 1


def test_zips_of_pictures_are_still_archives() -> None:
    assert kind_of(zipped({"a.png": b"", "b.png": b""})) is None


def test_ink_beyond_the_edges_of_a_page_is_not_seen() -> None:
    lost = '<stroke tool="pen" color="#000000ff" width="1">-70 20 -90 40 -30 -50</stroke>'
    below = '<stroke tool="pen" color="#000000ff" width="1">70 9020 90 9040</stroke>'
    assert_same(read(xopp([INK], lost + below))[0])


def test_print_in_the_background_of_notes_is_not_read() -> None:
    background = (
        '<background type="pdf" domain="attach" filename="background.pdf" pageno="1"/>'
        '<background type="pixmap" domain="attach" filename="background.png"/>'
    )
    text = xournal([INK]).replace(b"<layer>", background.encode() + b"<layer>", 1)
    printed = outlined_pdf(written("x + y = z"))
    package = zipped({"mimetype": b"application/xournal++", "META-INF/version": b"current=5",
                      "content.xml": text, "background.pdf": printed})  # fmt: skip
    for data in (gzip.compress(text), package):
        (found,) = read(data)
        assert_same(found)


def outlined_pdf(ink: Ink) -> bytes:
    from inkfiles import outlines, pdf

    return pdf(outlines(ink))


@pytest.mark.parametrize("kind", FILES)
def test_a_stroke_without_length_is_a_dot(kind: str) -> None:
    dot = np.array([[130.0, 62.0]], np.float32)
    (found,) = read(FILES[kind](Ink((*INK.strokes, dot, np.repeat(dot + 9, 3, axis=0)))))
    assert len(found.strokes) == len(INK.strokes) + 2
    assert np.abs(found.strokes[-2] - dot).max() < 0.01


def test_a_pen_has_the_width_that_its_outline_says() -> None:
    assert pen_width(20 * 3 + np.pi * 9 / 4, 2 * 20 + np.pi * 3) == pytest.approx(3)


@pytest.mark.parametrize("seed", range(4))
def test_the_centre_line_of_an_outline_is_the_stroke_itself(seed: int) -> None:
    from inkfiles import outline

    for stroke in written(r"\beta x + 8 \alpha", seed).strokes:
        found = centre_line(np.asarray(outline(stroke, 1.4), np.float64))
        assert found is not None and found.misfit < 0.35
        assert found.pen == pytest.approx(1.4, abs=0.45)
        dense = evenly(stroke.astype(np.float64), 300)
        near = np.hypot(*(found.points[:, None] - dense[None]).transpose(2, 0, 1))
        for away in (near.min(axis=1), near.min(axis=0)):
            assert away.mean() < 0.3 * 1.4 and away.max() < 1.5 * 1.4


def test_outlines_in_svg_are_strokes(tmp_path: Path) -> None:
    from inkfiles import outline

    paths = "".join(
        f"<path d='M{' L'.join(f'{x:.3f} {y:.3f}' for x, y in outline(s, 1.4).tolist())} Z'/>"
        for s in INK.strokes
    )
    (found,) = read(f"<svg>{paths}</svg>".encode())
    assert len(found.strokes) == len(INK.strokes)


def test_nothing_of_a_zip_is_believed(tmp_path: Path) -> None:
    data = bytearray(xopp_package([INK]))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        offset = archive.getinfo("content.xml").header_offset
    data[offset + 60 : offset + 90] = b"\xff" * 30
    with pytest.raises(InputError, match=r"cannot be unpacked|damaged"):
        read(bytes(data))
