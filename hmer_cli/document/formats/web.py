""".mathml and .fragment.html: MathML to paste or to include, one element per expression.

Input: records. Output: XML or HTML without a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hmer_cli.console import one_line
from hmer_cli.document.formats.wording import expressions, judged, plain, said, sayable
from hmer_cli.document.records import Record
from hmer_cli.expr.to_mathml import to_styled_mathml

_NAMESPACE = "http://www.w3.org/1998/Math/MathML"


def mathml(records: Sequence[Record]) -> str:
    """One ``math`` element a line, each a whole MathML document, with the LaTeX in it."""
    names = [each for each in expressions(records) if each.record.status != "failed"]
    return "".join(f"{_math(each.record, each.id)}\n" for each in names)


def fragment(records: Sequence[Record]) -> str:
    """One ``figure`` an expression to include in a page of HTML; it needs no script or style."""
    parts = []
    for each in expressions(records):
        said = escape(plain(judged(each.record)))
        if each.record.status == "failed":
            named = (each.record.error or "").startswith(each.record.source)
            where = "" if named else f"{escape(plain(one_line(each.record.source)))}: "
            parts.append(f"<p>{where}{said}</p>\n")
            continue
        parts.append(
            f'<figure id="{each.id}">{_math(each.record)}'
            f"<figcaption>{each.alias}: {said}</figcaption></figure>\n"
        )
    return "".join(parts)


def _math(record: Record, name: str = "") -> str:
    """The expression; where it cannot be said in MathML, its LaTeX as text in a ``math``."""
    latex = escape(plain(one_line(record.latex)))
    attributes = f' id="{name}"' if name else ""
    head = f'<math xmlns="{_NAMESPACE}"{attributes} display="block" alttext="{latex}">'
    inner = to_styled_mathml(said(record)) if sayable(record) else ""
    content = inner.removeprefix('<math display="block">').removesuffix("</math>")
    note = f'<annotation encoding="application/x-tex">{latex}</annotation>'
    body = content or f"<mtext>{latex}</mtext>"
    return f"{head}<semantics>{body}{note}</semantics></math>"
