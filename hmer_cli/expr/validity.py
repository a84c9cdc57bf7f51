"""Validity of labels: pdflatex sets what a valid one says, under amsmath and amssymb.

Input: a label. Output: the list of its problems, empty if valid.
"""

from __future__ import annotations

from dataclasses import dataclass

from hmer_cli.expr.commands import KNOWN
from hmer_cli.expr.faces import NOT_PRINTED
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import LabelError, parse, walk


@dataclass(frozen=True, order=True)
class Problem:
    """An error in a label: the index of the token, and the reason."""

    position: int
    message: str


def problems(label: str) -> list[Problem]:
    """The errors of the label, in order; empty if it is valid.

    Every unknown token is reported, and the first error of the grammar.
    """
    tokens = tokenize(label)
    found = [Problem(i, _unknown(token)) for i, token in enumerate(tokens) if token not in KNOWN]
    try:
        tree = parse(tokens, strict=True)
    except LabelError as error:
        found.append(Problem(error.position, error.located))
    else:
        found += [
            Problem(node.at or 0, _not_printed(node.symbol))
            for node in walk(tree)
            if node.symbol in NOT_PRINTED
        ]
    return sorted(found)


def _not_printed(symbol: str) -> str:
    font, _, letter, _ = symbol.split()
    return f"{letter} in {font}, for which LaTeX has no sign"


def _unknown(token: str) -> str:
    if token.startswith("\\"):
        return f"{token} is not a command that a label may hold"
    if len(token) > 1:
        return f"{token} is more than one token"
    return f"{token} is not a sign that a label may hold"
