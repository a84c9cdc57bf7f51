"""PDF bytes -> page count and RGB pixels, by PDFium; it runs in a worker process.

Pages are drawn as a viewer shows them: the CropBox in its UserUnit, turned by Rotate, with form
fields and annotations.
"""

from __future__ import annotations

import contextlib
import io
import re
import zlib
from dataclasses import asdict

import pypdfium2 as pdfium

from hmer_cli.page.load.pdf_geometry import PageGeometry
from hmer_cli.page.load.worker import Meta

_PIECE = 1 << 14
_GAP = 20  # page numbers in a row that lead nowhere: there the pages end
_OBJECTS = 64 << 20  # bytes of unpacked object streams that are searched for a UserUnit
_UNIT = re.compile(rb"/UserUnit\s+(?:(\d+)\s+\d+\s+R\b|([0-9.]+))")
_STREAM = re.compile(rb"/ObjStm\b.{0,400}?stream\r?\n", re.DOTALL)


class _Open:
    """The document opened last; a worker draws the pages of one file after another."""

    key = ""
    document: pdfium.PdfDocument | None = None
    has_units = False


def count(meta: Meta, data: bytes) -> tuple[Meta, bytes]:
    """``{"pages": n}``, or ``{"error": reason}`` of a file that cannot be opened."""
    try:
        document = open_document(meta["key"], data)
    except pdfium.PdfiumError as error:
        return {"error": str(error)}, b""
    return {"pages": _count(document, meta["most"])}, b""


def draw(meta: Meta, data: bytes) -> tuple[Meta, bytes | memoryview]:
    """Page ``number`` (from 1) at the scale of its geometry.

    Answers ``{"height", "width"}`` and the pixels (H, W, 3), or ``{"error": reason}``.
    """
    try:
        page = open_page(meta, data)
        scale = _geometry(page, meta["number"]).scale
        if scale <= 0:
            return {"error": "size"}, b""
        bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
    except pdfium.PdfiumError as error:
        return {"error": str(error)}, b""
    width, height, stride = bitmap.width, bitmap.height, bitmap.stride
    rows = memoryview(bitmap.buffer).cast("B")
    if stride != 3 * width:
        rows = memoryview(
            b"".join(rows[y * stride : y * stride + 3 * width] for y in range(height))
        )
    return {"height": height, "width": width}, rows


def geometry(meta: Meta, data: bytes) -> tuple[Meta, bytes]:
    """``{"geometry"}`` of page ``number``, the fields of a `PageGeometry`; or ``{"error"}``."""
    try:
        page = open_page(meta, data)
        found = _geometry(page, meta["number"])
    except pdfium.PdfiumError as error:
        return {"error": str(error)}, b""
    return {"geometry": asdict(found)}, b""


def open_document(key: str, data: bytes) -> pdfium.PdfDocument:
    """The document with this key, kept until another is asked for; raises PdfiumError."""
    if _Open.key != key:
        _Open.key, _Open.document = "", None
        document = pdfium.PdfDocument(data)
        document.init_forms()
        _Open.key, _Open.document, _Open.has_units = key, document, _names_unit(data)
    assert _Open.document is not None
    return _Open.document


def open_page(meta: Meta, data: bytes) -> pdfium.PdfPage:
    """Page ``number`` (from 1) of the document with this key; raises PdfiumError.

    Where nothing of the page lies in its CropBox, all of it is shown, as viewers do.
    """
    page = open_document(meta["key"], data)[meta["number"] - 1]
    if not all(page.get_size()):
        page.set_cropbox(*page.get_mediabox())
    return page


def _count(document: pdfium.PdfDocument, most: int) -> int:
    """The number of pages that can be loaded; the count in the file may be wrong."""
    said = len(document)
    if said <= 0 or _is_there(document, said - 1):
        return max(0, said)
    last, number = -1, 0
    while number < min(said, most) and number <= last + _GAP:
        if _is_there(document, number):
            last = number
        number += 1
    return last + 1


def _is_there(document: pdfium.PdfDocument, index: int) -> bool:
    try:
        document.get_page_size(index)
    except pdfium.PdfiumError:
        return False
    return True


def _geometry(page: pdfium.PdfPage, number: int) -> PageGeometry:
    unit = _user_unit(page, number) if _Open.has_units else 1.0
    return PageGeometry(page.get_bbox(), page.get_rotation() // 90, unit)


def _user_unit(page: pdfium.PdfPage, number: int) -> float:
    """The UserUnit of a page, read from a saved copy, as PDFium has no function for it."""
    alone, saved = pdfium.PdfDocument.new(), io.BytesIO()
    alone.import_pages(page.pdf, [number - 1])
    alone.save(saved)
    text = saved.getvalue()
    found = _UNIT.search(text)
    number_of = found and found[1]
    if number_of:  # an object of its own
        found = re.search(rb"\b%s\s+\d+\s+obj\s+()([0-9.]+)" % number_of, text)
    unit = float(found[2]) if found and re.fullmatch(rb"\d*\.?\d+|\d+\.", found[2]) else 1.0
    return unit if 0 < unit < 1e6 else 1.0


def _names_unit(data: bytes) -> bool:
    """Whether a UserUnit is anywhere in the file, its packed objects included."""
    if b"/UserUnit" in data:
        return True
    left = _OBJECTS
    for match in _STREAM.finditer(data):
        text = _unpacked(data, match.end(), left)
        left -= len(text)
        if b"/UserUnit" in text:
            return True
        if left <= 0:
            break
    return False


def _unpacked(data: bytes, start: int, most: int) -> bytes:
    """What a packed stream begins with, up to ``most`` bytes; by pieces, as zlib copies what it was
    given beyond the end of a stream, which may be all of the file."""
    unpacker, text = zlib.decompressobj(), bytearray()
    with contextlib.suppress(zlib.error):
        for at in range(start, len(data), _PIECE):
            text += unpacker.decompress(data[at : at + _PIECE], most - len(text))
            if unpacker.eof or len(text) >= most:
                break
    return bytes(text)
