""".docx: every expression as an equation of Word, in Office Open XML (ECMA-376).

Written without a library: a document of paragraphs and equations is three small files of XML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from hmer_cli.console import one_line
from hmer_cli.document.formats.archive import packed
from hmer_cli.document.formats.wording import expressions, judged, plain, said, sayable
from hmer_cli.document.ids import Named
from hmer_cli.document.records import Record
from hmer_cli.expr.to_omml import NAMESPACE, to_omml

_OFFICE = "http://schemas.openxmlformats.org"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_RELATIONS = "application/vnd.openxmlformats-package.relationships+xml"

_TYPES = (
    f'{_DECLARATION}<Types xmlns="{_OFFICE}/package/2006/content-types">'
    f'<Default Extension="rels" ContentType="{_RELATIONS}"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_MAIN}"/></Types>'
)
_RELS = (
    f'{_DECLARATION}<Relationships xmlns="{_OFFICE}/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument/2006/relationships/officeDocument"'
    ' Target="word/document.xml"/></Relationships>'
)
_BODY = (
    f'{_DECLARATION}<w:document xmlns:w="{_OFFICE}/wordprocessingml/2006/main"'
    f' xmlns:m="{NAMESPACE}"><w:body>%s<w:sectPr/></w:body></w:document>'
)


def docx(records: Sequence[Record]) -> bytes:
    """A heading a source; an equation an expression, with a bookmark called as its id."""
    body = "".join(_paragraphs(expressions(records)))
    members: dict[str, str | bytes] = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _RELS,
        "word/document.xml": (_BODY % body).encode("utf-8", "backslashreplace"),
    }
    return packed(members)


def _paragraphs(names: Sequence[Named]) -> Iterator[str]:
    source = None
    for number, each in enumerate(names):
        record = each.record
        if record.source != source:
            source = record.source
            yield _paragraph(_text(source, "<w:b/>"))
        if record.status == "failed":
            yield _paragraph(_text(judged(record)))
            continue
        begin = f'<w:bookmarkStart w:id="{number}" w:name="{each.id}"/>'
        yield _paragraph(_text(f"{each.alias}: {judged(record)}", '<w:color w:val="808080"/>'))
        yield _paragraph(f'{begin}{_equation(record)}<w:bookmarkEnd w:id="{number}"/>')


def _equation(record: Record) -> str:
    """The equation; what was read as LaTeX, where Word has no way to say it."""
    math = to_omml(said(record)) if sayable(record) else ""
    if not math:
        return _text(record.latex, '<w:rFonts w:ascii="Courier New" w:hAnsi="Courier New"/>')
    return f"<m:oMathPara><m:oMath>{math}</m:oMath></m:oMathPara>"


def _paragraph(content: str) -> str:
    return f"<w:p>{content}</w:p>"


def _text(text: str, properties: str = "") -> str:
    shown = escape(plain(one_line(text)), quote=False)
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{shown}</w:t></w:r>'
