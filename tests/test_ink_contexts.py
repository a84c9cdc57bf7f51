"""InkML beyond the trace: resolutions, brushes, canvas transforms, definitions, odd separators."""

from __future__ import annotations

from importlib import import_module

import pytest

from hmer_cli.errors import InputError
from hmer_cli.expr.latex import MAX_TOKENS, normalise
from hmer_cli.expr.parser import LabelError
from hmer_cli.ink import inkml
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.ink.inkml_traces import VALUE

regex = import_module("re._parser")  # has no stubs


def points(text: str) -> list[list[list[float]]]:
    ink = read_inkml(f"<ink>{text}</ink>".encode(), "a.inkml")
    return [stroke.tolist() for stroke in ink.strokes]


def refused(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_inkml(f"<ink>{text}</ink>".encode(), "a.inkml")
    assert str(caught.value).startswith("a.inkml: ")
    return str(caught.value)


def source(x: str, y: str, x_unit: str = "1/cm", y_unit: str = "1/cm") -> str:
    return (
        '<definitions><context xml:id="c"><inkSource xml:id="s"><traceFormat>'
        '<channel name="X"/><channel name="Y"/></traceFormat><channelProperties>'
        f'<channelProperty channel="X" name="resolution" value="{x}" units="{x_unit}"/>'
        f'<channelProperty channel="Y" name="resolution" value="{y}" units="{y_unit}"/>'
        "</channelProperties></inkSource></context></definitions>"
    )


@pytest.mark.parametrize(
    ("context", "stroke"),
    [
        (source("1000", "1000"), [[10, 20], [30, 40]]),
        (source("1000", "500"), [[10, 40], [30, 80]]),
        (source("100", "1000", "1/mm", "1/cm"), [[10, 20], [30, 40]]),
        (source("1000", "0"), [[10, 20], [30, 40]]),
        (source("1000", "500", "1/cm", "1/furlong"), [[10, 20], [30, 40]]),
    ],
)
@pytest.mark.parametrize("reference", ['contextRef="#c"', ""])
def test_axes_of_different_resolution_are_made_equal(
    context: str, stroke: list[list[float]], reference: str
) -> None:
    assert points(f"{context}<trace {reference}>10 20, 30 40</trace>") == [stroke]


def units(x: str, y: str) -> str:
    return f'<traceFormat><channel name="X"{x}/><channel name="Y"{y}/></traceFormat>'


@pytest.mark.parametrize(
    ("x", "y", "stroke"),
    [
        (' units="cm"', ' units="mm"', [[10, 2], [30, 4]]),
        (' units="mm"', ' units="in" orientation="-ve"', [[10, -508], [30, -1016]]),
        (' units="mm"', ' units="mm"', [[10, 20], [30, 40]]),
        (' units="em"', ' units="mm"', [[10, 20], [30, 40]]),
        (' units="cm" respectTo="#a"', "", [[10, 20], [30, 40]]),
        (' units="dev"', ' units="dev"', [[10, 20], [30, 40]]),
    ],
)
def test_axes_of_different_units_are_made_equal(x: str, y: str, stroke: list[list[float]]) -> None:
    found = points(f"{units(x, y)}<trace>10 20, 30 40</trace>")[0]
    assert found == [pytest.approx(point) for point in stroke]


def test_values_in_lengths_have_no_resolution() -> None:
    context = source("1000", "500").replace('name="X"/>', 'name="X" units="mm"/>')
    for unit, y in (("mm", 20), ("dev", 40)):
        given = context.replace('name="Y"/>', f'name="Y" units="{unit}"/>')
        assert points(f"{given}<trace>10 20</trace>") == [[[10, y]]]


@pytest.mark.parametrize(
    ("colours", "number"),
    [(("#000000", "#FFFFFF"), 1), (("white", "#fefefe"), 2), (("blue", "yellow"), 2)],
)
def test_white_ink_counts_where_all_is_white(colours: tuple[str, str], number: int) -> None:
    brushes = "".join(
        f'<brush xml:id="b{n}"><brushProperty name="color" value="{colour}"/></brush>'
        f'<trace brushRef="#b{n}">10 20, 30 40</trace>'
        for n, colour in enumerate(colours)
    )
    ink = read_inkml(f"<ink>{brushes}</ink>".encode(), "a.inkml")
    assert len(ink.strokes) == number
    assert [each.what for each in ink.left_out] == ["white ink"] * (2 - number)


@pytest.mark.parametrize(
    "mark",
    ['name="transparency" value="127"', 'name="rasterOp" value="maskPen"'],
)
def test_highlighter_is_left_out_and_the_pen_is_not(mark: str) -> None:
    brushes = (
        '<definitions><brush xml:id="pen"><brushProperty name="transparency" value="0"/></brush>'
        f'<brush xml:id="mark"><brushProperty {mark}/></brush>'
        '<context xml:id="marked" brushRef="#mark"/></definitions>'
    )
    ink = (
        '<trace brushRef="#pen">1 2, 3 4</trace><trace brushRef="#mark">9 9, 8 8</trace>'
        '<traceGroup brushRef="#mark"><trace>9 9, 8 8</trace></traceGroup>'
        '<trace contextRef="#marked">9 9, 8 8</trace>'
        '<trace contextRef="#marked" brushRef="#pen">5 6, 7 8</trace>'
    )
    assert points(brushes + ink) == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert "highlighter" in refused(f'{brushes}<trace brushRef="#mark">1 2, 3 4</trace>')


def test_a_brush_is_as_the_one_it_refers_to_and_otherwise_black() -> None:
    brushes = (
        '<definitions><brush xml:id="mark"><brushProperty name="transparency" value="127"/></brush>'
        '<brush xml:id="broad" brushRef="#mark"><brushProperty name="width" value="9"/></brush>'
        '<brush xml:id="white"><brushProperty name="color" value="white"/></brush>'
        '<brush xml:id="pen"><brushProperty name="width" value="1"/></brush></definitions>'
    )
    ink = (
        '<trace>1 2, 3 4</trace><trace brushRef="#broad">9 9, 8 8</trace>'
        '<context brushRef="#white"/><trace>9 9, 8 8</trace>'
        '<context brushRef="#pen"/><trace>5 6, 7 8</trace>'
    )
    assert points(brushes + ink) == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


def trace_format(names: str, key: str = "") -> str:
    channels = "".join(f'<channel name="{name}"/>' for name in names)
    return f'<traceFormat xml:id="{key}">{channels}</traceFormat>'


XY, YX, TXY = map(trace_format, ("XY", "YX", "TXY"))


@pytest.mark.parametrize("context", [
    f"<context><inkSource>{TXY}</inkSource>{XY}</context>",
    f'<context traceFormatRef="#xy"><inkSource>{YX}</inkSource></context>',
    f'<context inkSourceRef="#yx">{XY}</context>',
    f'<context inkSourceRef="#yx"><inkSource>{XY}</inkSource></context>',
    f"<context><canvas>{YX}</canvas></context>",
    '<context><canvas traceFormatRef="#alone"/></context>',
    '<canvas traceFormatRef="#alone"/>',
    f'<context traceFormatRef="#alone">{XY}</context>',
])  # fmt: skip
def test_the_format_of_a_context_counts_before_that_of_its_source(context: str) -> None:
    definitions = (
        f"<definitions>{trace_format('XY', 'xy')}{trace_format('YX', 'alone')}"
        f'<inkSource xml:id="yx">{YX}</inkSource></definitions>'
    )
    assert points(f"{definitions}{context}<trace>1 2, 3 4</trace>") == [[[1, 2], [3, 4]]]


def test_the_format_of_a_canvas_is_not_that_of_the_traces() -> None:
    assert points(f"<canvas>{YX}</canvas><trace>1 2, 3 4</trace>") == [[[1, 2], [3, 4]]]


def test_what_is_defined_later_is_found() -> None:
    definitions = (
        '<definitions><context xml:id="c" traceFormatRef="#yx" brushRef="#broad"/>'
        '<context xml:id="pen" contextRef="#c" brushRef="#thin"/>'
        '<brush xml:id="broad" brushRef="#mark"/><brush xml:id="thin"/>'
        '<brush xml:id="mark"><brushProperty name="transparency" value="127"/></brush>'
        f"{XY}{trace_format('YX', 'yx')}</definitions>"
    )
    ink = '<trace contextRef="#c">9 9, 8 8</trace><trace contextRef="#pen">1 2, 3 4</trace>'
    assert points(definitions + ink) == [[[2, 1], [4, 3]]]


def chain(numbers: range) -> str:
    """Brushes of which each refers to the one numbered before it, from a highlighter on."""
    brushes = '<brush xml:id="b0"><brushProperty name="transparency" value="127"/></brush>'
    links = "".join(f'<brush xml:id="b{n}" brushRef="#b{n - 1}"/>' for n in numbers)
    last = max(numbers)
    return f'<definitions>{links}{brushes}</definitions><trace brushRef="#b{last}">9 9</trace>'


def test_references_without_end_are_no_endless_work() -> None:
    pen = "<trace>1 2, 3 4</trace>"
    for numbers in (range(1, 5_000), range(49, 0, -1)):
        assert points(chain(numbers) + pen) == [[[1, 2], [3, 4]]]
    assert "in a chain" in refused(chain(range(5_000, 0, -1)) + pen)
    circle = '<context xml:id="a" contextRef="#b"/><context xml:id="b" contextRef="#a"/>'
    assert points(f'{circle}<trace contextRef="#a">1 2, 3 4</trace>') == [[[1, 2], [3, 4]]]


def test_canvas_transform_is_followed() -> None:
    transform = '<canvasTransform xml:id="t"><mapping type="{}">{}</mapping></canvasTransform>'
    context = '<context xml:id="c" canvasTransformRef="#t"/>'
    trace = '<trace contextRef="#c">1 2, 3 4</trace>'
    flipped = transform.format("affine", "2 0 10, 0 -1 100")
    assert points(f"<definitions>{flipped}{context}</definitions>{trace}") == [[[12, 98], [16, 96]]]
    inside = flipped.replace(' xml:id="t"', "")
    assert points(f"<context>{inside}</context>{trace}") == [[[12, 98], [16, 96]]]
    plain = transform.format("identity", "")
    assert points(f"<definitions>{plain}{context}</definitions>{trace}") == [[[1, 2], [3, 4]]]


def test_a_mapping_by_reference_is_followed() -> None:
    mapping = (
        '<definitions><mapping xml:id="n" mappingRef="#m"/><mapping xml:id="m" type="affine">'
        "<affine>2 0 10, 0 -1 100</affine></mapping></definitions>"
    )
    transform = '<context><canvasTransform><mapping mappingRef="#{}"/></canvasTransform></context>'
    for name in "mn":
        ink = f"{mapping}{transform.format(name)}<trace>1 2, 3 4</trace>"
        assert points(ink) == [[[12, 98], [16, 96]]]
    circle = '<definitions><mapping xml:id="m" mappingRef="#m"/></definitions>'
    for given in ("", circle):
        ink = f"{given}{transform.format('m')}<trace>1 2, 3 4</trace>"
        assert "cannot be followed" in refused(ink)


@pytest.mark.parametrize(
    ("kind", "text"), [("lookup", "1 2"), ("affine", "1 0, 0 1"), ("affine", "1 0 0, 0 nan 0")]
)
def test_canvas_transform_that_cannot_be_followed_is_refused(kind: str, text: str) -> None:
    context = f'<canvasTransform><mapping type="{kind}">{text}</mapping></canvasTransform>'
    assert "cannot be followed" in refused(f"<context>{context}</context><trace>1 2</trace>")


def test_traces_in_definitions_are_drawn_where_a_view_shows_them() -> None:
    definitions = (
        '<definitions><trace xml:id="a">1 2, 3 4</trace><trace xml:id="unused">0 0, 9 9</trace>'
        '<traceGroup xml:id="g"><trace>5 5, 6 6</trace><trace>7 7, 8 8</trace></traceGroup>'
        "</definitions>"
    )
    assert points(f'{definitions}<traceView traceDataRef="#a"/><trace>4 4, 5 5</trace>') == [
        [[1, 2], [3, 4]],
        [[4, 4], [5, 5]],
    ]
    assert points(f'{definitions}<traceView traceDataRef="#g"/>') == [
        [[5, 5], [6, 6]],
        [[7, 7], [8, 8]],
    ]
    part = '<traceView traceDataRef="#a" from="2"/>'
    assert "part of a trace" in refused(definitions + part)
    assert "no ink" in refused(definitions)


@pytest.mark.parametrize(("views", "drawn"), [
    ('<traceView><traceView traceDataRef="#a"/></traceView>', [1]),
    ('<traceView><traceView traceDataRef="#a"/><traceView traceDataRef="#g"/></traceView>',
     [1, 2, 3]),
    ('<traceView traceDataRef="#g"/><traceView traceDataRef="#t"/>', [2, 3]),
    ('<traceView traceDataRef="#t"/><traceView traceDataRef="#g"/>', [3, 2]),
    ('<traceView traceDataRef="#v"/>', [3, 1]),
    ('<traceView traceDataRef="#circle"/>', [1]),
    ("<traceView/>", []),
])  # fmt: skip
def test_views_that_hold_views_draw_each_trace_once(views: str, drawn: list[int]) -> None:
    definitions = (
        '<definitions><trace>9 9, 8 8</trace><trace xml:id="a">1 1, 5 5</trace>'
        '<traceGroup xml:id="g"><trace>2 2, 5 5</trace><trace xml:id="t">3 3, 5 5</trace>'
        '</traceGroup><traceView xml:id="v"><traceView traceDataRef="#t"/>'
        '<traceView traceDataRef="#a"/></traceView><traceView xml:id="circle">'
        '<traceView traceDataRef="#circle"/><traceView traceDataRef="#a"/></traceView>'
        "</definitions>"
    )
    found = points(f"{definitions}{views}<trace>0 0, 5 5</trace>")
    assert [stroke[0][0] for stroke in found] == [*drawn, 0]
    assert "no ink" in refused("<definitions><trace>9 9, 8 8</trace></definitions>")


@pytest.mark.parametrize(
    ("traces", "stroke"),
    [
        ("<trace>1 2 3 4 5 6</trace>", [[1, 2], [3, 4], [5, 6]]),
        ("<trace>1 2\n3 4\n5 6</trace>", [[1, 2], [3, 4], [5, 6]]),
        ("<trace>1 2 9\n3 4 9</trace>", [[1, 2], [3, 4]]),
        ("<trace>1,2 3,4 5,6</trace>", [[1, 2], [3, 4], [5, 6]]),
        ("<trace>1 2 3</trace>", [[1, 2]]),  # a dot with its pressure
        ("<trace>1 2 3 4</trace><trace>5 6 7 8, 5 6 7 8</trace>", [[1, 2]]),
    ],
)
def test_points_without_commas_are_no_dot(traces: str, stroke: list[list[float]]) -> None:
    assert points(traces)[0] == stroke


def test_values_that_no_point_can_have_are_refused() -> None:
    assert "without a comma" in refused("<trace>1 2 3 4 5 6 7</trace>")
    assert "lacks X or Y" in refused("<trace>1 2, 3, 4 5</trace>")
    assert "too large" in refused(f"<trace>1 #{'F' * 400}, 3 4</trace>")
    assert "too large" in refused("<trace>1e999 1,'1e999 '1,\"-1e999 \"1</trace>")


def possessive(tree: object) -> bool:
    """Whether no repeat of a parsed regular expression can give back what it took."""
    if isinstance(tree, regex.SubPattern):
        return all(possessive(item) for item in tree.data)
    if not isinstance(tree, (tuple, list)):
        return True
    if tree and tree[0] in (regex.MAX_REPEAT, regex.MIN_REPEAT):
        return False
    return all(possessive(item) for item in tree)


def test_values_are_scanned_in_linear_time() -> None:
    assert possessive(regex.parse(VALUE.pattern))
    assert not possessive(regex.parse(r"a\s*b"))
    blanks = " " * 100_000
    assert "not a list of numbers" in refused(f"<trace>1 2{blanks}x, 3 4</trace>")
    assert points(f"<trace>1 2, 3 F{blanks}, 3 4</trace>") == [[[1, 2], [3, 0], [3, 4]]]


def test_many_continuations_are_one_stroke() -> None:
    count = 5_000
    more = "".join(
        f'<trace id="{i}" continuation="middle" priorRef="#{i - 1}">{i} 1</trace>'
        for i in range(1, count)
    )
    (stroke,) = points(f'<trace id="0">0 1</trace>{more}')
    assert stroke == [[i, 1] for i in range(count)]


@pytest.mark.parametrize(
    "part",
    [
        "<traceGroup>" * 300 + "<trace>3 4</trace>" + "</traceGroup>" * 300,
        f"<trace>{'1 2, ' * 2_500_000}3 4</trace>",
        f"<!--{'x' * 11_000_000}-->",
    ],
    ids=["depth", "text", "comment"],
)
def test_what_the_parser_would_cut_off_is_refused(part: str) -> None:
    assert "to be read whole" in refused(f"<trace>1 2</trace>{part}<trace>5 6</trace>")


def test_what_takes_all_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "stray" in refused("<" * 1_000_000)
    assert "stray" in refused("&" * 1_000_000)
    monkeypatch.setattr(inkml, "MAX_TRACES", 10)
    assert "traces" in refused("<trace>1 2</trace>" * 11)
    monkeypatch.setattr(inkml, "MAX_BYTES", 100)
    assert "larger than" in refused("<trace>1 2</trace>" * 10)


@pytest.mark.parametrize("latex", [r"\rm " * 3000 + "x", r"a \over " * 3000 + "x", "x" * 20_000])
def test_latex_without_end_is_no_label(latex: str) -> None:
    assert len(normalise("x" * MAX_TOKENS).split()) == MAX_TOKENS
    with pytest.raises(LabelError):
        normalise(latex)
    annotation = f'<annotation type="truth">{latex}</annotation>'
    ink = read_inkml(f"<ink>{annotation}<trace>1 2</trace></ink>".encode(), "a.inkml")
    assert ink.label is None


def test_empty_table_in_the_mathml_is_no_label() -> None:
    math = '<math xmlns="http://www.w3.org/1998/Math/MathML"><mtable/></math>'
    ink = f"<ink><annotationXML>{math}</annotationXML><trace>1 2</trace></ink>"
    assert read_inkml(ink.encode(), "a.inkml").label is None
