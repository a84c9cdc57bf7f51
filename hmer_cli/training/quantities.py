"""Kinds of numbers in recipes: what msgspec refuses beyond their types, infinity and NaN among it.

Input: annotations of dataclasses. Output: errors of `hmer_cli.training.recipe.parse`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0, le=1e9)]
Amount = Annotated[float, Meta(ge=0, le=1e9)]


def check_ranges(values: Mapping[str, object]) -> None:
    """Check that the tuples of a table, which are ranges, begin with their lower end.

    Raises ValueError, which msgspec tells with the place of the table.
    """
    for key, value in values.items():
        if isinstance(value, tuple) and value[0] > value[1]:
            first, last = value
            raise ValueError(f"{key} = [{first:g}, {last:g}] should be [{last:g}, {first:g}]")
