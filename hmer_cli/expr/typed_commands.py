r"""What a person may type into a formula: commands of LaTeX with amsmath, amssymb and mathtools.

A signature has a letter an argument: m a formula, o an optional one in brackets, t text, w a word
or l a length in braces, d a delimiter, s lines that ``\\`` parts, p an optional position in
brackets. What defines, reads, writes or runs something is not here, nor is anything else: a command
that is not named is not let through.
"""

from __future__ import annotations

import re

from hmer_cli.expr.commands import COVERS, FONTS, GREEK, GRIDS, OPERATORS, SYMBOLS
from hmer_cli.expr.spellings import (
    HIDDEN,
    NAMED_FUNCTIONS,
    SILENT,
    SWITCHES,
    SYNONYMS,
    UNICODE,
    UPRIGHT,
)

_SIGNS = r"""\! \, \: \; \> \/ \  \quad \qquad \enspace \enskip \thinspace \medspace \thickspace
    \negthinspace \negmedspace \negthickspace \space \nobreakspace \allowbreak \nobreak \mathstrut
    \strut \displaystyle \textstyle \scriptstyle \scriptscriptstyle \not \over \choose \atop
    \cal \rm \bf \it \sf \tt
    \le \ge \ne \to \gets \longrightarrow \longleftarrow \longleftrightarrow \Longrightarrow
    \Longleftarrow \Longleftrightarrow \implies \impliedby \iff \longmapsto \dots \dotsc \dotso
    \dotsb \dotsm \dotsi \hdots \cdotp \ldotp \ast \colon \vert \mid \lvert \rvert \Vert \lVert
    \rVert \lbrace \rbrace \lbrack \rbrack \land \lor \lnot \owns \dag \ddag \doublecap \doublecup
    \centerdot \varinjlim \varprojlim \varliminf \varlimsup \bmod
    \Cap \Cup \Bumpeq \bumpeq \Doteq \Join \Lleftarrow \Rrightarrow \Lsh \Rsh \Subset \Supset
    \Vdash \Vvdash \backepsilon \backsimeq \barwedge \doublebarwedge \between \blacklozenge
    \blacktriangle \blacktriangledown \blacktriangleleft \blacktriangleright \circeq
    \circlearrowleft \circlearrowright \circledR \circledS \circledast \circledcirc \circleddash
    \curlyeqprec \curlyeqsucc \curlyvee \curlywedge \curvearrowleft \curvearrowright \daleth
    \dashleftarrow \dashrightarrow \diagdown \diagup \divideontimes \dotplus \downdownarrows
    \upuparrows \downharpoonleft \downharpoonright \upharpoonleft \upharpoonright \eqcirc \eqsim
    \eqslantgtr \eqslantless \fallingdotseq \risingdotseq \geqq \leqq \gggtr \llless \gimel
    \gnapprox \gneq \gneqq \gnsim \lnapprox \lneq \lneqq \lnsim \gtrapprox \gtrdot \gtreqless
    \gtreqqless \gtrless \lessapprox \lessdot \lesseqgtr \lesseqqgtr \lessgtr \gvertneqq
    \lvertneqq \intercal \leadsto \leftarrowtail \rightarrowtail \leftrightarrows
    \rightleftarrows \leftrightsquigarrow \looparrowleft \looparrowright \maltese \multimap
    \nLeftarrow \nLeftrightarrow \nleftrightarrow \nVDash \nVdash \nprec \npreceq \nsucc \nsucceq
    \nsubseteqq \nsupseteqq \nsupseteq \ntriangleleft \ntrianglelefteq \ntriangleright
    \ntrianglerighteq \nshortmid \nshortparallel \pitchfork \precapprox \preccurlyeq
    \precnapprox \precneqq \precnsim \precsim \succapprox \succcurlyeq \succnapprox \succneqq
    \succnsim \succsim \restriction \shortmid \shortparallel \smallfrown \smallsmile \sphericalangle
    \sqsubset \sqsupset \subseteqq \supseteqq \subsetneqq \supsetneqq \varsubsetneq
    \varsupsetneq \therefore \trianglerighteq \triangledown \twoheadleftarrow \varpropto
    \vartriangle \vartriangleleft \vartriangleright \veebar \Game \Bbbk \Box \longleftarrow
    \lgroup \rgroup \lmoustache \rmoustache \bigtriangleup \varGamma \varDelta \varTheta \varLambda
    \varXi \varPi \varSigma \varUpsilon \varPhi \varPsi \varOmega \idotsint \iiiint
    \intop \coloneqq \eqqcolon \Coloneqq \coloneq \eqcolon \dblcolon \vcentcolon"""

_MATHS = r"""\mathrm \mathit \mathbf \mathsf \mathtt \mathnormal \boldsymbol \pmb
    \operatorname \mathop \mathrel \mathbin \mathord \mathopen \mathclose \mathpunct \mathinner
    \phantom \hphantom \vphantom \smash \boxed \pmod \pod \mod \widehat \widetilde \mathring \dddot
    \ddddot \overleftrightarrow \underrightarrow \underleftarrow \underleftrightarrow
    \mathclap \mathllap \mathrlap"""

_SIZES = r"""\big \Big \bigg \Bigg \bigl \Bigl \biggl \Biggl \bigr \Bigr \biggr \Biggr \bigm \Bigm
    \biggm \Biggm"""

COMMANDS = {token: "" for token in SYMBOLS if token.startswith("\\")}
COMMANDS |= dict.fromkeys([*_SIGNS.split(), "\\ "], "")
COMMANDS |= dict.fromkeys([*_MATHS.split(), *COVERS, *FONTS], "m")
COMMANDS |= dict.fromkeys(_SIZES.split(), "d")
COMMANDS |= dict.fromkeys(
    r"\frac \dfrac \tfrac \binom \dbinom \tbinom \overset \underset \stackrel".split(),
    "mm",
)
COMMANDS |= dict.fromkeys(r"\sqrt \xrightarrow \xleftarrow".split(), "om")
COMMANDS |= dict.fromkeys(
    r"\text \textrm \textbf \textit \textsf \texttt \textnormal \textup \mbox \emph".split(), "t"
)
COMMANDS |= {r"\hspace": "l", r"\substack": "s", r"\cfrac": "pmm", r"\smash": "pm"}
del COMMANDS["\\"]
r"""Every command -> its signature; ``\left``, ``\begin`` and their kin aside."""

NUMBERING = {r"\nonumber": "", r"\notag": "", r"\tag": "w", r"\label": "w"}
"""Commands that only a display knows."""

ONCE = frozenset(r"\tag \label".split())
"""Those of which a line with a number has one; a ``multline`` has one number in all."""

STARRED = frozenset(r"\operatorname \hspace \tag".split())

LIMITED = OPERATORS | frozenset(
    r"""\mathop \operatorname \varinjlim \varprojlim \varliminf \varlimsup \iiiint \idotsint
    \intop""".split()
)
r"""What ``\limits`` and ``\nolimits`` may follow."""

BARE = GREEK | frozenset(
    r"""\infty \circ \prime \ast \star \dagger \ddagger \perp \parallel \top \bot \pm \mp \ell
    \partial \nabla \hbar \emptyset \varnothing \times \cdot \bullet \rightarrow \leftarrow \to
    \sharp \flat \natural \odot \oplus \otimes \aleph \Re \Im \wp \imath \jmath \sim \leq \geq \le
    \ge \square \triangle \complement \uparrow \downarrow \updownarrow \Uparrow \Downarrow
    \leftrightarrow \Leftarrow \Rightarrow \Leftrightarrow \gets \nearrow \searrow \rightharpoonup
    \wedge \vee \land \lor \cap \cup \div \setminus \wr \amalg \diamond \Diamond \Box \lozenge
    \bigcirc \ominus \oslash \boxplus \boxtimes \ltimes \rtimes \intercal \dag \ddag \lhd \rhd
    \triangleleft \triangleright \approx \equiv \simeq \subset \supset \subseteq \supseteq \in
    \mid \neg \lnot \forall \exists \angle \mho \hslash \beth \gimel \daleth \eth \bigstar
    \blacksquare \clubsuit \diamondsuit \heartsuit \spadesuit \vert \Vert \| \# \% \& \varGamma
    \varDelta \varTheta \varLambda \varXi \varPi \varSigma \varUpsilon \varPhi \varPsi
    \varOmega \Bbbk""".split()
)
"""Commands that are one sign to TeX, so that an argument of it needs no braces."""

SCRIPTS = frozenset(
    r"\frac \mathrm \mathbf \mathbb \mathcal \mathfrak \mathsf \mathit \text".split()
)
r"""Commands with arguments that need no braces as a script: ``x_\text{max}``."""

DELIMITERS = frozenset(
    r"""( ) [ ] / | . < > \{ \} \| \langle \rangle \lfloor \rfloor \lceil \rceil \lvert \rvert
    \lVert \rVert \vert \Vert \lbrace \rbrace \lbrack \rbrack \backslash \uparrow \downarrow
    \updownarrow \Uparrow \Downarrow \Updownarrow \ulcorner \urcorner \llcorner \lrcorner \lgroup
    \rgroup \lmoustache \rmoustache""".split()
)

ENVIRONMENTS = dict(GRIDS) | {"array": 0, "smallmatrix": 10, "split": 2, "gathered": 1}
ENVIRONMENTS |= {"dcases": 2, "alignedat": 0}
"""Environment within a formula -> the most columns; an array and an alignedat say theirs."""

POSITIONED = frozenset("aligned gathered split alignedat".split())
"""Environments that may begin with ``[t]``, ``[b]`` or ``[c]``, as which LaTeX may take others."""

DISPLAYS = {"align": 10, "align*": 10, "gather": 1, "gather*": 1, "multline": 1, "multline*": 1}
DISPLAYS |= {"equation": 0, "equation*": 0}
"""Environments that are a display of their own, and hold all that was typed."""

_LENGTH = r"[-+]*(?:\d+[.,]?\d*|[.,]\d+)(?:true)?(?:p[tc]|e[mx]|[cm]m|in|[bs]p|dd|cc"
GLUE = rf"{_LENGTH})(?:plus{_LENGTH}|fil{{1,3}}))?(?:minus{_LENGTH}|fil{{1,3}}))?"
"""Pattern of a length of ``\\hspace``, without its spaces."""

INKLESS = (SILENT | UPRIGHT | SWITCHES.keys()) & COMMANDS.keys() | frozenset("{}~^_")
"""What leaves nothing to see, unless something else stands with it."""

HIDING = HIDDEN & COMMANDS.keys()
"""What leaves no more of its argument than the space."""

TEXT = frozenset(
    r"""\, \; \: \! \  \% \& \# \_ \$ \{ \} \quad \qquad \ldots \dots \textbf \textit \textrm
    \textsf \texttt \emph \text""".split()
) | {"\\ "}
"""Commands within text."""

LETTERS = frozenset(map(chr, range(0xC0, 0x180))) - frozenset("ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")
"""Letters within text besides those of ASCII: what OT1 has or composes, the encoding of documents
that load no other."""


def spelt(tokens: str) -> str:
    """For a formula: blanks only where TeX needs them."""
    return re.sub(r"(\\[A-Za-z]+ )(?=[A-Za-z])| ", lambda gap: gap[1] or "", tokens)


_OTHER_LOOK = frozenset(r"\mathscr \mathds \widecheck \rightarrowfill".split())
"""Commands that would print other signs than was typed by the tokens of their label."""

_OTHER_NAMES = r"\tg \tang \ctg \cotg \cotan \arctg \cosec \tgh \ctgh \cotgh".split()
"""Functions that print another name by the tokens of their label."""

REPLACED = {token: spelt(tokens) for token, tokens in UNICODE.items()}
REPLACED |= {
    token: spelt(tokens)
    for token, tokens in SYNONYMS.items()
    if token not in COMMANDS and token not in _OTHER_LOOK
}
REPLACED |= {name: rf"\operatorname{{{name[1:]}}}" for name in (*NAMED_FUNCTIONS, *_OTHER_NAMES)}
REPLACED |= {name: rf"\operatorname*{{{name[1:]}}}" for name in (r"\argmax", r"\argmin")}
"""What LaTeX does not know, characters of Unicode above all, and what replaces it; it prints
the same but for fractions, which stand upright, and long arrows, which are short."""
