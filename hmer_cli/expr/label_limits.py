r"""Typed LaTeX -> whether a label says all of it, for formats that are made of labels.

Input: LaTeX that `typed.check` lets through. Output: a truth value. Labels hold signs alone:
`latex.normalise` drops words, bold letters, frames, rules of tables and wide blanks, and leaves the
letters of ``\text`` as factors.
"""

from __future__ import annotations

import re

from hmer_cli.expr.commands import OPERATORS
from hmer_cli.expr.glyphs import SPACED
from hmer_cli.expr.spellings import SYNONYMS, UPRIGHT
from hmer_cli.expr.to_latex import NAMES

_DROPPED = frozenset(
    r"""\boxed \boldsymbol \pmb \mathbf \textbf \bf \phantom \hphantom \hline \mod \pmod""".split()
)
_SLANTED = frozenset(r"\mathit \mathnormal".split())  # as letters are anyway
_RULED = re.compile(r"\\begin\{array\}\s*\{[^{}]*\|")
_UPRIGHT = "|".join(command[1:] for command in sorted(UPRIGHT - _SLANTED))
_SET_UPRIGHT = re.compile(
    rf"\\(?:(?:{_UPRIGHT})(?![A-Za-z])\s*\*?\s*\{{|(?:rm|sf|tt)(?![A-Za-z]))([^{{}}]*)"
)
_COMMAND = re.compile(r"\\(?:[A-Za-z]+|[\s\S])")
_WORD = re.compile(r"[A-Za-z]\s*[A-Za-z]")
_KNOWN_NAMES = NAMES | {name[1:] for name in OPERATORS}
_TOKEN = re.compile(r"\\(?:[A-Za-z]+|[\s\S])|[^ \t\r\n]")
_WIDE = (r"\quad", r"\qquad")
_PARTING = SPACED.keys() | frozenset(("", ".", "{", "&", "\\\\", r"\end"))


def label_says_all(typed: str) -> bool:
    """Whether nothing of the meaning is lost in the label of typed LaTeX."""
    tokens = _TOKEN.findall(typed)
    if not _DROPPED.isdisjoint(tokens) or _RULED.search(typed) or _has_wide_blanks(tokens):
        return False
    return not any(_is_word(found[1]) for found in _SET_UPRIGHT.finditer(typed))


def _is_word(text: str) -> bool:
    """Whether upright text is more than a letter, and no name of a function."""
    name = _COMMAND.sub(" ", text).strip()
    return _WORD.search(name) is not None and name not in _KNOWN_NAMES


def _has_wide_blanks(tokens: list[str]) -> bool:
    """Whether blanks part what would be one product without them: ``x = 1 \\quad y = 2``."""
    last, wide = "", False
    for token in [*tokens, ""]:
        sign = SYNONYMS.get(token, token)
        if wide and _PARTING.isdisjoint((last, sign)) and sign not in _WIDE:
            return True
        wide = sign in _WIDE
        last = last if wide else sign
    return False
