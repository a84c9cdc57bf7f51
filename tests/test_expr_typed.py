"""What may be typed: kept as it is where LaTeX takes it, named where it does not."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from chromium import PROGRAM, Chromium
from hypothesis import given, settings
from hypothesis import strategies as st
from test_expr_to_latex import TYPED

from hmer_cli.expr.commands import GRIDS
from hmer_cli.expr.displays import within
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.parser import LabelError
from hmer_cli.expr.typed import TypedError, as_formula, check
from hmer_cli.expr.typed_commands import BARE, COMMANDS, DELIMITERS, LETTERS, LIMITED, SCRIPTS
from hmer_cli.expr.typing_table import typing_table

SOUND = [
    *TYPED,
    r"\text{if }x",
    r"\mathbf{x}",
    r"\left( \frac ab \right)^2",
    r"\left\{ x \middle| x>0 \right.",
    r"\sum\nolimits_i^n",
    r"\int\limits_0^1",
    r"x \coloneqq y",
    r"\begin{align} a &= b \nonumber \\ c &= d \tag{1} \end{align}",
    r"\begin{align} a \tag{1} \label{a} \\ b_{\substack{c\\d}} \tag{2} \label{b} \end{align}",
    r"\begin{equation*} a \end{equation*}",
    "x''^2_i",
    r"\text{if $x>0$ \quad é ı}",
    rf"\text{{{''.join(sorted(LETTERS - set('×÷')))}}}",
    r"\begin{array}{c|c} a & b \\ \hline c & d \end{array}",
    r"\begin{array}{||l|r|} a & b \end{array}",
    r"{a \over b} + {\bf x}",
    r"\sqrt[3]{x} \xrightarrow[n]{m}",
    r"x^\text{max}_\mathrm{d}",
    r"\Bigl( x \Bigr)",
    r"\operatorname*{argmax}_x",
    r"\sum_{\substack{i \\ j}}",
    r"\mathop{x}\limits^n",
    "a\n+ b",
    r"\frac\alpha\beta",
    r"\begin{matrix} a \\ {[}b \end{matrix}",
    r"\hspace{2pt}x",
    r"\hphantom*x\vphantom{\sum_i^n}\phantom\alpha=",
    "a~b",
    r"\cfrac[l]{1}{2} + \smash[tb]{x} + \cfrac12",
    r"a\quad b",
    r"n_\uparrow + V^\vee + v_\| + A^\dag",
    r"\begin{pmatrix} 1 \over 2 & 3 \over 4 \end{pmatrix}",
    r"\intop_0^1 x + \intop\nolimits_0^1 x",
    r"f = \begin{dcases} 1 & x \\ 2 & y \end{dcases}",
    r"\begin{alignedat}{2} a &= b &\quad c &= d \\ e &= f \end{alignedat}",
    r"\begin{aligned}[t] {[}0] &= 1 \end{aligned} + \begin{gathered}[b] x \end{gathered}",
    r"\begin{alignedat}[c]{1} a &= b \end{alignedat}",
    r"\hspace*{-1,5 ex plus 1fil minus 2pt}x",
    r"\begin{equation} \begin{aligned} a \nonumber \\ b \end{aligned} \tag{1} \end{equation}",
    r"\mathcal{F\text{a $b$}\operatorname{c}}_a + {\cal \begin{matrix} a & b \end{matrix}}",
    r"\vec{\mathbf{v}} + \boldsymbol{\vec{v}} + \mathbb{\hat{A}} + \mathfrak{g1} + \Bbbk^\Bbbk",
]

UNSOUND = {
    r"\frac{a": "no } closes it",
    r"a \nonsense": r"token 2 (\nonsense): not a command",
    "x^2^3": "double superscript",
    "x^2'": "double superscript",
    "x'_i^2": "double superscript",
    "x_1_2": "double subscript",
    r"\input{x}": "not a command",
    r"\csname a\endcsname": "not a command",
    r"\left(a": r"no \right closes it",
    r"a\right)": "closes nothing",
    "}": "closes nothing",
    r"\left a": "bracket expected",
    "a % b": "comment",
    "a & b": "stands in no matrix",
    r"a \\ b": "stands in no matrix",
    r"\begin{cases} a & b & c \end{cases}": "more than 2 columns",
    r"\begin{array}{c} a & b \end{array}": "more than 1 columns",
    r"\begin{verbatim} a \end{verbatim}": "no environment",
    r"\begin{matrix} a": r"no \end closes it",
    r"\begin{matrix} a \end{pmatrix}": r"no \end{matrix} closes it",
    r"x \begin{align} a \end{align}": "must be all",
    r"\begin{align} a \end{align} x": "must be all",
    r"\frac": "{ expected",
    "x_": "{ expected",
    r"x^\sqrt2": "{ expected",
    r"\sqrt[3": "no ] closes it",
    "x#1": "cannot stand",
    "x$y$": "closes nothing",
    r"\text{a_b}": "cannot stand in text",
    r"\text{\def}": "not a command for text",
    r"\tag{1}": "not a command",
    "x \\limits_2": "must follow an operator",
    "\n\na\n\nb": "empty line",
    "½ 字": "cannot stand",
    r"{a \over b \over c}": "twice",
    "x" * 3000: "longer than",
    "{" * 50 + "}" * 50: "nested",
    r"\begin{matrix} a \\ [2pt] \end{matrix}": "braces",
    r"\begin{aligned}[0,1] &= I \end{aligned}": "token 11 ([): put it in braces",
    **{
        rf"\begin{{{name}}}[x] y\end{{{name}}}": "([): put it in braces"
        for name in ("aligned", "gathered", "split", "alignedat")
    },
    "": "says nothing",
    "~": "says nothing",
    r"\quad \,": "says nothing",
    r"\hspace*{2pt}{}": "says nothing",
    r"\mathrm{ }": "says nothing",
    r"\hspace *{2pt}\phantom{\frac{a}{\hat{b}}}\mathrm{\vphantom x}": "says nothing",
    "{}^{}_{~}": "says nothing",
    r"\smash[b x": "no ] closes it",
    r"\cfrac[\alpha]{1}{2}": "no ] closes it",
    r"\hspace{2}x": "length expected",
    r"\hspace{2mu}x": "length expected",
    r"\begin{array}{c} x^2 \hline y \end{array}": r"(\hline): not a command",
    r"\begin{array}{|} x \end{array}": "columns expected",
    r"\begin{array}{c:c} a & b \end{array}": "columns expected",
    r"\begin{array}{lp} a & b \end{array}": "columns expected",
    r"\begin{alignedat} a & b \end{alignedat}": "{ expected",
    r"\begin{alignedat}{c} a & b \end{alignedat}": "pairs of columns expected",
    r"\begin{alignedat}{1} a & b & c \end{alignedat}": "more than 2 columns",
    r"\mathscr{L}": r"(\mathscr): not a command",
    r"\mathds{1}": r"(\mathds): not a command",
    r"\widecheck{x}": r"(\widecheck): not a command",
    **{rf"\text{{si{letter}}}": "cannot stand in text" for letter in "ęħĐþŋſŀ\0\x01\x07\x1b\x7f"},
    r"\begin{align} \begin{aligned} a \tag{1} \end{aligned} \end{align}": r"(\tag): cannot stand",
    r"\begin{align} a \tag{1} \\ b \tag{2} \tag{3} \end{align}": r"(\tag): stands twice",
    r"\begin{gather} \label{a} a_{\substack{b\\c}} \label{b} \end{gather}": r"(\label): stands",
    r"\begin{gather} a_{\substack{b\\c \tag{1}}} \end{gather}": r"(\tag): cannot stand",
    r"\begin{multline} a \tag{1} \\ b \tag{2} \end{multline}": r"(\tag): stands twice",
    r"\mathbb{R^n}": r"(n): LaTeX prints another sign for it in \mathbb, so put it outside",
    r"\mathcal{A_{1}}": r"(1): LaTeX prints another sign for it in \mathcal",
    r"{\cal L \sqrt{x}}": r"(x): LaTeX prints another sign for it in \cal",
    r"\mathfrak{\Gamma}": r"(\Gamma): LaTeX prints another sign",
    r"\mathbf{\vec{v}}": r"(\vec): LaTeX prints another sign for it in \mathbf",
    r"{\bf x \vec{v}}": r"(\vec): LaTeX prints another sign for it in \bf",
}

REWRITTEN = {
    "α→∞": r"\alpha\rightarrow\infty",
    "π + 3": r"\pi + 3",
    "2πr": r"2\pi r",
    r"π_1\tg x\tg2": r"\pi_1\operatorname{tg} x\operatorname{tg}2",
    "$x^2$": "x^2",
    r"\[ x \]": " x ".strip(),
    r"\R^n": r"\mathbb{R}^n",
    r"\mathbb{1}_A+\mathbb {k}x+𝟙𝕜a": r"\mathbf{1}_A+\Bbbk x+\mathbf{1}\Bbbk a",
    "x²": "x^{2}",
    "10⁵H₂O": "10^{5}H_{2}O",
    "x²³₁": "x_{1}^{23}",
    "xᵝⁿ": r"x^{\beta n}",
    r"\begin { align * } a \end{align*}": r"\begin{align*} a \end{align*}",
    r"\begin{ pmatrix } a \end {pmatrix}": r"\begin{pmatrix} a \end{pmatrix}",
    "A ⊊ ℵ ⇌ 𝒫": r"A \subsetneq \aleph \rightleftharpoons \mathcal{P}",
    "90°": r"90^{\circ}",
    "f’(x) = \\text{it’s}": r"f'(x) = \text{it's}",
    "\ufeff\xa0x\u2009=\u3000-\u200b1 ": "x = -1",
    "a\r\nb\rc": "a\nb\nc",  # TeX passes over what follows a lone return in its line
    "↔\ufe0e\x85\x1ca\u2061b": r"\leftrightarrow  ab",
    "\u200b$x\u202f$\xa0": "x",
    "√(x+(1)) + ∛(√(y))": r"\sqrt{x+(1)} + \sqrt[3]{\sqrt{y}}",
    r"{√(x} \{ √ (y)": r"{\sqrt(x} \{ \sqrt {y}",
    "2½": r"2\frac{1}{2}",
    "a⟹b≔c": r"a\Rightarrow b:=c",
    "f: x⟼2": r"f: x\mapsto2",
    r"\sech x, \argmax_x f": r"\operatorname{sech} x, \operatorname*{argmax}_x f",
    r"\nicefrac{1}{2}": r"\frac{1}{2}",
    r"\cotg x+\tang2": r"\operatorname{cotg} x+\operatorname{tang}2",
}


@pytest.mark.parametrize("typed", SOUND)
def test_what_is_sound_is_kept_to_the_byte(typed: str) -> None:
    assert as_formula(typed) == typed
    check(typed)


@pytest.mark.parametrize("typed", UNSOUND)
def test_what_is_not_sound_is_named(typed: str) -> None:
    with pytest.raises(TypedError) as error:
        check(typed)
    assert UNSOUND[typed] in str(error.value)


@pytest.mark.parametrize("typed", REWRITTEN)
def test_what_latex_does_not_know_is_spelt_in_its_way(typed: str) -> None:
    assert as_formula(typed) == REWRITTEN[typed]
    check(as_formula(typed))


@pytest.mark.parametrize("read", [as_formula, normalise])
def test_blanks_without_end_take_no_time(read: Callable[[str], str]) -> None:
    begun = time.process_time()
    with suppress(LabelError):
        read(r"\begin{a" + " " * 50_000 + "x")
    assert time.process_time() - begun < 2  # 3 s for 50,000 where two runs share the blanks


WORDS = (
    r"\frac \sqrt { } { } ^ _ ' x 1 \left( \right) \left. [ ] \over \sum \limits \text \hat & \\"
    r" \begin{array}{c} \end{array} \begin{matrix} \end{matrix} \prime , ~ | \mathrm \big \hline"
    r" \quad $ \neq \substack \operatorname * \mathbb \middle \max \to \displaystyle".split()
)
SALAD = st.sampled_from(WORDS)


def compiles(formulas: list[str], folder: Path) -> str:
    """The first complaint of pdflatex; empty where it has none."""
    head = (
        "\\documentclass{article}\\usepackage{amsmath,amssymb}\\usepackage[utf8]{inputenc}\n"
        "\\IfFileExists{mathtools.sty}{\\usepackage{mathtools}}{"
        "\\newcommand\\coloneqq{:=}\\newcommand\\eqqcolon{=:}\\newcommand\\Coloneqq{:=}"
        "\\newcommand\\coloneq{:}\\newcommand\\eqcolon{:}\\newcommand\\dblcolon{:}"
        "\\newcommand\\vcentcolon{:}\\newcommand\\mathclap[1]{##1}"
        "\\newcommand\\mathllap[1]{##1}\\newcommand\\mathrlap[1]{##1}"
        "\\newenvironment{dcases}{\\begin{cases}}{\\end{cases}}}\n\\begin{document}\n"
    )
    whole = (r"\begin{align}", r"\begin{align*}", r"\begin{equation", "$")
    lines = "\n\n".join(
        formula if formula.startswith(whole) else f"\\[{formula}\\]" for formula in formulas
    )
    (folder / "t.tex").write_text(f"{head}{lines}\n\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    out = run.stdout.decode("utf-8", "replace")
    return out[out.find("\n!") :][:600] if run.returncode else ""


def every_command() -> list[str]:
    """Formulas that use every command there is, where it could break TeX."""
    arguments = {
        "m": "{x}",
        "d": "(",
        "p": "[b]",
        "t": "{a}",
        "l": "{2pt}",
        "s": r"{a \\ b}",
        "o": "[x]",
    }
    infix = (r"\over", r"\choose", r"\atop")
    formulas = [
        f"x {name}{''.join(arguments[kind] for kind in signature)} y"
        for name, signature in COMMANDS.items()
        if name not in infix
    ]
    formulas += [f"x_{{a {name} b}}" for name in infix]
    formulas += [rf"\left{d} x \middle{d} y \right{d} \Bigl{d}" for d in sorted(DELIMITERS)]
    formulas += [
        f"{name}{'{x}' if COMMANDS[name] else ''}\\limits_1^2 x" for name in sorted(LIMITED)
    ]
    formulas += [f"x^{n}{'{a}' * max(1, len(COMMANDS[n]))}" for n in sorted(SCRIPTS)]
    formulas += [rf"\frac{n}{n} \sqrt{n} \hat{n}" for n in sorted(BARE)]
    formulas += [f"x^{n}_{n}" for n in sorted(BARE)]
    return formulas


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex not found")
def test_what_is_sound_compiles(tmp_path: Path) -> None:
    sound = [*SOUND, *REWRITTEN]
    for formula in every_command():
        try:
            check(formula)
        except TypedError:
            continue
        sound.append(formula)
    assert compiles([as_formula(formula) for formula in sound], tmp_path) == ""


WITHIN = {
    r"\begin{align} a &= b \tag{1} \\ c \nonumber \end{align}":
        r"\begin{aligned}a &= b  \\ c\end{aligned}",
    r"\begin{equation}\label{eq:1}x = 1 \tag*{a}y\end{equation}": "x = 1 y",
    r"\begin{equation} \begin{split} a \\ b \end{split} \end{equation}":
        r"\begin{aligned} a \\ b \end{aligned}",
    r"\begin{multline*} a \\ b \end{multline*}": r"\begin{gathered}a \\ b\end{gathered}",
    r"\begin{split} a & b \end{split}": r"\begin{aligned} a & b \end{aligned}",
    r"\begin{align}[0,1] &= I \end{align}": r"\begin{aligned}{[}0,1] &= I\end{aligned}",
    r"\begin{gather}[x]\end{gather}": r"\begin{gathered}{[}x]\end{gathered}",
    r"1 \over 2": r"{1 \over 2}",
    r"\displaystyle\sum x": r"{\displaystyle\sum x}",
    r"\bf x": r"{\bf x}",
    r" \overline{x} ": r"\overline{x}",
}  # fmt: skip


@pytest.mark.parametrize("typed", WITHIN)
def test_what_was_typed_stands_within_a_formula(typed: str) -> None:
    check(typed)
    assert within(typed) == WITHIN[typed]


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex not found")
def test_what_is_sound_compiles_in_a_line_beside_others(tmp_path: Path) -> None:
    sound = [f"$a + {within(typed)} + b$" for typed in (*SOUND, *WITHIN)]
    assert compiles(sound, tmp_path) == ""


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex not found")
def test_random_typing_compiles_where_it_is_sound(tmp_path: Path) -> None:
    sound: list[str] = []

    @given(st.lists(SALAD, min_size=2, max_size=9).map(" ".join))
    @settings(max_examples=3000, deadline=None, database=None, derandomize=True)
    def collect(typed: str) -> None:
        try:
            check(typed)
        except TypedError:
            return
        sound.append(typed)

    collect()
    assert len(sound) > 100
    assert compiles(sound, tmp_path) == ""


SAID = """(({ table, script, typed }) => {
  const { asFormula, fault } = new Function(`${script}; return Sound;`)()(table);
  return typed.map((each) => [asFormula(each), fault(each)]);
})"""


def said_of(given: dict[str, Any], folder: Path) -> list[list[str | None]]:
    """What a script of the review page says, in Node or in Chromium."""
    program = f"{SAID}({json.dumps(given)})"
    if node := shutil.which("node"):
        printed = f"console.log(JSON.stringify({program}))"
        run = subprocess.run([node], input=printed, capture_output=True, text=True, check=True)
        return json.loads(run.stdout)
    if PROGRAM is None:
        pytest.skip("neither Node nor Chromium is installed")
    with Chromium(folder / "profile") as browser:
        return browser.run(program)


def test_the_review_page_says_the_same_of_everything(tmp_path: Path) -> None:
    rng = random.Random(4)
    salad = [" ".join(rng.choices(WORDS, k=rng.randint(1, 9))) for _ in range(3000)]
    typed = [*SOUND, *UNSOUND, *REWRITTEN, *every_command(), *salad]
    script = (resources.files("hmer_cli.document") / "templates" / "sound.js").read_text("utf-8")
    given = {"table": typing_table()["typed"], "script": script, "typed": typed}
    said = dict(zip(typed, map(tuple, said_of(given, tmp_path)), strict=True))
    assert said == {each: (as_formula(each), fault(each)) for each in typed}


def fault(typed: str) -> str | None:
    try:
        check(as_formula(typed))
    except TypedError as error:
        return str(error)
    return None


def test_every_grid_of_labels_may_be_typed() -> None:
    for name in GRIDS:
        check(rf"\begin{{{name}}} a & b \\ c \end{{{name}}}")
