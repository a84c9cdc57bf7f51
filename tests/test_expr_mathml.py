"""MathML in its dialects becomes labels, and where it disagrees with LaTeX the symbols decide."""

from __future__ import annotations

import pytest
from lxml import etree

from hmer_cli.expr.latex import normalise
from hmer_cli.expr.mathml import label_from_mathml
from hmer_cli.expr.tree import LabelError
from hmer_cli.expr.truth import contradicts, derive_label
from hmer_cli.expr.validity import problems


def mathml(inner: str) -> etree._Element:
    return etree.fromstring(f'<math xmlns="http://www.w3.org/1998/Math/MathML">{inner}</math>')


DIALECTS = {
    # rows nested to the right, as MathBrush, KAIST and HAMEX have them
    "<mrow><mi>a</mi><mrow><mo>+</mo><mrow><msup><mi>x</mi><mn>2</mn></msup><mi>\\pi</mi></mrow>"
    "</mrow></mrow>": r"a + x ^ { 2 } \pi",
    # flat rows under math itself, as MfrDB has them
    "<msup><mrow><mo>(</mo><mi>x</mi><mo>)</mo></mrow><mrow><mn>2</mn></mrow></msup><mo>\\leq</mo>"
    "<mn>3</mn>": r"( x ) ^ { 2 } \leq 3",
    # names without a backslash, entities without an ampersand, names cut short
    "<mi>sin</mi><mi>Delta</mi><mo>hellip</mo><mi>infin</mi><mo>&lt;</mo><mo>\\gt</mo><mo>{</mo>": (
        r"\sin \Delta \ldots \infty < > \{"
    ),
    "<munder><mo>im</mo><mrow><mi>x</mi><mo>rightarrow</mo><mn>0</mn></mrow></munder>": (
        r"\lim \limits _ { x \rightarrow 0 }"
    ),
    "<msubsup><mo>int</mo><mn>0</mn><mi>t</mi></msubsup>": r"\int \limits _ { 0 } ^ { t }",
    "<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover>": r"\sum \limits _ { i } ^ { n }",
    "<msub><msup><mi>x</mi><mn>2</mn></msup><mi>i</mi></msub>": "x _ { i } ^ { 2 }",
    "<mroot><mi>x</mi><mn>3</mn></mroot>": r"\sqrt [ 3 ] { x }",
    "<msqrt><mi>x</mi><mi>y</mi></msqrt>": r"\sqrt { x y }",
    # other tools
    "<mtext>x₁²³</mtext>": "x _ { 1 } ^ { 2 3 }",
    "<mn>12.5</mn><mo>−</mo><mi>α</mi>": r"1 2 . 5 - \alpha",
    "<mover><mi>v</mi><mo>→</mo></mover>": r"\vec { v }",
    '<mfenced open="["><mi>a</mi><mi>b</mi></mfenced>': "[ a , b )",
    "<mtable><mtr><mtd><mi>a</mi></mtd><mtd/></mtr></mtable>": r"\begin{matrix} a & \end{matrix}",
    '<mi mathvariant="double-struck">1</mi>': r"\mathbb { 1 }",
    '<mi mathvariant="double-struck">R</mi>': r"\mathbb { R }",
    "<mo>(</mo><mtable><mtr><mtd><mi>a</mi></mtd></mtr></mtable><mo>)</mo>": (
        r"\begin{pmatrix} a \end{pmatrix}"
    ),
    '<msup><mfenced><mfrac linethickness="0pt"><mi>n</mi><mi>k</mi></mfrac></mfenced><mn>2</mn>'
    "</msup>": r"\binom { n } { k } ^ { 2 }",
    '<mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac><mo>)</mo>': (
        r"\begin{matrix} n \\ k \end{matrix} )"
    ),
    '<mfrac linethickness="0.1em"><mi>n</mi><mi>k</mi></mfrac>': r"\frac { n } { k }",
    "<munder><mrow><mi>a</mi><mi>b</mi></mrow><mo>_</mo></munder>": r"\underline { a b }",
    "<munder><munder><mi>a</mi><mo>⏟</mo></munder><mi>n</mi></munder>": (
        r"\underbrace { a } _ { n }"
    ),
    "<mover><mover><mi>a</mi><mo>⏞</mo></mover><mi>n</mi></mover>": r"\overbrace { a } ^ { n }",
    "<mi>ℵ</mi><mi>ℜ</mi><mi>𝒫</mi><mo>⊊</mo>": r"\aleph \Re \mathcal { P } \subsetneq",
    "<mover><mrow><mi>A</mi><mi>B</mi></mrow><mo>\u0302</mo></mover>": r"\hat { A B }",  # pandoc
    '<mover><mrow><mi>A</mi><mi>B</mi></mrow><mo stretchy="false">→</mo></mover>': (
        r"\vec { A B }"
    ),
    "<munder><mi>a</mi><mo>‾</mo></munder>": r"\underline { a }",  # KaTeX
    "<mo><mover><mo>=</mo><mi>d</mi></mover></mo>": r"\overset { d } { = }",  # KaTeX
    "<mi><malignmark/>x</mi><mn>1<mspace/>2</mn><mi>s<!-- -->in</mi>": r"x 1 2 \sin",
    "<mtext>if <math><mi>y</mi></math> or</mtext>": "i f y o r",
    "<mi><!-- sic -->x</mi><mo>⟂</mo>": r"x \perp",
    "<mi>ı</mi><mi>ȷ</mi><mi>ð</mi><mo>√</mo>": r"\imath \jmath \eth \surd",
    "<mover><mrow><mi>A</mi><mi>B</mi></mrow><mo>→</mo></mover>": r"\overrightarrow { A B }",
    "<mover><mi>x</mi><mo>ˉ</mo></mover>": r"\bar { x }",
    "<mi>div</mi><mi>v</mi><mo>div</mo><mn>2</mn>": r"d i v v \div 2",
    '<menclose notation="radical"><mi>x</mi></menclose>': r"\sqrt { x }",
    '<menclose notation="top"><mi>x</mi></menclose>': r"\overline { x }",
    '<menclose notation="box"><mi>x</mi></menclose>': "x",
    "<maction><mi>x</mi><mtext>a hint</mtext></maction>": "x",
    "<mmultiscripts><mi>F</mi><mn>1</mn><none/><mprescripts/><mn>2</mn><none/></mmultiscripts>": (
        "{ } _ { 2 } F _ { 1 }"
    ),
    "<mi>a</mi><mmultiscripts><mi>R</mi><mi>b</mi><mi>c</mi><mi>d</mi><mi>e</mi></mmultiscripts>": (
        "a R _ { b d } ^ { c e }"
    ),
    "<msup><!-- a base --><mi>x</mi><mn>2</mn></msup>": "x ^ { 2 }",
    "<mtable><mlabeledtr><mtd><mn>1</mn></mtd><mtd><mi>a</mi></mtd></mlabeledtr></mtable>": (
        r"\begin{matrix} a \end{matrix}"
    ),
    # malformed: a script without its second child
    "<msub><mi>x</mi></msub>": "x",
}


@pytest.mark.parametrize("inner", DIALECTS)
def test_the_dialects_of_mathml(inner: str) -> None:
    label = label_from_mathml(mathml(inner))
    assert label == DIALECTS[inner]
    assert problems(label) == []
    assert normalise(label) == label


def test_mathml_without_a_sign_is_refused() -> None:
    with pytest.raises(LabelError, match="no sign"):
        label_from_mathml(mathml("<mrow/>"))


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ("<menclose><mi>x</mi></menclose>", "encloses by longdiv"),
        ('<menclose notation="updiagonalstrike"><mi>x</mi></menclose>', "updiagonalstrike"),
        ("<mlongdiv><mn>2</mn><mn>4</mn></mlongdiv>", "<mlongdiv>"),
        (
            "<mmultiscripts><mi>T</mi><mi>a</mi><none/><none/><mi>b</mi></mmultiscripts>",
            "beside each other",
        ),
        (
            "<mo>+</mo><mmultiscripts><mi>F</mi><mprescripts/><mn>2</mn><none/></mmultiscripts>",
            "that others precede",
        ),
    ],
)
def test_mathml_that_no_label_says_is_refused(inner: str, said: str) -> None:
    with pytest.raises(LabelError, match=said):
        label_from_mathml(mathml(inner))


NESTED = "<msub><mi>x</mi><mi>y</mi></msub>"


@pytest.mark.parametrize(
    ("inner", "latex", "symbols", "label"),
    [
        (NESTED, None, ["x", "y"], "x _ { y }"),
        (None, "$x_y$", ["x", "y"], "x _ { y }"),
        (NESTED, "$x^y$", [], "x _ { y }"),  # no symbols to judge by
        (NESTED, "$x_z$", ["x", "y"], "x _ { y }"),  # the LaTeX contradicts them
        (NESTED, "$x_{yy}$", ["x", "y", "y"], "x _ { y y }"),  # the MathML does
        (NESTED, "$x^y$", ["x", "y"], "x ^ { y }"),  # neither does
        (NESTED, "$x_{y$", ["x", "y"], "x _ { y }"),  # no LaTeX at all
        ("<mrow/>", "$x_y$", ["x", "y"], "x _ { y }"),  # no MathML at all
        ("<mo>.</mo><mo>.</mo><mo>.</mo>", r"\cdots", [".", ".", "."], r"\cdots"),
        (
            "<mo>(</mo><mi>b</mi><mo>)</mo>",
            r"\begin{pmatrix} a \end{pmatrix}",
            ["(", "a", ")"],
            r"\begin{pmatrix} a \end{pmatrix}",
        ),
    ],
)
def test_the_symbols_choose_the_truth(
    inner: str | None, latex: str | None, symbols: list[str], label: str
) -> None:
    math = None if inner is None else mathml(inner)
    assert derive_label(math, latex, symbols) == label


def test_no_annotation_is_no_label() -> None:
    with pytest.raises(LabelError, match="neither MathML nor LaTeX"):
        derive_label(None, None, ["x"])


def test_a_bar_is_a_minus_and_names_need_no_backslash() -> None:
    assert not contradicts(r"\frac { \alpha } { 2 } < \{", ["-", "alpha", "2", r"\lt", "{"])
    assert contradicts("x", ["y"])
