""".svg: the formulas one below the other, as outlines that need no font; by ziamath.

Input: records. Output: an SVG document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from xml.etree import ElementTree

from hmer_cli.console import one_line
from hmer_cli.document.formats.wording import expressions, plain, said, sayable
from hmer_cli.document.ids import Named
from hmer_cli.document.records import Record
from hmer_cli.expr.to_mathml import to_styled_mathml

_NAMESPACE = "http://www.w3.org/2000/svg"
_SIZE = 20  # of the letters
_AIR = 12.0  # round each formula


def svg(records: Sequence[Record]) -> str:
    """One drawing with a group a formula, called as its id.

    What MathML cannot say is drawn as LaTeX. Needs ziamath.
    """
    from ziamath.zmath import Math

    root = ElementTree.Element("svg", xmlns=_NAMESPACE)
    width, foot = 0.0, _AIR
    for each, formula in _formulas(expressions(records)):
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
    """Each expression with its MathML; where there is none, its LaTeX as text in a ``math``."""
    for each in names:
        if each.record.status == "failed":
            continue
        if sayable(each.record):
            yield each, to_styled_mathml(said(each.record))
        else:
            latex = escape(plain(one_line(each.record.latex)))
            yield each, f"<math><mtext>{latex}</mtext></math>"
