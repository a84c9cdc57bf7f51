"""PDF pages -> grayscale pixels: poppler where it is installed, PDFium otherwise."""

from __future__ import annotations

import re
import shutil
import threading

import numpy as np
import pypdfium2 as pdfium

from hmer_cli.errors import InputError
from hmer_cli.page.load.images import MAX_PIXELS, Pixels
from hmer_cli.page.pdf_ink import PenStroke, page_strokes

DPI = 200
"""Pages are drawn at this resolution, or below it where MAX_PIXELS would be passed."""

_POINTS_PER_INCH = 72
_pdfium = threading.Lock()  # PDFium is not made for threads


class Pdf:
    """An open PDF; its pages are drawn one at a time, when they are asked for.

    Raises InputError for a file that is damaged, encrypted or without a page.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self._data = data
        with _pdfium:
            self._document = _open(data, name)
            self.page_count = len(self._document)

    def draw(self, number: int) -> Pixels:
        """The page with this number (from 1), (H, W) at ``DPI``. Raises InputError."""
        dpi = self._dpi(number)
        if shutil.which("pdftoppm"):
            return _draw_with_poppler(self._data, self.name, number, dpi)
        with _pdfium:
            try:
                bitmap = self._document[number - 1].render(
                    scale=dpi / _POINTS_PER_INCH, grayscale=True
                )
                return np.array(bitmap.to_numpy(), dtype=np.uint8).reshape(
                    bitmap.height, bitmap.width
                )
            except pdfium.PdfiumError as error:
                raise _undrawable(self.name, number) from error

    def strokes(self, number: int) -> list[PenStroke]:
        """The handwriting on the page that is drawn as paths, in points of the page."""
        with _pdfium:
            try:
                return page_strokes(self._document[number - 1])
            except pdfium.PdfiumError:
                return []

    def width(self, number: int) -> float:
        """The width of the page in points."""
        with _pdfium:
            return float(self._document[number - 1].get_width())

    def _dpi(self, number: int) -> int:
        with _pdfium:
            try:
                width, height = self._document[number - 1].get_size()
            except pdfium.PdfiumError as error:
                raise _undrawable(self.name, number) from error
        square_inches = width * height / _POINTS_PER_INCH**2
        dpi = min(DPI, int((MAX_PIXELS / max(square_inches, 1e-6)) ** 0.5))
        if dpi < 1:
            raise InputError(f"{self.name}: page {number} is too large to draw", "scale it down")
        return dpi


def _open(data: bytes, name: str) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        raise _unopenable(data, name, str(error)) from error


def _unopenable(data: bytes, name: str, reason: str) -> InputError:
    """What is wrong; PDFium's reason may be that of an earlier file, so the bytes must agree."""
    if "password" in reason.lower() and b"/Encrypt" in data:
        return InputError(f"{name}: encrypted PDF", "remove its password and try again")
    if re.search(rb"/Count\s+0\b", data):
        return InputError(f"{name}: PDF without a page", "export it again")
    return InputError(f"{name}: damaged or truncated PDF", "export it again")


def _draw_with_poppler(data: bytes, name: str, number: int, dpi: int) -> Pixels:
    import pdf2image
    import pdf2image.exceptions

    try:
        pages = pdf2image.convert_from_bytes(
            data, dpi=dpi, first_page=number, last_page=number, grayscale=True
        )
    except pdf2image.exceptions.PDFPageCountError as error:
        raise _undrawable(name, number) from error
    if not pages:
        raise _undrawable(name, number)
    return np.asarray(pages[0].convert("L"))


def _undrawable(name: str, number: int) -> InputError:
    return InputError(f"{name}: page {number} cannot be drawn", "export the PDF again")
