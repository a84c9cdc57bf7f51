"""Raw LaTeX -> the spelling of the field."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hmer_cli.expr.latex import normalise
from hmer_cli.expr.tree import LabelError
from hmer_cli.expr.validity import problems

GOLDEN = {
    # the spelling of DESIGN's promises
    r"\left( x\over y\right)": r"( \frac { x } { y } )",
    "x^2": "x ^ { 2 }",
    "x^2_i": "x _ { i } ^ { 2 }",
    r"a\le b\ge c\ne d\to e\lt f\gt g": r"a \leq b \geq c \neq d \rightarrow e < f > g",
    r"1,\dots,n": r"1 , \ldots , n",
    r"1+\cdots+n": r"1 + \cdots + n",
    # as high as amsmath sets them
    r"1+\dots+n=\dots=\dots": r"1 + \cdots + n = \cdots = \ldots",
    r"a\dots b \dots\to \dots) \dots/": r"a \ldots b \cdots \rightarrow \ldots ) \ldots /",
    r"\int\dots\int x\dots\,+ y": r"\int \cdots \int x \ldots + y",
    r"f(x)\mathrm{d}x": "f ( x ) d x",
    r"\sum_{i=0}^n i": r"\sum \limits _ { i = 0 } ^ { n } i",
    r"\sum\nolimits^n_{i=0} i": r"\sum \limits _ { i = 0 } ^ { n } i",
    r"\int\limits_0^1": r"\int \limits _ { 0 } ^ { 1 }",
    r"\int x dx": r"\int x d x",
    r"\lim_{x \to 0}": r"\lim \limits _ { x \rightarrow 0 }",
    r"\log_2 x": r"\log _ { 2 } x",
    r"\sqrt2 \sqrt[3]{x}": r"\sqrt { 2 } \sqrt [ 3 ] { x }",
    r"\root n \of {x+1}": r"\sqrt [ n ] { x + 1 }",
    r"\frac12 \dfrac{a}b": r"\frac { 1 } { 2 } \frac { a } { b }",
    # what else people write
    r"$$\Bigg( x \bigg) \quad\; y\,.$$": "( x ) y .",
    r"\left\{ a \middle| b \right.": r"\{ a | b",
    r"\left< x \right>": r"\langle x \rangle",
    "f'(x) + g''^2": r"f ^ { \prime } ( x ) + g ^ { \prime \prime 2 }",
    "x_i' + x'_i": r"x _ { i } ^ { \prime } + x _ { i } ^ { \prime }",
    "y^{'}": r"y ^ { \prime }",
    "f^{''}": r"f ^ { \prime \prime }",
    "f^{'''} + g": r"f ^ { \prime \prime \prime } + g",
    "{}^{''}x": r"{ } ^ { \prime \prime } x",
    "f^{′′} + g^{″}": r"f ^ { \prime \prime } + g ^ { \prime \prime }",
    "f^″ + g‴": r"f ^ { \prime \prime } + g ^ { \prime \prime \prime }",
    "f^{''2} + f_{''}": r"f ^ { \prime \prime 2 } + f _ { \prime \prime }",
    "f^{2''}": r"f ^ { 2 ^ { \prime \prime } }",
    # a tick raises itself, but for the first of a script
    "'x + F{'}": r"{ } ^ { \prime } x + F ^ { \prime }",
    r"\frac'{'y}": r"\frac { { } ^ { \prime } } { { } ^ { \prime } y }",
    r"f^{{'}}_{\scriptstyle'} g^{\rm '}": r"f _ { \prime } ^ { \prime } g ^ { \prime }",
    r"\operatorname { l n } x": r"\ln x",
    r"\mathrm{sin} x + sin(y)": r"\sin x + \sin ( y )",
    r"\text{if } x": "i f x",
    r"E_{\text{int}} {\rm sum}": "E _ { i n t } s u m",
    r"\operatorname{int}(A) \mathit{prod} \mathrm{max}": r"i n t ( A ) p r o d \max",
    r"\tan{x}": r"\tan x",
    r"f(x)\geqg(x)": r"f ( x ) \geq g ( x )",
    r"\mathbf{1}_A \mathbf{12} \Bbbk x": r"\mathbb { 1 } _ { A } 1 2 \mathbb { k } x",
    r"{\cal L}_i + \mathbb R^{n}": r"\mathcal { L } _ { i } + \mathbb { R } ^ { n }",
    r"x \not= y \not\in z": r"x \neq y \notin z",
    r"{}_2F_1": "{ } _ { 2 } F _ { 1 }",
    r"\Gamma^a{}_b": r"\Gamma _ { b } ^ { a }",
    r"{n \choose k}": r"\binom { n } { k }",
    r"\stackrel{a}{=}": r"\overset { a } { = }",
    r"\overset{a}{\overset{b}{=}}": r"\overset { \overset { a } { b } } { = }",
    r"\underset{a}{\underset{b}{c_1}}": r"\underset { \underset { a } { b } } { c } _ { 1 }",
    r"\overset{a}{\sum^n}": r"\sum \limits ^ { \overset { a } { n } }",
    r"\underset{x}{\operatorname{argmax}} f": r"\arg \max \limits _ { x } f",
    r"\underset{x \in X}{\mathrm{arg\,min}}": r"\arg \min \limits _ { x \in X }",
    r"\underset{x}{\arg\max}": r"\arg \max \limits _ { x }",
    r"\underset{n}{\lim\sup}": r"\limsup \limits _ { n }",
    r"\overset{\rightarrow}{AB}": r"\overrightarrow { A B }",
    r"\overset{\to}{\frac{a}{b}}": r"\overrightarrow { \frac { a } { b } }",
    r"\overset{\leftarrow}{a}": r"\overset { \leftarrow } { a }",
    r"\stackrel{\text{def}}{:=}": r": \overset { d e f } { = }",
    r"x\overset{!}{=:}y": r"x \overset { ! } { = } : y",
    r"\operatorname*{argmax}_x f": r"\arg \max \limits _ { x } f",
    r"\operatorname*{arg\,min}_{x}": r"\arg \min \limits _ { x }",
    r"\mathop{\mathrm{lim\,sup}}_n": r"\limsup \limits _ { n }",
    r"a\mathop{=}\limits^{d}b": r"a \overset { d } { = } b",
    r"\mathop{\to}_{n}^{m} x": r"\overset { m } { \underset { n } { \rightarrow } } x",
    r"\mathop{\overline{\lim}}\limits_{n}": r"\underset { n } { \overline { \lim } }",
    r"\mathop{x}\nolimits_y \mathop{\sum}_i": r"x _ { y } \sum \limits _ { i }",
    r"\mathop{\rm Res}_{z} \mathop{\frac ab}_c": r"R e s _ { z } \frac { a } { b } _ { c }",
    r"a\xrightarrow[n]{f}b": r"a \overset { f } { \underset { n } { \rightarrow } } b",
    r"a\xleftarrow{}b": r"a \leftarrow b",
    r"\overset{?}{\not=}": r"\overset { ? } { \neq }",
    r"\overset{}{AB}": "A B",
    r"\underbar{x} \underbar y": r"\underline { x } \underline { y }",
    r"\widehat{AB} \vec v": r"\hat { A B } \vec { v }",
    r"\left(\begin{array}{cc}a&b\\[2pt]c&d\\\end{array}\right)": (
        r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}"
    ),
    r"\begin{aligned}[t] a&=b \end{aligned}": r"\begin{aligned} a & = b \end{aligned}",
    r"\begin{gathered} [b] x \end{gathered}": r"\begin{matrix} x \end{matrix}",
    r"\begin{split}[c][t]\end{split}": r"\begin{matrix} [ t ] \end{matrix}",
    r"\begin{aligned} [ t ] a \end{aligned}": r"\begin{aligned} [ t ] a \end{aligned}",
    r"\begin{aligned}a\end{aligned}[t]": r"\begin{aligned} a \end{aligned} [ t ]",
    r"\begin{pmatrix}[t]\end{pmatrix}": r"\begin{pmatrix} [ t ] \end{pmatrix}",
    r"\begin{aligned}[a] b \end{aligned}": r"\begin{aligned} [ a ] b \end{aligned}",
    r"\begin{array}[t]{c}x\end{array}": r"\begin{matrix} x \end{matrix}",
    r"\begin{alignat*}{2}x&=y\end{alignat*}": r"\begin{matrix} x & = y \end{matrix}",
    r"\begin{alignedat}[t]{2}x\end{alignedat}": r"\begin{matrix} x \end{matrix}",
    r"\left\{\begin{matrix}x\\y\end{matrix}\right.": r"\begin{cases} x \\ y \end{cases}",
    r"[\begin{matrix}x\end{matrix}]^{-1}": r"\begin{bmatrix} x \end{bmatrix} ^ { - 1 }",
    r"\left\{\begin{array}{l}x\\y\end{array}\right., z \in \{1\}": (
        r"\begin{cases} x \\ y \end{cases} , z \in \{ 1 \}"
    ),
    r"\{\begin{matrix}x\end{matrix}, \{z\}\}": r"\{ \begin{matrix} x \end{matrix} , \{ z \} \}",
    r"\{\begin{matrix}x\\y\end{matrix}, z\}": r"\{ \begin{matrix} x \\ y \end{matrix} , z \}",
    r"(_2\begin{matrix}x\end{matrix}^2)": r"( _ { 2 } \begin{matrix} x \end{matrix} ^ { 2 } )",
    r"\begin{bmatrix} 1 \end{bmatrix}^T": r"\begin{bmatrix} 1 \end{bmatrix} ^ { T }",
    r"y=\tan{x}^{-1}": r"y = \tan ^ { - 1 } x",
    r"\csc{(\csc{\frac{u}{a}}^{-1})}": r"\csc ( \csc ^ { - 1 } \frac { u } { a } )",
    r"\tan{x}^{-2} \ln{x}^{-1}": r"\tan x ^ { - 2 } \ln x ^ { - 1 }",
    "x % a comment": "x",
    # no ink, braces or not
    r"\phi_n^{\vphantom x}y a\vphantom|_1": r"\phi _ { n } y a _ { 1 }",
    r"\hphantom\frac12 \phantom{bc}d": "d",
    # scripts behind blanks and groups are not a second one of the sign before
    r"\phi'\,^2 f^a\ ^*C": r"\phi ^ { \prime 2 } f ^ { a * } C",
    r"\left.u^*\right.' \left(x^2\right.^3": r"u ^ { * \prime } ( x ^ { 2 3 }",
    r"\,^2 x\,_1 T^a\phantom{b}^c": r"{ } ^ { 2 } x _ { 1 } T ^ { a c }",
    r"a\buildrel\rm def\over= b": r"a \overset { d e f } { = } b",
    r"{a\buildrel!\over=b}\over c": r"\frac { a \overset { ! } { = } b } { c }",
    r"x \hspace{1cm} y \label{eq:1} \kern 2pt z": "x y z",
    # one length, and no more, belongs to the command
    r"y\hskip 1em x": "y x",
    r"a\kern3pt n+1": "a n + 1",
    r"a\kern-.5ex 2": "a 2",
    r"a\mkern 18mu mu\mskip1,5mu 1": "a m u 1",
    r"a\vskip 1 true cm cm": "a c m",
    r"a\hskip 2pt plus 1fil minus 0.5pt plus": "a p l u s",
    r"a\hskip 2pt + 1": "a + 1",
    r"a\kern x": "a x",
    r"a\mspace{3mu}b": "a b",
    r"\color[rgb]{1,0,0}x\textcolor[gray]{0.5}{y}": "x y",
    r"\begin{matrix}a\\[+2pc]b\\[1,5ex]c\end{matrix}": (r"\begin{matrix} a \\ b \\ c \end{matrix}"),
    r"a\hskip 0pt\tag*{1}": "a",
    "10⁵ + H₂O - x⁻¹": "1 0 ^ { 5 } + H _ { 2 } O - x ^ { - 1 }",
    "x²³ x₁₂": "x ^ { 2 3 } x _ { 1 2 }",
    "x²₁ + y₁² + z′²": r"x _ { 1 } ^ { 2 } + y _ { 1 } ^ { 2 } + z ^ { \prime 2 }",
    "log₂8 eⁱⁿ f⁽²⁾ 90°": r"\log _ { 2 } 8 e ^ { i n } f ^ { ( 2 ) } 9 0 ^ { \circ }",
    "xᵝᵢ": r"x _ { i } ^ { \beta }",
    "x² ≤ π·۵": r"x ^ { 2 } \leq \pi \cdot 5",
    "√(x+(1)) √x √(√(y)) (√{(z)})": (
        r"\sqrt { x + ( 1 ) } \sqrt { x } \sqrt { \sqrt { y } } ( \sqrt { ( z ) } )"
    ),
    r"√(x ∛(2)\left( √ (y) \right)": r"\sqrt { ( } x \sqrt [ 3 ] { 2 } ( \sqrt { y } )",
    "2½ + ⅒": r"2 \frac { 1 } { 2 } + \frac { 1 } { 1 0 }",
    "a⟹b⟺c⟸d": r"a \Rightarrow b \Leftrightarrow c \Leftarrow d",
    "d⟵e⟷f⟼g≔h": r"d \leftarrow e \leftrightarrow f \mapsto g : = h",
    r"a \coloneqq 30\degree": r"a : = 3 0 ^ { \circ }",
    # commands of packages, which begin with others
    r"\genfrac{[}{]}{0pt}{}{n}{k}": r"\begin{bmatrix} n \\ k \end{bmatrix}",
    r"\genfrac{(}{)}{0pt}{1}{n}{k}^2": r"\binom { n } { k } ^ { 2 }",
    r"\genfrac{}{}{0pt}{}{n}{k} \genfrac{.}{|}{}{}{a}{b}": (
        r"\begin{matrix} n \\ k \end{matrix} \frac { a } { b } |"
    ),
    r"\nicefrac{1}{2} \sfrac12": r"\frac { 1 } { 2 } \frac { 1 } { 2 }",
    r"\sech x+\csch^2 y, \supp f": "s e c h x + c s c h ^ { 2 } y , s u p p f",
    r"\argmax_x f, \underset{x}\argmin g": (
        r"\arg \max \limits _ { x } f , \arg \min \limits _ { x } g"
    ),
    r"\infinity \tgh x": r"\infty \tanh x",
    r"\operatorname{tg}x + \operatorname{cosec} y": r"\tan x + \csc y",
    r"\cotg x+\cotan y-\tang z+\cotgh t": r"\cot x + \cot y - \tan z + \coth t",
    # options
    r"\cfrac[l]{1}{2}+\smash[b]{x} \smash{[y]}": r"\frac { 1 } { 2 } + x [ y ]",
    r"\makebox[2cm]{x} \makebox[2cm][l]{[y]} \framebox[1cm]{z}": "x [ y ] z",
}


@pytest.mark.parametrize("raw", GOLDEN)
def test_raw_latex_in_the_fields_spelling(raw: str) -> None:
    label = normalise(raw)
    assert label == GOLDEN[raw]
    assert problems(label) == []
    assert normalise(label) == label


@pytest.mark.parametrize("raw", ["x^2^3", r"\frac{a", "a}", r"\sqrt", "a & b", "x^"])
def test_what_is_not_latex_is_refused(raw: str) -> None:
    with pytest.raises(LabelError):
        normalise(raw)


@pytest.mark.parametrize(
    "raw",
    [
        r"\overset{\frown}{AB}",
        r"\stackrel{a}{:b}",
        r"\underset{x}{\operatorname{median}}",
        r"\stackrel{p \in Z}{p \neq 0}",
        r"\overset{a}{\overset{bc}{=}}",
    ],
)
def test_row_over_several_signs_is_refused_not_moved_to_the_last(raw: str) -> None:
    with pytest.raises(LabelError, match="over or under several signs"):
        normalise(raw)


@pytest.mark.parametrize(
    "command",
    r"""\intertext \multicolumn \toprule \expandafter \circle \Prob \num \dimen \Res \Pic \Prim \Img
    \Proj \argsh \argch \limit \diver \inter \ind \inv \init \tot \degs \pinv \sinus""".split(),
)
def test_command_that_begins_like_another_is_not_cut(command: str) -> None:
    assert normalise(rf"x {command}{{y}}") == f"x {command} y"
    assert problems(normalise(rf"x {command}{{y}}"))


@pytest.mark.parametrize("name", ["align", "align*", "split", "alignedat"])
def test_lines_that_are_typed_stand_at_their_relations(name: str) -> None:
    columns = "{1}" if name == "alignedat" else ""
    typed = rf"\begin{{{name}}}{columns}a&=b\\&=c\end{{{name}}}"
    label = r"\begin{%s} a & = b \\ & = c \end{%s}"
    assert normalise(typed, typed=True) == label % ("aligned", "aligned")
    assert normalise(typed) == label % ("matrix", "matrix")


def test_row_over_a_fraction_is_refused() -> None:
    with pytest.raises(LabelError, match="cannot have a row there"):
        normalise(r"\overset{a}{\frac{b}{c}}")


@pytest.mark.parametrize(("latex", "said"), [
    (r"\mathop{=}^a^b", "double superscript"), (r"\mathop{=}\limits_a^b_c", "double subscript"),
])  # fmt: skip
def test_an_operator_has_one_limit_on_each_side(latex: str, said: str) -> None:
    with pytest.raises(LabelError, match=said):
        normalise(latex)


def test_growing_brackets_nest_no_deeper_than_others() -> None:
    nested = r"\left(\frac{1}{" * 14 + "x" + r"}\right)" * 14
    assert normalise(nested) == normalise(nested.replace(r"\left", "").replace(r"\right", ""))


def test_buildrel_without_over_is_left_for_the_validity_check() -> None:
    assert normalise(r"\frac{\buildrel a}{b}") == r"\frac { \buildrel a } { b }"


def test_an_unknown_command_is_left_for_the_validity_check() -> None:
    label = normalise(r"x + \foo{y}")
    assert label == r"x + \foo y"
    assert [p.position for p in problems(label)] == [2]


TEX = st.sampled_from(
    r"\frac \sqrt { } ^ _ ' x 1 \left( \right) \left \right . [ ] \over \sum \limits \cal \rm"
    r" \text \begin{array} \end{array} \begin{matrix} \end{matrix} & \\ \hat \not \prime \, ~ $ %"
    r" \ | \big \root \of \substack \pmod \hspace \choose \stackrel \mathbb \operatorname* sin é"
    r" \foo".split()
)


@given(st.lists(TEX, max_size=12).map(" ".join))
@example(r"^ ' \cal ^ ^ '")
@settings(max_examples=400, deadline=None)
def test_normalising_any_source_is_idempotent_or_refused(source: str) -> None:
    try:
        label = normalise(source)
    except LabelError:
        return
    assert normalise(label) == label


@pytest.mark.parametrize("command", [r"\intercal", r"\leqq", r"\subsetneqq", r"\lgroup"])
def test_command_of_latex_is_not_cut_after_another_that_it_begins_with(command: str) -> None:
    assert normalise(rf"a{command} b") == f"a {command} b"
    assert normalise(rf"a \geqg{command}") == rf"a \geq g {command}"
