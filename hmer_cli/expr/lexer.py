r"""Raw LaTeX -> TeX's tokens, with synonyms of symbols and commands replaced by the canonical ones.

An environment's ``\begin`` and ``\end`` are one token each; comments and spaces are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmer_cli.expr.commands import FUNCTIONS, KNOWN, SYMBOLS
from hmer_cli.expr.names import BINARY
from hmer_cli.expr.spellings import (
    FENCES,
    HIDDEN,
    INFIX,
    POSITIONED,
    SCRIPT_RUN,
    SILENT,
    SWITCHES,
    SYNONYMS,
    UPRIGHT,
    WHOLE,
    grouped_roots,
    sign_tokens,
)
from hmer_cli.expr.typed_commands import COMMANDS

WORDS = sorted(name[1:] for name in FUNCTIONS | {r"\lim"} - {r"\lg"})
"""Names that are functions also without a backslash."""
_NAMES = frozenset(WORDS)
_TOKEN = re.compile(
    r"\\(?:begin|end)\s*\{\s*(?P<name>[A-Za-z]+(?:\s*\*)?)\s*\}(?P<option>\s*\[[tbc]\])?"
    r"|\\\\\*?(?:\s*\[[\s\d.,+-]+(?:p\s*[tc]|e\s*[mx]|[cm]\s*m|i\s*n|m\s*u|[bs]\s*p)\s*\])?"
    r"|\\(?:hspace|vspace|operatorname|tag)\s*\*"
    r"|(?P<boxed>\\(?:make|frame)box(?:\s*\[[^][{}]*\])?|\\(?:[cs]|nice)frac|\\smash)"
    r"\s*\[[^][{}]*\]"
    r"|\\[A-Za-z]+|\\.|%[^\n]*"
    rf"|(?<![A-Za-z])(?:{'|'.join(WORDS)})(?![A-Za-z])|{SCRIPT_RUN}|\S",
    re.DOTALL,
)
DOTS = r"\dots"
"""Dots that stand as high as what follows them."""

ARROWS = {r"\xrightarrow": r"\rightarrow", r"\xleftarrow": r"\leftarrow"}
_OTHERS = frozenset(r"\not \root \of \buildrel \substack \pmod \genfrac".split()) | set(ARROWS)
_HANDLED = KNOWN | SILENT | HIDDEN | UPRIGHT | FENCES | _OTHERS | set(SWITCHES) | set(INFIX)
_BEGINNINGS = SYMBOLS | SYNONYMS.keys() - {r"\sp", r"\sb"}


def lex(source: str, split: bool = True, named: bool = False) -> Iterator[str]:
    r"""The tokens; with ``split``, an unknown command is a known one and a letter; with ``named``,
    ``\bmod`` stays a sign."""
    for match in _TOKEN.finditer(grouped_roots(source)):
        token = match.group()
        if token == "\\" or token.startswith("%"):
            continue
        if token[1:].isspace():
            yield "~"
            continue
        if match["name"]:
            kind = "begin" if token.startswith(r"\begin") else "end"
            name = "".join(match["name"].split())
            yield rf"\{kind}{{{name}}}"
            if match["option"] and not (kind == "begin" and name in POSITIONED):
                yield from match["option"].strip()  # signs; a label's "[ t ]" are signs everywhere
        elif match["boxed"]:
            yield from _control(match["boxed"].partition("[")[0].strip(), split)
        elif token.startswith("\\\\"):
            yield "\\\\"
        elif token.startswith("\\"):
            word = token.rstrip("* \n\t") if token[1:2].isalpha() else token
            yield from [word] if named and word == BINARY else _control(word, split)
        else:
            yield from [f"\\{token}"] if token in _NAMES else sign_tokens(token)


def _control(word: str, split: bool) -> Iterator[str]:
    r"""The canonical spelling of a control word; ``\geqg``, with a lost space, is ``\geq g``."""
    if word == DOTS:
        yield word
    elif word in SYNONYMS:
        yield from SYNONYMS[word].split()
    elif word in _HANDLED or word in COMMANDS or not word[1:].isalpha() or not split:
        yield word
    else:
        yield from _split(word)


def _split(word: str) -> list[str]:
    r"""``\geq g`` for ``\geqg``; where more letters follow, it is another command."""
    head = word[:-1]
    if word in WHOLE or head not in _BEGINNINGS or len(head) < len(r"\pi"):
        return [word]
    return [*SYNONYMS.get(head, head).split(), word[-1]]
