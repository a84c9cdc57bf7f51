r"""Normaliser: raw LaTeX -> label, one canonical spelling.

Input: LaTeX of people and data sets. Output: space-separated tokens. Method: tokenise as TeX does,
rewrite synonyms, infix and font commands from left to right, parse to a symbol layout tree, and
write the tree.
"""

from __future__ import annotations

import re
from itertools import islice, takewhile

from hmer_cli.expr.commands import (
    COVERS,
    FONTS,
    GRIDS,
    INVERTIBLE,
    OPERATORS,
    PLACERS,
    STACKS,
    SYMBOLS,
)
from hmer_cli.expr.glyphs import RAISING
from hmer_cli.expr.lexer import ARROWS, DOTS, lex
from hmer_cli.expr.names import BOLD_ONE, in_upright
from hmer_cli.expr.placed import as_operator, is_one_sign, placed, under
from hmer_cli.expr.spellings import (
    ALIGNED,
    COLOURS,
    ENVIRONMENTS,
    FENCES,
    HIDDEN,
    INFIX,
    NEGATED,
    PHANTOMS,
    SILENT,
    SWITCHES,
    UPRIGHT,
    WITH_COLUMNS,
)
from hmer_cli.expr.tokens import join
from hmer_cli.expr.tree import LabelError, name_grids, parse, stack_limits, to_tokens

_LENGTH = r"[-+]*(?:\d+[.,]?\d*|[.,]\d+)(?:true)?(?:p[tc]|e[mx]|[cm]m|in|mu|[bs]p"
_GLUE = re.compile(rf"{_LENGTH})(?:plus{_LENGTH}|fil{{1,3}}))?(?:minus{_LENGTH}|fil{{1,3}}))?")
"""One length of TeX, without its spaces, with how far it stretches and shrinks."""
_ARITY = {**dict.fromkeys(STACKS, 2), **dict.fromkeys(COVERS | FONTS, 1)}
_NAMED = frozenset(r"\operatorname \operatornamewithlimits \mathop".split())
_ANGLES = {"<": r"\langle", ">": r"\rangle", ".": ""}
_ENDS = frozenset({"", "}", "&", r"\\", r"\right"})
_NO_ARGUMENT = _ENDS | set(INFIX) | set(SWITCHES)
_INKLESS = SILENT | UPRIGHT | SWITCHES.keys() | {"{"}
_INVERSE = ["^", "{", "-", "1", "}"]
_MAX_DEPTH = 100
_MOST_OF_A_LENGTH = 80  # convention
MAX_TOKENS = 10_000
"""Of one expression; a page of nothing but formulas has some 1,000."""


def normalise(raw_latex: str, *, typed: bool = False, named: bool = False) -> str:
    r"""The label of raw LaTeX such as ``\left(x\over y\right)``.

    Idempotent. Unknown commands are kept, for ``validity.problems`` to report. Unless the text is
    ``typed`` by a user, faults of data sets are mended: an unknown command is a known one and a
    letter, as spaces get lost (``\geqg``; not ``\leqq``, which LaTeX knows), and
    ``\tan{x}^{-1}``, as Word exports an inverse function, is ``\tan ^ { - 1 } x``. ``align`` and
    its kin, which data sets have for matrices, too, are ``aligned`` if typed. ``named``: letters
    that are upright or a name are the signs of `hmer_cli.expr.names`, which no label has.
    Raises LabelError if the source is not LaTeX or longer than MAX_TOKENS.
    """
    tokens = list(islice(lex(raw_latex, not typed, named), MAX_TOKENS + 1))
    if len(tokens) > MAX_TOKENS:
        raise LabelError(MAX_TOKENS, f"longer than {MAX_TOKENS} tokens", tokens[-1])
    tokens = _Rewriter(_negated(tokens), typed=typed, named=named).everything()
    return join(_negated(to_tokens(name_grids(stack_limits(parse(tokens))))))


class _Rewriter:
    """Recursive rewriter: TeX's tokens -> label tokens, possibly with redundant braces.

    Unless ``typed``, ``\\tan{x}^{-1}`` is the inverse function of x; ``named`` is of `normalise`.
    """

    def __init__(self, tokens: list[str], *, typed: bool, named: bool) -> None:
        self.tokens = tokens
        self.typed = typed
        self.named = named
        self.at = 0
        self.depth = 0

    def everything(self) -> list[str]:
        """All tokens rewritten; unmatched ends are kept, so that the parser reports them."""
        out = self._row()
        while self._next:
            token = self._take()
            if token == r"\right":
                out += self._fence()
            elif token != r"\\" or self._next:
                out.append(token)
            out += self._row()
        return out

    @property
    def _next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def _row(self, end: str = "}") -> list[str]:
        r"""Up to the end of the group; ``\over`` splits it in two, ``\cal`` wraps its rest."""
        out: list[str] = []
        while self._next not in _ENDS and self._next != end and not self._next.startswith(r"\end{"):
            token = self._next
            if token in INFIX:
                self.at += 1
                return _infix(INFIX[token], out, self._rest(end))
            if token in SWITCHES:
                self.at += 1
                rest = self._rest(end)
                font = SWITCHES[token]
                return out + (_wrap(font, rest) if font else in_upright(token, rest, self.named))
            if token == "'" and not out and self._begins_script():  # x ^ { '' }: already raised
                out += self._ticks()
            else:
                out += self._item(out)
        return out

    def _rest(self, end: str) -> list[str]:
        r"""The row after an ``\over`` or a ``\rm``, one level deeper."""
        self._descend()
        row = self._row(end)
        self.depth -= 1
        return row

    def _item(self, before: list[str]) -> list[str]:
        self._descend()
        item = self._rewrite(self._take(), before)
        self.depth -= 1
        return item

    def _descend(self) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise LabelError(self.at, f"nested more than {_MAX_DEPTH} deep", self._next)

    def _rewrite(self, token: str, before: list[str]) -> list[str]:
        """The canonical spelling of this token and its arguments."""
        if token == "{":
            return ["{", *self._row(), *self._close("}")]
        if token in "^_":
            return [token, *self._argument()]
        if token == "'":
            return self._primes()
        if token in PLACERS:
            return placed(token, self._argument(), as_operator(self._argument()))
        if token in _ARITY:
            return [token, *(t for _ in range(_ARITY[token]) for t in self._argument())]
        if token == r"\sqrt":
            return [token, *self._index(), *self._argument()]
        if token in INVERTIBLE and self._next == "{" and not self.typed:
            return [token, *self._inverted(self._argument())]
        if token in SILENT:
            return self._nothing()
        if token in HIDDEN:
            return self._hidden(token)
        if token in FENCES:
            return self._fenced(token)
        if token in UPRIGHT:
            name = self._argument()
            if token == r"\mathop" and is_one_sign(name):
                return self._with_limits(name)
            if token == r"\mathbf" and name == ["{", "1", "}"]:
                # Written with a double stroke, and printed bold.
                return [BOLD_ONE] if self.named else [r"\mathbb", *name]
            named = as_operator(name) if token in _NAMED else name
            return _wrap("", in_upright(token, name[1:-1], self.named)) if named == name else named
        if token == r"\limits":
            return [token] if before and before[-1] in OPERATORS else []
        if token.startswith(r"\begin{"):
            return self._environment(token[7:-1])
        return self._rare(token)

    def _with_limits(self, base: list[str]) -> list[str]:
        r"""``\mathop{=}\limits^{d}``: what stands over and under a sign made an operator."""
        if self._next == r"\limits":
            self.at += 1
        free = {"^": r"\overset", "_": r"\underset"}
        while command := free.pop(self._next, ""):
            self.at += 1
            base = ["{", command, *self._argument(), *base, "}"]
        if self._next in ("^", "_"):
            which = "superscript" if self._next == "^" else "subscript"
            raise LabelError(self.at, f"double {which}", self._next)
        return base

    def _inverted(self, argument: list[str]) -> list[str]:
        """A function's argument, after the exponent -1 if that is written behind it."""
        if self.tokens[self.at : self.at + len(_INVERSE)] != _INVERSE:
            return argument
        self.at += len(_INVERSE)
        return [*_INVERSE, *argument]

    def _rare(self, token: str) -> list[str]:
        if token == DOTS:
            return [r"\cdots" if self._next in RAISING else r"\ldots"]
        if token == r"\root":
            index = self._row(r"\of")
            self._close(r"\of")
            return [r"\sqrt", "[", "{", *index, "}", "]", *self._argument()]
        if token == r"\buildrel":
            row = self._row(r"\over")
            if not self._close(r"\over"):
                return [token, *row]
            return placed(r"\overset", _wrap("", row), as_operator(self._argument()))
        if token == r"\substack" and self._next == "{":
            self.at += 1
            return [r"\begin{matrix}", *self._cells(), r"\end{matrix}", *self._close("}")[1:]]
        if token == r"\pmod":
            return ["(", "m", "o", "d", *self._argument(), ")"]
        if token == r"\genfrac":
            return self._stacked()
        if token in ARROWS:
            arrow, below = ["{", ARROWS[token], "}"], self._index()[1:-1]
            return [r"\overset", *self._argument(), *under(below, arrow)]
        return [token]

    def _stacked(self) -> list[str]:
        r"""``\genfrac``: a fraction, or two lines without a bar, in brackets or none."""
        opening, closing, bar, _, above, below = (self._argument() for _ in range(6))
        barred = not re.fullmatch(r"0+[.,]?0*[a-z]+", "".join(bar[1:-1]))
        lines = [r"\begin{matrix}", *above, r"\\", *below, r"\end{matrix}"]
        inner = [r"\frac", *above, *below] if barred else lines
        if not barred and opening[1:-1] == ["("] and closing[1:-1] == [")"]:
            return [r"\binom", *above, *below]
        return [*_fence_in(opening), *inner, *_fence_in(closing)]

    def _close(self, end: str) -> list[str]:
        if self._next != end:
            return []
        return [self._take()]

    def _argument(self) -> list[str]:
        """The next group or item, in braces; empty at the end of a row."""
        while self._next in SILENT:
            self.at += 1
        if self._next in _NO_ARGUMENT:
            return []
        if self._next == "'" and self._begins_script():
            return ["{", *self._ticks(), "}"]
        item = self._item([])
        return item if item[:1] == ["{"] else ["{", *item, "}"]

    def _index(self) -> list[str]:
        if self._next != "[":
            return []
        self.at += 1
        return ["[", "{", *self._row("]"), "}", *self._close("]")]

    def _begins_script(self) -> bool:
        """Whether what comes next is the first sign of a script."""
        at = self.at - 1
        while at >= 0 and self.tokens[at] in _INKLESS:
            at -= 1
        return at >= 0 and self.tokens[at] in ("^", "_")

    def _ticks(self) -> list[str]:
        """The ticks from here on, as raised primes."""
        begin = self.at
        while self._next == "'":
            self.at += 1
        return [r"\prime"] * (self.at - begin)

    def _primes(self) -> list[str]:
        r"""``x''^2`` is ``x ^ { \prime \prime 2 }``."""
        primes = [r"\prime", *self._ticks()]
        subscript: list[str] = []
        if self._next == "_":
            subscript = [self._take(), *self._argument()]
        if self._next == "^":
            self.at += 1
            primes += self._argument()
        return ["^", "{", *primes, "}", *subscript]

    def _hidden(self, token: str) -> list[str]:
        """Drops the argument in braces and an option before it, or the one length without them."""
        if token in COLOURS:
            self._index()
        if self._next == "{" or token in PHANTOMS:
            self._argument()
            return self._nothing()
        ahead = takewhile(lambda token: len(token) == 1, islice(self.tokens, self.at, None))
        if length := _GLUE.match("".join(islice(ahead, _MOST_OF_A_LENGTH))):
            self.at += length.end()
        return self._nothing()

    def _nothing(self) -> list[str]:
        """No sign, but one of its own for a script: it is no second one of the sign before."""
        return ["{", "}"] if self._next in ("^", "_") else []

    def _fence(self) -> list[str]:
        if self._next not in SYMBOLS and self._next not in _ANGLES:
            return []
        token = self._take()
        return [fence] if (fence := _ANGLES.get(token, token)) else []

    def _fenced(self, token: str) -> list[str]:
        r"""``\left( .. \right)`` is a group of its own, the other sizes just a delimiter."""
        if token != r"\left":
            return self._fence()
        out = [*self._fence(), *self._row(r"\right")]
        if self._next != r"\right":
            return out
        self.at += 1
        out += (closing := self._fence())
        scripted = self._next in ("^", "_", "'")
        return ["{", *out, "}"] if scripted and not closing else out

    def _environment(self, name: str) -> list[str]:
        if name in WITH_COLUMNS:
            self._index()
            self._argument()
        grid = "aligned" if self.typed and name in ALIGNED else ENVIRONMENTS.get(name, name)
        cells = self._cells() if grid else self._row()
        closed = bool(self._close(rf"\end{{{name}}}"))
        if not grid:
            return cells
        if grid not in GRIDS:
            return [rf"\begin{{{name}}}", *cells]
        return [rf"\begin{{{grid}}}", *cells, *([rf"\end{{{grid}}}"] if closed else [])]

    def _cells(self) -> list[str]:
        out = self._row()
        while self._next in ("&", r"\\"):
            out += [self._take(), *self._row()]
        return out


def _negated(tokens: list[str]) -> list[str]:
    r"""``\not =`` is ``\neq``; here, where nothing stands between the two any more."""
    out: list[str] = []
    for token in tokens:
        if out[-1:] == [r"\not"] and token in NEGATED:
            out[-1] = NEGATED[token]
        else:
            out.append(token)
    return out


def _infix(command: str, left: list[str], right: list[str]) -> list[str]:
    if not command:
        return [r"\begin{matrix}", *left, r"\\", *right, r"\end{matrix}"]
    return [command, "{", *left, "}", "{", *right, "}"]


def _fence_in(argument: list[str]) -> list[str]:
    """The bracket in an argument, if any."""
    return [fence for sign in argument[1:-1] if (fence := _ANGLES.get(sign, sign))]


def _wrap(command: str, tokens: list[str]) -> list[str]:
    return [*([command] if command else []), "{", *tokens, "}"]
