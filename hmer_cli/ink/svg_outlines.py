"""The outlines of the shapes of one SVG drawing, each parsed once however often it is shown.

Input: elements with their style. Output: an `Outline`; of a clip path, its points.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from lxml import etree

from hmer_cli.errors import InputError
from hmer_cli.ink.svg_geometry import (
    LENGTHS,
    SHAPES,
    is_damaged,
    length,
    outlines,
    transform_of,
)
from hmer_cli.ink.svg_path import Points, check_points, cost
from hmer_cli.ink.svg_style import Style, local_name

StyleOf = Callable[[etree._Element], Style]

_UNSEEN = frozenset("title desc metadata script style animate animateTransform set".split())
_PATH = re.compile(r"""path\(\s*+(["'])([^"']*+)\1\s*+\)""")
_NAMESPACE = "{http://www.w3.org/2000/svg}"


class Outline(NamedTuple):
    """The lines of a shape, in its user space, with whether each is closed, and whether it is
    ``damaged``: there is an error in its data, and it is drawn up to there."""

    lines: list[tuple[Points, bool]]
    damaged: bool = False

    @property
    def points(self) -> int:
        """How many there are."""
        return sum(len(points) for points, _ in self.lines)


class Outlines:
    """Those of one drawing, whose page has the size ``window``."""

    def __init__(self, window: tuple[float, float]) -> None:
        self._window = window
        self._shapes: dict[tuple[object, ...], Outline] = {}
        self._clips: dict[tuple[object, ...], Points] = {}
        self._cost = 0

    def length(self, text: str | None, full: float, default: float = 0.0) -> float:
        """As `svg_geometry.length`."""
        return length(text, full, default, self._window)

    def of(
        self, element: etree._Element, style: Style, size: tuple[float, float], keep: bool
    ) -> Outline:
        """The outline of a shape, in a viewport of this size; ``keep`` it where it is shown again.
        Raises InputError for a path, and for too many points of all that the file has; ValueError
        for what is no length."""
        key = element, size, style.get("d"), *map(style.get, sorted(LENGTHS))
        if key in self._shapes:
            return self._shapes[key]
        tag = local_name(element)

        def get(name: str) -> str | None:
            given = style.get(name)
            if name == "d":
                quoted = _PATH.fullmatch((given or "").strip())
                given = quoted and quoted[2]
            return given or element.get(name)

        found = Outline(outlines(tag, get, size, self._window), is_damaged(tag, get))
        self._cost += cost(found.lines)
        check_points(self._cost, "the drawing")
        if keep:
            self._shapes[key] = found
        return found

    def of_clip(self, clip: etree._Element, size: tuple[float, float], style_of: StyleOf) -> Points:
        """The points of the shapes of a clip path (N, 2); none where one of them is damaged, or
        anything else may be a part of it."""
        key = clip, size
        if key not in self._clips:
            try:
                points = self._of_clip(clip, size, style_of)
            except ValueError:
                points = []
            self._clips[key] = np.concatenate([np.zeros((0, 2)), *points])
        return self._clips[key]

    def _of_clip(
        self, clip: etree._Element, size: tuple[float, float], style_of: StyleOf
    ) -> list[Points]:
        parts = [(child, style_of(child)) for child in clip if svg_tag(child)]
        parts = [(child, style) for child, style in parts if svg_tag(child) not in _UNSEEN]
        if not all(svg_tag(child) in SHAPES for child, _ in parts):
            return []
        try:
            around = transform_of(style_of(clip), size)
            matrices = [transform_of(style, size) @ around for _, style in parts]
        except InputError:
            return []
        return [
            line @ matrix[:2, :2] + matrix[2, :2]
            for (child, style), matrix in zip(parts, matrices, strict=True)
            for line, _ in self.of(child, style, size, keep=False).lines
        ]


def svg_tag(element: etree._Element) -> str:
    """The tag of an element of SVG, with its namespace or without one; else empty."""
    if not isinstance(element.tag, str):
        return ""
    name = local_name(element)
    return name if element.tag in (name, _NAMESPACE + name) else ""
