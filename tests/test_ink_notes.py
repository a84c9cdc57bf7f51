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
from handmade import open_pages
from inkfiles import (
    INK,
    assert_same,
    json_strokes,
    outlines,
    pdf,
    read,
    written,
    xopp,
    xopp_package,
    xournal,
    zipped,
)

from hmer_cli.errors import InputError
from hmer_cli.ink import packed_text
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.ink.notes import kind_of
from hmer_cli.ink.strokes import stroke_of
from hmer_cli.ink.svg import svg
from hmer_cli.page.regions import find_regions

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
    return pdf(outlines(ink))


@pytest.mark.parametrize("kind", FILES)
def test_a_stroke_without_length_is_a_dot(kind: str) -> None:
    dot = np.array([[130.0, 62.0]], np.float32)
    (found,) = read(FILES[kind](Ink((*INK.strokes, dot, np.repeat(dot + 9, 3, axis=0)))))
    assert len(found.strokes) == len(INK.strokes) + 2
    assert np.abs(found.strokes[-2] - dot).max() < 0.01


def test_nothing_of_a_zip_is_believed(tmp_path: Path) -> None:
    data = bytearray(xopp_package([INK]))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        offset = archive.getinfo("content.xml").header_offset
    data[offset + 60 : offset + 90] = b"\xff" * 30
    with pytest.raises(InputError, match=r"cannot be unpacked|damaged"):
        read(bytes(data))
