r"""Fonts of mathematics -> the signs of which LaTeX prints others in them.

Tables for LaTeX with amsmath and amssymb, whose fonts of ``\mathbb`` and ``\mathcal`` hold capital
letters and, in the places of other characters, other signs: ``\mathbb{1}`` is a negated ``\Vdash``.
"""

from __future__ import annotations

import re

from hmer_cli.expr.commands import FONTS, GREEK

_NO_CAPITALS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_GREEK_CAPITALS = frozenset(token for token in GREEK if token[1].isupper())
_ARROW = frozenset((r"\vec",))  # whose place is that of a tilde in fonts of text

MISPRINTED = {
    r"\mathbb": _NO_CAPITALS | _GREEK_CAPITALS,
    r"\mathcal": _NO_CAPITALS | _GREEK_CAPITALS,
    r"\mathfrak": _GREEK_CAPITALS,
    r"\mathnormal": frozenset[str](),
    **dict.fromkeys(r"\mathrm \mathit \mathbf \mathsf \mathtt \operatorname".split(), _ARROW),
}
"""Command that sets its argument in a font -> the signs that it prints as others."""

MISPRINTED_TO_END = {r"\cal": MISPRINTED[r"\mathcal"]}
MISPRINTED_TO_END |= dict.fromkeys(r"\rm \bf \it \sf \tt".split(), _ARROW)
"""The same of those that set all to the end of the group."""

INSTEAD = {r"\mathbb { 1 }": r"\mathbf{1}", r"\mathbb { k }": r"\Bbbk"}
r"""Letter in a font -> what prints it, or its like, in LaTeX and programs that know LaTeX: what is
written with a double stroke is printed bold, too."""

NOT_PRINTED = frozenset(
    symbol
    for font in FONTS
    for sign in MISPRINTED[font]
    if (symbol := f"{font} {{ {sign} }}") not in INSTEAD
)
"""Letters in a font for which LaTeX has no sign."""

_GAP = r"[ \t\r\n]*"
FACED = rf"\\mathbb{_GAP}(?:\{{{_GAP}([1k]){_GAP}\}}|([1k]))"
"""Pattern of what `INSTEAD` has other LaTeX for, as it is typed."""

_FACED, _LETTER = re.compile(FACED), re.compile("[A-Za-z]")


def printed(latex: str) -> str:
    """The LaTeX with `INSTEAD` in the places of what would be printed as other signs."""
    return _FACED.sub(_instead, latex)


def _instead(found: re.Match[str]) -> str:
    spelt = INSTEAD[rf"\mathbb {{ {found[1] or found[2]} }}"]
    letter = spelt[-1] != "}" and _LETTER.match(found.string, found.end())
    return f"{spelt} " if letter else spelt
