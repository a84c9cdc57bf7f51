"""PDF pages -> grayscale pixels, drawn by PDFium in a worker process; by poppler only on request.

One renderer for all: the same file must give the same LaTeX whatever else is installed.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from typing import Literal, get_args

import numpy as np
from PIL import Image

from hmer_cli.errors import InputError, MissingError, UsageError
from hmer_cli.page.load.colour import as_gray
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.load.page_ink import PageInk, page_ink
from hmer_cli.page.load.pdf_geometry import DPI, POINTS_PER_INCH, PageGeometry
from hmer_cli.page.load.pdf_strokes import unpacked
from hmer_cli.page.load.worker import (
    CPU_SECONDS,
    MAX_ENDED,
    SHARED,
    WALL_SECONDS,
    Meta,
    Worker,
    WorkerError,
    limit,
)

Renderer = Literal["pdfium", "poppler"]
"""What draws the pages of PDFs."""

MAX_PAGES = 20_000
"""Pages of a file; a larger one must be split."""

_POPPLER = "pdftoppm"
_POPPLER_MEMORY = 2 << 30  # bytes; convention
_POPPLER_SECONDS = 60  # convention


class Pdf:
    """An open PDF; its pages are rendered one at a time, on request.

    Raises InputError for a file that is damaged, encrypted, without a page, or too much to open.
    """

    def __init__(
        self, data: bytes, name: str, renderer: Renderer = "pdfium", worker: Worker | None = None
    ) -> None:
        self.name = name
        self._data = data
        self._key = hashlib.sha256(data).hexdigest()
        self._renderer = renderer
        self._worker = worker or SHARED
        self._ended = 0
        self._geometries: dict[int, PageGeometry | None] = {}
        try:
            answer, _ = self._call("count", {"most": MAX_PAGES + 1})
        except WorkerError as error:
            raise self._given_up("the file", error) from None
        if "error" in answer:
            raise _unopenable(data, name, answer["error"])
        self.page_count = int(answer["pages"])
        if self.page_count > MAX_PAGES:
            raise InputError(f"{name}: more than {MAX_PAGES:,} pages", "split it")
        if self.page_count == 0:
            raise InputError(f"{name}: PDF without a page", "export it again")

    def draw(self, number: int) -> Pixels:
        """The page with this number (from 1), (H, W), as its geometry says. Raises InputError."""
        if self._renderer == "poppler":
            return _draw_with_poppler(self._data, self.name, number, self.geometry(number))
        answer, pixels = self._asked("draw", number)
        if answer.get("error") == "size":
            raise self._too_large(number)
        if "error" in answer:
            raise _undrawable(self.name, number)
        shape = answer["height"], answer["width"], 3
        return as_gray(np.frombuffer(pixels, np.uint8).reshape(shape))

    def measure(self, number: int) -> int:
        """Number of pixels of the rendered page, 0 where that is not known. Raises InputError."""
        geometry = self.geometry(number)
        return 0 if geometry is None else math.prod(geometry.drawn)

    def geometry(self, number: int) -> PageGeometry | None:
        """Where the page lies, and at which scale it is drawn. None where PDFium cannot load it,
        as poppler may. Raises InputError."""
        if number not in self._geometries:
            answer, _ = self._asked("geometry", number)
            known = "error" not in answer
            self._geometries[number] = PageGeometry(**answer["geometry"]) if known else None
        found = self._geometries[number]
        if found is not None and found.scale <= 0:
            raise self._too_large(number)
        return found

    def _too_large(self, number: int) -> InputError:
        return InputError(f"{self.name}: page {number} is too large to draw", "scale it down")

    def _asked(self, function: str, number: int) -> tuple[Meta, bytearray]:
        if self._ended >= MAX_ENDED:
            raise InputError(
                f"{self.name}: page {number} is not drawn, as {MAX_ENDED} before it took too much",
                "print it to a new PDF",
            )
        try:
            answer = self._call(function, {"number": number})
        except WorkerError as error:
            self._ended += 1
            raise self._given_up(f"page {number}", error) from None
        if function == "draw" or self._renderer == "poppler":  # others have a geometry, too
            self._ended = 0
        return answer

    def ink(self, number: int, shape: tuple[int, int]) -> PageInk | None:
        """The handwriting that the page holds as paths, and the places of what else it shows, in
        pixels of its drawing of this shape.

        None where it holds none. Raises WorkerError where finding it passes a limit.
        """
        answer, data = self._call("strokes", {"number": number}, "pdf_strokes")
        strokes = unpacked(answer, data)
        if not strokes:
            return None
        scale = shape[1] / answer["width"]
        pens = [pen * scale for pen in answer["pens"]]
        images, stamps, printed = (
            tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in scale * np.array(answer[key]))
            for key in ("images", "stamps", "print")
        )
        ink = page_ink([s * scale for s in strokes], pens, shape, answer["levels"])
        return replace(ink, images=images, stamps=stamps, printed=printed)

    def _call(self, function: str, meta: Meta, module: str = "pdfium") -> tuple[Meta, bytearray]:
        where = f"hmer_cli.page.load.{module}:{function}"
        return self._worker.call(where, meta, self._data, self._key)

    def _given_up(self, what: str, error: WorkerError) -> InputError:
        if error.reason == "time":
            limit = f"{CPU_SECONDS} s of computing or {WALL_SECONDS} s in all"
            return InputError(f"{self.name}: {what} takes more than {limit}", _REMEDY)
        return InputError(f"{self.name}: {what} takes too much memory or breaks PDFium", _REMEDY)


_REMEDY = "print it to a new PDF, or try --pdf-renderer poppler"


def check_renderer(renderer: str) -> None:
    """Raises UsageError for a renderer that there is not, MissingError for poppler that is not."""
    if renderer not in get_args(Renderer):
        raise UsageError(f"PDF renderer {renderer!r} is not known", "name pdfium or poppler")
    if renderer == "poppler" and not shutil.which(_POPPLER):
        raise MissingError(
            f"poppler is not installed ({_POPPLER} is not found)",
            "install poppler-utils, or leave out --pdf-renderer",
        )


@cache
def version_of(renderer: Renderer) -> str:
    """What a renderer that is no Python package says of its version; "" of others, or if it does
    not run."""
    if renderer != "poppler":
        return ""
    command = [_POPPLER, "-v"]
    try:
        said = subprocess.run(command, capture_output=True, timeout=_POPPLER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stderr.decode("utf-8", "replace").partition("\n")[0]


def _unopenable(data: bytes, name: str, reason: str) -> InputError:
    """What is wrong; PDFium's reason may be that of an earlier file, so the bytes must agree."""
    if "password" in reason.lower() and b"/Encrypt" in data:
        return InputError(f"{name}: encrypted PDF", "remove its password and try again")
    if re.search(rb"/Count\s+0\b", data):
        return InputError(f"{name}: PDF without a page", "export it again")
    return InputError(f"{name}: damaged or truncated PDF", "export it again")


def _draw_with_poppler(
    data: bytes, name: str, number: int, geometry: PageGeometry | None
) -> Pixels:
    """The page by ``pdftoppm``, through pipes: no copy of the file is left behind. It knows no
    UserUnit, so that its resolution has that in it."""
    page, pipe = str(number), subprocess.PIPE
    dpi = DPI if geometry is None else geometry.scale * POINTS_PER_INCH
    command = [_POPPLER, "-r", f"{dpi:.6f}", "-f", page, "-l", page, "-cropbox", "-"]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        limit(process.pid, _POPPLER_SECONDS, _POPPLER_MEMORY)
        try:
            drawn, _ = process.communicate(data, timeout=_POPPLER_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            what = f"page {number} takes poppler more than {_POPPLER_SECONDS} s"
            raise InputError(f"{name}: {what}", "print it to a new PDF") from None
    try:
        image = Image.open(io.BytesIO(drawn), formats=["PPM"])
        return as_gray(np.asarray(image.convert("RGB")))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{name}: page {number} cannot be drawn by poppler") from error


def _undrawable(name: str, number: int) -> InputError:
    return InputError(
        f"{name}: page {number} cannot be drawn",
        "export the PDF again, or try --pdf-renderer poppler",
    )
