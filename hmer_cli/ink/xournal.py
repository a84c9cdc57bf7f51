"""Xournal and Xournal++ files (.xoj, .xopp) -> ink, page by page, in points (1/72 inch).

Input: XML, plain, gzipped, or as ``content.xml`` in a zip archive with its backgrounds:
``xournal/page/layer/stroke``, whose text is ``x0 y0 x1 y1 ...``. Output: one `Ink` per page.
Excluded are highlighters (``tool``), broad lines in translucent colours (``#rrggbbaa``), strokes
beyond the edges of the page, and the background, which is no handwriting. Erasers (Xournal's
white-out), and strokes in the colour of the paper, erase what lies under them. Over a PDF or an
image, whose colour is unknown, white strokes are ink where nothing is dark. Text and images are
named as left out.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Collection, Iterator

import numpy as np
from lxml import etree

from hmer_cli.errors import InputError
from hmer_cli.geometry import Box
from hmer_cli.ink.colours import BLACK, WHITE, Colour, colour_of
from hmer_cli.ink.ink import Ink, LeftOut
from hmer_cli.ink.packed_text import GZIP, ZIP, gunzipped, member, members, parse_xml
from hmer_cli.ink.painted import Painted, strokes_of
from hmer_cli.ink.strokes import check_count, check_pages, ink_of, stroke_of

CONTENT = "content.xml"

_PAPERS = {"blue": "#a0e8ff", "pink": "#ffc0d4", "green": "#80ffc0", "orange": "#ffc080",
           "yellow": "#ffff80"}  # fmt: skip
"""What Xournal means by the names of its papers."""
_SHOWN = ("pdf", "pixmap")  # backgrounds without a colour
_NOT_READ = {"text": "text", "image": "image", "teximage": "typeset formula"}
_ROOT = re.compile(rb"<xournal[\s>]")


def is_xournal(data: bytes) -> bool:
    """Whether this is a file of Xournal or Xournal++."""
    if data.startswith(ZIP):
        return is_packed(members(data))
    if data.startswith(GZIP):  # no other gzip is read, and a damaged one shows no root
        text = _beginning(data)
        return not text or _ROOT.search(text) is not None
    return _ROOT.search(data[:1000]) is not None


def is_packed(names: Collection[str]) -> bool:
    """Whether a zip archive with these members is a file of Xournal++."""
    return CONTENT in names and "META-INF/version" in names


def read_xournal(data: bytes, name: str) -> list[Ink]:
    """The ink of every page, some perhaps without strokes. Raises InputError."""
    if data.startswith(ZIP):
        data = member(data, CONTENT, name)
    elif data.startswith(GZIP):
        data = gunzipped(data, f"{name}: Xournal++ notes")
    root = parse_xml(data, f"{name}: Xournal++ notes")
    if root.tag != "xournal":
        raise InputError(f"{name}: not a file of Xournal++", "save it again, or export it as PDF")
    pages = list(root.iter("page"))
    check_pages(len(pages), name)
    return [
        _page(page, name, f"{name}: page {number}") for number, page in enumerate(pages, start=1)
    ]


def _beginning(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data[:4096], 1000)
    except zlib.error:
        return b""


def _page(page: etree._Element, name: str, what: str) -> Ink:
    painted = list(_painted(page, what))
    check_count(painted, what)
    lines, left_out = strokes_of(painted, _paper(page))
    for element in page.iterfind("layer/*"):
        if element.tag in _NOT_READ and (element.tag != "text" or (element.text or "").strip()):
            left_out.append(LeftOut(_NOT_READ[element.tag], _box(element)))
    return ink_of([stroke_of(line, what) for line in lines], name, left_out)


def _paper(page: etree._Element) -> Colour | None:
    """The colour of the paper; None over a PDF or an image, which may be dark."""
    background = page.find("background")
    if background is not None and background.get("type") in _SHOWN:
        return None
    colour = "" if background is None else background.get("color") or ""
    return colour_of(_PAPERS.get(colour, colour)) or WHITE


def _painted(page: etree._Element, what: str) -> Iterator[Painted]:
    """The lines of pens and erasers that are seen on a page, in order."""
    edge = np.array([_length(page.get("width")), _length(page.get("height"))])
    for number, stroke in enumerate(page.iterfind("layer/stroke"), start=1):
        tool, colour = stroke.get("tool", "pen"), stroke.get("color", "")
        if tool == "highlighter":
            continue
        numbers = (stroke.text or "").split()
        points = stroke_of(numbers[: len(numbers) // 2 * 2], f"{what}, stroke {number}")
        if ((points >= 0) & (points <= edge)).all(axis=1).any():
            seen = colour_of(colour) or BLACK
            width = _number((stroke.get("width") or "").partition(" ")[0])
            closed = len(points) > 2 and bool((points[0] == points[-1]).all())
            yield Painted(
                points.astype(np.float64), seen, None, width, closed, erases=tool == "eraser"
            )


def _box(element: etree._Element) -> Box | None:
    """The place of a text (that of its beginning) or an image; None where it is not given."""
    keys = "x y x y" if element.get("x") else "left top right bottom"
    found = [_number(element.get(key)) for key in keys.split()]
    return (found[0], found[1], found[2], found[3]) if element.get(keys.split()[0]) else None


def _number(text: str | None) -> float:
    """The number, 0 where there is none."""
    try:
        found = float(text or 0)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0


def _length(text: str | None) -> float:
    """A side of the page in points; infinite if it is not given."""
    try:
        length = float(text or "inf")
    except ValueError:
        return math.inf
    return length if length > 0 else math.inf
