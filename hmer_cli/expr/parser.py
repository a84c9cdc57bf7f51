"""Recursive-descent parser: tokens of LaTeX -> symbol layout tree.

Input: tokens in any accepted spelling. Output: a row of nodes. Raises LabelError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hmer_cli.errors import InputError
from hmer_cli.expr.commands import COVERS, FONTS, GRIDS, OPERATORS, PLACERS, STACKING, STACKS
from hmer_cli.expr.node import Node, Tree

MAX_DEPTH = 16
"""Nesting of rows. Deeper ones do not occur, and TeX's time may double with each level."""

_SCRIPTS = {"_": "sub", "^": "sup"}
_LIMITS = {"_": "below", "^": "above"}
_NAMES = {"_": "subscript", "^": "superscript"}
_BEGIN = {rf"\begin{{{name}}}": columns for name, columns in GRIDS.items()}
_ARG = Node(r"\arg")
_NO_ATOM = {"}", "&", r"\\", r"\limits", *_SCRIPTS}


class LabelError(InputError):
    """A label that is not LaTeX: ``position``: index of the token, ``message``: the error, and
    ``located``, with the token that it is about."""

    def __init__(self, position: int, message: str, token: str = "") -> None:
        where = f"token {position + 1} ({token})" if token else "at the end"
        super().__init__(f"not a label: {where}: {message}")
        self.position = position
        self.message, self.located = message, f"{where}: {message}"


@dataclass
class _Row:
    """A row being parsed, and the state of its last atom."""

    nodes: list[Node] = field(default_factory=list)
    scripts: set[str] = field(default_factory=set)
    limits: bool = False
    token: str = ""

    def add(self, nodes: Sequence[Node], token: str) -> None:
        self.nodes[-1:] = _joined(self.nodes[-1:], nodes)
        self.scripts, self.limits, self.token = set(), False, token

    def hang(self, sign: str, row: Tree) -> None:
        """Attach a script to the last symbol; several of one kind, from groups, are joined."""
        if not self.nodes and row:
            self.nodes.append(Node(""))
        if row:
            last = self.nodes[-1]
            relation = (_LIMITS if self.limits else _SCRIPTS)[sign]
            self.nodes[-1] = _with(last, relation, _joined(getattr(last, relation), row))
        self.scripts.add(sign)
        self.token = ""


def _joined(nodes: Sequence[Node], more: Sequence[Node]) -> Tree:
    """One row after the other; scripts of no symbol, ``x { { } ^ 2 }``, are those of the last."""
    if not nodes or not more or more[0].symbol:
        return (*nodes, *more)
    last, (first, *others) = nodes[-1], more
    last = replace(last, sub=_joined(last.sub, first.sub), sup=_joined(last.sup, first.sup))
    return (*nodes[:-1], last, *others)


class Parser:
    """Parses one label; ``strict`` requires braces around every argument."""

    def __init__(self, tokens: Sequence[str], *, strict: bool = False) -> None:
        self.tokens = tokens
        self.strict = strict
        self.at = 0
        self.depth = 0

    def tree(self) -> Tree:
        """The tree of all tokens; raises LabelError."""
        tree = self._row(frozenset())
        if self.at < len(self.tokens):
            inside = self._next in ("&", r"\\")
            raise self._error("stands in no matrix" if inside else "closes nothing")
        return tree

    @property
    def _next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    @property
    def _at_atom(self) -> bool:
        token = self._next
        return bool(token) and token not in _NO_ATOM and not token.startswith(r"\end{")

    def _error(self, message: str, at: int | None = None) -> LabelError:
        position = self.at if at is None else at
        token = self.tokens[position] if position < len(self.tokens) else ""
        return LabelError(position, message, token)

    def _row(self, ends: frozenset[str]) -> Tree:
        """The nodes up to one of ``ends`` or to what can only end a row."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"nested more than {MAX_DEPTH} deep")
        row = _Row()
        while self._next not in ends and (self._at_atom or self._next in _SCRIPTS):
            if self._next in _SCRIPTS:
                self._script(row)
            else:
                token = self._next
                row.add(self._atom(), token)
                self._limits(row)
        if self._next == r"\limits":
            raise self._error("must follow an operator such as \\sum")
        self.depth -= 1
        return tuple(row.nodes)

    def _limits(self, row: _Row) -> None:
        while self._next == r"\limits" and row.token in OPERATORS:
            self.at += 1
            row.limits = True

    def _script(self, row: _Row) -> None:
        sign = self._next
        if sign in row.scripts:
            raise self._error(f"double {_NAMES[sign]}")
        self.at += 1
        row.hang(sign, self._argument(sign))

    def _argument(self, owner: str) -> Tree:
        """A group, or a single atom in its place."""
        begin = self.at - 1
        if self._next == "{":
            return self._group()
        if self.strict or not self._at_atom:
            raise self._error("{ expected after it", begin)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"nested more than {MAX_DEPTH} deep")
        atom = self._atom()
        self.depth -= 1
        return atom

    def _group(self) -> Tree:
        begin = self.at
        self.at += 1
        row = self._row(frozenset())
        self._close("}", begin)
        return row

    def _close(self, end: str, begin: int) -> None:
        if self._next != end:
            raise self._error(f"no {end} closes it", begin)
        self.at += 1

    def _atom(self) -> Tree:
        """One symbol with its arguments, or the nodes of a group; without scripts."""
        begin, token = self.at, self._next
        if token == "{":
            return self._group()
        self.at += 1
        if token in STACKS:
            above, below = self._argument(token), self._argument(token)
            return (Node(token, above=above, below=below, at=begin),)
        if token == r"\sqrt":
            return (Node(token, above=self._index(), inside=self._argument(token), at=begin),)
        if token in COVERS:
            return (Node(token, inside=self._argument(token), at=begin),)
        if token in FONTS:
            return tuple(_in_font(node, token) for node in self._argument(token))
        if token in PLACERS:
            return self._placed(token, begin)
        if token in _BEGIN:
            return (Node(token, cells=self._cells(token, begin), at=begin),)
        return (Node(token, at=begin),)

    def _index(self) -> Tree:
        if self._next != "[":
            return ()
        begin = self.at
        self.at += 1
        row = self._row(frozenset("]"))
        self._close("]", begin)
        return row

    def _placed(self, token: str, begin: int) -> Tree:
        r"""The base of an ``\overset`` with its row; a tree has rows over one sign only.

        Under ``\arg \max`` is under the ``\max``, as it is with ``\limits``.
        """
        relation = "above" if token == r"\overset" else "below"
        row, base = self._argument(token), self._argument(token)
        if not base or not base[-1].symbol:
            raise self._error("has nothing to stand on", begin)
        if not row:
            return base
        (*others, last) = base
        if last.symbol not in STACKING or any(node != _ARG for node in others):
            self._require_one(base, begin)
        return (*others, self._stacked(last, relation, row, begin))

    def _require_one(self, base: Tree, begin: int) -> None:
        if len(base) > 1:
            raise self._error("over or under several signs; a label can hold it on one", begin)

    def _stacked(self, node: Node, side: str, row: Tree, begin: int) -> Node:
        """The node with one more row, which stands on what stands there, if anything does."""
        if not node.symbol or node.symbol in STACKS or node.symbol == r"\sqrt":
            raise self._error(f"{node.symbol or 'a script'} cannot have a row there", begin)
        script = "sup" if side == "above" else "sub"
        relation = script if node.symbol in STACKING and getattr(node, script) else side
        if there := getattr(node, relation):
            self._require_one(there, begin)
            row = (self._stacked(there[0], side, row, begin),)
        return _with(node, relation, row)

    def _cells(self, token: str, begin: int) -> tuple[tuple[Tree, ...], ...]:
        rows: list[list[Tree]] = [[self._row(frozenset())]]
        while self._next in ("&", r"\\"):
            if self._next == r"\\":
                rows.append([])
            elif len(rows[-1]) == _BEGIN[token]:
                raise self._error(f"more than {_BEGIN[token]} columns")
            self.at += 1
            rows[-1].append(self._row(frozenset()))
        self._close(token.replace("begin", "end"), begin)
        while len(rows) > 1 and rows[-1] == [()]:
            del rows[-1]
        return tuple(tuple(row) for row in rows)


def _with(node: Node, relation: str, row: Tree) -> Node:
    return replace(node, **{relation: row})  # type: ignore[arg-type]


def _in_font(node: Node, font: str) -> Node:
    letter = len(node.symbol) == 1 and node.symbol.isalnum()
    return replace(node, symbol=f"{font} {{ {node.symbol} }}") if letter else node
