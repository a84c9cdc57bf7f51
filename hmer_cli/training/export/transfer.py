"""Transfer of parameters from one recogniser to another.

Input: a weights file and a new model. Output: the parameters that fit, with rows of vocabularies
matched by unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from hmer_cli.expr.commands import UNWRITTEN
from hmer_cli.recognition.units import Units

UNSEEN = -4.0
"""Bias of units and symbols that are not in the old vocabulary."""

LIKE = {
    r"\mathcal": r"\mathbb",
    r"\binom": r"\frac {",
    r"\overset": r"\limits",
    r"\underset": r"\limits",
    r"\underbrace": r"\underline",
    r"\overbrace": r"\overline",
    r"\overrightarrow": r"\vec",
    r"\limsup": r"\lim",
    r"\liminf": r"\lim",
    r"\deg": r"\det",
    r"\gcd": r"\det",
    r"\lg": r"\log",
    r"\Re": "R",
    r"\Im": "J",
    r"\parallel": r"\|",
    r"\subsetneq": r"\subset",
    r"\supsetneq": r"\supset",
    r"\hookrightarrow": r"\rightarrow",
    r"\iiint": r"\iint",
    r"\bigoplus": r"\oplus",
    r"\vartheta": r"\theta",
    r"\prec": "<",
    r"\succ": ">",
    r"\vdash": r"\perp",
    r"\models": r"\equiv",
}
"""New tokens -> units of like ink or use, whose rows they begin with."""

UNLIKE = -2.0  # convention
"""Added to the bias of such a row, so that what was known is still preferred."""

_BY_UNIT = frozenset(
    f"{layer}.{part}"
    for layer in ("frames.out", "decoder.out", "decoder.embed")
    for part in ("weight", "bias")
)
_BY_SYMBOL = frozenset(
    f"{layer}.{part}" for layer in ("symbols", "names") for part in ("weight", "bias")
)
"""The parameters with a row for each unit, and for each symbol."""

_CORRECTIONS = frozenset(("second.out.weight", "second.out.bias"))
"""Those with a row for each unit that is added to what was said of it: 0 for a new one."""

_SAID = frozenset(("second.said.weight",))
"""Those with a column for each unit."""


def symbol_names(tokens: Sequence[str]) -> list[str]:
    """The classes of the symbol head: none, then every token that leaves ink."""
    return ["", *(token for token in tokens if token not in UNWRITTEN)]


@torch.no_grad()
def transfer(
    found: Mapping[str, Tensor], old: Sequence[str], model: nn.Module, tokens: Sequence[str]
) -> float:
    """Copy parameters of a model of ``old`` tokens into one of ``tokens``; returns their share.

    Parameters of another shape are skipped. Rows of units and symbols are matched by name; new
    ones start as those of `LIKE`, else with a low probability.
    """
    units = _rows(Units(old).names, Units(tokens).names)
    symbols = _rows(symbol_names(old), symbol_names(tokens))
    rows = dict.fromkeys(_BY_UNIT | _CORRECTIONS | _SAID, units)
    rows |= dict.fromkeys(_BY_SYMBOL, symbols)
    copied = total = 0
    for name, value in model.state_dict().items():
        total += value.numel()
        new = found.get(name)
        if new is None:
            continue
        by_row, old_row = (value.T, new.T) if name in _SAID else (value, new)
        if name in rows and old_row.shape[1:] == by_row.shape[1:]:
            (then, here), (like, begun) = rows[name]
            bias = name.endswith("bias") and name not in _CORRECTIONS
            by_row.fill_(UNSEEN if bias else 0.0)
            by_row[here] = old_row[then].to(value.device)
            if name not in _CORRECTIONS:
                by_row[begun] = old_row[like].to(value.device) + (UNLIKE if bias else 0.0)
            copied += by_row[here].numel()
        elif new.shape == value.shape:
            value.copy_(new)
            copied += value.numel()
    return copied / total


_FRONTS = {
    "stroke.curve": "curve",
    "stroke.enter": "trace",
    "component.picture": "picture",
    "component.enter": "enter",
    "component.place": "place",
}
"""Parameters of the stroke and component encoders -> their names in the piece encoder."""


def with_pieces(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Parameters of a graph model, with those of a piece encoder taken from its other two.

    Weights of the second channel of thumbnails, which components do not have, are zero.
    """
    added: dict[str, Tensor] = {}
    for name, value in found.items():
        for old, new in _FRONTS.items():
            if name.startswith(f"{old}."):
                added[f"piece.{new}{name.removeprefix(old)}"] = value
    first = "piece.picture.0.0.weight"
    if first in added:
        added[first] = torch.cat([added[first], torch.zeros_like(added[first])], dim=1)
    return added | dict(found)


Rows = tuple[Tensor, Tensor]
"""Indices in the old and in the new order."""


def _rows(old: Sequence[str], new: Sequence[str]) -> tuple[Rows, Rows]:
    """The rows of the common names, and those of new names that have one of like ink."""
    index = {name: i for i, name in enumerate(old)}
    known = [(index[name], i) for i, name in enumerate(new) if name in index]
    added = [(i, LIKE.get(name)) for i, name in enumerate(new) if name not in index]
    begun = [(index[like], i) for i, like in added if like in index]
    return _pair(known), _pair(begun)


def _pair(rows: Sequence[tuple[int, int]]) -> Rows:
    then, here = torch.tensor(rows, dtype=torch.long).reshape(-1, 2).T
    return then, here
