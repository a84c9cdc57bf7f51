r"""The LaTeX commands that a label may contain, by their role in the grammar.

All of them compile with pdflatex under amsmath and amssymb. A label contains no spacing command, no
``\left``, no text font and no synonym of a symbol listed here.
"""

from __future__ import annotations

CHARACTERS = frozenset(
    'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-=()[]/|,.!<>:;?*@"`'
)

GREEK = frozenset(
    r"""\alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \vartheta \iota \kappa
    \lambda \mu \nu \xi \pi \varpi \rho \varrho \sigma \varsigma \tau \upsilon \phi \varphi \chi
    \psi \omega \Gamma \Delta \Theta \Lambda \Xi \Pi \Sigma \Upsilon \Phi \Psi \Omega
    \digamma \varkappa""".split()
)

STACKING = frozenset(
    r"""\sum \prod \coprod \int \iint \iiint \oint \bigcup \bigcap \bigvee \bigwedge \bigoplus
    \bigotimes \bigodot \biguplus \bigsqcup \lim \limsup \liminf \max \min \sup \inf
    \det \gcd \Pr \injlim \projlim""".split()
)
r"""Operators whose scripts stand above and below in labels, with ``\limits``."""

FUNCTIONS = frozenset(
    r"""\sin \cos \tan \cot \sec \csc \arcsin \arccos \arctan \sinh \cosh \tanh \coth \log \ln \lg
    \exp \arg \deg \dim \hom \ker""".split()
)

INVERTIBLE = frozenset(r"\sin \cos \tan \cot \sec \csc \sinh \cosh \tanh \coth".split())
"""Functions with which an exponent of -1 means the inverse."""

INTEGRALS = frozenset(token for token in STACKING if token.endswith("int"))
"""Operators of STACKING whose limits LaTeX sets beside them, in displays, too."""

OPERATORS = STACKING | FUNCTIONS
r"""What ``\limits`` may follow."""

SIGNS = frozenset(
    r"""\infty \partial \nabla \hbar \hslash \ell \imath \jmath \wp \Re \Im \aleph \beth \prime
    \emptyset \varnothing \angle \measuredangle \triangle \square \blacksquare \Diamond \lozenge
    \forall \exists \nexists \neg \top \bot \surd \flat \natural \sharp \complement \mho \Finv
    \clubsuit \diamondsuit \heartsuit \spadesuit \backprime \eth \checkmark \S \P \bigstar
    \ldots \cdots \vdots \ddots \{ \} \| \% \# \& \$ \_
    \langle \rangle \lfloor \rfloor \lceil \rceil \backslash \ulcorner \urcorner \llcorner \lrcorner
    \pm \mp \times \div \cdot \star \circ \bullet \cap \cup \uplus \sqcap \sqcup \vee \wedge
    \setminus \smallsetminus \wr \diamond \bigtriangleup \bigtriangledown \triangleleft
    \triangleright \oplus \ominus \otimes \oslash \odot \bigcirc \dagger \ddagger \amalg \ltimes
    \rtimes \leftthreetimes \rightthreetimes \boxplus \boxminus \boxtimes \boxdot \therefore
    \because \smallint
    \leq \geq \neq \equiv \approx \sim \simeq \cong \propto \ll \gg \prec \succ \preceq \succeq
    \subset \supset \subseteq \supseteq \subsetneq \supsetneq \nsubseteq \nsupseteq \sqsubseteq
    \sqsupseteq \in \ni \notin \vdash \dashv \models \vDash \nvdash \nmid \parallel \nparallel
    \perp \asymp \doteq \bowtie \smile \frown \lesssim \gtrsim \leqslant \geqslant \nless \ngtr
    \nleq \ngeq \lll \ggg \triangleq \doteqdot \approxeq \thickapprox \thicksim \trianglelefteq
    \trianglerighteq \lhd \rhd \unlhd \unrhd \backsim \ncong \nsim
    \leftarrow \rightarrow \leftrightarrow \Leftarrow \Rightarrow \Leftrightarrow \mapsto \uparrow
    \downarrow \updownarrow \Uparrow \Downarrow \Updownarrow \nearrow \searrow \swarrow \nwarrow
    \hookleftarrow \hookrightarrow \leftharpoonup \leftharpoondown \rightharpoonup
    \rightharpoondown \rightleftharpoons \leftrightharpoons \rightsquigarrow \twoheadrightarrow
    \rightrightarrows \leftleftarrows \nrightarrow \nleftarrow \nRightarrow""".split()
)

COVERS = frozenset(
    r"""\hat \check \tilde \acute \grave \dot \ddot \breve \bar \vec \overline \underline
    \overrightarrow \overleftarrow \overbrace \underbrace""".split()
)
"""Accents and lines over or under one argument, which is Inside them in the tree."""

FONTS = frozenset(r"\mathbb \mathcal \mathfrak".split())
r"""Fonts that make another symbol: ``\mathbb { R }`` is one written symbol."""

STACKS = frozenset(r"\frac \binom".split())
"""Commands of two arguments, one Above and one Below the symbol."""

PLACERS = frozenset(r"\overset \underset".split())
"""Commands that place a row Above or Below a symbol that is no operator."""

GRIDS = {"matrix": 10, "pmatrix": 10, "bmatrix": 10, "Bmatrix": 10, "vmatrix": 10, "Vmatrix": 10}
GRIDS |= {"cases": 2, "aligned": 10}
"""Environments of cells, with the most columns that amsmath sets."""

GRID_DELIMITERS = {
    "matrix": ("", ""),
    "pmatrix": ("(", ")"),
    "bmatrix": ("[", "]"),
    "vmatrix": ("|", "|"),
    "cases": (r"\{", ""),
}
"""What stands left and right of a grid: the ink of its ``\\begin`` and its ``\\end``."""

SYMBOLS = CHARACTERS | GREEK | OPERATORS | SIGNS
"""Tokens that are a written symbol by themselves."""

STRUCTURE = (
    frozenset(r"{ } ^ _ & \\ \limits \sqrt".split())
    | STACKS
    | COVERS
    | FONTS
    | PLACERS
    | {rf"\begin{{{name}}}" for name in GRIDS}
    | {rf"\end{{{name}}}" for name in GRIDS}
)

UNWRITTEN = frozenset(
    r"""{ } ^ _ & \\ \limits \overset \underset \begin{matrix} \end{matrix} \end{cases}
    \begin{aligned} \end{aligned}""".split()
)
"""Tokens that leave no ink."""

KNOWN = SYMBOLS | STRUCTURE
"""Every token of a valid label."""
