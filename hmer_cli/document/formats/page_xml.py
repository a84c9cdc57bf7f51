""".page.zip: PAGE-XML for archives and tools of document analysis, with the images of the pages.

One XML file a page, in the folder ``page`` beside the images, as Transkribus and OCR-D take them;
schema of PRImA, 2019-07-15 (Pletschacher and Antonacopoulos, ICPR 2010). A derivation is a
MathsRegion, as is any other expression; the LaTeX is the text of a TextRegion within it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import cv2
import numpy as np
from lxml import etree

from hmer_cli import __version__
from hmer_cli.console import one_line
from hmer_cli.document.formats.archive import packed
from hmer_cli.document.formats.wording import expressions, plain
from hmer_cli.document.ids import Named
from hmer_cli.document.records import Evidence, Record
from hmer_cli.geometry import Box

_NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
_WHEN = "1970-01-01T00:00:00Z"  # the schema wants a date; the same input gives the same bytes


def page_zip(records: Sequence[Record]) -> bytes:
    """The archive; boxes are in pixels of the images in it, which are the cleaned pages."""
    shown = (each for each in expressions(records) if each.record.shown)
    members: dict[str, str | bytes] = {}
    for _, group in groupby(shown, key=lambda each: (each.record.source, each.record.page)):
        names = list(group)
        evidence = names[0].record.evidence
        assert evidence is not None
        stem = names[0].alias.rpartition("-r")[0]
        image = _image(evidence)
        members[f"{stem}.png"] = cv2.imencode(".png", image)[1].tobytes()
        members[f"page/{stem}.xml"] = _page(names, f"{stem}.png", image.shape[1], image.shape[0])
    return packed(members)


def _image(evidence: Evidence) -> np.ndarray[Any, Any]:
    data = np.frombuffer(evidence.picture.load(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return image


def _page(names: Sequence[Named], image: str, width: int, height: int) -> bytes:
    root = etree.Element(f"{{{_NAMESPACE}}}PcGts", nsmap={None: _NAMESPACE})
    metadata = _add(root, "Metadata")
    _add(
        metadata, "Creator"
    ).text = f"hmer {__version__} ({plain(one_line(names[0].record.model))})"
    _add(metadata, "Created").text = _add(metadata, "LastChange").text = _WHEN
    record = names[0].record
    _add(metadata, "Comments").text = plain(one_line(f"{record.source}, page {record.page}"))
    page = _add(root, "Page", imageFilename=image, imageWidth=str(width), imageHeight=str(height))
    order = _add(_add(page, "ReadingOrder"), "OrderedGroup", id="order")
    for index, each in enumerate(names):
        _add(order, "RegionRefIndexed", index=str(index), regionRef=each.id)
    for each in names:
        _region(page, each, width)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _region(page: Any, each: Named, width: int) -> None:
    """A MathsRegion with the LaTeX; the lines of a derivation are lines of its text."""
    points = _points(each.record, width)
    region = _add(page, "MathsRegion", id=each.id, custom=f"alias {{name:{each.alias};}}")
    _add(region, "Coords", points=points)
    text = _add(region, "TextRegion", id=f"{each.id}-text", type="other")
    _add(text, "Coords", points=points)
    for line in each.lines if each.record.correction is None else ():
        part = _add(text, "TextLine", id=line.id)
        _add(part, "Coords", points=_points(line.record, width))
        _latex(part, line.record)
    _latex(text, each.record)


def _latex(parent: Any, record: Record) -> None:
    details = {"dataType": "other", "dataTypeDetails": "LaTeX"}
    equivalent = _add(parent, "TextEquiv", conf=f"{record.confidence:g}", **details)
    _add(equivalent, "Unicode").text = plain(one_line(record.latex))


def _points(record: Record, width: int) -> str:
    """The corners of the region in an image that is so wide."""
    evidence = record.evidence
    assert evidence is not None
    box: Box = evidence.box
    scale = width / evidence.picture.width
    x0, y0, x1, y1 = (max(0, round(edge * scale)) for edge in box)
    return f"{x0},{y0} {x1},{y0} {x1},{y1} {x0},{y1}"


def _add(parent: Any, tag: str, **attributes: str) -> Any:
    return etree.SubElement(parent, f"{{{_NAMESPACE}}}{tag}", attributes)
