"""Xournal and Xournal++ files (.xoj, .xopp) -> ink, page by page, in points (1/72 inch).

Input: XML, plain, gzipped, or as ``content.xml`` in a zip archive with its backgrounds:
``xournal/page/layer/stroke``, whose text is ``x0 y0 x1 y1 ...``. Output: one `Ink` per page.
Excluded are highlighters and erasers (``tool``), translucent colours (``#rrggbbaa``), strokes
beyond the edges of the page, and the background, which is no handwriting.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Collection, Iterator

import numpy as np
from lxml import etree

from hmer_cli.errors import InputError
from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.ink.packed_text import GZIP, ZIP, gunzipped, member, members, parse_xml
from hmer_cli.ink.strokes import ink_of, stroke_of

CONTENT = "content.xml"

_OPAQUE = 0xC0  # of 255: pens are opaque, Xournal++'s highlighter has 0x7f
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
    pages = enumerate(root.iter("page"), start=1)
    return [ink_of(list(_strokes(page, f"{name}: page {n}")), name) for n, page in pages]


def _beginning(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data[:4096], 1000)
    except zlib.error:
        return b""


def _strokes(page: etree._Element, what: str) -> Iterator[Stroke]:
    edge = np.array([_length(page.get("width")), _length(page.get("height"))])
    for number, stroke in enumerate(page.iterfind("layer/stroke"), start=1):
        if stroke.get("tool", "pen") != "pen" or _lets_through(stroke.get("color", "")):
            continue
        numbers = (stroke.text or "").split()
        points = stroke_of(numbers[: len(numbers) // 2 * 2], f"{what}, stroke {number}")
        if ((points >= 0) & (points <= edge)).all(axis=1).any():
            yield points


def _length(text: str | None) -> float:
    """A side of the page in points; infinite if it is not given."""
    try:
        length = float(text or "inf")
    except ValueError:
        return math.inf
    return length if length > 0 else math.inf


def _lets_through(colour: str) -> bool:
    alpha = re.fullmatch(r"#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})", colour)
    return alpha is not None and int(alpha[1], 16) < _OPAQUE
