r"""How many groups a token of a label stands in: braces, environments, brackets.

Input: the tokens of a label. Output: a number for each. Angles, floors and ceilings are groups in
pairs alone, as a bar is the partner of the one in ``| 0 \rangle``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

from hmer_cli.expr.commands import GRIDS
from hmer_cli.expr.symbol_classes import PAIRS

_GRIDS = [(rf"\begin{{{name}}}", rf"\end{{{name}}}") for name in GRIDS]
_COUNTED = [("{", "}"), ("(", ")"), ("[", "]"), (r"\{", r"\}"), *_GRIDS]
_OPENING, _CLOSING = ({pair[side] for pair in _COUNTED} for side in (0, 1))
_PARTNERS = {right: left for left, right in PAIRS if left != right and left not in _OPENING}


def depths(tokens: Sequence[str]) -> list[int]:
    """Behind each token, the groups that are open; less than 0 where more are closed, as behind
    ``] 0 , 1 ]``."""
    steps = [(token in _OPENING) - (token in _CLOSING) for token in tokens]
    opened: dict[str, list[int]] = defaultdict(list)
    for at, token in enumerate(tokens):
        if token in _PARTNERS.values():
            opened[token].append(at)
        elif token in _PARTNERS and opened[_PARTNERS[token]]:
            steps[opened[_PARTNERS[token]].pop()] += 1
            steps[at] -= 1
    return list(accumulate(steps))
