"""Labels as LaTeX for pasting: how it looks, that it says the same, and that it compiles."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from test_expr_tree import _every_command, _random_valid
from trees import TREES

from hmer_cli.expr.latex import normalise
from hmer_cli.expr.names import NAMES
from hmer_cli.expr.to_latex import latex_of_tokens, split_punctuation, to_latex
from hmer_cli.expr.tokens import join
from hmer_cli.expr.tree import Tree, to_tokens
from hmer_cli.expr.validity import problems

TYPED = [
    r"\frac{-b \pm \sqrt{b^2-4ac}}{2a}",
    r"a^2+b^2 = c^2",
    r"x_{i+1}",
    r"\left( \frac{a}{b} \right)^2",
    r"\left| \frac{x}{2} \right| \leq |y|",
    r"\int_0^1 f(x)dx",
    r"\int_0^\infty e^{-x}dx",
    r"\sum_{i=1}^n i",
    r"\lim_{x \rightarrow 0} \frac{\sin x}{x}",
    r"\log\limits_2 x",
    r"\binom{n}{k}",
    r"\operatorname{tr}(A)+\operatorname{rank}_k B",
    r"17 \bmod 5",
    r"f''(x)+g_i'^2",
    r"x^2 y_1 z",
    r"3.14+1,000",
    r"{}_2 F_1",
    r"\mathbb{R}^n \ni \vec{v}",
    r"\overset{!}{=}",
    r"\sqrt[3]{x}",
    r"\begin{cases} 1 & x > 0 \\ {*}2 \end{cases}",
    r"x^{\neq}\sin 2x",
    r"\widehat{AB}+\widetilde{x+y}+\hat{x}+\tilde{x_1}+\bar{AB}",
    r"\overset{\overset{a}{b}}{=}",
    r"(\frac{a}{b}\overset{n}{)}+|\frac{a}{b}\underset{n}{|}",
    r"x = \begin{aligned} {[}t]a & = b \end{aligned}",
    r"{\underset{a}{x}}_1^2+\underset{a}{x}^2",  # MathJax knows no second subscript
]


@pytest.mark.parametrize("typed", TYPED)
def test_it_is_what_a_person_types(typed: str) -> None:
    assert to_latex(normalise(typed)) == typed


@pytest.mark.parametrize("letters", ["s i n", "a r c s i n", "x \\alpha s i n", "l i m _ { n }"])
def test_letters_in_a_row_do_not_become_a_function(letters: str) -> None:
    assert normalise(to_latex(letters)) == letters


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_name_in_letters_stays_in_letters(name: str) -> None:
    label = f"{' '.join(name)} ( x )"
    assert to_latex(label) in (rf"\operatorname{{{name}}}(x)", rf"\mathrm{{{name}}}(x)")
    assert normalise(to_latex(label)) == label


@given(TREES)
@settings(max_examples=150, deadline=None)
def test_it_says_what_the_label_says(tree: Tree) -> None:
    label = join(to_tokens(tree))
    typed = to_latex(label)
    assert normalise(typed) == normalise(label)
    assert to_latex(normalise(typed)) == to_latex(normalise(label))


def test_every_sign_in_every_place_says_the_same() -> None:
    labels = [*_every_command(), *_random_valid(500)]
    assert [x for x in labels if normalise(to_latex(x)) != normalise(x)] == []


@pytest.mark.parametrize(
    ("label", "latex"),
    [
        (r"\begin{cases} 1 \\ [ 0 , 1 ] \end{cases}",
         r"\begin{cases} 1 \\ { [ } 0 , 1 ] \end{cases}"),
        (r"\begin{matrix} [ a \\ * ^ { 2 } \end{matrix}",
         r"\begin{matrix} [ a \\ { * } ^ { 2 } \end{matrix}"),
        (r"\begin{aligned} [ t ] & = 1 \end{aligned}",
         r"\begin{aligned} { [ } t ] & = 1 \end{aligned}"),
        (r"\begin{matrix} a & [ b ] \\ \end{matrix} * [", None),
    ],
)  # fmt: skip
def test_what_latex_would_take_for_an_option_is_in_braces(label: str, latex: str | None) -> None:
    assert latex_of_tokens(label) == (latex or label)
    assert normalise(latex_of_tokens(label)) == normalise(label)


def test_what_is_no_label_stays_as_it_is() -> None:
    assert to_latex(r"\frac { a") == r"\frac { a"


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("x = 1 .", ("x = 1", ".")),
        ("x , y", ("x , y", "")),
        (".", (".", "")),
        ("1 . .", ("1 . .", "")),
        ("x _ { , }", ("x _ { , }", "")),
        (r"\frac { a } { b } ,", (r"\frac { a } { b }", ",")),
    ],
)
def test_the_punctuation_of_the_sentence_is_told_apart(label: str, parts: tuple[str, str]) -> None:
    assert split_punctuation(label) == parts


def _labels() -> list[str]:
    return [*_every_command(), *map(normalise, TYPED), *_random_valid(200)]


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex not found")
def test_it_compiles(tmp_path: Path) -> None:
    boxes = "\n".join(
        rf"\setbox0\hbox{{$\displaystyle {to_latex(label)}$}}"
        for label in _labels()
        if not problems(label)
    )
    (tmp_path / "typed.tex").write_text(
        "\\documentclass{article}\\usepackage{amsmath,amssymb}\\begin{document}\n"
        f"{boxes}\nx\\end{{document}}\n"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "typed.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-800:]


KATEX = """
const katex = require("katex"), wrong = [];
for (const latex of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
  try { katex.renderToString(latex, {displayMode: true, strict: "error", throwOnError: true}); }
  catch (error) { wrong.push(`${latex}: ${error.message}`); }
}
console.log(JSON.stringify(wrong));
"""
"""KaTeX is found by Node's own rules: in a ``node_modules`` above, or by ``$NODE_PATH``."""


@pytest.mark.tex
def test_katex_sets_it() -> None:
    node = shutil.which("node")
    if (
        node is None
        or subprocess.run([node, "-e", 'require("katex")'], capture_output=True).returncode
    ):
        pytest.skip("KaTeX not found")
    typed = [to_latex(label) for label in _labels() if not problems(label)]
    given = json.dumps(typed)
    run = subprocess.run(
        [node, "-e", KATEX], input=given, capture_output=True, text=True, check=True, env=os.environ
    )
    assert json.loads(run.stdout) == []
