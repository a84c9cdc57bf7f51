r"""LaTeX that a person typed -> the same, if it is sound: it can stand in a formula and compiles.

Sound is what has its braces, environments, scripts and arguments in order and uses no command but
those of ``typed_commands``. ``templates/sound.js`` follows the same rules on the review page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmer_cli.errors import InputError
from hmer_cli.expr.faces import MISPRINTED, MISPRINTED_TO_END, printed
from hmer_cli.expr.spellings import SCRIPT_RUN, grouped_roots, sign_tokens
from hmer_cli.expr.typed_commands import (
    BARE,
    COMMANDS,
    DELIMITERS,
    DISPLAYS,
    ENVIRONMENTS,
    GLUE,
    HIDING,
    INKLESS,
    LETTERS,
    LIMITED,
    NUMBERING,
    ONCE,
    POSITIONED,
    REPLACED,
    SCRIPTS,
    STARRED,
    TEXT,
    spelt,
)

MAX_DEPTH = 40
"""Groups within groups."""

MAX_TOKENS = 2000  # convention
"""Of one formula; a page of nothing but formulas has some 1,000."""

BLANKS = r"[\x0b\x0c\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
"""Pattern of blanks that TeX does not know; keyboards and what is pasted have them."""

UNSEEN = r"[\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]"
"""Pattern of characters of no width: joiners, marks of direction, variants of a sign."""

_BLANKS, _UNSEEN = re.compile(BLANKS), re.compile(UNSEEN)
_TOKEN = re.compile(r"\\[A-Za-z]+|\\[\s\S]|'+\^?|[^ \t\r\n]")
_SCRIPT_RUN = re.compile(SCRIPT_RUN)
_WORD = re.compile(r"[A-Za-z0-9.,:*!+|-]")
_GLUE = re.compile(GLUE)
_COMMAND = re.compile(r"\\[A-Za-z]+$")
_COLUMNS = re.compile(r"\|*([lcr]\|*)+")
_PAIRS = re.compile("[1-9]")
_WRAPPED = re.compile(r"(\$\$?)([^$]*)\1|\\\(([\s\S]*)\\\)|\\\[([\s\S]*)\\\]")
_GAP = r"[ \t\r\n]*"
_ENVIRONMENT = re.compile(
    rf"\\(begin|end){_GAP}\{{{_GAP}([A-Za-z]+){_GAP}(?:(\*){_GAP})?\}}"  # no run of blanks twice
)
_RETURN = re.compile(r"\r\n?")
_POSITIONS = frozenset("bclrt")
_MISPRINTED = MISPRINTED | MISPRINTED_TO_END
_LIMITS = (r"\limits", r"\nolimits", r"\displaylimits")
_INFIX = (r"\over", r"\choose", r"\atop")
_PLACES = (["t", "]"], ["b", "]"], ["c", "]"])
_IN_BRACES = "put it in braces, or LaTeX takes it for a length or a star"
_ENDS = ("}", r"\end", r"\right", r"\middle", "$")


class TypedError(InputError):
    """Typed LaTeX that cannot stand in a formula."""


def as_formula(typed: str) -> str:
    """What was typed, without dollars round it; what LaTeX does not know is spelt in its way."""
    in_lines = _RETURN.sub("\n", typed)  # TeX passes over what follows a lone one in its line
    plain = _BLANKS.sub(" ", _UNSEEN.sub("", in_lines)).strip()
    found = _WRAPPED.fullmatch(plain)
    inner = next(filter(None, found.groups()[1:]), "") if found else plain
    rooted = grouped_roots(inner.strip())
    joined = _SCRIPT_RUN.sub(lambda run: spelt(" ".join(sign_tokens(run[0]))), rooted)
    return _ENVIRONMENT.sub(r"\\\1{\2\3}", printed(_TOKEN.sub(_replaced, joined)))


def _replaced(token: re.Match[str]) -> str:
    """What replaces a token for LaTeX, parted from a letter that follows."""
    found = REPLACED.get(token[0], token[0])
    follows = token.string[token.end() : token.end() + 1]
    gap = found != token[0] and _COMMAND.search(found) and re.match("[A-Za-z]", follows)
    return f"{found} " if gap else found


def check(formula: str) -> None:
    """Raises TypedError, which says what is wrong at which token, or that nothing is to be seen."""
    if re.search(r"\n[ \t\r]*\n", formula):
        raise TypedError("an empty line ends a formula")
    tokens = _TOKEN.findall(formula)
    if len(tokens) > MAX_TOKENS:
        raise TypedError(f"longer than {MAX_TOKENS} tokens")
    _Check(tokens).everything()
    if all(token in INKLESS for token in _seen(tokens)):
        raise TypedError("it says nothing")


def _seen(tokens: list[str]) -> Iterator[str]:
    """The tokens that are typeset, without arguments that leave their space alone."""
    rest = iter(tokens)
    for token in rest:
        if token not in HIDING:
            yield token
            continue
        depth = 0
        for inner in rest:
            depth += (inner == "{") - (inner == "}")
            if not depth and not (token in STARRED and inner == "*"):
                break


class _Check:
    """Walks over the tokens as TeX would, and raises at the first that it would stumble over."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.display = self.inside = self.one_number = False
        self.numbering: set[str] = set()  # of the line
        self.font = ""

    def everything(self) -> None:
        """All tokens; raises TypedError."""
        self.row(("",))

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.next
        self.at += 1
        return token

    def fail(self, message: str, at: int | None = None) -> TypedError:
        position = self.at if at is None else at
        if position >= len(self.tokens):
            return TypedError(f"at the end: {message}")
        return TypedError(f"token {position + 1} ({self.tokens[position]}): {message}")

    def close(self, end: str, begin: int) -> None:
        if self.next != end:
            raise self.fail(f"no {end} closes it", begin)
        self.at += 1

    def row(self, ends: tuple[str, ...], columns: int | None = None) -> None:
        """Up to one of the ends; in a grid it has so many columns, None where it is none."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail("nested too deep")
        outer = self.font
        if columns or ends == ("$",):  # a formula of its own
            self.font = ""
        seen: set[str] = set()
        last, cells, split = "", 1, False
        while self.next not in ends:
            token, at = self.next, self.at
            if token in ("&", "\\\\"):
                cells = self.cell(token, columns, cells)
                seen, last, split = set(), "", False
            elif token in ("^", "_") or token.startswith("'"):
                self.script(token, seen)
                last = token
            elif token in _LIMITS:
                if last not in LIMITED:
                    raise self.fail("must follow an operator such as \\sum")
                self.at += 1
            elif token == r"\middle" and r"\right" in ends:
                self.at += 1
                self.delimiter(at)
            elif token == r"\hline" and columns and last == "" and cells == 1:
                self.at += 1
            elif token == "" or token in _ENDS:
                return self.unclosed()
            else:
                if token in _INFIX and split:
                    raise self.fail("stands twice in one group")
                split = split or token in _INFIX
                self.atom(at)
                seen, last = set(), token
        self.font = outer
        self.depth -= 1

    def unclosed(self) -> None:
        """Ends a row that something else ends than it should; who opened it says what it misses."""
        if self.depth == 1:
            raise self.fail("closes nothing")
        self.depth -= 1

    def cell(self, token: str, columns: int | None, cells: int) -> int:
        """Takes the end of a cell or line; the cells that the line has then."""
        if columns is None:
            raise self.fail("stands in no matrix")
        if token == "&" and cells >= columns:
            raise self.fail(f"more than {columns} columns")
        self.at += 1
        self.font = ""
        if token == "\\\\" and not (self.inside or self.one_number):
            self.numbering = set()
        if token == "\\\\" and self.next in ("[", "*"):
            raise self.fail(_IN_BRACES)
        return cells + 1 if token == "&" else 1

    def script(self, token: str, seen: set[str]) -> None:
        sign = "^" if token[0] == "'" else token
        if sign in seen:
            raise self.fail("double " + ("subscript" if sign == "_" else "superscript"))
        seen.add(sign)
        begin = self.at
        self.at += 1
        if token[-1] != "'":
            self.argument(begin)

    def argument(self, owner: int) -> None:
        """A group, or one sign."""
        token = self.next
        if token == "{":
            return self.atom(self.at)
        script = self.tokens[owner][-1] in "^_" and token in SCRIPTS
        character = len(token) == 1 and token not in "&^_'}$~"
        if not (script or character or token in BARE):
            raise self.fail("{ expected after it", owner)
        return self.atom(self.at)

    def atom(self, begin: int) -> None:
        """One sign, command or group with its arguments."""
        token = self.take()
        if token in _MISPRINTED.get(self.font, ()):
            other = f"LaTeX prints another sign for it in {self.font}, so put it outside"
            raise self.fail(other, begin)
        if token == "{":
            self.row(("}",))
            self.close("}", begin)
        elif token == r"\left":
            self.delimiter(begin)
            self.row((r"\right",))
            self.close(r"\right", begin)
            self.delimiter(self.at - 1)
        elif token == r"\begin":
            self.environment(begin)
        elif len(token) == 1:
            self.sign(token, begin)
        else:
            self.command(token, begin)

    def sign(self, token: str, begin: int) -> None:
        if token == "%":
            raise self.fail(r"begins a comment; write \%", begin)
        if token in "#\\" or not "!" <= token <= "~":
            raise self.fail("cannot stand in a formula", begin)

    def command(self, token: str, begin: int) -> None:
        signature = COMMANDS.get(token, NUMBERING.get(token) if self.display else None)
        if signature is None:
            raise self.fail("not a command that hmer knows", begin)
        if token == r"\tag" and self.inside:
            raise self.fail("cannot stand inside another environment", begin)
        if token in ONCE and token in self.numbering:
            raise self.fail("stands twice in one line", begin)
        self.numbering.add(token)
        if token in STARRED and self.next == "*":
            self.at += 1
        outer = self.font
        if token in _MISPRINTED:
            self.font = token
        self.arguments(signature, begin)
        if token in MISPRINTED:
            self.font = outer

    def arguments(self, signature: str, begin: int) -> None:
        """Those of a command."""
        for kind in signature:
            if kind == "m":
                self.argument(begin)
            elif kind == "d":
                self.delimiter(begin)
            elif kind == "t":
                self.text(begin)
            elif kind == "w":
                self.word(begin)
            elif kind == "l":
                self.length(begin)
            elif kind == "s":
                self.lines(begin)
            elif kind == "p":
                self.position(begin)
            elif self.next == "[":
                self.at += 1
                self.row(("]",))
                self.close("]", begin)

    def delimiter(self, begin: int) -> None:
        if self.next not in DELIMITERS:
            raise self.fail("bracket expected after it", begin)
        self.at += 1

    def word(self, begin: int) -> str:
        """The word in braces."""
        if self.take() != "{":
            raise self.fail("{ expected after it", begin)
        word = ""
        while _WORD.fullmatch(self.next):
            word += self.take()
        self.close("}", begin)
        return word

    def length(self, begin: int) -> None:
        if not _GLUE.fullmatch(self.word(begin)):
            raise self.fail("length expected after it, such as {2pt}", begin)

    def position(self, begin: int) -> None:
        """An option of letters, such as ``[l]``, or none."""
        if self.next == "[":
            self.at += 1
            while self.next in _POSITIONS:
                self.at += 1
            self.close("]", begin)

    def lines(self, begin: int) -> None:
        if self.take() != "{":
            raise self.fail("{ expected after it", begin)
        outer, self.inside = self.inside, True
        self.row(("}",), 1)
        self.close("}", begin)
        self.inside = outer

    def text(self, begin: int) -> None:
        """Text in braces, in which dollars enclose formulas."""
        if self.take() != "{":
            raise self.fail("{ expected after it", begin)
        depth = 1
        while depth:
            token, at = self.take(), self.at - 1
            depth += (token == "{") - (token == "}")
            if token == "":
                raise self.fail("no } closes it", begin)
            if token == "$":
                self.row(("$",))
                self.close("$", at)
            elif token.startswith("\\"):
                if token not in TEXT:
                    raise self.fail("not a command for text", at)
            elif token[-1] in "^_&#%" or not ("!" <= token[0] <= "~" or token in LETTERS):
                raise self.fail("cannot stand in text", at)

    def place(self) -> None:
        """Where the baseline of an environment is, such as ``[t]``, or nothing."""
        if self.next == "[":
            if self.tokens[self.at + 1 : self.at + 3] not in _PLACES:
                raise self.fail(_IN_BRACES)
            self.at += 3

    def columns(self, begin: int) -> int:
        """The columns of an array."""
        word = self.word(begin)
        if not _COLUMNS.fullmatch(word):
            raise self.fail("columns expected after it, such as {lcr}", begin)
        return len(word.replace("|", ""))

    def pairs(self, begin: int) -> int:
        """The columns of an alignedat, which says how many pairs it has."""
        word = self.word(begin)
        if not _PAIRS.fullmatch(word):
            raise self.fail("number of pairs of columns expected after it, such as {2}", begin)
        return 2 * int(word)

    def environment(self, begin: int) -> None:
        name = self.word(begin)
        columns = ENVIRONMENTS.get(name, DISPLAYS.get(name))
        if columns is None:
            raise self.fail(f"{name} is no environment that hmer knows", begin)
        outer = self.display, self.inside
        self.display, self.inside = self.display or name in DISPLAYS, name not in DISPLAYS
        self.one_number |= name.startswith("multline")
        if name in DISPLAYS and (begin or outer[0]):
            raise self.fail(f"{name} must be all that is typed", begin)
        if name in POSITIONED:
            self.place()
        if name == "array":
            columns = self.columns(begin)
        elif name == "alignedat":
            columns = self.pairs(begin)
        self.row((r"\end",), columns or None)
        self.close(r"\end", begin)
        if self.word(self.at - 1) != name:
            raise self.fail(rf"no \end{{{name}}} closes it", begin)
        if name in DISPLAYS and self.next:
            raise self.fail(f"{name} must be all that is typed")
        self.display, self.inside = outer
