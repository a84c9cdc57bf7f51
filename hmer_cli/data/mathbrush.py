"""Reader of the isolated symbols of MathBrush (``mathbrush-symbols.txt.gz``).

Input: gzipped text, a number or word a line. Output: (token, strokes).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.expr.commands import SYMBOLS
from hmer_cli.expr.spellings import sign_tokens
from hmer_cli.ink.ink import Stroke

_HEADER = "MBDB1"
_INK = "SCG_INK"

_SPECIAL = {0x2014: "-", 0x2032: r"\prime", 0x221A: r"\sqrt"}

_DOUBTFUL = frozenset({0x12, 0x2C, 0x2E, 0x3B6})
"""Code points whose ink is of another symbol, or a magnified dot."""

_EPSILON = 0x3B5


def read_symbols(path: Path) -> Iterator[tuple[str, list[Stroke]]]:
    """The token and the strokes (y down) of each symbol that has a token.

    A symbol is its Unicode code point in hexadecimal, ``SCG_INK``, the number of its strokes and
    for each stroke the number of its points and then as many ``x y``.
    Raises InputError where the file is not of this form.
    """
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            words = file.read().split()
        yield from _symbols(words)
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise InputError(
            f"{path.name}: not a file of MathBrush symbols: {error}", "give one as it was published"
        ) from error


def _symbols(words: list[str]) -> Iterator[tuple[str, list[Stroke]]]:
    if words[0] != _HEADER:
        raise ValueError(f"begins with {words[0]!r}, not {_HEADER}")
    at = 1
    while at < len(words):
        if words[at + 1] != _INK:
            raise ValueError(f"{_INK} expected, not {words[at + 1]!r}")
        code, count = int(words[at], 16), int(words[at + 2])
        at += 3
        strokes = []
        for _ in range(count):
            end = at + 1 + 2 * int(words[at])
            strokes.append(np.array(words[at + 1 : end], np.float32).reshape(-1, 2))
            at = end
        token = _token(code, count)
        strokes = [stroke for stroke in strokes if len(stroke)]
        if token and strokes:
            yield token, strokes


def _token(code: int, strokes: int) -> str | None:
    """The token of a code point; an epsilon in one stroke is the curly one."""
    if code in _DOUBTFUL:
        return None
    if code == _EPSILON:
        return r"\varepsilon" if strokes == 1 else r"\epsilon"
    tokens = [_SPECIAL[code]] if code in _SPECIAL else sign_tokens(chr(code))
    token = tokens[0] if len(tokens) == 1 else ""
    token = f"\\{token}" if token in ("{", "}") else token
    return token if token in SYMBOLS or token == r"\sqrt" else None
