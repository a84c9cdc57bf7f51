r"""Labels in which every function has an argument.

Input and output: tokens. A function with a script, such as ``\log _ { a }``, is of what stands
behind it. Where nothing does, its last script is the argument, written too high or too low: some
hands write ``\log _ { a } ^ { x } = 1`` for ``\log _ { a } x = 1``. A power or derivative may do
without, as in ``\sin ^ { \prime } = \cos``: a superscript is an argument beside a subscript only.
"""

from __future__ import annotations

from collections.abc import Sequence

from hmer_cli.expr.symbol_classes import layout_class

_FUNCTIONS = frozenset(
    r"\log \ln \lg \sin \cos \tan \cot \sec \csc \sinh \cosh \tanh \coth".split()
)
_ENDS = frozenset(("}", "&", r"\\"))
_NOT_BEGUN_BY = frozenset(("relation", "sign", "close", "mark"))  # layout classes
_POWERS = frozenset("0123456789-") | {r"\dagger"}


def argued(tokens: Sequence[str]) -> list[str]:
    """The label, with the last script of each function that lacks an argument as its argument.

    Powers, which are numbers, stay where they are, as do derivatives.
    """
    label = list(tokens)
    for place in reversed(range(len(label))):
        if label[place] in _FUNCTIONS and _lacks_argument(label, place):
            start, end = _last_script(label, place + 1)
            label[start:end] = label[start + 2 : end - 1]
    return label


def _lacks_argument(label: list[str], place: int) -> bool:
    """Whether the function there has none but what its last script may be."""
    start, end = _last_script(label, place + 1)
    inside, following = label[start + 2 : end - 1], label[end : end + 1]
    if _begins_argument(following) or not _begins_argument(inside[:1]):
        return False
    if following == [":"] or r"\circ" in (*label[place - 1 : place], *following):
        return False  # the function itself is meant: f \circ \log _ { a }
    return label[start] == "_" or (start > place + 1 and not _is_order(inside))


def _is_order(superscript: Sequence[str]) -> bool:
    """Whether it is a number, a dagger or the order of a derivative, ``( n )``."""
    bracketed = len(superscript) == 3 and (superscript[0], superscript[-1]) == ("(", ")")
    return bracketed or _POWERS.issuperset(superscript)


def _last_script(label: list[str], place: int) -> tuple[int, int]:
    """Where the last of the scripts at ``place`` begins and ends; both alike if there is none."""
    start = end = place
    while label[end : end + 2] in (["_", "{"], ["^", "{"]) and _closed(label, end + 1):
        start, end = end, _closed(label, end + 1)
    return start, end


def _begins_argument(following: Sequence[str]) -> bool:
    """Whether these tokens, one or none, are the first of an argument."""
    return any(
        token == "-" or (token not in _ENDS and layout_class(token) not in _NOT_BEGUN_BY)
        for token in following
    )


def _closed(tokens: Sequence[str], opening: int) -> int:
    """The place behind the brace that closes the one at ``opening``; 0 if none does."""
    depth = 0
    for place in range(opening, len(tokens)):
        depth += (tokens[place] == "{") - (tokens[place] == "}")
        if depth == 0:
            return place + 1
    return 0
