"""Each token has the character that it means, in both directions."""

from __future__ import annotations

import unicodedata

import pytest

from hmer_cli.expr.glyphs import GLYPHS
from hmer_cli.expr.latex import normalise

SIGNS = {
    token: glyph for token, (_, glyph) in GLYPHS.items() if len(glyph) == 1 and not glyph.isascii()
}
"""The tokens and letters in fonts with one character that is not ASCII."""

ALIKE = {
    r"\varphi": r"\phi", r"\hslash": r"\hbar", r"\varnothing": r"\emptyset", r"\bot": r"\perp",
    r"\smallint": r"\int", r"\smallsetminus": r"\setminus", r"\bigtriangleup": r"\triangle",
    r"\vDash": r"\models", r"\parallel": r"\|", r"\leqslant": r"\leq", r"\geqslant": r"\geq",
    r"\thickapprox": r"\approx", r"\thicksim": r"\sim", r"\unlhd": r"\trianglelefteq",
    r"\unrhd": r"\trianglerighteq", r"\mathfrak { I }": r"\Im", r"\mathfrak { R }": r"\Re",
    r"\prime": r"{ } ^ { \prime }",
}  # fmt: skip
"""Tokens with a character that means another one, too, and stands for that when it is pasted."""

NOT_PASTED = {r"\imath", r"\eth", r"\surd"}
"""Tokens whose character is a letter of a language, or a root without its argument."""

OTHERS = {  # which are typeset with another character
    r"\square", r"\blacksquare", r"*", r"\cdot", r"\bullet", r"\setminus", r"\sim", r"\models",
    r"\perp", r"\lhd", r"\rhd",
}  # fmt: skip


def test_a_character_that_is_pasted_is_the_token_that_shows_it() -> None:
    tokens = SIGNS.keys() - NOT_PASTED
    assert len(tokens) > 400
    assert {t: normalise(SIGNS[t]) for t in tokens} == {t: ALIKE.get(t, t) for t in tokens}


def test_characters_are_those_of_another_table() -> None:
    """That of unimathsymbols.txt, which latex2mathml holds."""
    parser = pytest.importorskip("latex2mathml.symbols_parser")
    theirs = {token: int(code, 16) for token, code in parser.parse_symbols().items()}
    named = {token: chr(theirs[token]) for token in SIGNS.keys() & theirs.keys() - OTHERS}
    assert len(named) > 240
    assert {token: SIGNS[token] for token in named} == named


ANCHORS = r"""\cap INTERSECTION; \cup UNION; \subset SUBSET OF; \supset SUPERSET OF;
\leq LESS-THAN OR EQUAL TO; \geq GREATER-THAN OR EQUAL TO; \wedge LOGICAL AND; \vee LOGICAL OR;
\forall FOR ALL; \exists THERE EXISTS; \in ELEMENT OF; \ni CONTAINS AS MEMBER; \times
MULTIPLICATION SIGN; \div DIVISION SIGN; \pm PLUS-MINUS SIGN; \mp MINUS-OR-PLUS SIGN;
\rightarrow RIGHTWARDS ARROW; \leftarrow LEFTWARDS ARROW; \uparrow UPWARDS ARROW; \sum N-ARY
SUMMATION; \prod N-ARY PRODUCT; \int INTEGRAL; \infty INFINITY; \partial PARTIAL DIFFERENTIAL;
\nabla NABLA; \lfloor LEFT FLOOR; \rfloor RIGHT FLOOR; \lceil LEFT CEILING; \rceil RIGHT CEILING;
\langle MATHEMATICAL LEFT ANGLE BRACKET; \rangle MATHEMATICAL RIGHT ANGLE BRACKET"""


def test_characters_have_the_name_of_their_token() -> None:
    anchors = dict(anchor.split(maxsplit=1) for anchor in ANCHORS.replace("\n", " ").split(";"))
    assert {token: unicodedata.name(SIGNS[token]) for token in anchors} == anchors
    assert {normalise(unicodedata.lookup(name)): name for name in anchors.values()} == anchors


VARIANTS = {
    r"\epsilon": "GREEK LUNATE EPSILON SYMBOL", r"\varepsilon": "GREEK SMALL LETTER EPSILON",
    r"\phi": "GREEK PHI SYMBOL", r"\varphi": "GREEK SMALL LETTER PHI",
    r"\vartheta": "GREEK THETA SYMBOL", r"\varpi": "GREEK PI SYMBOL",
    r"\varrho": "GREEK RHO SYMBOL", r"\varkappa": "GREEK KAPPA SYMBOL",
    r"\varsigma": "GREEK SMALL LETTER FINAL SIGMA",
}  # fmt: skip


def test_greek_letters_have_their_names() -> None:
    greek = {token: unicodedata.name(SIGNS[token]) for token in SIGNS}
    greek = {token: name for token, name in greek.items() if name.startswith("GREEK")}
    assert len(greek) == 42
    for token, name in greek.items():
        size = "CAPITAL" if token[1].isupper() else "SMALL"
        letter = token[1:].upper().replace("LAMBDA", "LAMDA")  # as Unicode spells it
        assert name == VARIANTS.get(token, f"GREEK {size} LETTER {letter}")
