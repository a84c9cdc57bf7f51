"""Files of every kind -> pages: dark ink on white, opened one at a time.

Input: a source and a range of pages. Output: `Sheet` objects, which draw a `Page` each. Raises
InputError for files that cannot be opened.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from zipfile import BadZipFile, ZipFile

import cv2
import numpy as np

from hmer_cli.errors import InputError, UsageError
from hmer_cli.geometry import Box, quarters_of, shift
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.notes import kind_of
from hmer_cli.ink.render import WHITE, InkImage, draw, legible_ink_image
from hmer_cli.ink.stray import without_strays
from hmer_cli.page.clean.borders import without_borders
from hmer_cli.page.clean.deskew import Homography, clean_and_straight
from hmer_cli.page.clean.margins import remove_holes
from hmer_cli.page.clean.pale_writing import too_pale, with_pale_writing
from hmer_cli.page.clean.ruled_lines import remove_rules
from hmer_cli.page.clean.spirals import remove_spirals
from hmer_cli.page.load.aspect import Times, squared
from hmer_cli.page.load.decode_apart import TiffDecoder
from hmer_cli.page.load.images import (
    AMPLE,
    Pixels,
    decode,
    decode_reduced,
    measure,
    measure_squaring,
)
from hmer_cli.page.load.kinds import HEAD, foreign_file, inkml_part, is_image, is_pdf, is_zip
from hmer_cli.page.load.page_ink import PageInk, moved, page_ink
from hmer_cli.page.load.pdf import Pdf, Renderer
from hmer_cli.page.load.sources import KINDS, Source
from hmer_cli.page.load.tiff import directories, is_tiff
from hmer_cli.page.load.worker import SHARED, Worker, WorkerError
from hmer_cli.page.load.written import written

_INK = 128  # gray levels: what is darker
_EDGE = 0.005  # of the longer side of a photo: nearer to its edge is cut off

REDRAWN = 3.5
"""Pixels: the pen that ink is redrawn with, whatever its own. Signs that touch for their thickness
fall apart; chosen on notes-truth among 2.5, 3.5, 5 and the pens themselves."""


@dataclass(frozen=True)
class Page:
    """One page: ``image`` is (H, W), dark ink on white; ``written`` is there where the file is ink,
    which then may be a single expression; ``ink`` are the strokes in it, where they are known, and
    the image is ``redrawn`` from them where they are all of it.

    ``number`` counts from 1. The image is upright, and what a photo or a scan shows aslant is
    level. ``to_source``, None where that changes nothing, is the homography from its points to
    those of the source, turned as its EXIF orientation says. ``size`` is the source's, (H, W), of
    a photo or a scan, which is ``warped``, and blurred by that, where it was aslant. ``too_pale``
    are the boxes of signs that were so pale that they were not redrawn; ``strokes_given_up`` says
    that finding the strokes of the file took too much, so that ``ink`` is None.
    """

    source: str
    number: int
    image: Pixels
    written: InkImage | None = None
    to_source: Homography | None = None
    ink: PageInk | None = None
    redrawn: bool = False
    size: tuple[int, int] | None = None
    warped: bool = False
    too_pale: tuple[Box, ...] = ()
    strokes_given_up: bool = False

    @classmethod
    def of(cls, source: str, number: int, image: Pixels, reduced: int = 1) -> Page:
        """The page in a photo or a scan: rectified, deskewed, on evenly white paper.

        ``image``: (H, W), light or dark; ``reduced``: the factor by which it is downscaled.
        """
        height, width = image.shape
        level, to_source = clean_and_straight(image)
        image = without_borders(remove_holes(remove_spirals(level)))
        warped = to_source is not None and not np.array_equal(to_source[:, :2], np.eye(3, 2))
        page = cls(source, number, image, None, to_source, size=(height, width), warped=warped)
        return page.of_larger((reduced, reduced)) if reduced > 1 else page

    def of_larger(self, times: tuple[float, float]) -> Page:
        """The page as that of a source that is so many ``times`` wider and higher."""
        if times == (1.0, 1.0):
            return self
        larger = np.diag([*times, 1.0])
        whole = larger if self.to_source is None else larger @ self.to_source
        height, width = self.size or self.image.shape
        size = round(height * times[1]), round(width * times[0])
        return replace(self, to_source=whole, size=size)

    @cached_property
    def bare(self) -> Pixels:
        """The image without its printed lines, (H, W)."""
        return remove_rules(self.image)

    def turned(self, quarters: int) -> Page:
        """The page rotated counter-clockwise by ``quarters`` right angles."""
        height, width = self.image.shape
        moves = (
            ((1, 0, 0), (0, 1, 0)),
            ((0, -1, width), (1, 0, 0)),
            ((-1, 0, width), (0, -1, height)),
            ((0, 1, 0), (-1, 0, height)),
        )
        back = np.array([*moves[quarters % 4], (0, 0, 1)], np.float64)
        return self._redrawn_as(np.ascontiguousarray(np.rot90(self.image, quarters)), back)

    def reduced(self, pixels: int) -> Page:
        """The page, downscaled where it has more ``pixels``."""
        height, width = self.image.shape
        scale = math.sqrt(pixels / max(height * width, 1))
        if scale >= 1:
            return self
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = np.asarray(cv2.resize(self.image, size, interpolation=cv2.INTER_AREA), np.uint8)
        return self._redrawn_as(image, np.diag([width / size[0], height / size[1], 1.0]))

    def _redrawn_as(self, image: Pixels, back: Homography) -> Page:
        """The page as another image of it, which ``back`` maps to its own."""
        whole = back if self.to_source is None else self.to_source @ back
        there = np.linalg.inv(back).astype(np.float64)
        ink = None if self.ink is None else self.ink.moved(there, image.shape)
        pale = tuple(moved(box, there) for box in self.too_pale)
        return replace(self, image=image, to_source=whole, ink=ink, too_pale=pale)

    def band(self, top: int, foot: int) -> Page:
        """The page with the image and the pale signs between two rows, counted from the first."""
        pale = (shift(box, 0, -top) for box in self.too_pale if top <= box[1] < foot)
        return replace(self, image=self.image[top:foot], too_pale=tuple(pale))

    def with_ink(self, ink: PageInk) -> Page:
        """The page with those of these strokes, in pixels of its source, that are seen on it.

        Where they are all but all of its ink it is drawn anew from them and the signs beside them.
        """
        if self.to_source is not None and len(ink):
            ink = ink.moved(np.linalg.inv(self.to_source).astype(np.float64), ink.shape)
        (shown,) = with_pale_writing(self.image)
        found = replace(ink, shape=self.image.shape).seen_on(self.image, shown)
        if not len(found):
            return self
        if not found.explains(shown, (0, 0)):
            return replace(self, ink=found)
        image = draw(found.strokes, self.image.shape, REDRAWN)
        signs = found.signs_beside(shown)
        image[signs] = np.minimum(image, shown)[signs]
        pale = tuple(box for box in too_pale(shown) if found.is_apart(box))
        return replace(self, image=image, ink=found, redrawn=True, too_pale=pale)

    def in_source(self, box: Box) -> Box:
        """The box, in pixels of the source, round the ink in a box of the image.

        With the same room around the ink, side by side; a box round the slanted box has more.
        """
        if self.to_source is None:
            return box
        x0, y0, x1, y1 = box
        x, y = max(0, math.floor(x0)), max(0, math.floor(y0))
        rows, columns = np.nonzero(self.image[y : math.ceil(y1), x : math.ceil(x1)] < _INK)
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64)
        points = np.stack([columns + x, rows + y], 1) + 0.5 if len(rows) else corners
        there = cv2.perspectiveTransform(points[None], self.to_source)[0]
        around = cv2.perspectiveTransform(corners[None], self.to_source).astype(np.float32)
        scale = math.sqrt(cv2.contourArea(around) / max((x1 - x0) * (y1 - y0), 1))
        room = np.array([*points.min(0) - (x0, y0), *(x1, y1) - points.max(0)])
        room = np.roll(scale * np.maximum(room, 0), quarters_of(self.to_source.ravel().tolist()))
        left, top = there.min(0) - room[:2]
        right, foot = there.max(0) + room[2:]
        return float(left), float(top), float(right), float(foot)

    def is_cut_off(self, box: Box) -> bool:
        """Whether a box reaches the edge of a photo, as parts of a neighbouring system do."""
        return any(self._edges(box))

    def is_of_neighbour(self, box: Box, systems: Sequence[Box]) -> bool:
        """Whether a box is of a neighbour of these systems, which the edge of a photo cuts: it
        reaches the head or foot, or a side on the rows of one.

        Not in a tight crop, in which a system reaches two edges itself.
        """
        reached = self._edges(box)
        if not any(reached) or any(sum(self._edges(system)) > 1 for system in systems):
            return False
        shared = (min(box[3], other[3]) - max(box[1], other[1]) for other in systems)
        beside = max(shared, default=0.0) >= (box[3] - box[1]) / 2
        return bool(systems) and (beside or reached[1] or reached[3])

    def _edges(self, box: Box) -> tuple[bool, bool, bool, bool]:
        """Whether a box reaches the left edge of a photo, its head, right edge and foot."""
        if self.size is None:
            return False, False, False, False
        height, width = self.size
        room = _EDGE * max(self.size)
        x0, y0, x1, y1 = self.in_source(box)
        return x0 <= room, y0 <= room, x1 >= width - room, y1 >= height - room


@dataclass(frozen=True)
class Sheet:
    """A page that is rendered on request by ``draw``.

    ``measure`` returns its number of pixels, 0 if small; ``pixels`` the page as in the source,
    (H, W), None for ink. All may raise InputError. ``ink`` is that of a file of ink.
    """

    source: str
    number: int
    draw: Callable[[], Page]
    measure: Callable[[], int] = lambda: 0
    pixels: Callable[[], Pixels] | None = None
    ink: Ink | None = None


@dataclass(frozen=True)
class PageRange:
    """Which pages of a PDF or a TIFF: ``1-4,7`` or ``3-``; counted from 1, ends included."""

    spans: tuple[tuple[int, int | None], ...]
    text: str

    @classmethod
    def parse(cls, text: str) -> PageRange:
        """Parse a list such as ``1-4,7``. Raises UsageError for anything else."""
        spans = []
        for part in text.split(","):
            match = re.fullmatch(r"\s*([1-9]\d{0,8})\s*(-?)\s*([1-9]\d{0,8})?\s*", part)
            if not match or (match[3] and not match[2]):
                raise UsageError(f"pages {text!r} are not understood", "write them as 1-4,7 or 3-")
            first, last = int(match[1]), int(match[3] or match[1])
            if last < first:
                raise UsageError(f"pages {text!r} run backwards", "write them as 1-4,7")
            spans.append((first, None if match[2] and not match[3] else last))
        return cls(tuple(spans), text)

    def of(self, count: int, name: str) -> list[int]:
        """The chosen among ``count`` pages, in page order; InputError where there is none."""
        chosen = [
            number
            for number in range(1, count + 1)
            if any(first <= number <= (last or count) for first, last in self.spans)
        ]
        if not chosen:
            raise InputError(f"{name}: no page among {self.text}", f"it has {count}")
        return chosen


ALL_PAGES = PageRange(((1, None),), "1-")


def open_sheets(
    source: Source,
    pages: PageRange | None = None,
    renderer: Renderer = "pdfium",
    worker: Worker | None = None,
) -> list[Sheet]:
    """The pages of one file, not rendered yet; the format is recognised by the content.

    ``pages`` chooses among those of PDFs and TIFFs. PDFs are opened in ``worker``, by default one
    that all callers share, and drawn by ``renderer``. Raises InputError.
    """
    name, data = source.name, source.read()
    chosen = pages or ALL_PAGES
    if not data.strip(b"\0 \t\r\n"):
        raise InputError(f"{name}: empty file", "save or export it again")
    foreign = foreign_file(data[:HEAD], name)
    if foreign is not None:
        raise InputError(f"{name}: {foreign[0]}", foreign[1])
    data = inkml_part(data) or data
    if told := written(data[:HEAD], name):
        raise InputError(f"{name}: {told.what}", told.remedy)
    if is_pdf(data):
        pdf = Pdf(data, name, renderer, worker)
        return [
            Sheet(
                name,
                number,
                partial(_pdf_page, pdf, number),
                partial(pdf.measure, number),
                partial(pdf.draw, number),
            )
            for number in chosen.of(pdf.page_count, name)
        ]
    kind = kind_of(data)
    if kind is not None:
        inks = kind.read(data, name)
        numbers = chosen.of(len(inks), name) if len(inks) > 1 else [1]
        return [_ink_sheet(without_strays(inks[n - 1]), name, n) for n in numbers]
    if is_zip(data):
        raise _unopened(data, name)
    if not is_image(data):
        raise InputError(
            f"{name}: not a kind of file that hmer reads",
            f"give {KINDS}, a folder or a zip archive",
        )
    return _image_sheets(data, name, chosen, worker or SHARED)


def _unopened(data: bytes, name: str) -> InputError:
    """What to say of a zip archive where none is opened."""
    try:
        ZipFile(io.BytesIO(data)).close()
    except (BadZipFile, NotImplementedError, ValueError):
        return InputError(f"{name}: damaged or truncated archive", "copy or export it again")
    return InputError(f"{name}: an archive, which is not opened here", "unpack it")


def _image_sheets(data: bytes, name: str, chosen: PageRange, worker: Worker) -> list[Sheet]:
    """The pages of an image file."""
    if not is_tiff(data):
        heads = partial(measure, data, name), partial(measure_squaring, data, name)
        ways = partial(decode, data, name), partial(decode_reduced, data, name)
        return [_sheet(name, 1, *heads, *ways)]
    frames = directories(data, name) or [0]
    numbers = chosen.of(len(frames), name) if len(frames) > 1 else [1]
    decoder = TiffDecoder(data, name, worker)
    return [
        _sheet(
            name,
            n,
            partial(measure, data, name, frame),
            partial(measure_squaring, data, name, frame),
            partial(decoder.decode, frame),
            partial(decoder.decode_reduced, frame),
        )
        for n, frame in ((n, frames[n - 1]) for n in numbers)
    ]


def _sheet(
    name: str,
    number: int,
    measured: Callable[[], int],
    squaring: Callable[[], Times],
    pixels: Callable[[], Pixels],
    reduced: Callable[[], tuple[Pixels, int]],
) -> Sheet:
    """The page of an image file; ``squaring`` says how its pixels become square, ``reduced``
    decodes it with its scale factor."""

    def draw() -> Page:
        image, factor = reduced()
        image, (across, down) = squared(image, squaring(), AMPLE)
        return Page.of(name, number, image, factor).of_larger((1 / across, 1 / down))

    return Sheet(name, number, draw, measured, pixels)


def _pdf_page(pdf: Pdf, number: int) -> Page:
    """The rendered page, with the strokes that the file contains as paths or annotations."""
    pixels = pdf.draw(number)
    page = Page.of(pdf.name, number, pixels)
    height, width = pixels.shape
    try:
        ink = pdf.ink(number, (height, width))
    except WorkerError:
        ink, page = None, replace(page, strokes_given_up=True)
    if ink is not None:
        page = page.with_ink(ink)
    geometry = pdf.geometry(number)
    return page if geometry is None else page.of_larger(geometry.enlargement((width, height)))


def _ink_sheet(ink: Ink, name: str, number: int) -> Sheet:
    return Sheet(name, number, partial(_ink_page, ink, name, number), ink=ink)


def _ink_page(ink: Ink, name: str, number: int) -> Page:
    """The ink drawn; its boxes are in its own units."""
    if not ink.strokes:
        return Page(name, number, np.full((1, 1), WHITE, np.uint8))
    written = legible_ink_image(ink)
    strokes = page_ink(written.strokes, [written.pen] * len(written.strokes), written.image.shape)
    return Page(name, number, written.image, written, written.to_ink, strokes, redrawn=True)
