"""Ink -> SVG, with the strokes and the pen width of the raster image.

Input: `Ink`. Output: an SVG document as text.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from hmer_cli.ink.ink import Ink, Stroke

_EXACT = 3  # digits: what is read back is read as the ink itself; with one, one in ten is not


def svg(ink: Ink, shape: tuple[int, int], pen: float) -> str:
    """An SVG drawing of ink in pixel coordinates, on paper of ``shape`` (H, W).

    Every symbol is a path with its token as ``data-token``; the label is the title.
    """
    height, width = shape
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">\n<title>{html.escape(ink.label or "")}</title>\n'
        f"{paths(ink, pen, _EXACT)}</svg>\n"
    )


def paths(ink: Ink, pen: float, digits: int = 1) -> str:
    """The SVG element of the ink; ``digits`` decimals of a pixel are written."""
    symbols = [_path(s.label, (ink.strokes[i] for i in s.strokes), digits) for s in ink.symbols]
    owned = {i for symbol in ink.symbols for i in symbol.strokes}
    loose = [stroke for i, stroke in enumerate(ink.strokes) if i not in owned]
    symbols += [_path("", loose, digits)] if loose else []
    return (
        f'<g fill="none" stroke="#000" stroke-width="{pen:.2f}" stroke-linecap="round" '
        f'stroke-linejoin="round">\n{"".join(symbols)}</g>\n'
    )


def _path(token: str, strokes: Iterable[Stroke], digits: int) -> str:
    lines = "".join(f"M{_points(stroke, digits)}" for stroke in strokes)
    named = f' data-token="{html.escape(token)}"' if token else ""
    return f'<path{named} d="{lines}"/>\n'


def _points(stroke: Stroke, digits: int) -> str:
    points = stroke.tolist()
    if len(points) == 1:
        points *= 2  # a path of one point would not be drawn
    return " ".join(f"{x:.{digits}f},{y:.{digits}f}" for x, y in points)
