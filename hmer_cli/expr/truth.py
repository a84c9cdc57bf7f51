r"""Ground truth of an InkML file: chooses between its MathML and LaTeX annotations.

Input: the MathML, the LaTeX ``truth`` and the labels of the segmented symbols. Output: a label.
Method: if the first two disagree, the one with fewer missing and superfluous symbols wins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from hmer_cli.expr.commands import GRID_DELIMITERS
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.mathml import label_from_mathml
from hmer_cli.expr.spellings import ESCAPED, name_token
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import LabelError, parse, walk

if TYPE_CHECKING:
    from lxml import etree

    Element: TypeAlias = etree._Element

Source = TypeVar("Source")

_STROKES = {
    r"\frac": ["-"],
    r"\cdot": ["."],
    r"\ldots": [".", ".", "."],
    r"\cdots": [".", ".", "."],
    **{rf"\begin{{{name}}}": [*filter(None, sides)] for name, sides in GRID_DELIMITERS.items()},
}
"""Tokens whose strokes are segmented under other names: a bar, dots, the brackets of a matrix."""


def derive_label(
    math_element: Element | None, latex_truth: str | None, symbols: Sequence[str]
) -> str:
    r"""The label of an ink from its MathML, its LaTeX truth and the labels of its symbols.

    The MathML is the truth unless it contradicts the written symbols, or a LaTeX truth that
    accounts for them at least as well spells them otherwise: in CROHME's files the MathML then
    has the rows in a wrong order or a script on a wrong sign, or spells ``\cdots`` as ``. . .``.
    Raises LabelError if neither annotation can be parsed.
    """
    mathml = _attempt(label_from_mathml, math_element)
    latex = _attempt(normalise, latex_truth or None)
    if mathml is None or latex is None:
        label = mathml if latex is None else latex
        if label is None:
            raise LabelError(0, "neither MathML nor LaTeX gives one")
        return label
    if mathml == latex or not symbols:
        return mathml
    written = _strokes(symbols)
    return latex if _missed(latex, written) <= _missed(mathml, written) else mathml


def contradicts(label: str, symbols: Iterable[str]) -> bool:
    """Whether the symbols of the label, as a multiset, differ from those written."""
    return _missed(label, _strokes(symbols)) > 0


def _attempt(read: Callable[[Source], str], source: Source | None) -> str | None:
    if source is None:
        return None
    try:
        return read(source) or None
    except LabelError:
        return None


def _missed(label: str, written: Counter[str]) -> int:
    """The number of symbols that the label has too many or too few."""
    signs = _strokes(node.symbol for node in walk(parse(tokenize(label))))
    return (signs - written).total() + (written - signs).total()


def _strokes(signs: Iterable[str]) -> Counter[str]:
    count: Counter[str] = Counter()
    for sign in signs:
        name = sign.strip()
        token = (name_token(name) if len(name) > 1 else ESCAPED.get(name)) or name
        count.update(_STROKES.get(token, [token]))
    return count
