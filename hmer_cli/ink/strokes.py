"""Lists of numbers from files -> strokes, validated once for every reader.

Input: coordinates. Output: float32 points (N, 2). Raises InputError for what is no stroke.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hmer_cli.errors import InputError
from hmer_cli.ink.ink import Ink, LeftOut, Stroke

MAX_STROKES = 100_000
"""Strokes of one page; notes have some thousand at most."""
MAX_PAGES = 10_000
"""Of one file of ink; notebooks have some hundred."""
LARGEST = 1e9
"""Units; beyond, float32 would round away the shape of the strokes."""

_REMEDY = "export the ink again"


def stroke_of(points: ArrayLike, what: str) -> Stroke:
    """A stroke of shape (N, 2). Raises InputError for what is no number, infinite or too large."""
    try:
        found: NDArray[np.float64] = np.asarray(points, np.float64).reshape(-1, 2)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{what} is not a list of points", _REMEDY) from error
    if not np.isfinite(found).all():
        raise InputError(f"{what} has a coordinate that is no number", _REMEDY)
    if len(found) and np.abs(found).max() > LARGEST:
        raise InputError(f"{what} has a coordinate beyond {LARGEST:g}", _REMEDY)
    return found.astype(np.float32)


def check_count(strokes: Sequence[object], name: str) -> None:
    """Raises InputError where a page has too many strokes, or lines and shapes painted."""
    if len(strokes) > MAX_STROKES:
        raise InputError(
            f"{name}: {len(strokes)} strokes on a page, over the limit of {MAX_STROKES}",
            "split the page",
        )


def check_pages(count: int, name: str) -> None:
    """Raises InputError where a file has too many pages."""
    if count > MAX_PAGES:
        raise InputError(f"{name}: {count} pages, over the limit of {MAX_PAGES}", "split it")


def ink_of(strokes: Sequence[Stroke], name: str, left_out: Sequence[LeftOut] = ()) -> Ink:
    """The strokes of a page, empty ones left out, and what else is on it. Raises InputError where
    they are too many."""
    check_count(strokes, name)
    kept = tuple(stroke for stroke in strokes if len(stroke))
    return Ink(kept, name=name, left_out=tuple(left_out))
