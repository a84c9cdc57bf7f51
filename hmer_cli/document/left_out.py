"""What a page shows, and is not read -> doubts of the regions near by.

Input: the ink of a file with what its reader left out, or the boxes of signs of an image that are
too pale, and the regions of the page. Output: a doubt for each region that something left out is
near, and lines that say what it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hmer_cli.geometry import Box
from hmer_cli.ink.ink import Ink, LeftOut
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Region

_PALE = "ink far paler than the rest"


def said_of(ink: Ink) -> str:
    """What was left out, in words."""
    return f"not read: {_named(ink.left_out)}"


def said_of_page(page: Page, pale: Sequence[Box]) -> list[str]:
    """What of a page is not read, or not as well as it could be, in words."""
    said = []
    if page.strokes_given_up:
        said.append("read as a picture, as finding its strokes takes too much")
    if pale:
        remedy = "scan it darker, or alone, if it is no watermark"
        said.append(f"not read: {len(pale)} signs of {_PALE}; {remedy}")
    return said


def doubts_beside(
    regions: Sequence[Region], doubts: Sequence[str], ink: Ink | None
) -> tuple[str, ...]:
    """The doubts, and where there is none what was left out near a region.

    Near is what is no farther than the region is long. Boxes are in the units of the ink.
    """
    left_out = [each for each in ink.left_out if each.doubtful] if ink is not None else []
    if not left_out:
        return tuple(doubts)
    found = []
    for region, doubt in zip(regions, doubts, strict=True):
        near = [each for each in left_out if _is_near(region.box, each.box)]
        found.append(doubt or (f"not read with it: {_named(near)}" if near else ""))
    return tuple(found)


def doubts_beside_pale(
    regions: Sequence[Region], doubts: Sequence[str], pale: Sequence[Box]
) -> tuple[str, ...]:
    """The doubts, and where there is none that signs too pale to be read are near a region: no
    farther than it is high."""
    if not pale:
        return tuple(doubts)
    near = [
        any(_is_within(each.box, box, each.box[3] - each.box[1]) for box in pale)
        for each in regions
    ]
    return tuple(
        doubt or (f"not read with it: {_PALE}" if is_near else "")
        for doubt, is_near in zip(doubts, near, strict=True)
    )


def _is_near(region: Box, other: Box | None) -> bool:
    if other is None:
        return True
    return _is_within(region, other, max(region[2] - region[0], region[3] - region[1]))


def _is_within(region: Box, other: Box, reach: float) -> bool:
    return (
        other[0] <= region[2] + reach
        and other[1] <= region[3] + reach
        and other[2] >= region[0] - reach
        and other[3] >= region[1] - reach
    )


def _named(left_out: Sequence[LeftOut]) -> str:
    """``text, image (2)``."""
    counts = Counter(each.what for each in left_out)
    return ", ".join(what if n == 1 else f"{what} ({n})" for what, n in counts.items())
