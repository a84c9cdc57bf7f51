"""Tokens <-> symbol layout tree.

``parse`` accepts any spelling of a label, ``to_tokens`` writes the canonical one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from hmer_cli.expr.commands import COVERS, OPERATORS, STACKING, STACKS
from hmer_cli.expr.node import (
    BARE_GRID,
    Node,
    Tree,
    name_grids,
    rebuild,
    stack_limits,
    walk,
)
from hmer_cli.expr.parser import LabelError, Parser

__all__ = [
    "LabelError",
    "Node",
    "Tree",
    "canonical",
    "name_grids",
    "parse",
    "rebuild",
    "stack_limits",
    "to_tokens",
    "walk",
]

_FRAMES = STACKS | {r"\sqrt"}


def parse(tokens: Sequence[str], *, strict: bool = False) -> Tree:
    """The tree of the tokens; with ``strict``, only braced arguments are accepted.

    Raises LabelError with the position and the reason.
    """
    return Parser(tokens, strict=strict).tree()


def to_tokens(tree: Tree) -> list[str]:
    """The canonical tokens of the tree: braced arguments, subscript before superscript."""
    return [token for node in tree for token in _spell(node)]


def canonical(tokens: Sequence[str], allowed: Set[str]) -> list[str]:
    """The label in canonical spelling, with grids named by their brackets, where the tokens of that
    are ``allowed``; what is no label, as it was cut, stays as it is."""
    try:
        tree = parse(tokens)
    except LabelError:
        return list(tokens)
    if not STACKING.isdisjoint(tokens):
        tree = stack_limits(tree)
    trees = (tree,) if BARE_GRID not in tokens else (name_grids(tree), tree)
    spelt = map(to_tokens, trees)
    return next((label for label in spelt if allowed >= {*label}), list(tokens))


def _spell(node: Node) -> Iterator[str]:
    tokens = list(_spell_sign(node))
    if node.symbol in OPERATORS and not (node.sub or node.sup) and (node.above or node.below):
        tokens += [r"\limits", *_script("_", node.below), *_script("^", node.above)]
    elif node.symbol not in _FRAMES:
        if node.below:
            tokens = [r"\underset", *_braced(node.below), "{", *tokens, "}"]
        if node.above:
            tokens = [r"\overset", *_braced(node.above), "{", *tokens, "}"]
    return iter([*tokens, *_script("_", node.sub), *_script("^", node.sup)])


def _spell_sign(node: Node) -> Iterator[str]:
    """The symbol with its arguments, without scripts and limits."""
    yield from node.symbol.split() or ("{", "}")
    if node.symbol in STACKS:
        yield from (*_braced(node.above), *_braced(node.below))
    elif node.symbol == r"\sqrt":
        yield from _index(node.above)
        yield from _braced(node.inside)
    elif node.symbol in COVERS:
        yield from _braced(node.inside)
    elif node.cells:
        yield from _spell_cells(node.cells)
        yield node.symbol.replace("begin", "end")


def _spell_cells(cells: Sequence[Sequence[Tree]]) -> Iterator[str]:
    for i, row in enumerate(cells):
        if i:
            yield r"\\"
        for j, cell in enumerate(row):
            if j:
                yield "&"
            yield from to_tokens(cell)


def _index(index: Tree) -> list[str]:
    if not index:
        return []
    tokens = to_tokens(index)
    hides = _braced(index) if "]" in tokens else tokens
    return ["[", *hides, "]"]


def _braced(tree: Tree) -> list[str]:
    return ["{", *to_tokens(tree), "}"]


def _script(sign: str, tree: Tree) -> list[str]:
    return [sign, *_braced(tree)] if tree else []
