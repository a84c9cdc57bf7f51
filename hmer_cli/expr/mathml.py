r"""Presentation MathML -> label.

Input: a ``math`` element. Output: a label. CROHME's files have three dialects: right-nested rows,
flat rows, and leaves that name a symbol with or without a backslash (``\sin``, ``sin``, ``hellip``)
or truncated (``im``). All are Presentation MathML, whatever their ``encoding`` attribute. MathML of
other tools, with Unicode symbols, accents, fences and tables, is supported; what no label says is
refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from hmer_cli.expr.commands import STACKS
from hmer_cli.expr.glyphs import BRACES, GLYPHS
from hmer_cli.expr.node import Node, Tree, name_grids, rebuild, stack_limits
from hmer_cli.expr.spellings import ESCAPED, SCRIPT_RUN, name_token, sign_tokens
from hmer_cli.expr.tokens import join
from hmer_cli.expr.tree import LabelError, parse, to_tokens, walk

if TYPE_CHECKING:
    from lxml import etree

    Element: TypeAlias = etree._Element

_MAX_DEPTH = 300
_MAX_NESTED = 40
"""Of elements that are no rows, which each sign of CROHME's may open; labels nest 16 deep."""
_NAMES = {
    "ctdot": r"\cdots",
    "hellip": r"\ldots",
    "exist": r"\exists",
    "infin": r"\infty",
    "rarr": r"\rightarrow",
    "im": r"\lim",
}
"""Entity names without their ampersand, and the truncated ``\\lim`` of a broken export."""

_ACCENTS = {
    "^": r"\hat", "ˆ": r"\hat", "~": r"\tilde", "˜": r"\tilde", "∼": r"\tilde", "→": r"\vec",
    "⃗": r"\vec", ".": r"\dot", "˙": r"\dot", "¨": r"\ddot", "-": r"\bar", "¯": r"\bar",
    "‾": r"\overline", "_": r"\overline", "―": r"\overline", "⏞": r"\overbrace",
    "ˇ": r"\check", "˘": r"\breve", "´": r"\acute", "`": r"\grave", "←": r"\overleftarrow",
    "ˉ": r"\bar", "ˊ": r"\acute", "ˋ": r"\grave",
    # combining characters
    "\u0300": r"\grave", "\u0301": r"\acute", "\u0302": r"\hat", "\u0303": r"\tilde",
    "\u0304": r"\bar", "\u0305": r"\overline", "\u0306": r"\breve", "\u0307": r"\dot",
    "\u0308": r"\ddot", "\u030c": r"\check", "\u20d6": r"\overleftarrow",
}  # fmt: skip
_UNDER = dict.fromkeys("_¯―‾\u0332", r"\underline") | {"⏟": r"\underbrace"}
_STACKED = r"\atop"
"""A fraction without a bar: in round brackets it is a binomial coefficient, else two lines."""
_TYPED = ESCAPED | {"^": r"\wedge", "~": r"\sim", "\\": r"\backslash", "'": r"\prime"}
_TYPED |= {"√": r"\surd", "ı": r"\imath", "ȷ": r"\jmath", "ð": r"\eth"}
"""Characters of a leaf, where they are no syntax of LaTeX and no letters of a language."""
_CHARACTER = re.compile(rf"{SCRIPT_RUN}|.", re.DOTALL)
_FRAMES = STACKS | {r"\sqrt", _STACKED}
_FONTS = {"double-struck": r"\mathbb", "script": r"\mathcal", "fraktur": r"\mathfrak"}
_SCRIPTS = {
    "msub": ("sub",),
    "msup": ("sup",),
    "msubsup": ("sub", "sup"),
    "munder": ("below",),
    "mover": ("above",),
    "munderover": ("below", "above"),
}
_SILENT = frozenset(
    """mspace mphantom none mprescripts annotation annotation-xml malignmark maligngroup""".split()
)
_LEAVES = frozenset("mi mn mo mtext ms".split())
_ROWS = frozenset("math mrow mstyle mpadded merror mtr mlabeledtr mtd semantics maction".split())
_FIRST_ONLY = frozenset(("semantics", "maction"))
_ENCLOSED = {"radical": r"\sqrt", "top": r"\overline", "bottom": r"\underline"}
_FRAMED = frozenset("box roundedbox".split())
"""Notations of ``menclose`` that labels do without, as they do without ``\\boxed``."""


def label_from_mathml(math: Element) -> str:
    r"""The label of a ``math`` element, with ``\limits`` after operators that take them.

    Raises LabelError if it is empty or LaTeX has no spelling of it.
    """
    tree = name_grids(rebuild(stack_limits(_tree(math, 0)), _in_lines))
    if not tree:
        raise LabelError(0, "the MathML holds no sign")
    label = parse(to_tokens(tree))
    if any(_prescripts(each) for each in math.iter()) and _baseless(label) < _baseless(tree):
        raise LabelError(0, "the MathML has scripts before a sign that others precede")
    return join(to_tokens(label))


def _baseless(tree: Tree) -> int:
    return sum(not node.symbol for node in walk(tree))


def ids_in_order(math: Element) -> list[str]:
    """The ids of the symbols in the order of the label, without those that have none.

    CROHME links a symbol to its strokes by the id of its leaf, ``mfrac`` or ``msqrt``.
    """
    found: list[str | None] = []
    todo = [math]
    while todo:
        element = todo.pop()
        found.append(element.get("{http://www.w3.org/XML/1998/namespace}id"))
        children = _children(element)
        todo += children if _name(element) == "mroot" else reversed(children)
    return [identity for identity in found if identity]


def _tree(element: Element, depth: int, nested: int = 0) -> Tree:
    tag = _name(element)
    nested += tag not in _ROWS
    if depth > _MAX_DEPTH or nested > _MAX_NESTED:
        most = _MAX_DEPTH if depth > _MAX_DEPTH else _MAX_NESTED
        raise LabelError(0, f"the MathML is nested more than {most} deep")
    if tag in _SILENT:
        return ()
    if tag in _LEAVES:
        return _leaf(element, depth, nested)
    if tag == "mtable":
        if not len(element):
            raise LabelError(0, "the MathML has a table without rows")
        return (Node(r"\begin{matrix}", cells=tuple(_cells(element, depth, nested))),)
    children = _children(element)
    rows = [_tree(child, depth + 1, nested) for child in children]
    if tag == "mover" and len(rows) == 2 and (accent := _ACCENTS.get(_text(children[1]))):
        still = children[1].get("stretchy") == "false"
        return (Node(accent if still else _stretched(accent, rows[0]), inside=rows[0]),)
    if tag == "munder" and len(rows) == 2 and (accent := _UNDER.get(_text(children[1]))):
        return (Node(accent, inside=rows[0]),)
    if tag in _SCRIPTS:
        return _scripted(tag, rows)
    if tag == "mmultiscripts":
        return _on_both_sides(children, rows)
    if tag == "mfrac":
        above, below, *rest = [*rows, (), ()]
        barred = not re.fullmatch(r"\s*[0.]+\s*[a-z]*\s*", element.get("linethickness") or "")
        sign = r"\frac" if barred else _STACKED
        return (Node(sign, above=above, below=below), *_joined(rest))
    if tag == "msqrt":
        return (Node(r"\sqrt", inside=_joined(rows)),)
    if tag == "mroot":
        inside, index, *rest = [*rows, (), ()]
        return (Node(r"\sqrt", above=index, inside=inside), *_joined(rest))
    if tag == "mfenced":
        return _fenced(element, rows)
    if tag == "menclose":
        return _enclosed(element, _joined(rows))
    if tag not in _ROWS:
        raise LabelError(0, f"the MathML has <{tag}>, which labels do not say")
    return _joined(rows[:1] if tag in _FIRST_ONLY else rows)


def _children(element: Element) -> list[Element]:
    """The child elements, without comments."""
    return [child for child in element if isinstance(child.tag, str)]


def _name(element: Element) -> str:
    """The tag without its namespace; comments are annotations."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else "annotation"


def _stretched(accent: str, inside: Tree) -> str:
    """The accent as it is over several signs, or over a frame."""
    several = len(inside) > 1 or any(node.symbol in _FRAMES for node in inside)
    return r"\overrightarrow" if accent == r"\vec" and several else accent


def _enclosed(element: Element, inside: Tree) -> Tree:
    notation = (element.get("notation") or "longdiv").split()
    if len(notation) == 1 and notation[0] in _ENCLOSED:
        return (Node(_ENCLOSED[notation[0]], inside=inside),)
    if not _FRAMED.issuperset(notation):
        raise LabelError(0, f"the MathML encloses by {' '.join(notation)}, which labels do not say")
    return inside


def _prescripts(element: Element) -> bool:
    return _name(element) == "mprescripts"


def _on_both_sides(children: list[Element], rows: list[Tree]) -> Tree:
    """Scripts before and after a sign; those in columns are joined, unless that moves any."""
    at = next((i for i, child in enumerate(children) if _prescripts(child)), len(rows))
    before, after = _columns(rows[at + 1 :]), _columns(rows[1:at])
    base = _scripted("msubsup", [rows[0] if at else (), *after])
    return (Node("", sub=before[0], sup=before[1]), *base) if any(before) else base


def _columns(scripts: Sequence[Tree]) -> tuple[Tree, Tree]:
    """Sub and Sup of alternating scripts; refused where one stands beside another's column."""
    columns = [(*scripts[i : i + 2], ())[:2] for i in range(0, len(scripts), 2)]
    low = tuple(node for each in columns for node in each[0])
    high = tuple(node for each in columns for node in each[1])
    if low and high and not all(sub and sup for sub, sup in columns if len(columns) > 1):
        raise LabelError(0, "the MathML has scripts beside each other, which labels do not say")
    return low, high


def _joined(rows: Sequence[Tree]) -> Tree:
    """One row after the other, with what is stacked in round brackets as binomials."""
    out: list[Node] = []
    for node in (node for row in rows for node in row):
        out.append(node)
        before = [each.symbol for each in out[-3:]]
        if (
            before == ["(", _STACKED, ")"]
            and not any(out[-3].rows)
            and not (out[-2].sub or out[-2].sup)
        ):
            out[-3:] = [replace(out[-2], symbol=r"\binom", sub=node.sub, sup=node.sup)]
    return tuple(out)


def _in_lines(node: Node) -> Node:
    """What is stacked otherwise, as a matrix of two lines."""
    if node.symbol != _STACKED:
        return node
    cells = ((node.above,), (node.below,))
    return Node(r"\begin{matrix}", cells=cells, sub=node.sub, sup=node.sup)


def _leaf(element: Element, depth: int, nested: int) -> Tree:
    """What the text of a leaf says, and what stands in it: KaTeX puts whole rows there."""
    rows, text = [], element.text or ""
    for child in element:
        if _name(child) not in _SILENT:
            rows += [_named(element, text), _tree(child, depth + 1, nested)]
            text = ""
        text += child.tail or ""
    return _joined([*rows, _named(element, text)])


def _named(element: Element, text: str) -> Tree:
    """The symbol that a text of a leaf names, or the symbols of its characters."""
    tag, text = _name(element), "".join(text.split())
    name = _NAMES.get(text, text)
    token = name_token(name) if tag != "mtext" and len(name) > 1 else None
    operator = token and GLYPHS[token][0] == "mo" and name[0] != "\\"
    if token and not (tag == "mi" and operator):  # an identifier "div" is not a division
        return (Node(token),)
    font = _FONTS.get(element.get("mathvariant") or "")
    tokens = _signs(name)
    return parse([font, "{", *tokens, "}"] if font else tokens)


def _text(element: Element) -> str:
    """The text round comments, without blanks."""
    parts = (element.text, *(child.tail for child in element))
    return "".join("".join(filter(None, parts)).split())


def _scripted(tag: str, rows: list[Tree]) -> Tree:
    """The scripts hang on the last sign of the base, as they do in LaTeX."""
    base, *scripts = rows or [()]
    relations = _SCRIPTS[tag]
    last = base[-1] if base else Node("")
    for relation, row in zip(relations, scripts, strict=False):
        last = _hung(last, relation, row)
    return (*base[:-1], last, *_joined(scripts[len(relations) :]))


def _hung(node: Node, relation: str, row: Tree) -> Node:
    """The node with one more script; a frame or a brace has Sub and Sup only."""
    if node.symbol in _FRAMES or node.symbol in BRACES:
        relation = {"above": "sup", "below": "sub"}.get(relation, relation)
    return replace(node, **{relation: getattr(node, relation) + row})


def _fenced(element: Element, rows: list[Tree]) -> Tree:
    opening, closing, comma = (
        parse(_signs("".join(element.get(name, default).split())))
        for name, default in (("open", "("), ("close", ")"), ("separators", ","))
    )
    inner = [row if i == 0 else (*comma[:1], *row) for i, row in enumerate(rows)]
    return (*opening, *_joined(inner), *closing)


def _signs(text: str) -> list[str]:
    """The tokens of a text, character by character; a prime is already raised by its ``msup``."""
    characters = _CHARACTER.findall(text)
    signs = [t for c in characters for t in ([_TYPED[c]] if c in _TYPED else sign_tokens(c))]
    return [r"\prime" if sign == "'" else sign for sign in signs]


def _cells(table: Element, depth: int, nested: int) -> Iterator[tuple[Tree, ...]]:
    for row in _children(table):
        cells = _children(row)[_name(row) == "mlabeledtr" :]  # its first is the equation's number
        yield tuple(_tree(cell, depth + 2, nested) for cell in cells) or ((),)
