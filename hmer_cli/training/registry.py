"""Registry of the model families that a recipe can name.

Input: a name such as ``ctc``. Output: its `System`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hmer_cli.errors import UsageError
from hmer_cli.training import checkpoint
from hmer_cli.training.recipe import Recipe, parse
from hmer_cli.training.systems.base import System
from hmer_cli.training.systems.crnn import CrnnSystem
from hmer_cli.training.systems.ctc import CtcSystem
from hmer_cli.training.systems.graph import GraphSystem
from hmer_cli.training.systems.lines import LineSystem
from hmer_cli.training.systems.transformer import TransformerSystem

FAMILIES: dict[str, type[System[Any]]] = {
    "reader": CtcSystem,
    "graph": GraphSystem,
    "lines": LineSystem,
    "crnn": CrnnSystem,
    "transformer": TransformerSystem,
}


def build(recipe: Recipe, tokens: Sequence[str]) -> System[Any]:
    """The system of the recipe's family, its model with random weights; raises UsageError."""
    if recipe.family not in FAMILIES:
        remedy = f"name one of {', '.join(FAMILIES)}"
        raise UsageError(f"recipe {recipe.name}: there is no family {recipe.family!r}", remedy)
    return FAMILIES[recipe.family](recipe, tokens)


def image_symbol(family: str) -> float:
    """`System.image_symbol` of a family; that of most, where there is none of the name."""
    return FAMILIES.get(family, CtcSystem).image_symbol


def load_system(path: Path) -> tuple[System[Any], dict[str, Any]]:
    """The system in a checkpoint, with its averaged weights, and all else that the file says.

    Raises MissingError where the file holds none.
    """
    content = checkpoint.read(path, ("recipe", "tokens", "average"), "name a run that has ended")
    system = build(parse(content["recipe"], str(path)), content["tokens"])
    system.model.load_state_dict(content["average"])
    system.model.eval()
    return system, content
