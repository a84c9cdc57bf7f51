"""Kinds of numbers in recipes: what msgspec refuses beyond their types, infinity and NaN among it.

Input: annotations of dataclasses. Output: errors of `hmer_cli.training.recipe.parse`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0, le=1e9)]
Amount = Annotated[float, Meta(ge=0, le=1e9)]
