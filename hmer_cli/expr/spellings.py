"""Tables of synonyms: spellings in raw LaTeX and Unicode -> canonical tokens.

Used by `hmer_cli.expr.latex` and `hmer_cli.expr.mathml`.
"""

from __future__ import annotations

import re
import unicodedata

from hmer_cli.expr.commands import SYMBOLS
from hmer_cli.expr.glyphs import GLYPHS


def _pairs(table: str) -> dict[str, str]:
    """``name spelling, name spelling``: a spelling may hold several tokens."""
    return dict(entry.strip().split(maxsplit=1) for entry in table.split(";") if entry.strip())


SYNONYMS = _pairs(
    r"""\le \leq; \ge \geq; \ne \neq; \lt <; \gt >; \to \rightarrow; \gets \leftarrow;
    \longrightarrow \rightarrow; \longleftarrow \leftarrow; \longleftrightarrow \leftrightarrow;
    \Longrightarrow \Rightarrow; \Longleftarrow \Leftarrow; \implies \Rightarrow;
    \impliedby \Leftarrow; \iff \Leftrightarrow; \Longleftrightarrow \Leftrightarrow;
    \longmapsto \mapsto; \rarr \rightarrow; \larr \leftarrow; \rightarrowfill \rightarrow;
    \dots \ldots; \dotsc \ldots; \dotso \ldots; \dotsb \cdots; \dotsm \cdots; \dotsi \cdots;
    \hdots \ldots; \cdotp \cdot; \ast *; \colon :; \slash /; \vert |; \mid |; \lvert |; \rvert |;
    \Vert \|; \lVert \|; \rVert \|; \lbrace \{; \rbrace \}; \lbrack [; \rbrack ];
    \land \wedge; \lor \vee; \lnot \neg; \owns \ni; \empty \emptyset; \infin \infty; \dag \dagger;
    \ddag \ddagger; \doublecap \cap; \isin \in; \exist \exists; \plusmn \pm; \centerdot \cdot;
    \dfrac \frac; \tfrac \frac; \cfrac \frac; \dbinom \binom; \tbinom \binom; \stackrel \overset;
    \widehat \hat; \widetilde \tilde; \widecheck \check; \Bbb \mathbb; \mathscr \mathcal;
    \mathds \mathbb; \frak \mathfrak; \sp ^; \sb _; \varinjlim \injlim; \varprojlim \projlim;
    \arctg \arctan; \tg \tan; \ctg \cot; \tang \tan; \cotg \cot; \cotan \cot; \cosec \csc;
    \cotgh \coth; \underbar \underline; \Bbbk \mathbb { k }; \thetasym \vartheta;
    \R \mathbb { R }; \N \mathbb { N }; \Z \mathbb { Z }; \Q \mathbb { Q }; \C \mathbb { C };
    \bmod m o d; \mod m o d; \nicefrac \frac; \sfrac \frac; \intop \int; \infinity \infty;
    \minus -; \degree ^ { \circ }; \tgh \tanh; \ctgh \coth; \coloneqq : =; \eqqcolon = :;
    \Coloneqq : : =; \dblcolon : :; \vcentcolon :"""
)
"""Control word -> canonical tokens."""

NAMED_FUNCTIONS = {
    rf"\{name}": f"{{ {' '.join(name)} }}"
    for name in "sech csch cosech supp sinc arcsinh arccosh arctanh".split()
} | {r"\argmax": r"{ \arg \max }", r"\argmin": r"{ \arg \min }"}
r"""Functions of packages and of authors, which are typed by ``\operatorname`` -> their tokens."""

SYNONYMS |= NAMED_FUNCTIONS

WHOLE = frozenset(
    r"""\num \let \new \Res \Reg \Rel \Rep \Pic \Pin \Pre \Img \args \degr \degC \degF \degs \dims
    \lims \expm \expo \sups \infl \info \infs \ind \inv \inn \ini \inj \inc \inp \into \ints \intr
    \nil \tot \tol \tor \len \lex \gen \net \mul \etal""".split()
)
"""Commands of TeX, packages and authors that are a letter longer than another, and not that."""

NEGATED = _pairs(
    r"""= \neq; \in \notin; \ni \notin; < \nless; > \ngtr; \leq \nleq; \geq \ngeq; \sim \nsim;
    \subseteq \nsubseteq; \supseteq \nsupseteq; \parallel \nparallel; | \nmid; \cong \ncong;
    \exists \nexists; \rightarrow \nrightarrow; \leftarrow \nleftarrow; \Rightarrow \nRightarrow"""
)
r"""Symbol after ``\not`` -> the negated symbol."""

UNICODE = _pairs(
    r"""× \times; ÷ \div; ± \pm; ∓ \mp; · \cdot; ⋅ \cdot; ∗ *; − -; – -; — -; ⁄ /; ∕ /; √ \sqrt;
    ∞ \infty; ∂ \partial; ∇ \nabla; ∫ \int; ∬ \iint; ∭ \iiint; ∮ \oint; ∑ \sum; ∏ \prod;
    ≤ \leq; ≥ \geq; ⩽ \leq; ⩾ \geq; ≠ \neq; ≈ \approx; ≡ \equiv; ∼ \sim; ≃ \simeq; ≅ \cong;
    ∝ \propto; ≪ \ll; ≫ \gg; ∈ \in; ∉ \notin; ∋ \ni; ⊂ \subset; ⊃ \supset; ⊆ \subseteq;
    ⊇ \supseteq; ∩ \cap; ∪ \cup; ∅ \emptyset; ∖ \setminus; ∧ \wedge; ∨ \vee; ¬ \neg; ∀ \forall;
    ∃ \exists; ⊕ \oplus; ⊗ \otimes; ∘ \circ; ∙ \bullet; • \bullet; ⊥ \perp; ∥ \|; ∣ |; ‖ \|;
    ∠ \angle; △ \triangle; → \rightarrow; ← \leftarrow; ↔ \leftrightarrow; ⇒ \Rightarrow;
    ⇐ \Leftarrow; ⇔ \Leftrightarrow; ↦ \mapsto; ↑ \uparrow; ↓ \downarrow; ⟶ \rightarrow;
    ⟵ \leftarrow; ⟷ \leftrightarrow; ⟹ \Rightarrow; ⟸ \Leftarrow; ⟺ \Leftrightarrow;
    ⟼ \mapsto; ≔ : =; ≕ = :; ∛ \sqrt [ 3 ]; ∜ \sqrt [ 4 ];
    … \ldots; ⋯ \cdots; ⋮ \vdots; ⋱ \ddots; ′ '; ’ '; ″ ' '; ℓ \ell; ℏ \hbar;
    ⟨ \langle; ⟩ \rangle; 〈 \langle; 〉 \rangle; ⌊ \lfloor; ⌋ \rfloor; ⌈ \lceil; ⌉ \rceil;
    ℝ \mathbb { R }; ℕ \mathbb { N }; ℤ \mathbb { Z }; ℚ \mathbb { Q }; ℂ \mathbb { C };
    α \alpha; β \beta; γ \gamma; δ \delta; ε \varepsilon; ϵ \epsilon; ζ \zeta; η \eta; θ \theta;
    ϑ \vartheta; ι \iota; κ \kappa; λ \lambda; μ \mu; µ \mu; ν \nu; ξ \xi; π \pi; ϖ \varpi; ρ \rho;
    ϱ \varrho; σ \sigma; ς \varsigma; τ \tau; υ \upsilon; φ \phi; ϕ \phi; χ \chi; ψ \psi; ω \omega;
    Γ \Gamma; Δ \Delta; ∆ \Delta; Θ \Theta; Λ \Lambda; Ξ \Xi; Π \Pi; Σ \Sigma; Υ \Upsilon; Φ \Phi;
    Ψ \Psi; Ω \Omega; ° ^ { \circ }; ⟂ \perp; ⧵ \setminus; ⊧ \models; ◼ \blacksquare; ◻ \square;
    ▫ \square; ◃ \triangleleft; ▹ \triangleright; ⌀ \varnothing"""
)
"""Unicode character -> tokens; superscripts, subscripts and fractions are added below."""

for _token, (_, _glyph) in GLYPHS.items():
    _of_words = "\u00c0" <= _glyph <= "\u017f"  # of a language: ð, and i without its dot
    if len(_glyph) == 1 and not _glyph.isascii() and not _of_words:
        UNICODE.setdefault(_glyph, _token)

ESCAPED = {c: f"\\{c}" for c in "{}%#&$_"}
"""Reserved characters of LaTeX -> their tokens."""

SILENT = frozenset(
    r"""\, \: \; \! \> \/ \- \* \( \) \[ \] \quad \qquad \enspace \enskip \thinspace \medspace
    \thickspace \negthinspace \negmedspace \negthickspace \space \nobreakspace
    \allowbreak \hfill \hfil \break \nobreak \newline \par \noindent \smallskip \medskip \bigskip
    \displaystyle \textstyle \scriptstyle \scriptscriptstyle \nolimits \displaylimits \nonumber
    \notag \hline \protect \strut \mathstrut \null \relax \boldmath \unboldmath \tiny \scriptsize
    \footnotesize \small \normalsize \large \Large \LARGE \huge \Huge \mathrel \mathbin \mathord
    \mathopen \mathclose \mathpunct \mathinner \boldsymbol \bm \pmb \boxed \fbox \framebox \makebox
    \smash \lefteqn \rlap \llap \mathclap \ensuremath $ ~""".split()
) | {"\\ ", "\\\n", "\\\t"}
"""Commands without ink of their own; their argument is kept."""

HIDDEN = frozenset(
    r"""\hspace \vspace \phantom \hphantom \vphantom \label \tag \color \textcolor
    \ref \cite \vskip \hskip \kern \mkern \mskip \mspace""".split()
)
"""Commands that are dropped with their argument or length."""

PHANTOMS = frozenset((r"\phantom", r"\hphantom", r"\vphantom"))
"""Hidden commands whose argument may be without braces."""

COLOURS = frozenset((r"\color", r"\textcolor"))
"""Hidden commands that may have an option, the model of colours."""

UPRIGHT = frozenset(
    r"""\mathrm \mathit \mathbf \mathsf \mathtt \mathnormal \text \textrm \textbf \textit \textsf
    \texttt \textnormal \textup \mbox \hbox \emph \operatorname \operatornamewithlimits
    \mathop""".split()
)
"""Fonts and boxes that make no difference in handwriting."""

SWITCHES = {
    r"\cal": r"\mathcal",
    r"\Cal": r"\mathcal",
    r"\scr": r"\mathcal",
    **dict.fromkeys(r"\rm \bf \it \sf \tt \sl \mit \em \sc \scshape \bfseries".split(), ""),
}
"""Font switches, which apply to the end of the group -> the font command that replaces them."""

FENCES = frozenset(
    r"""\left \right \middle \big \Big \bigg \Bigg \bigl \Bigl \biggl \Biggl \bigr \Bigr \biggr
    \Biggr \bigm \Bigm \biggm \Biggm""".split()
)
"""Size commands before a delimiter."""

INFIX = {r"\over": r"\frac", r"\choose": r"\binom", r"\atop": ""}
"""Infix commands -> the prefix command that replaces them."""

ENVIRONMENTS = {
    **dict.fromkeys(
        """array alignedat split gathered align align* gather gather* eqnarray eqnarray*
        alignat alignat* flalign flalign* multlined smallmatrix subarray multline multline*
        tabular""".split(),
        "matrix",
    ),
    **dict.fromkeys(
        "equation equation* math displaymath document center".split(),
        "",
    ),
    "dcases": "cases",
}
"""Environments -> the grid that replaces them; those mapped to "" are unwrapped."""

ALIGNED = frozenset("align align* alignat alignat* alignedat flalign flalign* split".split())
"""Environments whose lines stand under each other at the ``&``."""

WITH_COLUMNS = frozenset("array tabular subarray alignat alignat* alignedat".split())
"""Environments that take an argument, and an option before it."""

POSITIONED = frozenset("aligned gathered split multlined".split())
"""Environments whose first line may be ``[t]``, ``[b]`` or ``[c]``: where their baseline is."""


def name_token(name: str) -> str | None:
    r"""The token of a symbol's name, ``sin``, ``\lt`` or ``le``; None if there is none."""
    command = name if name.startswith("\\") else f"\\{name}"
    token = SYNONYMS.get(command, command)
    return token if token in SYMBOLS else None


def sign_tokens(character: str) -> list[str]:
    """The tokens of one character, Unicode mathematics and non-ASCII digits included.

    A run of superscripts and subscripts (``SCRIPT_RUN``) is one script of each kind.
    """
    if len(character) > 1:
        return _joined_scripts(character)
    if character in UNICODE:
        return UNICODE[character].split()
    if character.isascii():
        return [character]
    if character.isdecimal():
        return [str(unicodedata.decimal(character))]
    if unicodedata.category(character) == "Cf":  # invisible times and its kin
        return []
    parts = unicodedata.normalize("NFKC", character).replace(" ", "")
    if parts == character:
        return [character]
    return [token for part in parts for token in sign_tokens(part)]


_SCRIPTS = {"<super>": "^", "<sub>": "_"}
_BLOCKS = ((0xAA, 0xBB), (0x2B0, 0x2FF), (0x1D2C, 0x1DC0), (0x2070, 0x20A0), (0x2120, 0x2123))
"""Where Unicode has its superscripts and subscripts, and the letters that are like them."""


def _script_tokens(character: str) -> list[str]:
    """``^ { 2 }`` for a superscript 2; none for what Unicode does not call a script."""
    kind, *codes = unicodedata.decomposition(character).split() or [""]
    if kind not in _SCRIPTS:
        return []
    inner = [token for code in codes for token in sign_tokens(chr(int(code, 16)))]
    return [_SCRIPTS[kind], "{", *inner, "}"]


for _code in (code for block in _BLOCKS for code in range(*block)):
    if _found := _script_tokens(chr(_code)):
        UNICODE[chr(_code)] = " ".join(_found)

_FRACTIONS = (*range(0xBC, 0xBF), *range(0x2150, 0x215F), 0x2189)

for _code in _FRACTIONS:
    _above, _below = unicodedata.normalize("NFKC", chr(_code)).split("\N{FRACTION SLASH}")
    UNICODE[chr(_code)] = rf"\frac {{ {' '.join(_above)} }} {{ {' '.join(_below)} }}"

SCRIPT_RUN = f"[{''.join(c for c, tokens in UNICODE.items() if tokens[0] in '^_')}]+"
"""Pattern of neighbouring superscripts and subscripts."""


def _joined_scripts(run: str) -> list[str]:
    scripts: dict[str, list[str]] = {"_": [], "^": []}
    for character in run:
        sign, _, *inner, _ = UNICODE[character].split()
        scripts[sign] += inner
    return [t for sign, inner in scripts.items() if inner for t in (sign, "{", *inner, "}")]


_GROUPING = re.compile(r"\\[\s\S]|[√∛∜]\s*\(|[(){}]")


def grouped_roots(text: str) -> str:
    """The text with the brackets behind a root sign of Unicode as the braces of its argument.

    Without LaTeX's braces the root of ``√(x+1)`` is over the sum, not over the bracket.
    """
    out, waiting = list(text), list[tuple[int, bool]]()
    for found in _GROUPING.finditer(text):
        if found[0][0] == "\\":
            continue
        if found[0][-1] in "({":
            waiting.append((found.end() - 1, len(found[0]) > 1))
            continue
        opening = "(" if found[0] == ")" else "{"
        while found[0] == "}" and waiting and text[waiting[-1][0]] != opening:
            waiting.pop()
        if waiting and text[waiting[-1][0]] == opening:
            at, of_root = waiting.pop()
            if of_root:
                out[at], out[found.start()] = "{", "}"
    return "".join(out)
