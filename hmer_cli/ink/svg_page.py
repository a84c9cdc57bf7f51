"""The page of an SVG drawing: where it lies, what of it is seen, and how it is stretched.

Input: the root element. Output: an `SvgPage`. Coordinates are those of the viewBox, but for a
drawing with ``preserveAspectRatio="none"`` that is given other proportions: its y is stretched.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from lxml import etree

from hmer_cli.geometry import Box
from hmer_cli.ink.svg_geometry import Get, Matrix, length, view_box, viewport
from hmer_cli.ink.svg_style import Style


@dataclass(frozen=True)
class SvgPage:
    """The ``box`` of the page, where it is known, the ``size`` that 100 % are, in user units, the
    box beyond which nothing is ``seen``, and the matrix from user units to those of the boxes."""

    box: Box | None = None
    size: tuple[float, float] = (100.0, 100.0)
    seen: Box | None = None
    matrix: Matrix = field(default_factory=lambda: np.eye(3))


def page_of(root: etree._Element, style: Style) -> SvgPage:
    """The page of a drawing whose root has this style."""
    css = root.get("style") or ""
    flows = (
        re.search(r"(?:^|[;\s])overflow\s*:\s*visible", css) or root.get("overflow") == "visible"
    )
    given = _size(lambda key: style.get(key) or root.get(key))
    inside = view_box(root.get("viewBox"))
    if inside is None:
        size = given or _size(root.get)
        box = None if size is None else (0.0, 0.0, *size)
        return SvgPage(box, size or (100.0, 100.0), None if flows else box)
    x, y, width, height = inside
    box = (x, y, x + width, y + height)
    if given is None:
        return SvgPage(box, (width, height), None if flows else box)
    shown = viewport(inside, given, root.get("preserveAspectRatio") or "")
    stretch = np.diag([1.0, shown[1, 1] / shown[0, 0], 1.0])
    seen = [(at - shown[2, n % 2]) / shown[n % 2, n % 2] for n, at in enumerate((0.0, 0.0, *given))]
    return SvgPage(
        _placed(box, stretch), (width, height), None if flows else _placed(seen, stretch), stretch
    )


def _size(get: Get) -> tuple[float, float] | None:
    """Width and height, where both are given and not as a share of a window."""
    try:
        size = length(get("width"), math.nan), length(get("height"), math.nan)
    except ValueError:
        return None
    return size if all(side > 0 for side in size) else None


def _placed(box: Sequence[float], matrix: Matrix) -> Box:
    (x0, y0), (x1, y1) = (np.reshape(box, (2, 2)) @ matrix[:2, :2]).tolist()
    return x0, y0, x1, y1
