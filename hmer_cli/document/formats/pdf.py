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

from hmer_cli import console
from hmer_cli.console import one_line
from hmer_cli.document.formats.pdf_catalog import layers_of, left_behind, put_layers
from hmer_cli.document.ids import Named, by_line, named
from hmer_cli.document.pdf_overlay import FONT, REMEDY, Overlay, damage, saved, write, written_over
from hmer_cli.document.records import Record
from hmer_cli.errors import InputError
from hmer_cli.geometry import Box
from hmer_cli.page.load.kinds import HEAD, is_pdf
from hmer_cli.page.load.pdf import Pdf
from hmer_cli.page.load.pdf_geometry import DPI, POINTS_PER_INCH

_POINTS = POINTS_PER_INCH / DPI  # of a pixel of an image: it is shown at this resolution
_COURIER = 0.6  # width of each of its letters, in its size
_DESCENT = 0.2
_SMALLEST = 0.3  # pixels: size of a letter
_QUALITY = 80


def searchable_pdf(records: Sequence[Record]) -> bytes:
    """The pages of all sources, in their order. Needs pikepdf."""
    import pikepdf

    sources = [list(group) for _, group in groupby(named(records), lambda each: each.record.source)]
    document = pikepdf.Pdf.new()
    layers: list[Any] = []
    for names in sources:
        source = names[0].record.source
        kept = _kept(source, names, packed=len(sources) == 1)
        if kept is not None and len(sources) == 1:
            return kept
        copied = None if kept is None else _copied(kept, document, source)
        if copied is None:
            _add_pictures(document, names)
        else:
            layers += copied
    put_layers(document, layers)
    as_they_are = pikepdf.StreamDecodeLevel.none
    return saved(document, compress_streams=False, stream_decode_level=as_they_are)


def has_pdf(records: Sequence[Record]) -> bool:
    """Whether a source is a PDF, whose pages are shown whatever is on them."""
    sources = groupby(named(records), lambda each: each.record.source)
    return any(_original(source, list(names)) for source, names in sources)


def _kept(source: str, names: Sequence[Named], packed: bool) -> bytes | None:
    """The source with what was read over its pages; None where it is no PDF, and, with a line that
    says so, where it cannot be had."""
    original = _original(source, names)
    if original is None:
        return None
    data, key = original
    try:
        return written_over(data, key, _overlays(Pdf(data, source), names), packed)
    except (OSError, ValueError, InputError) as error:
        _say_pictures(source, error)
    return None


def _original(source: str, names: Sequence[Named]) -> tuple[bytes, str] | None:
    """The PDF that was read, and its SHA-256; None where it is no PDF, and, with a line that says
    so, where it cannot be had."""
    evidence = next((each.record.evidence for each in names if each.record.evidence), None)
    read = evidence.original if evidence is not None else None
    known = source.lower().endswith(".pdf")
    try:
        data = (read or Path(source).read_bytes)()
        known = is_pdf(data[:HEAD])
        key = hashlib.sha256(data).hexdigest() if known else ""
        if known and evidence and evidence.file != key:
            raise InputError("it is another file than was read")
    except (OSError, ValueError, InputError) as error:
        if known:
            _say_pictures(source, error)
        return None
    return (data, key) if known else None


def _overlays(pdf: Pdf, names: Sequence[Named]) -> list[Overlay]:
    """What was read on each page of a PDF, where it stands."""
    overlays: list[Overlay] = []
    for number, written in groupby(by_line(names), key=lambda each: each.record.page):
        records = [each.record for each in written]
        texts = [_text(each.region, each.latex) for each in records if each.region and each.latex]
        with contextlib.suppress(InputError):
            geometry = pdf.geometry(number) if texts and number is not None else None
            if geometry is not None and number is not None:
                overlays.append((number, geometry.to_file(), b"".join(texts)))
    return overlays


def _copied(data: bytes, document: Any, source: str) -> list[Any] | None:
    """Copies the pages of a PDF to a document, and says what stays behind; its layers there. None,
    with a line that says so, where they cannot be copied."""
    import pikepdf

    first = len(document.pages)
    try:
        with pikepdf.open(io.BytesIO(data)) as pages:
            document.pages.extend(pages.pages)
            left, layers = left_behind(pages), layers_of(pages, document)
    except Exception as error:
        del document.pages[first:]
        _say_pictures(source, InputError(damage(error), REMEDY))
        return None
    if left:
        what = f"left out of .pdf, which holds other files, too: {left}"
        console.say(f"{source}: {what}; write one of it alone")
    return [] if layers is None else [layers]


def _say_pictures(source: str, error: Exception) -> None:
    what, remedy = (error.what, error.remedy) if isinstance(error, InputError) else (error, "")
    console.say(
        f"{source}: cannot be opened again for .pdf, which shows its pages with mathematics alone, "
        f"as pictures ({what}); {remedy or 'write .pdf where the file is'}"
    )


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
    head = f"BT 3 Tr {FONT} {size:.2f} Tf {stretch:.3f} Tz 1 0 0 -1 {x0:.2f} {foot:.2f} Tm ("
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
        write(document, page, b"".join(texts), place, before)


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
