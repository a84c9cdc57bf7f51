"""Regions that a person drew, merged, split or moved: corrections of where expressions stand.

Input: what a review page exported, and the readings of a page. Output: which of them give way, and
the boxes that are to be read instead. A recut belongs to a page of a file by the file's SHA-256;
where the file changed, it is found by the ink of the regions that it replaced and of those nearby,
all of which must stand there as they did.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hmer_cli.errors import InputError
from hmer_cli.geometry import Box, inside, shift

SAME = 0.5
"""Share of a region that lies in a box from which on the box replaces it."""
_APART = 3.0  # pixels by which the distances between regions of one page may differ # convention


@dataclass(frozen=True)
class Anchor:
    """A region that stood on the page: the SHA-256 of its ink, and its box."""

    key: str
    box: Box


@dataclass(frozen=True)
class NewRegion:
    """A box to be read in place of others; ``latex`` is what was typed, None to read it."""

    box: Box
    latex: str | None = None


@dataclass(frozen=True)
class Recut:
    """``regions`` in place of those in ``replaces``; ``near`` are others of the page, to find it.

    Boxes are in pixels of the page's image. ``where`` says for messages where it stands.
    """

    file: str
    page: int
    regions: tuple[NewRegion, ...]
    replaces: tuple[Anchor, ...] = ()
    near: tuple[Anchor, ...] = ()
    source: str = ""
    where: str = field(default="", compare=False)

    def entry(self) -> dict[str, Any]:
        """As it stands in a file of corrections."""
        regions = [
            {"box": list(each.box)} | ({} if each.latex is None else {"latex": each.latex})
            for each in self.regions
        ]
        anchors = {
            name: [{"key": each.key, "box": list(each.box)} for each in getattr(self, name)]
            for name in ("replaces", "near")
        }
        return {"regions": regions, **anchors, "source": self.source, "page": self.page,
                "file": self.file}  # fmt: skip

    def shift_on(self, file: str, page: int, stood: Sequence[Anchor]) -> tuple[float, float] | None:
        """How far the regions that ``stood`` on the page moved since, in x and y; None where it is
        another page."""
        if (file, page) == (self.file, self.page):
            return 0.0, 0.0
        anchors = [*self.replaces, *self.near]
        moves = [_moved(anchor, stood) for anchor in anchors]
        if not moves or not all(moves):
            return None
        first = moves[0]
        for x, y in first:
            if all(any(_close((x, y), other) for other in others) for others in moves):
                return x, y
        return None

    def gives_way(self, place: Box, by: tuple[float, float]) -> bool:
        """Whether a region in this place of the page, which has moved ``by``, is replaced."""
        old = [shift(anchor.box, *by) for anchor in self.replaces]
        new = [shift(region.box, *by) for region in self.regions]
        return any(inside(place, box) >= SAME for box in (*old, *new))

    def cuts(self, place: Box, by: tuple[float, float]) -> bool:
        """Whether what stood in this place of the page is replaced, or has a part cut out."""
        new = [shift(region.box, *by) for region in self.regions]
        return self.gives_way(place, by) or any(inside(box, place) >= SAME for box in new)


def parse_recut(entry: dict[str, Any]) -> Recut:
    """The recut that an entry of a file of corrections says. Raises InputError."""
    file, page = entry.get("file"), entry.get("page")
    if not isinstance(file, str) or not isinstance(page, int):
        raise InputError('it has no "file" and "page"')
    regions = tuple(_region(each) for each in _objects(entry, "regions"))
    replaces = tuple(_anchor(each) for each in _objects(entry, "replaces"))
    near = tuple(_anchor(each) for each in _objects(entry, "near"))
    if not regions and not replaces:
        raise InputError("it changes nothing")
    return Recut(file, page, regions, replaces, near, str(entry.get("source", "")))


def _objects(entry: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = entry.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InputError(f'its "{name}" are no list of regions')
    return found


def _region(fields: dict[str, Any]) -> NewRegion:
    box, latex = parse_box(fields.get("box")), fields.get("latex")
    if box is None or box[0] >= box[2] or box[1] >= box[3]:
        raise InputError('a region has no "box"')
    if latex is not None and not isinstance(latex, str):
        raise InputError('the "latex" of a region is no text')
    return NewRegion(box, latex)


def _anchor(fields: dict[str, Any]) -> Anchor:
    key, box = fields.get("key"), parse_box(fields.get("box"))
    if not isinstance(key, str) or box is None:
        raise InputError('a region has no "key" and "box"')
    return Anchor(key, box)


def parse_box(value: Any) -> Box | None:
    """Four finite numbers; None for anything else."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    try:
        x0, y0, x1, y1 = (float(number) for number in value if isinstance(number, int | float))
    except (ValueError, OverflowError):
        return None
    return (x0, y0, x1, y1) if all(map(math.isfinite, (x0, y0, x1, y1))) else None


def _moved(anchor: Anchor, stood: Sequence[Anchor]) -> list[tuple[float, float]]:
    """How far the region has moved, for each of the page that has its ink."""
    return [
        (other.box[0] - anchor.box[0], other.box[1] - anchor.box[1])
        for other in stood
        if other.key == anchor.key
    ]


def _close(move: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(abs(a - b) <= _APART for a, b in zip(move, other, strict=True))
