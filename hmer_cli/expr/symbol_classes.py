r"""Classes of tokens: the one table that layout, detector, alignment and label sampling share.

Input: a token of a label. Output: the name of its class. A new token is entered here, and in
`hmer_cli.expr.commands` (grammar) and `hmer_cli.expr.glyphs` (Unicode); tests compare the three.
"""

from __future__ import annotations

from hmer_cli.expr.commands import FUNCTIONS, GREEK, STACKING

PAIRS = (
    ("(", ")"),
    ("[", "]"),
    (r"\{", r"\}"),
    ("|", "|"),
    (r"\|", r"\|"),
    (r"\langle", r"\rangle"),
    (r"\lfloor", r"\rfloor"),
    (r"\lceil", r"\rceil"),
)
"""Delimiters that open and close a group; bars do both."""

OPENING = frozenset(left for left, right in PAIRS if left != right)
CLOSING = frozenset(right for left, right in PAIRS if left != right)

ALIGNED_RELATIONS = frozenset(
    r"""= \neq < > \leq \geq \ll \gg \equiv \approx \sim \simeq \cong \propto \subset \subseteq
    \supset \supseteq \in \Rightarrow \Leftrightarrow \rightarrow""".split()
)
"""Relations on which the lines of a derivation are aligned."""

STATEMENT_RELATIONS = ALIGNED_RELATIONS | {r"\to"}
"""Relations by which tokens are a statement, as an equation, and no term alone."""

_LAYOUT = {
    "open": OPENING,
    "close": CLOSING,
    "bar": r"| \| /".split(),
    "mark": r", . ; : ! \prime \ldots \vdots \ddots".split(),
    "sign": r"""+ - \pm \mp \times \div \cdot * \star \circ \bullet \cap \cup \setminus \wedge \vee
    \oplus \otimes \odot \cdots""".split(),
    "relation": ALIGNED_RELATIONS
    | set(
        r"""\notin \perp \leftarrow \leftrightarrow \Leftarrow \mapsto \therefore \because
        \parallel \subsetneq \supsetneq \hookrightarrow \prec \succ \vdash \models""".split()
    ),
    "large": r"\sum \prod \int \iint \iiint \oint \bigcup \bigcap \bigoplus".split(),
    "frac": [r"\frac"],
    "root": [r"\sqrt"],
}
LAYOUT_CLASSES = {token: name for name, tokens in _LAYOUT.items() for token in tokens}
"""What a symbol is to its neighbours in a line; every other token is a ``letter``."""

APPEARANCES = {
    "relation": r"= < > \leq \geq \neq \in \sim \approx \equiv \subset",
    "arrow": r"\rightarrow \leftarrow \Rightarrow \Leftarrow \leftrightarrow \Leftrightarrow",
    "plus": r"+ \pm \times \div \ast * \cdot",
    "bar": r"- \frac \overline",
    "open": r"( [ \{ \langle",
    "close": r") ] \} \rangle",
    "upright": r"| / 1 l I !",
    "digit": "0 2 3 4 5 6 7 8 9",
    "dot": r". , \ldots \cdots \prime",
    "large": r"\int \sum \prod \oint",
    "root": r"\sqrt",
    "letter": "a b c d e f g h i j k m n o p q r s t u v w x y z",
    "capital": "A B C D E F G H J K L M N O P Q R S T U V W X Y Z",
    "greek": r"\alpha \beta \gamma \delta \theta \lambda \mu \pi \sigma \phi \Delta \infty \forall",
}
"""Classes by the shape of the ink alone, so ``1``, ``l`` and ``|`` are one; the detector's symbol
network has an output for each, in this order."""

LETTERS = ("lower", "upper", "greek", "Greek")
"""Exchange classes of letters."""

_LIMITS = frozenset("lim max min sup inf det limsup liminf gcd".split())

PREFIXES = (r"\forall", r"\exists", r"\nabla", r"\partial", r"\neg", r"\angle")
LEADING = (r"\therefore", r"\because")
ELLIPSES = (r"\ldots", r"\cdots")
SEPARATORS = (",", ";", ":", "/")
POSTFIXES = ("!", r"\%")
CELL_DOTS = (r"\vdots", r"\ddots", r"\cdots")
_UNIQUE = frozenset((*PREFIXES, *LEADING, *ELLIPSES, *SEPARATORS, *POSTFIXES, *CELL_DOTS))
_UNIQUE |= {r"\prime", r"\dagger", "?"}
"""Tokens with a place of their own, in which no other can stand."""


def layout_class(token: str) -> str:
    """The class of a token in a line: ``letter``, ``relation``, ``sign``, ``open``, ..."""
    return LAYOUT_CLASSES.get(token, "letter")


def exchange_class(token: str) -> str:
    """The class of a token among which any member can replace any other in a label.

    One of ``lower upper greek Greek digit function lim int sum sign relation bracket single
    other``.
    """
    if token in GREEK:
        return "Greek" if token[1].isupper() else "greek"
    if len(token) == 1 and token.isalnum():
        return "digit" if token.isdigit() else "lower" if token.islower() else "upper"
    if token in FUNCTIONS:
        return "function"
    if token in STACKING:
        return "lim" if token[1:] in _LIMITS else "int" if "int" in token else "sum"
    if token in _UNIQUE:
        return "single"
    name = LAYOUT_CLASSES.get(token, "other")
    return name if name in ("sign", "relation", "other") else "bracket"
