"""Small files of ink that would cost hours or all memory are read in little, or refused."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from lxml import etree

from hmer_cli.errors import InputError
from hmer_cli.expr.mathml import ids_in_order, label_from_mathml
from hmer_cli.expr.parser import LabelError
from hmer_cli.ink import inkml as inkml_reader
from hmer_cli.ink import painted, remarkable, strokes, svg_path, svg_strokes, svg_style
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.ink.json_strokes import read_json
from hmer_cli.ink.remarkable import read_remarkable
from hmer_cli.ink.svg_path import path_lines
from hmer_cli.ink.svg_strokes import read_svg
from hmer_cli.ink.xournal import read_xournal


def inkml(text: str) -> bytes:
    return f"<ink>{text}</ink>".encode()


def most_memory(do: Callable[[], object]) -> int:
    """Bytes of Python and numpy that a call holds at once."""
    tracemalloc.start()
    try:
        do()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_one_long_point_of_inkml_does_not_widen_the_others() -> None:
    n = 2000
    data = inkml(f"<trace>{'1 2,' * n} 5 6{' 1' * n}</trace>")
    assert most_memory(lambda: read_inkml(data, "a.inkml")) < 8 * n * n / 4
    (stroke,) = read_inkml(data, "a.inkml").strokes
    assert len(stroke) == n + 1 and stroke[-1].tolist() == [5, 6]


def test_tip_switch_behind_many_channels_does_not_widen_the_points() -> None:
    n = 1000
    names = ["X", "Y", *(f"F{i}" for i in range(n)), "S"]
    form = "".join(f'<channel name="{name}"/>' for name in names)
    rows = [f"{i} {i}" for i in range(n)]
    rows[9] += " 0" * (n + 1)  # the pen is up from here on
    data = inkml(f"<traceFormat>{form}</traceFormat><trace>{','.join(rows)}</trace>")
    assert most_memory(lambda: read_inkml(data, "a.inkml")) < 8 * n * n / 2
    (stroke,) = read_inkml(data, "a.inkml").strokes
    np.testing.assert_array_equal(stroke[:, 0], np.arange(9))


def symbol_of(views: int, groups: int = 1) -> bytes:
    """Trace groups, each with some views of a trace of ten strokes."""
    form = "".join(f'<channel name="{name}"/>' for name in "XYS")
    points = ",".join(f"{i} {i} {i % 2}" for i in range(20))
    view = '<traceView traceDataRef="#a"/>'
    group = f'<traceGroup><annotation type="truth">x</annotation>{view * views}</traceGroup>'
    trace = f'<trace id="a">{points}</trace>'
    return inkml(f"<traceFormat>{form}</traceFormat>{trace}{group * groups}")


def test_views_of_one_trace_are_not_multiplied_by_its_strokes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inkml_reader, "_MAX_NAMED", 1000)
    (symbol,) = read_inkml(symbol_of(views=500), "a.inkml").symbols
    assert symbol.strokes == tuple(range(10))
    with pytest.raises(InputError, match="its trace groups have more than 1,000 strokes"):
        read_inkml(symbol_of(views=1, groups=200), "a.inkml")


PEN = 'fill="none" stroke="black"'
LINE = f'<path {PEN} d="M1 1l9 9"/>'


def drawing(text: str) -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{text}</svg>'.encode()


@pytest.mark.parametrize(("data", "most"), [("l" + "1 1 " * 9000, 20), ("t" + "1 1 " * 3000, 50)])
def test_path_data_takes_the_memory_of_its_points(data: str, most: int) -> None:
    assert most_memory(lambda: path_lines(f"M0 0{data}", "path")) < most * len(data)


def test_polyline_takes_the_memory_of_its_points() -> None:
    points = "11 12 " * 10_000
    data = drawing(f'<polyline {PEN} points="{points}"/>')
    assert most_memory(lambda: read_svg(data, "a.svg")) < 25 * len(points)


def test_svg_of_very_many_points_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    path = f'<path {PEN} d="M1 1{"l1 1" * 50}"/>'
    moves = f'<path {PEN} d="{"M1 1h9" * 99}"/>'
    arcs = f'<path {PEN} d="M1 1a9 9 0 11{"9 9a9 9 0 11" * 99}9 9"/>'
    assert len(read_svg(drawing(path), "a.svg")[0].strokes) == 1
    monkeypatch.setattr(svg_path, "MAX_POINTS", 1000)
    assert len(read_svg(drawing(path * 9), "a.svg")[0].strokes) == 1
    for text in (path * 20, moves, arcs):
        with pytest.raises(InputError, match=r"a\.svg: .* has more than 1,000 points"):
            read_svg(drawing(text), "a.svg")
    monkeypatch.setattr(svg_strokes, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match=r"a\.svg: SVG larger than"):
        read_svg(drawing(path * 9), "a.svg")


def test_fabric_paths_of_very_many_points_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    path = '{"type": "path", "stroke": "black", "left": 1, "top": 1, "path": "M1 1h9v9h9v9h9"}'
    drawn = '{"objects": [%s]}'
    assert len(read_json((drawn % ",".join([path] * 9)).encode(), "a.json")[0].strokes) == 9
    monkeypatch.setattr(svg_path, "MAX_POINTS", 100)
    with pytest.raises(InputError, match=r"a\.json: .* has more than 100 points"):
        read_json((drawn % ",".join([path] * 9)).encode(), "a.json")


VARIABLES = f'<path style="fill:{"var(--b)" * 100}" d="M1 1h9"/>'


def properties(count: int) -> str:
    return ";".join(f"--a{i}:1" for i in range(count))


@pytest.mark.parametrize("text", [
    f'<g style="{properties(200)}">{LINE * 200}</g>',
    f"<style>path{{{properties(200)}}}</style>{LINE * 200}",
    f"<style>{'z path{fill:red}' * 20}</style>{'<g>' * 50}{LINE * 20}{'</g>' * 50}",
    f'<path id="p" style="{"fill:none;" * 500}" d="M1 1h9"/>' + '<use href="#p"/>' * 50,
    f'<g style="--b:1">{VARIABLES * 100}</g>',
], ids=["inherited", "of a rule", "ancestors", "used", "variables"])  # fmt: skip
def test_work_of_style_is_counted(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read_svg(drawing(text + LINE), "a.svg")
    monkeypatch.setattr(svg_style, "_MAX_TESTS", 8000)
    with pytest.raises(InputError, match=r"a\.svg: too many rules of style, or properties"):
        read_svg(drawing(text + LINE), "a.svg")


def test_block_of_many_selectors_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    declarations = svg_style._declarations

    def counted(text: str) -> tuple[dict[str, str], dict[str, str]]:
        parsed.append(text)
        return declarations(text)

    monkeypatch.setattr(svg_style, "_declarations", counted)
    sheet = f"<style>{'p,' * 500}path{{fill:none;stroke:black}}</style>"
    assert len(read_svg(drawing(f'{sheet}<path d="M1 1l9 9"/>'), "a.svg")[0].strokes) == 1
    assert sum("stroke" in text for text in parsed) == 1


def test_variables_are_no_longer_than_any_value() -> None:
    long = "a" * 20_000
    many = f'<g style="--b:{long};color:{"var(--b)" * 100}">{LINE}</g>'
    assert most_memory(lambda: read_svg(drawing(many), "a.svg")) < 40 * len(long)
    path = f"--p:path('M1 1{'l1 1l2 0' * 1000}')"
    shown = f'<g style="{path}"><path {PEN} style="d:var(--p)"/></g>'
    (stroke,) = read_svg(drawing(shown), "a.svg")[0].strokes
    assert len(stroke) == 2001


def test_sheets_of_many_rules_are_read_as_before() -> None:
    rules = "".join(f".st{i}{{fill:none;stroke:#{i:06x}}} g .c{i}{{}}" for i in range(2000))
    lines = "".join(f'<path class="st{i}" d="M{i} 1l1 9"/>' for i in range(50))
    (ink,) = read_svg(drawing(f"<style>{rules}</style><g><g>{lines}</g></g>"), "a.svg")
    assert len(ink.strokes) == 50


def left_out(data: bytes) -> list[str]:
    return [each.what for each in read_svg(data, "a.svg")[0].left_out]


def test_lines_on_a_page_are_counted_before_they_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = '<path fill="none" stroke="white" d="M1 50l9 9"/>'
    monkeypatch.setattr(strokes, "MAX_STROKES", 10)
    assert len(read_svg(drawing(LINE * 5 + gone * 5), "a.svg")[0].strokes) == 1
    monkeypatch.setattr(painted, "_over_nothing", None)
    with pytest.raises(InputError, match=r"a\.svg: 12 strokes on a page, over the limit of 10"):
        read_svg(drawing(LINE * 6 + gone * 6), "a.svg")


def test_white_lines_that_are_too_many_to_compare_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    gray = "".join(f'<path fill="none" stroke="#888" d="M{i} 50v9"/>' for i in range(9))
    white = "".join(f'<path fill="none" stroke="#fff" d="M{i} 10v9"/>' for i in range(9))
    assert left_out(drawing(gray + white + gray)) == []  # drawn on dark paper
    monkeypatch.setattr(painted, "_MAX_COMPARED", 80)
    assert left_out(drawing(gray + white)) == ["white ink beyond counting"]


def test_frames_that_are_too_many_to_compare_are_ink(monkeypatch: pytest.MonkeyPatch) -> None:
    dot = f'<path {PEN} d="M2 2l1 2"/>'
    frames = "".join(f'<path {PEN} d="M{i}0 1h8v8h-8z"/>' for i in range(9))
    assert left_out(drawing(frames + dot)) == ["frame"]
    monkeypatch.setattr(painted, "_MAX_COMPARED", 50)
    (ink,) = read_svg(drawing(frames + dot), "a.svg")
    assert len(ink.strokes) == 9
    assert [each.what for each in ink.left_out] == ["frame", "frames and erasers beyond counting"]


STROKE = '<page><layer><stroke tool="pen">1 1 9 9</stroke></layer></page>'
LIMITED = r"a\.\w+: 301 pages, over the limit of 300"


def tldraw(pages: int) -> bytes:
    shape = {"typeName": "shape", "type": "text", "parentId": "p0"}
    line = {"typeName": "shape", "type": "draw", "parentId": "p0", "x": 1, "y": 1,
            "props": {"segments": [{"points": [{"x": 1, "y": 1}, {"x": 9, "y": 9}]}]}}  # fmt: skip
    listed = [{"typeName": "page", "id": f"p{i}"} for i in range(pages)]
    return json.dumps({"records": [*listed, shape, line]}).encode()


def test_pages_of_ink_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strokes, "MAX_PAGES", 300)
    assert len(read_xournal(f"<xournal>{STROKE * 300}</xournal>".encode(), "a.xopp")) == 300
    assert len(read_json(tldraw(300), "a.json")) == 300
    with pytest.raises(InputError, match=LIMITED):
        read_xournal(f"<xournal>{STROKE * 301}</xournal>".encode(), "a.xopp")
    with pytest.raises(InputError, match=LIMITED):
        read_json(tldraw(301), "a.json")


def notebook(pages: int, content: str | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        listed = [str(i) for i in range(pages)]
        archive.writestr("n.content", content or json.dumps({"pages": listed}))
        for each in listed:
            archive.writestr(f"n/{each}.rm", each)
    return file.getvalue()


def test_table_of_a_notebook_is_not_read_for_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []

    class Counted(zipfile.ZipFile):
        def __init__(self, file: io.BytesIO) -> None:
            opened.append(file)
            super().__init__(file)

    read: list[bytes] = []
    monkeypatch.setattr(remarkable, "_page", lambda data, name: read.append(data))
    data = notebook(300)
    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    monkeypatch.setattr(strokes, "MAX_PAGES", 300)
    assert len(read_remarkable(data, "a.rmdoc")) == 300
    assert read == [str(i).encode() for i in range(300)]
    assert len(opened) == 2
    monkeypatch.setattr(strokes, "MAX_PAGES", 299)
    with pytest.raises(InputError, match=r"a\.rmdoc: 300 pages, over the limit of 299"):
        read_remarkable(data, "a.rmdoc")


def test_pages_of_a_notebook_that_are_too_large_together_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remarkable, "_page", lambda data, name: data)
    monkeypatch.setattr(remarkable, "MAX_NOTEBOOK", 10)
    assert len(read_remarkable(notebook(10), "a.rmdoc")) == 10
    with pytest.raises(InputError, match=r"a\.rmdoc: pages of more than .* together"):
        read_remarkable(notebook(11), "a.rmdoc")


@pytest.mark.parametrize("levels", [900, 985, 995, 2000, 100_000])
@pytest.mark.parametrize(("opens", "closes"), [('{"strokes":', "}"), ("[", "]")])
def test_json_that_is_nested_deep_is_read_or_refused(levels: int, opens: str, closes: str) -> None:
    data = (opens * levels + "[[[1,2],[3,4]]]" + closes * levels).encode()
    try:
        assert len(read_json(data, "a.json")) == 1
    except InputError as error:
        assert str(error).startswith("a.json: ")


def test_content_of_a_notebook_that_is_nested_deep_is_damaged() -> None:
    with pytest.raises(InputError, match=r"a\.rmdoc: n\.content is damaged"):
        read_remarkable(notebook(1, "[" * 100_000), "a.rmdoc")


def mathml(opens: str, closes: str, inner: str = "<mi>x</mi>") -> etree._Element:
    return etree.fromstring(f"<math>{opens}{inner}{closes}</math>", None)


@pytest.mark.parametrize("tag", ["msqrt", "mfenced", "msup", "mover"])
def test_mathml_that_is_nested_deep_is_no_label(tag: str) -> None:
    assert label_from_mathml(mathml("<msqrt>" * 12, "</msqrt>" * 12)).count("sqrt") == 12
    with pytest.raises(LabelError, match="nested more than"):
        label_from_mathml(mathml(f"<{tag}>" * 200, f"</{tag}>" * 200))
    math = f"<annotationXML><math>{f'<{tag}>' * 200}<mi>x</mi>{f'</{tag}>' * 200}</math>"
    data = inkml(f"{math}</annotationXML><trace>1 2,3 4</trace>")
    ink = read_inkml(data, "a.inkml")
    assert len(ink.strokes) == 1 and ink.label is None


def test_rows_of_long_expressions_are_nested_as_deep_as_they_are_long() -> None:
    math = mathml("<mrow><mi>x</mi>" * 150, "</mrow>" * 150)
    assert label_from_mathml(math) == " ".join("x" * 151)


def test_ids_are_in_the_order_of_the_label_however_deep() -> None:
    key = 'xml:id="{}"'.format
    root = f"<mroot {key('r')}><mi {key('b')}>x</mi><mn {key('a')}>3</mn></mroot>"
    rows = "".join(f"<mrow><mi {key(f'i{n}')}/>" for n in range(240))
    math = mathml(rows, "</mrow>" * 240, root)
    assert ids_in_order(math) == [f"i{n}" for n in range(240)] + ["r", "a", "b"]
