"""Transfer of parameters from one recogniser to another.

Input: a weights file and a new model. Output: the parameters that fit, with rows of vocabularies
matched by unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from hmer_cli.recognition.units import Units
from hmer_cli.training.compose.examples import UNWRITTEN

UNSEEN = -4.0
"""The log-odds, roughly, at which units and symbols begin that the old vocabulary had not."""

_BY_UNIT = frozenset(
    f"{layer}.{part}"
    for layer in ("frames.out", "decoder.out", "decoder.embed")
    for part in ("weight", "bias")
)
_BY_SYMBOL = frozenset(
    f"{layer}.{part}" for layer in ("symbols", "names") for part in ("weight", "bias")
)
"""The parameters with a row for each unit, and for each symbol."""


def symbol_names(tokens: Sequence[str]) -> list[str]:
    """What the rows of the symbol head stand for: nothing, then every token that leaves ink."""
    return ["", *(token for token in tokens if token not in UNWRITTEN)]


@torch.no_grad()
def transfer(
    found: Mapping[str, Tensor], old: Sequence[str], model: nn.Module, tokens: Sequence[str]
) -> float:
    """Copy parameters of a model of ``old`` tokens into one of these; the share that fitted.

    What has another shape stays as it was, but rows that stand for units or symbols go where
    the new vocabulary has them; what is new there begins as unlikely, not as chance would have it.
    """
    units = _rows(Units(old).names, Units(tokens).names)
    symbols = _rows(symbol_names(old), symbol_names(tokens))
    rows = dict.fromkeys(_BY_UNIT, units) | dict.fromkeys(_BY_SYMBOL, symbols)
    copied = total = 0
    for name, value in model.state_dict().items():
        total += value.numel()
        new = found.get(name)
        if new is None:
            continue
        if name in rows and new.shape[1:] == value.shape[1:]:
            then, here = rows[name]
            value.fill_(UNSEEN if name.endswith("bias") else 0.0)
            value[here] = new[then].to(value.device)
            copied += value[here].numel()
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
"""What the front of pieces has of the other two, by the names that it has there."""


def with_pieces(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The parameters of a graph reader, and those of a front of pieces from its other two.

    The layer of the picture that the front of components had not begins as nothing.
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


def _rows(old: Sequence[str], new: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The rows that stand for the same in both, in the old and in the new order."""
    index = {name: i for i, name in enumerate(old)}
    shared = [(index[name], i) for i, name in enumerate(new) if name in index]
    return torch.tensor([a for a, _ in shared]), torch.tensor([b for _, b in shared])
