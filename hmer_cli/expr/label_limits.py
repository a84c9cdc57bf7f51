r"""Typed LaTeX -> whether a label says all of it, for formats that are made of labels.

Input: LaTeX that `typed.check` lets through. Output: a truth value. Labels hold signs alone:
`latex.normalise` drops words, bold letters but for ``\mathbf{1}``, frames, numbers of equations,
rules of tables and wide blanks, leaves the letters of ``\text`` as factors, and joins the scripts
of one sign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hmer_cli.expr.commands import FONTS, STACKING
from hmer_cli.expr.glyphs import NAMED_OPERATORS, SPACED
from hmer_cli.expr.names import KNOWN_NAMES
from hmer_cli.expr.spellings import SILENT, SWITCHES, SYNONYMS, UPRIGHT
from hmer_cli.expr.typed_commands import COMMANDS

_DROPPED = frozenset(
    r"""\boxed \boldsymbol \pmb \mathbf \textbf \bf \phantom \hphantom \hline \mod \pmod
    \tag""".split()
)
_SLANTED = frozenset(r"\mathit \mathnormal".split())  # as letters are anyway
_RULED = re.compile(r"\\begin\{array\}\s*\{[^{}]*\|")
_UPRIGHT = "|".join(command[1:] for command in sorted(UPRIGHT - _SLANTED))
_SET_UPRIGHT = re.compile(
    rf"\\(?:(?:{_UPRIGHT})(?![A-Za-z])\s*\*?\s*\{{|(?:rm|sf|tt)(?![A-Za-z]))([^{{}}]*)"
)
_BOLD_ONE = re.compile(r"\\mathbf\s*(?:\{\s*1\s*\}|1)")
_COMMAND = re.compile(r"\\(?:[A-Za-z]+|[\s\S])")
_WORD = re.compile(r"[A-Za-z]\s*[A-Za-z]")
_STACKED_NAMES = {name[1:] for name in STACKING & NAMED_OPERATORS}
_FONTS = UPRIGHT | SWITCHES.keys()
_OPERATORS = frozenset((r"\mathop", r"\operatornamewithlimits", "*"))
"""What makes an operator of a name, whose scripts stand over and under it."""
_TOKEN = re.compile(r"\\hspace\s*\*?\s*\{[^{}]*\}|\\(?:[A-Za-z]+|[\s\S])|[^ \t\r\n]")
_BLANKS = dict.fromkeys((r"\space", r"\nobreakspace", "~", "\\ ", "\\\n", "\\\t"), 6.0)
_BLANKS |= {r"\quad": 18.0, r"\qquad": 36.0, r"\enspace": 9.0, r"\enskip": 9.0}
_BLANKS |= {r"\,": 3.0, r"\thinspace": 3.0, r"\!": -3.0, r"\negthinspace": -3.0}
_BLANKS |= {r"\:": 4.0, r"\>": 4.0, r"\medspace": 4.0, r"\negmedspace": -4.0}
_BLANKS |= {r"\;": 5.0, r"\thickspace": 5.0, r"\negthickspace": -5.0}
"""Blank -> its width in math units, of which an em has 18."""
_UNITS = {"em": 18.0, "ex": 7.8, "pt": 1.8, "bp": 1.8, "dd": 1.9, "pc": 21.6, "cc": 23.0}
_UNITS |= {"mm": 5.1, "cm": 51.2, "in": 130.0}
_LENGTH = re.compile(r"\{([-+]*)(\d*)[.,]?(\d*)(?:true)?([a-z]{2})")
_WIDE = 9.0  # convention
_PARTING = SPACED.keys() | frozenset(("", ".", "{", "&", "\\\\", r"\end"))
_FLAT = UPRIGHT | SILENT | FONTS
"""Commands of one argument that are no sign of their own."""


def label_says_all(typed: str) -> bool:
    """Whether nothing of the meaning is lost in the label of typed LaTeX."""
    tokens = _TOKEN.findall(_BOLD_ONE.sub("1", typed))
    if not _DROPPED.isdisjoint(tokens) or _RULED.search(typed):
        return False
    if _has_wide_blanks(tokens) or _joins_scripts(tokens) or _raises_beside_name(tokens):
        return False
    return not any(_is_word(found[1]) for found in _SET_UPRIGHT.finditer(typed))


def _is_word(text: str) -> bool:
    """Whether upright text is more than a letter, and no name of a function."""
    name = _COMMAND.sub(" ", text).strip()
    return _WORD.search(name) is not None and name not in KNOWN_NAMES


def _width(token: str) -> float:
    """The width of a blank in math units; 0 for other tokens."""
    if not token.startswith(r"\hspace"):
        return _BLANKS.get(token, 0.0)
    length = _LENGTH.search("".join(token.split()))
    if not length or length[1].count("-") % 2:
        return 0.0
    return float(f"0{length[2]}.{length[3]}") * _UNITS.get(length[4], 0.0)


def _has_wide_blanks(tokens: list[str]) -> bool:
    """Whether blanks part what would be one product without them: ``x = 1 \\quad y = 2``."""
    last, width = "", 0.0
    for token in [*tokens, ""]:
        if token in _BLANKS or token.startswith(r"\hspace"):
            width += _width(token)
            continue
        signs = SYNONYMS.get(token, token).split() or [""]
        if width >= _WIDE and _PARTING.isdisjoint((last, signs[0])):
            return True
        last, width = signs[-1], 0.0
    return False


def _raises_beside_name(tokens: list[str]) -> bool:
    """Whether a script stands beside an upright name, over which labels have it:
    ``\\mathrm{min}^{-1}``. Below it, as of ``\\mathrm{max}_x``, it says the same."""
    signs = [token for token in tokens if token not in _BLANKS]
    for at, sign in enumerate(signs):
        if at and sign in ("^", "'"):
            begin = _opening(signs, at - 1)
            if begin > 1 and signs[begin - 1] == "_":
                at = begin - 1
                begin = _opening(signs, at - 1)
            before = signs[max(0, begin - 1)]
            if _is_name_beside(before, signs[begin:at]) and not _is_argument(signs, begin):
                return True
    return False


def _is_argument(signs: list[str], begin: int) -> bool:
    """Whether the group that begins here, or the font before it, belongs to a script or command."""
    if begin and signs[begin - 1] in _FONTS:
        begin -= 1
    if not begin:
        return False
    if signs[begin - 1] == "}":  # the second of two
        begin = _opening(signs, begin - 1)
        return begin > 0 and COMMANDS.get(signs[begin - 1]) == "mm"
    return _Group(signs[begin - 1]).is_argument


def _opening(signs: list[str], last: int) -> int:
    """Where the group begins that ends here; here where none does."""
    depth = 0
    for at in range(last, -1, -1):
        depth += (signs[at] == "}") - (signs[at] == "{")
        if depth == 0:
            return at
    return last


def _is_name_beside(before: str, group: list[str]) -> bool:
    """Whether a group is an upright name with its scripts beside it."""
    if not _OPERATORS.isdisjoint((before, *group)):
        return False
    word = "".join(token for token in group if token not in _FONTS and token not in "{}")
    return word in _STACKED_NAMES and not _FONTS.isdisjoint((before, *group))


@dataclass
class _Group:
    """A group being read: what stands before it, and the scripts of its last sign."""

    before: str = ""
    empty: bool = True
    scripts: str = ""

    @property
    def is_argument(self) -> bool:
        """Whether it belongs to a script or command, and is no part of the row."""
        command = COMMANDS.get(self.before) and self.before not in _FLAT
        return bool(command) or self.before in ("^", "_", r"\end")


def _joins_scripts(tokens: list[str]) -> bool:
    """Whether a sign gets scripts that others have: ``{x^2}^3``, ``T_a{}^b``, ``1 + {}_2F_1``."""
    groups, previous = [_Group()], ""
    closed: _Group | None = None
    for token in tokens:
        group = groups[-1]
        if token in ("^", "_", "'"):
            script = "^" if token == "'" else token
            apart = closed.empty if closed else previous in _BLANKS
            if not group.empty and (apart or (closed and script in closed.scripts)):
                return True
            group.scripts += script
        elif token == "{":
            groups.append(_Group(previous))
        elif token == "}" and len(groups) > 1:
            inner = groups.pop()
            closed = None if inner.is_argument else inner
            groups[-1] = _after(groups[-1], inner)
        elif token in ("&", r"\\"):
            groups[-1] = _Group(group.before)
        elif token not in _BLANKS and previous not in ("^", "_"):
            group.empty, group.scripts = False, ""
        closed = closed if token == "}" else None
        previous = token
    return False


def _after(group: _Group, inner: _Group) -> _Group:
    """The group once the inner one is closed."""
    if inner.before == r"\begin":
        return _Group(group.before)
    if inner.empty or inner.is_argument:
        return group
    return _Group(group.before, empty=False, scripts=inner.scripts)
