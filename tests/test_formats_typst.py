"""Expressions as Typst, which compiles them."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_formats import ODD, _here, made, read, valid

from hmer_cli.document.ids import named
from hmer_cli.expr.to_typst import to_typst

__all__ = ["_here"]


def test_typst_sets_every_sign() -> None:
    typst = pytest.importorskip("typst")
    made(".typ", [*read(valid()), *ODD])
    name = named(read(valid()))[0].id
    uses = f'#import "o.typ": *\n#{name} #hmer.at("0-p1-r1")\n#include "o.typ"\n'
    Path("doc.typ").write_text(uses)
    assert len(typst.compile("doc.typ")) > 10_000


@pytest.mark.parametrize(
    ("label", "typst"),
    [
        (r"\frac { - b \pm \sqrt { b ^ { 2 } - 4 a c } } { 2 a }",
         "frac(− b ± sqrt(b^(2) − 4 a c), 2 a)"),
        (r"\sum \limits _ { i = 0 } ^ { n } i", "attach(limits(∑), t: n, b: i = 0) i"),
        (r"\int \limits _ { 0 } ^ { 1 } x", "attach(∫, tr: 1, br: 0) x"),
        (r"f ( x , y ) = 1 2 . 5", "f ( x comma y ) = 12.5"),
        (r"[ 0 , 1 ) \# ( ", r"[ 0 comma 1 ) \# \("),
        (r"( x \overset { a } { ) }", r"\( x attach(limits(\)), t: a)"),
        (r"( [ x \underset { a } { ] } ) ^ { 2 }", r"( \[ x attach(limits(\]), b: a) )^(2)"),
        (r"\begin{pmatrix} a & b \\ c \end{pmatrix}", 'mat(delim: "(", a, b; c)'),
        (r"\begin{aligned} a & = b \\ & = c \end{aligned}", "a & = b \\\n & = c"),
        (r"\underbrace { a } _ { n }", "underbrace(a, n)"),
        (r"| \frac { a } { b } | ^ { 2 } - | c |",
         'lr(| frac(a, b) |)^(2) − class("normal", |) c class("normal", |)'),
        (r"\| \frac { a } { b } \|", "lr(‖ frac(a, b) ‖)"),
        # Typst would set scripts of relations over and under them
        (r"a \sim _ { 1 } ^ { \prime } b", "a attach(∼, tr: ′, br: 1) b"),
        (r"n ! ^ { 2 } | _ { 0 }", 'n !^(2) class("normal", |)_(0)'),
    ],
)  # fmt: skip
def test_typst_as_a_person_writes_it(label: str, typst: str) -> None:
    assert to_typst(label) == typst


@pytest.mark.parametrize("name", ["injlim", "projlim"])
def test_typst_has_the_names_of_latex(name: str) -> None:
    assert to_typst(rf"\{name}") == f'op("{name[:-3]} lim", limits: #true)'
