r"""Files of isolated symbols -> tokens and strokes: MathBrush, UNIPEN and detexify.

MathBrush comes as its own text (`hmer_cli.data.mathbrush`); UNIPEN and detexify as gzipped lines of
JSON with ``label`` and ``strokes``, each stroke flat as x0, y0, x1, y1, ... (y down), and with
``writer`` (UNIPEN) or ``package`` (detexify, where ``label`` is a LaTeX command). None has the size
in which a symbol was written.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hmer_cli.data import mathbrush
from hmer_cli.errors import InputError
from hmer_cli.expr.commands import FONTS, SYMBOLS
from hmer_cli.expr.spellings import ESCAPED, SYNONYMS, name_token
from hmer_cli.ink.ink import Stroke

MATHBRUSH, UNIPEN, DETEXIFY = "mathbrush", "unipen", "detexify"

_IN_FONT = re.compile(r"(\\math[a-z]+)\{([A-Za-z0-9])\}")

_TYPED = ESCAPED | {"'": r"\prime", "~": r"\sim"}
"""Characters of UNIPEN that a label spells otherwise."""

_UPRIGHT = re.compile(r"\\up([a-z]+)|\\Up([a-z]+)")
"""Greek letters of upgreek, which a hand writes as any other."""

_ALIASES = {
    r"\sqrt{}": r"\sqrt",
    r"\leqslant": r"\leq",
    r"\geqslant": r"\geq",
    r"\varnothing": r"\emptyset",
    r"\hslash": r"\hbar",
    r"\smallsetminus": r"\setminus",
    r"\thicksim": r"\sim",
    r"\thickapprox": r"\approx",
    r"\varpropto": r"\propto",
    r"\vartriangle": r"\triangle",
    r"\bot": r"\perp",
    r"\Bbbk": r"\mathbb { k }",
    r"\bigstar": r"\star",
    r"\not\approx": "",
    r"\textless": "<",
    r"\textgreater": ">",
    r"\textbar": "|",
    r"\textbardbl": r"\|",
    r"\textbraceleft": r"\{",
    r"\textbraceright": r"\}",
    r"\textasteriskcentered": "*",
    r"\textperiodcentered": r"\cdot",
    r"\textdagger": r"\dagger",
    r"\textellipsis": r"\ldots",
    r"\textpm": r"\pm",
    r"\texttimes": r"\times",
    r"\textdiv": r"\div",
    r"\textlangle": r"\langle",
    r"\textrangle": r"\rangle",
    r"\textrightarrow": r"\rightarrow",
    r"\textleftarrow": r"\leftarrow",
    r"\mathellipsis": r"\ldots",
}
"""LaTeX commands of detexify whose ink is that of another token."""


@dataclass(frozen=True)
class IsolatedSymbol:
    r"""One sign by itself: its token (``\mathcal { L }`` for a letter in a font) and its strokes.

    ``strokes`` are (N, 2) float32 arrays, y down; ``writer`` is empty if unknown.
    """

    token: str
    strokes: tuple[Stroke, ...]
    writer: str
    source: str


def read_symbols(path: Path) -> Iterator[IsolatedSymbol]:
    """The symbols of a file that have a token, one after the other as they stand in it.

    Raises InputError, which names the line, where the file is not one of isolated symbols.
    """
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", "check the path") from error
    if not path.name.endswith(".jsonl.gz"):
        for token, strokes in mathbrush.read_symbols(path):
            yield IsolatedSymbol(token, tuple(strokes), "", MATHBRUSH)
        return
    number = 1
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                symbol = _symbol(json.loads(line))
                if symbol is not None:
                    yield symbol
                number += 1
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
        zlib.error,
    ) as error:
        raise InputError(
            f"{path.name}, line {number}: not an isolated symbol: {error}",
            "give one JSON object a line, with label, strokes and writer or package",
        ) from error


def _symbol(entry: Any) -> IsolatedSymbol | None:
    """The symbol of one line; None where a label can hold no such sign."""
    label, writer = entry["label"], entry.get("writer")
    if writer is None and "package" not in entry:
        raise KeyError("writer or package")
    strokes = tuple(np.array(flat, np.float32).reshape(-1, 2) for flat in entry["strokes"])
    strokes = tuple(stroke for stroke in strokes if len(stroke))
    token = symbol_token(label)
    if not (token and strokes):
        return None
    if writer is None:
        return IsolatedSymbol(token, strokes, "", DETEXIFY)
    return IsolatedSymbol(token, strokes, f"{UNIPEN}/{writer}", UNIPEN)


def symbol_token(label: str) -> str | None:
    r"""The token of a character or LaTeX command; ``\mathcal{L}`` is ``\mathcal { L }``.

    None for what no label can hold, as Icelandic letters and signs of the zodiac.
    """
    if len(label) == 1:
        token = _TYPED.get(label, label)
        return token if token in SYMBOLS else None
    if faced := _IN_FONT.fullmatch(label):
        font = SYNONYMS.get(faced[1], faced[1])
        return f"{font} {{ {faced[2]} }}" if font in FONTS else None
    if label in _ALIASES:
        return _ALIASES[label] or None
    if not label.startswith("\\"):
        return None
    if known := name_token(label):
        return known
    upright = _UPRIGHT.fullmatch(label)  # of what is no name itself, as \uparrow is
    return name_token(f"\\{upright[1] or upright[2].capitalize()}") if upright else None
