"""Labels as MathML: what it says, what it looks like to a browser, and which token each part is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from lxml import etree
from test_expr_glyphs import ALIKE, NOT_PASTED, SIGNS
from test_expr_tree import TREES

from hmer_cli.expr.commands import COVERS, FONTS, SYMBOLS
from hmer_cli.expr.glyphs import ACCENTS, GLYPHS
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.mathml import label_from_mathml
from hmer_cli.expr.to_mathml import to_mathml
from hmer_cli.expr.to_omml import to_omml
from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.expr.tree import LabelError, Tree, parse, to_tokens, walk
from hmer_cli.expr.validity import problems

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

SPOKEN = r"""x ^ { 2 } + y _ { i } ^ { 2 } = - z
\frac { - b \pm \sqrt { b ^ { 2 } - 4 a c } } { 2 a }
\sum \limits _ { n = 1 } ^ { \infty } \frac { 1 } { n ^ { 2 } } = \frac { \pi ^ { 2 } } { 6 }
\lim \limits _ { x \rightarrow 0 } \frac { \sin x } { x } = 1
( \frac { a } { b } ) ^ { 2 } [ 0 , 1 ) \sqrt [ 3 ] { x } \neq 3 . 1 4
\hat { x } + \vec { v } \leq \mathbb { R } ^ { n } \cup \{ \alpha \} | x |"""


def math(label: str) -> etree._Element:
    return etree.fromstring(to_mathml(label))


def parts(label: str) -> dict[int, etree._Element]:
    """The element of each token that shows."""
    return {int(e.get("data-t")): e for e in math(label).iter() if e.get("data-t")}


@pytest.mark.parametrize("label", SPOKEN.splitlines())
def test_mathml_says_what_the_label_says(label: str) -> None:
    read = label_from_mathml(math(label))
    assert read.replace(r"\mathbb { R }", "R") == label.replace(r"\mathbb { R }", "R")


def test_every_sign_has_a_glyph_of_its_own_kind() -> None:
    assert not SYMBOLS - set(GLYPHS)
    assert set(ACCENTS) == COVERS
    for font in FONTS:
        assert len({GLYPHS[f"{font} {{ {c} }}"][1] for c in "ABCNRZxyz"}) == 9
    scripts = [GLYPHS[rf"\mathcal {{ {c} }}"][1] for c in "LPl"]
    assert scripts == ["ℒ", "𝒫", "𝓁"]  # not those of Weierstrass and of \ell


@given(TREES)
@settings(max_examples=150)
def test_every_sign_is_tied_to_its_token(tree: Tree) -> None:
    tokens = to_tokens(tree)
    if not tokens:
        return
    tied = parts(join(tokens))
    signs = [node for node in walk(parse(tokens)) if node.symbol]
    assert sorted(tied) == sorted(node.at for node in signs)
    for node in signs:
        shown = "".join(tied[node.at].itertext())
        assert tokens[node.at] == node.symbol.split()[-2 if " " in node.symbol else 0]
        assert node.symbol not in GLYPHS or shown == GLYPHS[node.symbol][1]
        if node.symbol in SIGNS.keys() - NOT_PASTED:
            assert normalise(shown) == ALIKE.get(node.symbol, node.symbol)


def test_a_token_out_of_order_is_tied_to_its_place() -> None:
    tied = parts("x ^ { 2 } _ { i }")
    assert {at: part.text for at, part in tied.items()} == {0: "x", 3: "2", 7: "i"}


@pytest.mark.parametrize(
    ("label", "prefixes"),
    [
        ("- x", 1), ("a - x", 0), ("( - x )", 1), ("a = - x", 1), ("( a ) - x", 0), ("n ! - 1", 0),
        ("| x | - | y |", 0), ("| - x |", 1), ("2 | - x | - 1", 1), (r"\| x \| + 1", 0),
        ("| x | | y | - 1", 0), ("| | x | - | y | | - 1", 0), ("| x - | y | | + | - z |", 1),
        ("| | x | | - 1", 0), (r"\| x \| - | y | ^ { 2 } - 1", 0),
        ("F | _ { 0 } ^ { 1 } - 2", 0), ("P ( A | - B ) - P ( C | - D )", 2),
        (r"\{ x | | x | - 1 \}", 0), (r"| a \rangle - | b \rangle", 0),
        (r"\langle a | - \langle b |", 0), (r"\langle a | b \rangle - | c |", 0),
        ("x \\in ] - 1 , 2 [", 1), ("] 0 , 1 ] - a", 0),
    ],
)  # fmt: skip
def test_a_minus_before_its_number_is_a_prefix(label: str, prefixes: int) -> None:
    assert to_mathml(label).count('form="prefix"') == prefixes


def test_brackets_grow_with_what_they_hold_and_not_otherwise() -> None:
    assert "stretchy" not in to_mathml(r"( \frac { a } { b } )")
    assert to_mathml("( a )").count('stretchy="false"') == 2
    assert "stretchy" not in to_mathml(r"| \frac { a } { b } | ^ { 2 }")
    assert to_mathml(r"| a |").count('stretchy="false"') == 2
    assert to_mathml(r"( \frac { a } { b }").count('stretchy="false"') == 1
    scripted = math(r"( a + b ) ^ { 2 }")
    assert [child.tag for child in scripted.find("msup")] == ["mrow", "mn"]


def test_what_is_over_a_bracket_is_not_over_what_the_brackets_hold() -> None:
    (over,) = math(r"( \frac { a } { b } \overset { n } { ) }").iter("mover")
    assert [child.text for child in over] == [")", "n"]
    assert "<m:lim><m:r><m:t>n" in to_omml(r"( x \overset { n } { ) }")
    assert "m:begChr" not in to_omml(r"( x \overset { n } { ) }")


@pytest.mark.parametrize(("label", "gaps"), [(r"2 \sin x", 2), (r"\sin ( x )", 0), (r"\sin", 0)])
def test_names_keep_off_their_neighbours(label: str, gaps: int) -> None:
    assert len(math(label).findall(".//mspace")) == gaps


def test_what_is_no_command_stands_as_text_and_is_escaped() -> None:
    assert parts(r"x \foo")[1].text == r"\foo"
    assert [parts("<")[0].text, parts(r"\&")[0].text] == ["<", "&"]


@pytest.mark.parametrize("label", [r"\frac { a", "x ^ { 2 } ^ { 3 }", "}"])
def test_what_is_no_label_is_refused(label: str) -> None:
    with pytest.raises(LabelError):
        to_mathml(label)


def test_labels_of_real_formulas_keep_every_sign(data: Path) -> None:
    lines = (data / "formulas.txt").read_text("utf-8").splitlines()[::40]
    done = 0
    for line in lines:
        label = normalise(line)
        if problems(label):
            continue
        tied = parts(label)
        tokens = tokenize(label)
        plain = {i for i, t in enumerate(tokens) if t in SYMBOLS and t not in "[]"}
        assert plain <= set(tied), label
        assert not re.search(r"<m\w+ [^>]*data-t[^>]*></m(?!space)", to_mathml(label))
        done += 1
    assert done > 100
