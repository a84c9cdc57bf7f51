""".svg: the formulas set one under the other, as outlines that need no font; by ziamath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from hmer_cli.document.formats.wording import expressions, sayable
from hmer_cli.document.ids import Named
from hmer_cli.document.records import Record
from hmer_cli.expr.to_mathml import to_mathml

_NAMESPACE = "http://www.w3.org/2000/svg"
_SIZE = 20  # of the letters
_AIR = 12.0  # round each formula


def svg(records: Sequence[Record]) -> str:
    """One drawing with a group a formula, called as its id.

    Formulas that MathML cannot say are left out, with a comment. Needs ziamath.
    """
    from ziamath.zmath import Math

    root = ElementTree.Element("svg", xmlns=_NAMESPACE)
    width, foot = 0.0, _AIR
    for each, formula in _formulas(expressions(records)):
        if not formula:
            root.append(ElementTree.Comment(f" {each.id} ({each.alias}) cannot be drawn "))
            continue
        drawn = Math(formula, size=_SIZE)
        group = ElementTree.SubElement(root, "g", id=each.id)
        ElementTree.SubElement(group, "title").text = each.alias
        drawn.drawon(group, _AIR, foot, valign="top")
        across, down = drawn.getsize()
        width, foot = max(width, across), foot + down + _AIR
    size = (round(width + 2 * _AIR, 1), round(foot, 1))
    root.set("viewBox", f"0 0 {size[0]} {size[1]}")
    root.set("width", str(size[0]))
    root.set("height", str(size[1]))
    return ElementTree.tostring(root, "unicode") + "\n"


def _formulas(names: Sequence[Named]) -> Iterator[tuple[Named, str]]:
    """Each expression with its MathML; empty where there is none."""
    for each in names:
        if each.record.status == "failed":
            continue
        yield each, to_mathml(each.record.label) if sayable(each.record) else ""
