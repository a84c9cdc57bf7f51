""".pdf: the notes with the LaTeX as text that is not seen, to be searched and copied; by pikepdf.

PDFs keep their pages as they are and get the text over them; one alone keeps all else that it has,
too (`pdf_catalog`). Of other files, a page shows the cleaned image. The text is in Courier,
invisible (text rendering mode 3 of ISO 32000-1, 9.3.6), and as wide as what is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hmer_cli import __version__, console
from hmer_cli.console import one_line
from hmer_cli.document.formats.pdf_catalog import layers_of, left_behind, put_layers
from hmer_cli.document.ids import Named, by_line, named
from hmer_cli.document.records import Record
from hmer_cli.errors import InputError
from hmer_cli.geometry import Box
from hmer_cli.page.load.kinds import HEAD, is_pdf
from hmer_cli.page.load.pdf import Pdf
from hmer_cli.page.load.pdf_geometry import DPI, POINTS_PER_INCH, Affine

_POINTS = POINTS_PER_INCH / DPI  # of a pixel of an image: it is shown at this resolution
_COURIER = 0.6  # width of each of its letters, in its size
_DESCENT = 0.2
_SMALLEST = 0.3  # pixels: size of a letter
_FONT = "/HmerCourier"
_QUALITY = 80


def searchable_pdf(records: Sequence[Record]) -> bytes:
    """The pages of all sources, in their order. Needs pikepdf."""
    import pikepdf

    sources = [list(group) for _, group in groupby(named(records), lambda each: each.record.source)]
    document = pikepdf.Pdf.new()
    layers: list[Any] = []
    for names in sources:
        original = _opened(names[0].record.source, names)
        if original is None:
            _add_pictures(document, names)
            continue
        pages, pdf = original
        first = len(document.pages)
        if len(sources) == 1:
            document = pages
        else:
            with pages:
                layers += _copied(pages, document, names[0].record.source)
        for number, written in groupby(by_line(names), key=lambda each: each.record.page):
            if number is not None and first + number <= len(document.pages):
                page = document.pages[first + number - 1]
                _write_over(document, page, pdf, number, [each.record for each in written])
    put_layers(document, layers)
    return _saved(document)


def has_pdf(records: Sequence[Record]) -> bool:
    """Whether a source is a PDF, whose pages are shown whatever is on them. Needs pikepdf."""
    sources = groupby(named(records), lambda each: each.record.source)
    return any(_opened(source, list(names)) for source, names in sources)


def _copied(pages: Any, document: Any, source: str) -> list[Any]:
    """Copies the pages of a PDF to a document; its layers there, and a line that says what stays
    behind."""
    document.pages.extend(pages.pages)
    if left := left_behind(pages):
        what = f"left out of .pdf, which holds other files, too: {left}"
        console.say(f"{source}: {what}; write one of it alone")
    layers = layers_of(pages, document)
    return [] if layers is None else [layers]


def _saved(document: Any) -> bytes:
    """The file, known as hmer's by its producer, which stands in it as it is spelt."""
    import pikepdf

    known = {name: value for name, value in document.docinfo.items() if name != "/Producer"}
    known["/Producer"] = pikepdf.String(f"hmer {__version__}")
    document.trailer["/Info"] = document.make_indirect(pikepdf.Dictionary(known))
    buffer = io.BytesIO()
    document.save(buffer, deterministic_id=True, encryption=False)
    return buffer.getvalue()


def _opened(source: str, names: Sequence[Named]) -> tuple[Any, Pdf] | None:
    """The source as a PDF, for pikepdf and as it was drawn; None where it is no PDF, and, with a
    line that says so, where it cannot be had any more."""
    import pikepdf

    evidence = next((each.record.evidence for each in names if each.record.evidence), None)
    read = evidence.original if evidence is not None else None
    known = source.lower().endswith(".pdf")
    try:
        data = (read or Path(source).read_bytes)()
        known = is_pdf(data[:HEAD])
        if known and evidence and evidence.file != hashlib.sha256(data).hexdigest():
            raise InputError("it is another file than was read")
        return (pikepdf.open(io.BytesIO(data)), Pdf(data, source)) if known else None
    except (OSError, ValueError, pikepdf.PdfError, InputError) as error:
        if known:
            console.say(
                f"{source}: cannot be opened again for .pdf, which shows its pages with "
                f"mathematics alone, as pictures ({error}); write .pdf where the file is"
            )
    return None


def _write_over(document: Any, page: Any, pdf: Pdf, number: int, records: Sequence[Record]) -> None:
    """Writes what was read over a page of a PDF, where it stands."""
    texts = [_text(each.region, each.latex) for each in records if each.region and each.latex]
    with contextlib.suppress(InputError):
        geometry = pdf.geometry(number) if texts else None
        if geometry is not None:
            _write(document, page, texts, geometry.to_file())


def _write(
    document: Any, page: Any, texts: Sequence[bytes], place: Affine, before: bytes = b""
) -> None:
    """Writes over a page that stays as it is, in pixels that lie in their ``place`` on it;
    ``before`` is drawn first."""
    import pikepdf

    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Courier"}
    font["/Encoding"] = "/WinAnsiEncoding"
    entries = pikepdf.Dictionary({key: pikepdf.Name(value) for key, value in font.items()})
    page.add_resource(document.make_indirect(entries), pikepdf.Name("/Font"), pikepdf.Name(_FONT))
    page.contents_add(document.make_stream(b"q\n"), prepend=True)
    matrix = " ".join(f"{number:.12f}".rstrip("0") for number in place).encode()
    shown = before + b"".join(texts)
    page.contents_add(document.make_stream(b"\nQ q %s cm\n%sQ\n" % (matrix, shown)))


def _text(box: Box, latex: str) -> bytes:
    """The operators that write over a box, y down, so that the text is turned over once more."""
    x0, y0, x1, y1 = box
    shown = one_line(latex).encode("cp1252", "replace")
    escaped = b"".join(b"\\" + bytes([c]) if c in b"()\\" else bytes([c]) for c in shown)
    count = max(len(shown), 1)
    # Readers take equal letters that overlap for one in bold, so these stand side by side.
    size = max(min(y1 - y0, (x1 - x0) / (_COURIER * count)), _SMALLEST)
    stretch = 100 * (x1 - x0) / (_COURIER * size * count)
    foot = (y0 + y1 + size) / 2 - _DESCENT * size
    head = f"BT 3 Tr {_FONT} {size:.2f} Tf {stretch:.3f} Tz 1 0 0 -1 {x0:.2f} {foot:.2f} Tm ("
    return head.encode() + escaped + b") Tj ET\n"


def _add_pictures(document: Any, names: Sequence[Named]) -> None:
    """Pages that show the cleaned images."""
    import pikepdf

    for _, group in groupby(names, key=lambda each: each.record.page):
        shown = [each for each in group if each.record.shown and not each.record.dismissed]
        if not shown:
            continue
        evidence = shown[0].record.evidence
        assert evidence is not None
        picture = evidence.picture
        width, height = picture.width, picture.height
        place = (_POINTS, 0, 0, -_POINTS, 0, round(height * _POINTS, 2))
        page = document.add_blank_page(page_size=(round(width * _POINTS, 2), place[-1]))
        image = document.make_stream(*_jpeg(picture.load()))
        name = page.add_resource(image, pikepdf.Name("/XObject"), pikepdf.Name("/Page"))
        before = f"q {width} 0 0 -{height} 0 {height} cm {name} Do Q\n".encode()
        texts = [
            _text(each.record.evidence.box, each.record.latex)
            for each in by_line(shown)
            if each.record.evidence is not None and each.record.latex
        ]
        _write(document, page, texts, place, before)


def _jpeg(picture: bytes) -> tuple[bytes, dict[str, Any]]:
    """A picture of a page as the stream of an image and its dictionary."""
    import pikepdf

    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
    height, width = image.shape
    entries = {
        "/Type": pikepdf.Name("/XObject"),
        "/Subtype": pikepdf.Name("/Image"),
        "/Width": width,
        "/Height": height,
        "/BitsPerComponent": 8,
        "/ColorSpace": pikepdf.Name("/DeviceGray"),
        "/Filter": pikepdf.Name("/DCTDecode"),
    }
    return data, entries
