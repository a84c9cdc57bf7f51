"""Label -> label graph (.lg) of its symbol layout tree, as read by CROHMELib and LgEval.

Input: a label. Output: the text of a .lg file. As strokes are unknown, each symbol is its own
primitive, named by its path from the first symbol, as in the symbolic label graphs of CROHME 2019
(Mahdavi et al., 2019): ``OR`` stands to the right of ``O``, ``ORSup`` in its superscript. Paths and
classes are those that the converters of LgEval (``convert2symLG``) give, so that files of both can
be compared. Two labels with equal
trees give equal graphs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from hmer_cli.errors import InputError
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import Node, Tree, parse

_RELATIONS = {
    "above": "Above",
    "inside": "Inside",
    "below": "Below",
    "sub": "Sub",
    "sup": "Sup",
}

_MADE = "# Made by hmer"


def label_graph(label: str, name: str) -> str:
    """The file's text: an ``O`` line a symbol, an ``R`` line a relation, in reading order.

    Cells of a grid stand Inside it one after the other. Of a label that no tree can be made of,
    the graph is empty, and so wrong.
    """
    try:
        tree = parse(tokenize(label))
    except InputError:
        tree = ()
    lines = list(_row(tree, "O"))
    objects = [line for line in lines if line.startswith("O")]
    relations = [line for line in lines if line.startswith("R")]
    head = [f"# IUD, {' '.join(name.split())}", _MADE, f"# Objects({len(objects)}):"]
    body = [*head, *objects, "", f"# Relations from SLT({len(relations)}):", *relations]
    return "".join(f"{line}\n" for line in body)


def is_own(path: Path) -> bool:
    """Whether a file is none of another program: one of `label_graph`, or not there."""
    if not path.exists():
        return True
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
        return _MADE in islice(map(str.rstrip, file), 2)
    return False


def _row(tree: Tree, place: str) -> Iterator[str]:
    """The lines of a row whose first symbol is at the place."""
    for i, node in enumerate(tree):
        here = place + "R" * i
        if i:
            yield f"R, {place + 'R' * (i - 1)}, {here}, Right, 1.0"
        yield f"O, {here}, {_symbol(node)}, 1.0, {here}"
        for attribute, relation in _RELATIONS.items():
            yield from _hung(getattr(node, attribute), here, relation)
        cells = tuple(sign for row in node.cells for cell in row for sign in cell)
        yield from _hung(cells, here, "Inside")


def _hung(row: Tree, here: str, relation: str) -> Iterator[str]:
    if row:
        yield f"R, {here}, {here + relation}, {relation}, 1.0"
        yield from _row(row, here + relation)


def _symbol(node: Node) -> str:
    r"""The class; a comma parts the fields, so it goes by its name, and a bar is a minus."""
    names = {",": "COMMA", r"\frac": "-", "": "EMPTY", "<": r"\lt", ">": r"\gt"}
    return names.get(node.symbol, "".join(node.symbol.split()))
