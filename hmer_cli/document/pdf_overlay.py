"""Text over the pages of a PDF, by pikepdf; a PDF of others is opened in a worker process.

Input: the bytes of a PDF, and for each page the operators to write over it. Output: the bytes of
that PDF with them, all else as it was. pikepdf unpacks what a file says, without a limit of its
own; in the worker memory and time are limited.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Sequence
from typing import Any

from hmer_cli import __version__
from hmer_cli.errors import InputError
from hmer_cli.page.load.pdf_geometry import Affine
from hmer_cli.page.load.worker import MEMORY, SHARED, Meta, WorkerError, wall_seconds

FONT = "/HmerCourier"
SECONDS = 20
"""Processor time for a file; 100 MB of scans take 2."""

REMEDY = "print it to a new PDF"

Overlay = tuple[int, Affine, bytes]
"""Number of a page from 1, the place of the units of its operators on it, and these."""


def written_over(data: bytes, key: str, overlays: Sequence[Overlay], packed: bool) -> bytes:
    """The PDF with these operators over its pages; ``key`` is another for other data. Unless
    ``packed``, no object of it is in a stream, so that opening it unpacks nothing.

    Raises InputError where it is damaged, or passes a limit of time or memory.
    """
    pages = [(number, place, content.decode("latin-1")) for number, place, content in overlays]
    call = f"{__name__}:write_here"
    try:
        answer, made = SHARED.call(
            call, {"pages": pages, "packed": packed}, data, key, MEMORY, SECONDS
        )
    except WorkerError as error:
        limit = f"more than {SECONDS} s of computing or {wall_seconds(SECONDS):g} s in all"
        taken = limit if error.reason == "time" else "too much memory, or breaks qpdf"
        raise InputError(f"it takes {taken}", REMEDY) from None
    if "error" in answer:
        raise InputError(answer["error"], REMEDY)
    return bytes(made)


def write_here(meta: Meta, data: bytes) -> tuple[Meta, bytes]:
    """The worker's side: the PDF, or ``{"error"}`` of one that is damaged."""
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(data)) as document:
            for number, place, content in meta["pages"]:
                if number <= len(document.pages):
                    page = document.pages[number - 1]
                    write(document, page, content.encode("latin-1"), place)
            how = pikepdf.ObjectStreamMode
            mode = how.preserve if meta["packed"] else how.disable
            made = saved(document, compress_streams=True, object_stream_mode=mode)
            if any("bad_alloc" in str(each) for each in document.get_warnings()):
                raise MemoryError  # for want of which parts are left out
            return {}, made
    except MemoryError:
        raise  # as any other end of this process
    except Exception as error:
        return {"error": damage(error)}, b""


def damage(error: Exception) -> str:
    """What a damaged file made pikepdf raise, in words; the stream that it names is nobody's."""
    return "damaged: " + re.sub(r"^stream <[^>]*>:? ?", "", str(error))


def write(document: Any, page: Any, content: bytes, place: Affine, before: bytes = b"") -> None:
    """Writes over a page that stays as it is, in units that lie in their ``place`` on it;
    ``before`` is drawn first."""
    import pikepdf

    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Courier"}
    font["/Encoding"] = "/WinAnsiEncoding"
    entries = pikepdf.Dictionary({key: pikepdf.Name(value) for key, value in font.items()})
    if not isinstance(page.obj.get("/Resources", entries), pikepdf.Dictionary):
        page.obj["/Resources"] = pikepdf.Dictionary()  # damaged; older pikepdf stops at that
    page.add_resource(document.make_indirect(entries), pikepdf.Name("/Font"), pikepdf.Name(FONT))
    page.contents_add(_stream(document, b"q\n"), prepend=True)
    matrix = " ".join(f"{number:.12f}".rstrip("0") for number in place).encode()
    shown = b"\nQ q %s cm\n%sQ\n" % (matrix, before + content)
    page.contents_add(_stream(document, shown))


def _stream(document: Any, content: bytes) -> Any:
    import pikepdf

    return document.make_stream(zlib.compress(content), Filter=pikepdf.Name.FlateDecode)


def saved(document: Any, **options: Any) -> bytes:
    """The file, known as hmer's by its producer, which stands in it as it is spelt; ``options`` of
    pikepdf."""
    import pikepdf

    known = {name: value for name, value in document.docinfo.items() if name != "/Producer"}
    known["/Producer"] = pikepdf.String(f"hmer {__version__}")
    document.trailer["/Info"] = document.make_indirect(pikepdf.Dictionary(known))
    buffer = io.BytesIO()
    document.save(buffer, deterministic_id=True, encryption=False, **options)
    return buffer.getvalue()
