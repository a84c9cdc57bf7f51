r"""Incremental grammar of labels, for constrained decoding.

Input: a prefix and a token. Output: the longer prefix, or None if no valid label begins with it.
Method: an immutable stack of open rows, shared by the hypotheses of a beam.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hmer_cli.expr.commands import COVERS, FONTS, GRIDS, OPERATORS, PLACERS, STACKS, SYMBOLS
from hmer_cli.expr.parser import MAX_DEPTH

_ARGUMENTS = dict.fromkeys(STACKS | PLACERS, 2) | dict.fromkeys(COVERS | FONTS, 1) | {r"\sqrt": 1}
_GRIDS = {rf"\begin{{{name}}}": (rf"\end{{{name}}}", columns) for name, columns in GRIDS.items()}


@dataclass(frozen=True)
class _Open:
    """An open row: its ``end`` token, the number of arguments after it, the scripts before it.

    A grid has at most ``columns`` columns, ``cells`` cells in its last line so far, and something
    in a cell before the last if it is ``filled``. A ``placed`` row goes over or under the symbol in
    the ``single`` row that follows it (``\\overset``).
    """

    end: str
    left: int = 0
    scripts: str = ""
    columns: int = 0
    cells: int = 1
    filled: bool = False
    placed: bool = False
    single: bool = False


@dataclass(frozen=True)
class Prefix:
    """A prefix of a label; immutable, so that the hypotheses of a beam can share it.

    Stricter than LaTeX: `extend` rejects empty rows, grids of empty cells and scripts without a
    base. ``fresh``: the last row or cell is still empty.
    """

    rows: tuple[_Open, ...] = ()
    need: int = 0
    index: bool = False
    scripts: str = ""
    operator: bool = False
    limits: bool = False
    fresh: bool = True
    placer: bool = False

    @property
    def complete(self) -> bool:
        """Whether the label could end here."""
        return not self.rows and not self.need and not self.limits

    def extend(self, token: str) -> Prefix | None:
        """The prefix with one more token; None if no valid label begins with it."""
        if self.need:
            return self._argument(token)
        if self.limits and token not in ("_", "^"):
            return None
        if self.rows and token == self.rows[-1].end:
            return None if self.fresh and not self.rows[-1].filled else self._close()
        if self.rows and self.rows[-1].single and not (self.fresh and token in SYMBOLS):
            return None
        if token in ("_", "^"):
            if self.fresh or token in self.scripts:
                return None
            return self._opening(scripts=self.scripts + token)
        if token == r"\limits":
            return replace(self, limits=True, operator=False) if self.operator else None
        return self._atom(token)

    def closing(self) -> list[str]:
        """The shortest completion of the prefix to a label, if need be with empty rows."""
        tokens: list[str] = []
        prefix: Prefix | None = self
        while prefix is not None and not prefix.complete:
            bare = bool(prefix.rows) and prefix.rows[-1].single and prefix.fresh
            ends = not prefix.need and not prefix.limits and not bare
            token = "{" if prefix.need else "_" if prefix.limits else prefix.rows[-1].end
            token = "=" if bare and not prefix.need and not prefix.limits else token
            tokens.append(token)
            prefix = prefix._close() if ends else prefix.extend(token)
        return tokens

    def _argument(self, token: str) -> Prefix | None:
        if token == "[" and self.index:
            return self._row(_Open("]", self.need))
        if token == "{":
            placed, single = self.placer and self.need == 2, self.placer and self.need == 1
            row = _Open("}", self.need - 1, self.scripts, placed=placed, single=single)
            return self._row(row)
        return None

    def _atom(self, token: str) -> Prefix | None:
        if token in _ARGUMENTS:
            if len(self.rows) >= MAX_DEPTH - 1:
                return None
            need, placer = _ARGUMENTS[token], token in PLACERS
            return Prefix(self.rows, need=need, index=token == r"\sqrt", fresh=False, placer=placer)
        if token in _GRIDS:
            end, columns = _GRIDS[token]
            return self._row(_Open(end, columns=columns))
        if token in ("&", r"\\"):
            return self._cell(token)
        if token in SYMBOLS:
            return Prefix(self.rows, operator=token in OPERATORS, fresh=False)
        return None

    def _cell(self, token: str) -> Prefix | None:
        if not self.rows or not self.rows[-1].columns:
            return None
        *outer, grid = self.rows
        cells = grid.cells + 1 if token == "&" else 1
        if cells > grid.columns:
            return None
        filled = grid.filled or not self.fresh
        return Prefix((*outer, replace(grid, cells=cells, filled=filled)))

    def _opening(self, scripts: str) -> Prefix | None:
        if len(self.rows) >= MAX_DEPTH - 1:
            return None
        return Prefix(self.rows, need=1, scripts=scripts, fresh=False)

    def _row(self, row: _Open) -> Prefix | None:
        return Prefix((*self.rows, row)) if len(self.rows) < MAX_DEPTH - 1 else None

    def _close(self) -> Prefix:
        row = self.rows[-1]
        return Prefix(
            self.rows[:-1], need=row.left, scripts=row.scripts, fresh=False, placer=row.placed
        )
