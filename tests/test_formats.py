"""Each format is read back with a program or library of that format."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
from chromium import PROGRAM, Chromium
from handmade import FakeRecogniser, cross, encoded, paged
from lxml import etree
from PIL import Image
from test_convert import failed, pandoc, record, typeset
from test_expr_to_latex import TYPED
from test_expr_tree import _every_command, _random_valid

from hmer_cli.commands.convert import convert
from hmer_cli.document import formats
from hmer_cli.document.corrections import typed_correction
from hmer_cli.document.formats import FORMATS, Output
from hmer_cli.document.ids import named
from hmer_cli.document.records import Record
from hmer_cli.errors import MissingError, UsageError
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.to_mathml import to_mathml
from hmer_cli.expr.validity import problems

MATHML = "{http://www.w3.org/1998/Math/MathML}"
PAGE = "{http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15}"

# Typed LaTeX that is no label, what was read but is not valid, and a name that breaks out.
ODD = [
    record("a<&>\x1b\ud800.png", latex=r"\boxed{x}", label=r"\boxed{x}", correction=r"\boxed{x}"),
    record("b.png", latex=r"\frac { <", label=r"\frac { <", status="low", error="no } closes it"),
    failed('c"<.png'),
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(labels: list[str]) -> list[Record]:
    return [
        record(f"{i}.png", latex=to_latex(label), label=label, key=str(i))
        for i, label in enumerate(labels)
    ]


def made(ending: str, records: list[Record]) -> bytes:
    Output.parse(f"o{ending}").write(records)
    return Path(f"o{ending}").read_bytes()


def valid() -> list[str]:
    labels = [*_every_command(), *_random_valid(200), *map(normalise, TYPED)]
    return [label for label in labels if not problems(label)]


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_records_make_the_same_bytes(ending: str) -> None:
    library, _ = formats._NEEDS.get(FORMATS[ending], ("json", ""))
    pytest.importorskip(library)
    assert made(ending, read(["x", "y"])) == made(ending, read(["x", "y"]))


def test_each_line_is_a_document_of_mathml() -> None:
    records = read(valid())
    lines = made(".mathml", [*records, *ODD]).decode().splitlines()
    roots = [etree.fromstring(line) for line in lines]
    assert {root.tag for root in roots} == {f"{MATHML}math"}
    latex = [root.get("alttext") for root in roots]
    assert latex[: len(records)] == [" ".join(each.latex.split()) for each in records]
    assert latex[-2:] == [r"\boxed{x}", r"\frac { <"]
    assert [root.get("id") for root in roots] == [each.id for each in named([*records, *ODD])][:-1]


def test_a_fragment_of_html_is_well_formed_and_self_contained() -> None:
    text = made(".fragment.html", [*read(TYPED[:3]), *ODD]).decode()
    body = etree.fromstring(f"<body>{text}</body>")
    assert [child.tag for child in body] == ["figure"] * 5 + ["p"]
    assert "script" not in text and "http" not in text.replace(MATHML[1:-1], "")


MORE_THAN_A_LABEL = [
    r"x^2 \text{ if } x>0",
    r"\text{Area} = 3",
    r"\boxed{x}",
    r"\mathbf{v}\cdot w",
    r"{\bf v}w",
    r"\mathrm{kg}",
    r"a \equiv b \pmod{n}",
    r"x = 1 \quad y = 2",
    *(rf"x=1{blank}y=2" for blank in (r"\hspace{1cm}", r"\enspace ", r"\;\;\;", "~~~~")),
    "T_a{}^b{}_c",
    r"\Gamma^{a}{}_{bcd}",
    r"T^a\,_b",
    "{x^2}^3",
    r"y+\mathrm{x_1}_2",
    "1+{}_2F_1",
    r"\begin{equation}x=1\tag{2}\end{equation}",
    r"\begin{array}{c|c} a & b \end{array}",
    r"E_{\text{int}}",
    r"\operatorname{int}(A)",
    r"v_{\rm sum}",
    r"\overset{\mathrm{prod}}{=}",
    r"10\,\mathrm{min}^{-1}",
    r"{\rm min}_a'",
    r"\operatorname{det}^2 A",
]


@pytest.mark.parametrize("typed", MORE_THAN_A_LABEL)
def test_what_was_typed_and_no_label_can_say_stays_as_latex(typed: str) -> None:
    correction = typed_correction(typed)
    records = [record(latex=typed, label=correction.label, correction=typed)]
    word = zipfile.ZipFile(io.BytesIO(made(".docx", records))).read("word/document.xml")
    assert typed in "".join(etree.fromstring(word).itertext())
    assert f"raw({json.dumps(typed)})" in made(".typ", records).decode()
    for ending in (".mathml", ".fragment.html"):
        root = etree.fromstring(made(ending, records))
        assert [shown.text for shown in root.iter(f"{MATHML}mtext")] == [typed]


SAID = [r"\int f(x)\,\mathrm{d}x", r"\operatorname{tr}A^\mathsf{T}", r"x_\text{max}", r"{\rm d}x",
        r"x = 1, \hspace{1cm} y = 2", r"\int x\hspace{2pt}dx \;\; = y", r"\cfrac[l]{1}{2}",
        r"{}_2F_1 + {x^2}_1 + \hat{x^2}^2 + \sum_{x_1}^{y^2}", r"\smash[b]{x}", r"\sech x",
        r"\begin{align}a&=b\\&=c\end{align}",
        r"x = 1, \quad y = 2", r"a \quad \implies \quad b",
        r"x_{\mathrm{min}}^2 + {x_{\rm max}}^2", r"\operatorname{max}_x f", r"x_\mathrm{max}^2",
        r"\frac{1}{\mathrm{min}}^2", r"\frac\mathrm{min}2^2",
        r"\operatorname*{min}^2 g",
        r"\mathop{\mathrm{lim\,sup}}_n^2 + (\mathrm{min})^2"]  # fmt: skip


@pytest.mark.parametrize("typed", [*TYPED, *SAID])
def test_what_was_typed_and_a_label_can_say_is_an_equation(typed: str) -> None:
    correction = typed_correction(typed)
    records = [record(latex=typed, label=correction.label, correction=typed)]
    root = etree.fromstring(made(".mathml", records))
    assert not list(root.iter(f"{MATHML}mtext"))


def test_relations_of_a_derivation_stand_in_a_column_without_a_style_sheet() -> None:
    labels = [
        r"\begin{aligned} a & = \frac { b } { 2 } \\ & = c \end{aligned}",
        r"\begin{cases} 1 & x > 0 \\ 2 \end{cases}",
    ]
    for ending in (".mathml", ".fragment.html"):
        root = etree.fromstring(b"<body>%s</body>" % made(ending, read(labels)))
        aligned, cases = root.iter(f"{MATHML}mtable")
        assert (aligned.get("columnalign"), cases.get("columnalign")) == ("right left", "left left")
        assert aligned.get("displaystyle") == "true"  # fractions are no smaller than elsewhere
        sides = [cell.get("style").split(";")[0] for cell in aligned.iter(f"{MATHML}mtd")]
        assert sides == ["text-align: right", "text-align: left"] * 2
    assert "style" not in to_mathml(labels[0])  # which the policy of review pages forbids


EDGES = """[...document.querySelectorAll("mtr")].map((row) =>
  [...row.children].map(({firstElementChild: first, lastElementChild: last}) =>
    [first.getBoundingClientRect().left, last.getBoundingClientRect().right]))"""
"""Left and right of what stands in each cell of each row."""


@pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("styled", [True, False])
def test_a_browser_shows_relations_in_a_column(styled: bool, tmp_path: Path) -> None:
    label = r"\begin{aligned} a & = b & c & = d \\ x x & < y & u u & > w \end{aligned}"
    templates = resources.files("hmer_cli.document") / "templates"
    sheet = f"<style>{(templates / 'review.css').read_text('utf-8')}</style>"
    shown = sheet + to_mathml(label) if styled else made(".fragment.html", read([label])).decode()
    page = tmp_path / "page.html"
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8>{shown}", "utf-8")
    with Chromium(tmp_path / "profile") as browser:
        browser.open(page)
        above, under = browser.run(EDGES)
    for side in (0, 2):
        assert above[side][1] == pytest.approx(under[side][1], abs=1)
        assert above[side + 1][0] == pytest.approx(under[side + 1][0], abs=1)
    assert under[2][0] - under[1][1] > 8  # y and u are no product


def test_a_table_opens_in_a_spreadsheet_as_it_is() -> None:
    records = [record("=1.png", 7, latex="=x"), record("b.png", latex='a,"b"'), *ODD]
    rows = list(csv.DictReader(io.StringIO(made(".csv", records).decode())))
    assert [row["latex"] for row in rows[:2]] == [" =x", 'a,"b"']
    assert rows[0]["source"] == " =1.png"
    columns = "page x0 y0 x1 y1 confidence status error".split()
    assert [rows[0][name] for name in columns] == [*"71234", "0.9", "ok", ""]
    assert [rows[-1][name] for name in columns] == [""] * 5 + ["0.0", "failed", "bad"]
    assert [row["status"] for row in rows[-3:]] == ["ok", "low", "failed"]
    assert [row["id"] for row in rows] == [each.id for each in named(records)]


def test_no_cell_of_a_table_is_a_formula_where_semicolons_part_them() -> None:
    name = "x;=cmd|' /C calc'!A0;+1;\"=2\";;@x;y-1.png"
    made_ = made(".csv", [record(name, latex=r"a\;=b")]).decode()
    cells = made_.splitlines()[1].split(";")
    assert not [cell for cell in cells if cell.lstrip('"').startswith(("=", "+", "-", "@"))]
    (row,) = csv.DictReader(io.StringIO(made_))
    assert row["source"] == "x; =cmd|' /C calc'!A0; +1; \"=2\";; @x;y-1.png"
    assert row["latex"] == r"a\; =b"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("x\n- y\r\n# z", "x - y # z"),
        ("<img/src=x/onerror=alert(1)>", "< img/src=x/onerror=alert(1)>"),
        ("a<b>c</b>!<!--", "a< b>c< /b>!< !--"),
        (r"x<2<\alpha", r"x<2<\alpha"),
    ],
)
def test_what_was_typed_is_neither_markdown_nor_html(typed: str, shown: str) -> None:
    text = made(".md", [record("a.png", latex=typed, label="x", correction=typed)]).decode()
    assert f"\n$$\n{shown}\n$$\n" in text


def test_a_drawing_has_a_group_a_formula() -> None:
    pytest.importorskip("ziamath")
    records = [*read(["x", r"\frac { 1 } { 2 }", *valid()[::9]]), *ODD]
    root = etree.fromstring(made(".svg", records))
    groups = root.findall("{http://www.w3.org/2000/svg}g")
    assert [group.get("id") for group in groups] == [each.id for each in named(records)][:-1]
    assert all(len(group) > 1 for group in groups)


def test_page_xml_lies_on_the_images_beside_it() -> None:
    Path("a.pdf").write_bytes(paged([cross(), np.hstack([cross(), cross()[:, :90]])]))
    wide = np.full((900, 2400), 255, np.uint8)  # which is shown smaller
    wide[200:680, 800:1440] = cv2.resize(cross(), (640, 480))
    Path("b.png").write_bytes(encoded(wide))
    names = ["a-p1", "a-p2", "b-p1"]
    records = convert(["a.pdf", "b.png"], ["o.page.zip"], recogniser=FakeRecogniser())
    archive = zipfile.ZipFile("o.page.zip")
    assert archive.namelist() == [each for n in names for each in (f"{n}.png", f"page/{n}.xml")]
    for number, name in enumerate(names, 1):
        page = etree.fromstring(archive.read(f"page/{name}.xml")).find(f"{PAGE}Page")
        image = np.asarray(Image.open(io.BytesIO(archive.read(page.get("imageFilename")))))
        assert (page.get("imageWidth"), page.get("imageHeight")) == tuple(
            map(str, image.shape[::-1])
        )
        (region,) = page.findall(f"{PAGE}MathsRegion")
        assert region.get("id") == named(records)[number - 1].id
        points = region.find(f"{PAGE}Coords").get("points").split()
        (x0, y0), _, (x1, y1), _ = (tuple(map(int, point.split(","))) for point in points)
        assert (image[y0:y1, x0:x1] < 128).sum() == (image < 128).sum() > 0
        assert region.find(f".//{PAGE}Unicode").text == "x^2"


@pytest.mark.parametrize(("ending", "extra"), [(".svg", "svg"), (".pdf", "pdf")])
def test_a_missing_library_is_told_before_anything_is_read(
    ending: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmer_cli.document.formats.find_spec", lambda name: None)
    with pytest.raises(MissingError, match=re.escape(f"hmer-cli[{extra}]")):
        convert(["none.png"], [f"o{ending}"], recogniser=FakeRecogniser())


@pytest.mark.parametrize("out", ["notes/o.pdf", "notes/a.pdf", "notes/o.page.zip", "notes/o.svg"])
def test_notes_are_not_overwritten_and_outputs_do_not_become_inputs(out: str) -> None:
    pytest.importorskip("pikepdf")
    pytest.importorskip("ziamath")
    Path("notes").mkdir()
    Path("notes/a.pdf").write_bytes(before := paged([cross()]))
    inputs = ["notes/a.pdf"] if out == "notes/a.pdf" else ["notes"]
    with pytest.raises(UsageError, match=re.escape(out)):
        convert(inputs, [out], recogniser=FakeRecogniser())
    assert Path("notes/a.pdf").read_bytes() == before


def test_a_doubtful_display_that_was_typed_is_marked() -> None:
    latex = r"\begin{align} a &= 123 \\ &= 456 \end{align}"
    label = typed_correction(latex).label
    for doubt, marks in ((None, 0), ("another region", 1)):
        status = "low" if doubt else "ok"
        typed = record(latex=latex, label=label, correction=latex, status=status, error=doubt)
        made(".tex", [typed])
        text = typeset("", r"\input{o}")
        assert "456" in text and text.count("[?]") == marks
        made_so = typeset(r"\newcommand{\hmerlow}[1]{#1}", r"\input{o}")
        assert "456" in made_so and "[?]" not in made_so


def test_pandoc_knows_what_stands_for_double_strokes() -> None:
    labels = [r"\mathbb { 1 } _ { A }", r"\mathbb { k } x"]
    made(".md", read(labels))
    assert "𝕜x" in pandoc("o.md", "-t", "plain")
    made(".tex", read(labels))
    assert "𝕜" in pandoc("o.tex", "-t", "plain")
    made(".docx", read(labels))
    assert "𝟙" in (shown := pandoc("o.docx", "-t", "plain")) and "𝕜" in shown
