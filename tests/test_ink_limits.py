"""Small files of ink that would cost hours or all memory are read in little, or refused."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from hmer_cli.errors import InputError
from hmer_cli.ink import inkml as inkml_reader
from hmer_cli.ink import svg_path, svg_strokes, svg_style
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.ink.json_strokes import read_json
from hmer_cli.ink.svg_path import path_lines
from hmer_cli.ink.svg_strokes import read_svg


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
