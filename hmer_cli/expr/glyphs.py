"""Token -> Unicode character and MathML element, for every symbol that a label may contain.

Tables only; tests compare them with `hmer_cli.expr.commands`.
"""

from __future__ import annotations

import unicodedata

from hmer_cli.expr.commands import CHARACTERS, FONTS, OPERATORS


def _pairs(table: str) -> dict[str, str]:
    """``token glyph, token glyph``, separated by blanks."""
    words = table.split()
    return dict(zip(words[::2], words[1::2], strict=True))


BIG = _pairs(
    r"""\sum ∑ \prod ∏ \coprod ∐ \int ∫ \iint ∬ \iiint ∭ \oint ∮ \bigcup ⋃ \bigcap ⋂ \bigvee ⋁
    \bigwedge ⋀ \bigoplus ⨁ \bigotimes ⨂ \bigodot ⨀ \biguplus ⨄ \bigsqcup ⨆"""
)
"""Operators that grow in a display."""

NAMED_OPERATORS = OPERATORS - BIG.keys()
"""Operators that are words."""

OPENING = _pairs(r"( ( [ [ \{ { \langle ⟨ \lfloor ⌊ \lceil ⌈")
CLOSING = _pairs(r") ) ] ] \} } \rangle ⟩ \rfloor ⌋ \rceil ⌉")

SPACED = _pairs(
    r"""+ + - − = = < < > > / / | | , , ; ; : : ! ! * ∗ \| ‖ \pm ± \mp ∓ \times × \div ÷ \cdot ⋅
    \star ⋆ \circ ∘ \bullet ∙ \cap ∩ \cup ∪ \uplus ⊎ \sqcap ⊓ \sqcup ⊔ \vee ∨ \wedge ∧
    \setminus ∖ \smallsetminus ∖ \wr ≀ \diamond ⋄ \bigtriangleup △ \bigtriangledown ▽
    \triangleleft ◁ \triangleright ▷ \oplus ⊕ \ominus ⊖ \otimes ⊗ \oslash ⊘ \odot ⊙ \bigcirc ◯
    \dagger † \ddagger ‡ \amalg ⨿ \ltimes ⋉ \rtimes ⋊ \leftthreetimes ⋋ \rightthreetimes ⋌
    \boxplus ⊞ \boxminus ⊟ \boxtimes ⊠ \boxdot ⊡ \therefore ∴ \because ∵ \leq ≤ \geq ≥ \neq ≠
    \equiv ≡ \approx ≈ \sim ∼ \simeq ≃ \cong ≅ \propto ∝ \ll ≪ \gg ≫ \prec ≺ \succ ≻ \preceq ⪯
    \succeq ⪰ \subset ⊂ \supset ⊃ \subseteq ⊆ \supseteq ⊇ \subsetneq ⊊ \supsetneq ⊋
    \nsubseteq ⊈ \nsupseteq ⊉ \sqsubseteq ⊑ \sqsupseteq ⊒ \in ∈ \ni ∋ \notin ∉ \vdash ⊢
    \dashv ⊣ \models ⊨ \vDash ⊨ \nvdash ⊬ \nmid ∤ \parallel ∥ \nparallel ∦ \perp ⊥ \asymp ≍
    \doteq ≐ \bowtie ⋈ \smile ⌣ \frown ⌢ \lesssim ≲ \gtrsim ≳ \leqslant ⩽ \geqslant ⩾ \nless ≮
    \ngtr ≯ \nleq ≰ \ngeq ≱ \lll ⋘ \ggg ⋙ \triangleq ≜ \doteqdot ≑ \approxeq ≊ \thickapprox ≈
    \thicksim ∼ \trianglelefteq ⊴ \trianglerighteq ⊵ \lhd ⊲ \rhd ⊳ \unlhd ⊴ \unrhd ⊵ \backsim ∽
    \ncong ≇ \nsim ≁ \leftarrow ← \rightarrow → \leftrightarrow ↔ \Leftarrow ⇐ \Rightarrow ⇒
    \Leftrightarrow ⇔ \mapsto ↦ \uparrow ↑ \downarrow ↓ \updownarrow ↕ \Uparrow ⇑ \Downarrow ⇓
    \Updownarrow ⇕ \nearrow ↗ \searrow ↘ \swarrow ↙ \nwarrow ↖ \hookleftarrow ↩
    \hookrightarrow ↪ \leftharpoonup ↼ \leftharpoondown ↽ \rightharpoonup ⇀
    \rightharpoondown ⇁ \rightleftharpoons ⇌ \leftrightharpoons ⇋ \rightsquigarrow ⇝
    \twoheadrightarrow ↠ \rightrightarrows ⇉ \leftleftarrows ⇇ \nrightarrow ↛ \nleftarrow ↚
    \nRightarrow ⇏"""
)
"""Binary operators, relations, arrows and punctuation: signs with space around them."""

RAISING = (SPACED.keys() - frozenset(", ; ! / | \\|".split())) | BIG.keys()
r"""What amsmath sets ``\dots`` at the height of the axis before: operators and relations."""

_LETTERS = _pairs(
    r"""\alpha α \beta β \gamma γ \delta δ \epsilon ϵ \varepsilon ε \zeta ζ \eta η \theta θ
    \vartheta ϑ \iota ι \kappa κ \lambda λ \mu μ \nu ν \xi ξ \pi π \varpi ϖ \rho ρ \varrho ϱ
    \sigma σ \varsigma ς \tau τ \upsilon υ \phi ϕ \varphi φ \chi χ \psi ψ \omega ω \digamma ϝ
    \varkappa ϰ \imath ı \jmath ȷ"""
)
_UPRIGHT = _pairs(
    r"""\Gamma Γ \Delta Δ \Theta Θ \Lambda Λ \Xi Ξ \Pi Π \Sigma Σ \Upsilon Υ \Phi Φ \Psi Ψ \Omega Ω
    \infty ∞ \partial ∂ \nabla ∇ \hbar ℏ \hslash ℏ \ell ℓ \wp ℘ \Re ℜ \Im ℑ \aleph ℵ \beth ℶ
    \prime ′ \emptyset ∅ \varnothing ∅ \angle ∠ \measuredangle ∡ \triangle △ \square □
    \blacksquare ■ \Diamond ◇ \lozenge ◊ \forall ∀ \exists ∃ \nexists ∄ \neg ¬ \top ⊤ \bot ⊥
    \surd √ \flat ♭ \natural ♮ \sharp ♯ \complement ∁ \mho ℧ \Finv Ⅎ \clubsuit ♣
    \diamondsuit ♢ \heartsuit ♡ \spadesuit ♠ \backprime ‵ \eth ð \checkmark ✓ \S § \P ¶
    \bigstar ★ \ldots … \cdots ⋯ \vdots ⋮ \ddots ⋱ \% % \# # \& & \$ $ \_ _ \backslash \
    \ulcorner ⌜ \urcorner ⌝ \llcorner ⌞ \lrcorner ⌟ \smallint ∫ ? ? @ @ " " ` `"""
)

ACCENTS = _pairs(
    r"""\hat ˆ \check ˇ \tilde ˜ \acute ´ \grave ` \dot ˙ \ddot ¨ \breve ˘ \bar ¯ \vec ⃗
    \overline ‾ \overrightarrow → \overleftarrow ← \overbrace ⏞ \underline _ \underbrace ⏟"""
)
"""The character of each cover; those that stretch over their argument are in `WIDE`."""

WIDE = frozenset(
    r"""\overline \overrightarrow \overleftarrow \overbrace \underline \underbrace""".split()
)
UNDER = frozenset(r"\underline \underbrace".split())
BRACES = frozenset(r"\overbrace \underbrace".split())
"""Covers whose scripts are centred over or under them."""

_NAMED = {name: name[1:] for name in NAMED_OPERATORS}
_NAMED |= {r"\limsup": "lim sup", r"\liminf": "lim inf"}
_NAMED |= {r"\injlim": "inj lim", r"\projlim": "proj lim"}
_FACES = {r"\mathbb": "DOUBLE-STRUCK", r"\mathcal": "SCRIPT", r"\mathfrak": "FRAKTUR"}


def _faced(font: str, letter: str) -> str:
    """The Unicode letter of a font, ``ℝ``, ``𝒜``; the plain letter if there is none."""
    kind = "DIGIT" if letter.isdigit() else "CAPITAL" if letter.isupper() else "SMALL"
    word = unicodedata.name(letter).split()[-1]
    face = _FACES[font]
    old = "BLACK-LETTER" if face == "FRAKTUR" else face  # where the letters have gaps: the first
    for name in (f"MATHEMATICAL {face} {kind} {word}", f"{old} {kind} {word}"):  # that Unicode had
        try:
            return unicodedata.lookup(name)
        except KeyError:
            continue
    return letter


def _table() -> dict[str, tuple[str, str]]:
    table = {c: ("mi" if c.isalpha() else "mn", c) for c in CHARACTERS if c.isalnum() or c == "."}
    table |= {token: ("mi", glyph) for token, glyph in _LETTERS.items()}
    table |= {token: ("up", glyph) for token, glyph in (_UPRIGHT | _NAMED).items()}
    for signs in (SPACED, BIG, OPENING, CLOSING):
        table |= {token: ("mo", glyph) for token, glyph in signs.items()}
    alphabet = sorted(c for c in CHARACTERS if c.isalnum())
    for font in sorted(FONTS):
        table |= {f"{font} {{ {c} }}": ("up", _faced(font, c)) for c in alphabet}
    return table


GLYPHS: dict[str, tuple[str, str]] = _table()
r"""Token, or letter in a font -> its MathML leaf and its character. ``mi``: a slanted letter,
``up``: an upright one or a name (an ``mi``, too), ``mn``: a digit, ``mo``: an operator."""
