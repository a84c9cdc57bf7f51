"""Names of functions and numbers in formats other than LaTeX: upright, and one sign each."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from chromium import PROGRAM, Chromium
from lxml import etree
from test_convert import pandoc, record

from hmer_cli.document.corrections import typed_correction
from hmer_cli.document.formats import Output
from hmer_cli.document.records import Record
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.mathml import label_from_mathml
from hmer_cli.expr.names import NAMES, with_names, with_numbers
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.to_omml import NAMESPACE
from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.expr.tree import parse, to_tokens

MATHML = "{http://www.w3.org/1998/Math/MathML}"
OMML = f"{{{NAMESPACE}}}"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(label: str) -> Record:
    return record(latex=to_latex(label), label=label)


def typed(latex: str) -> Record:
    return record(latex=latex, label=typed_correction(latex).label, correction=latex)


def made(ending: str, *records: Record) -> bytes:
    Output.parse(f"o{ending}").write(records)
    return Path(f"o{ending}").read_bytes()


def leaves(written: Record) -> str:
    """What each leaf of the MathML shows; italic letters in underlines."""
    root = etree.fromstring(made(".mathml", written))
    found = [e for e in root.iter() if e.tag in {f"{MATHML}{tag}" for tag in ("mi", "mn", "mo")}]
    return " ".join(
        f"_{e.text}_" if e.tag.endswith("mi") and len(e.text) == 1 and not e.attrib else e.text
        for e in found
    )


def runs(written: Record) -> str:
    """The same of the runs of Word's equation."""
    document = zipfile.ZipFile(io.BytesIO(made(".docx", written))).read("word/document.xml")
    shown = []
    for run in etree.fromstring(document).iter(f"{OMML}r"):
        style = run.find(f"{OMML}rPr/{OMML}sty")
        text = run.findtext(f"{OMML}t")
        upright = style is not None and style.get(f"{OMML}val") == "p"
        shown.append(text if upright else f"_{text}_")
    return " ".join(shown)


SHOWN = [
    (read("1 7 m o d 5 = 2"), "17 mod 5 = 2", "17  mod  5 = 2"),
    (read("r a n k ( A ) = 2"), "rank ! ( _A_ ) = 2", "rank _A_ = 2"),
    (read("t r ^ { 2 } ( A )"), "tr 2 ! ( _A_ )", "tr 2 _A_"),
    (typed(r"a \equiv b \bmod n"), "_a_ ≡ _b_ mod _n_", "_a_ ≡ _b_  mod  _n_"),
    (typed(r"x\operatorname{rank} A"), "_x_ rank ! _A_", "_x_ rank _A_"),
    (typed(r"\mathrm{tr}(A)"), "tr ! ( _A_ )", "tr _A_"),
    (typed(r"\operatorname{lcm}(a,b)"), "lcm ! ( _a_ , _b_ )", "lcm _a_ , _b_"),
    (typed(r"\int f\,\mathrm{d}x"), "∫ _f_ d _x_", "_f_ d _x_"),
    (typed(r"5\,\text{m} + 3\,\mathrm{\mu m}"), "5 m + 3 _μ_ m", "5 m + 3 _μ_ m"),
    (typed(r"\operatorname{argmax}_x f"), "arg ! max _x_ ! _f_", "arg max _x_ _f_"),
    (typed(r"\mathbf{1}^{T}x \le \mathbf 1"), "𝟏 _T_ _x_ ≤ 𝟏", "𝟏 _T_ _x_ ≤ 𝟏"),
    (read(r"\mathbb { 1 } _ { A }"), "𝟙 _A_", "𝟙 _A_"),
    (typed("t r(A) + 2.5"), "_t_ _r_ ( _A_ ) + 2.5", "_t_ _r_ _A_ + 2.5"),
]


@pytest.mark.parametrize(("written", "mathml", "word"), SHOWN)
def test_names_are_upright_and_applied(written: Record, mathml: str, word: str) -> None:
    assert leaves(written) == mathml.replace("!", "\N{FUNCTION APPLICATION}")
    assert runs(written) == word


def test_pandoc_takes_names_from_word_as_one() -> None:
    made(".docx", read("r a n k ( A )"), typed(r"a \equiv b \bmod 12"))
    shown = pandoc("o.docx", "-t", "markdown", "--wrap=none")
    assert "{rank}(A)" in shown and r"b\ mod\ 12" in shown


@pytest.mark.parametrize(
    ("written", "typst"),
    [
        (read("1 7 m o d 5"), '17 class("binary", "mod") 5'),
        (read("r a n k ( A )"), 'op("rank") ( A )'),
        (typed(r"\operatorname{tr}_k A"), 'op("tr")_(k) A'),
        (typed(r"5\,\text{m}"), "5 upright(m)"),
        (typed(r"\mathbf{1}^T x"), "upright(𝟏)^(T) x"),
    ],
)
def test_typst_sets_names_upright(written: Record, typst: str) -> None:
    program = pytest.importorskip("typst")
    assert f"$ {typst} $" in made(".typ", written).decode()
    assert len(program.compile("o.typ")) > 1000


@pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")
def test_a_browser_sets_names_upright_and_their_blanks(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    shown = made(".fragment.html", read("1 7 m o d 5"), typed(r"\operatorname{rank} A"))
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8>{shown.decode()}", "utf-8")
    gaps = """[...document.querySelectorAll("math mrow")].map((row) => [...row.children]
        .map((e) => e.getBoundingClientRect()).map(({left, right}) => [left, right]))"""
    with Chromium(tmp_path / "profile") as browser:
        browser.open(page)
        mod, rank = browser.run(gaps)
    assert mod[1][1] - mod[1][0] > 2 * (mod[0][1] - mod[0][0]) - 8  # with its blanks
    assert rank[-1][0] - rank[0][1] > 1


def test_a_drawing_sets_names() -> None:
    pytest.importorskip("ziamath")
    root = etree.fromstring(made(".svg", typed(r"\operatorname{rank} A"), read("s p a n ( A )")))
    assert len(root.findall("{http://www.w3.org/2000/svg}g")) == 2


@pytest.mark.parametrize("name", sorted(NAMES))
def test_mathml_of_a_name_is_read_back(name: str) -> None:
    label = f"x + {' '.join(name)} ( A ) - 1 2 . 5 ^ {{ 2 }}"
    root = etree.fromstring(made(".mathml", read(label)))
    assert label_from_mathml(root) == label
    assert name in [e.text for e in root.iter()]


@pytest.mark.parametrize(
    ("label", "numbers"),
    [
        ("1 2 . 5", "12.5"),
        ("1 . 2 . 3", "1.2 . 3"),
        ("1 2 .", "12 ."),
        ("1 ^ { 2 } 3", "1 ^ { 2 } 3"),
        ("1 2 ^ { 3 4 }", "12 ^ { 34 }"),
        ("a . 5", "a . 5"),
        ("1 , 5", "1 , 5"),
    ],
)
def test_digits_in_a_row_are_a_number(label: str, numbers: str) -> None:
    assert join(to_tokens(with_numbers(parse(tokenize(label))))) == numbers


def test_letters_beside_a_name_are_no_name() -> None:
    for label in ("a t r ( A )", "t r a", "m o d e", r"\hat { t } r ( A )"):
        assert join(to_tokens(with_names(parse(tokenize(label))))) == label


@pytest.mark.parametrize("latex", [r"\mathop{\mathrm{argmax}}_x", r"\mathop{\mathrm{lim\,sup}}_n"])
def test_operators_of_two_words_keep_their_limits(latex: str) -> None:
    assert normalise(latex, typed=True, named=True) == normalise(latex, typed=True)


def test_cases_end_in_nothing() -> None:
    root = etree.fromstring(made(".mathml", read(r"\begin{cases} 1 \\ 2 \end{cases}")))
    assert [e.text for e in root.iter(f"{MATHML}mo")] == ["{"]
