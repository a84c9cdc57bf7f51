"""What is known of an expression on its way: as it was read on a page, and as a record of it.

``Region`` (page/regions.py) -> ``Reading`` (read/reading.py) -> ``RegionReading``, of which a page
has some, in its ``Result`` and ``PageRead`` -> ``Record``, which outputs show.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal

from hmer_cli.errors import InputError
from hmer_cli.geometry import Box
from hmer_cli.recognition.reading import Reading, TokenReading

Status = Literal["ok", "low", "failed"]

Transform = tuple[float, ...]
"""The nine numbers of a homography, row by row."""

PUBLIC = ("source", "page", "region", "latex", "label", "confidence", "status", "error", "model")
"""What a line of .jsonl holds."""


@dataclass(frozen=True)
class Picture:
    """A page as hmer saw it: ``width`` by ``height`` pixels, those that boxes are given in.

    ``load`` gives it as the bytes of a WebP file, which may be smaller; it works until the
    outputs are written.
    """

    width: int
    height: int
    load: Callable[[], bytes]


@dataclass(frozen=True)
class RegionReading:
    """One region as it was read: ``region`` as a record gives it, ``box`` and the boxes of the
    tokens in pixels of the page's image, ``key`` the SHA-256 of its ink.
    """

    region: Box
    box: Box
    key: str
    reading: Reading


@dataclass(frozen=True)
class Result:
    """All that was read on one page, in reading order, and the name of the weights.

    ``to_source`` leads from pixels of the page's image to those of the source, or to the units of
    its ink; None where they are the same.
    """

    model: str
    expressions: tuple[RegionReading, ...]
    to_source: Transform | None = None


@dataclass(frozen=True)
class PageRead:
    """A page of a source and what was read there, in reading order.

    ``number`` is None where the source could not be opened; ``error`` says what went wrong;
    ``file`` is the SHA-256 of the source.
    """

    source: str
    number: int | None
    result: Result
    file: str = ""
    error: InputError | None = None
    picture: Picture | None = None


@dataclass(frozen=True)
class Evidence:
    """What a record rests on, for who wants to check it.

    ``key`` is the SHA-256 of the region's ink, by which corrections know it, ``file`` that of the
    file it is in; ``box`` is the region, and the boxes of ``tokens``, which are those that were
    read whatever the record says now, are in pixels of ``picture``.
    """

    key: str
    file: str
    box: Box
    tokens: tuple[TokenReading, ...]
    picture: Picture


@dataclass(frozen=True)
class Record:
    """One expression, or one input or page that gave none (``status`` failed, ``latex`` empty).

    ``latex`` is LaTeX to be pasted, for a correction what was typed; ``label`` is the same in the
    spelling of the field. ``region`` is x0, y0, x1, y1 in pixels of the page (PDF pages are drawn
    at 200 dpi), for InkML in units of its ink; ``confidence`` is the probability, 0 to 1, that
    ``latex`` is right. ``status`` is low where that is under a half or where ``error`` says why
    LaTeX would refuse it. ``correction`` is what a person said it is, empty where that was: no
    mathematics.
    ``tokens`` are those that were read, whatever the record says now, in pixels of the page's
    image; ``evidence`` is there where an output asks for it. ``internal``: it failed by a fault of
    hmer.
    """

    source: str
    page: int | None
    region: Box | None
    latex: str
    label: str = field(default="", kw_only=True)
    confidence: float
    status: Status
    error: str | None
    model: str
    correction: str | None = None
    tokens: tuple[TokenReading, ...] = field(default=(), repr=False, compare=False)
    evidence: Evidence | None = field(default=None, repr=False, compare=False)
    internal: bool = False

    @property
    def usable(self) -> bool:
        """Whether ``latex`` can stand in a document: something was read and it compiles."""
        return self.status != "failed" and self.error is None

    @property
    def dismissed(self) -> bool:
        """Whether a person said that there is no expression, so that no document has one."""
        return self.correction == ""


def expression_ids(records: Sequence[Record]) -> list[str]:
    """One id a record, such as ``notes-p2-r1``: the source's stem, the page, the region on it.

    Ids hold only letters, digits and hyphens, and are unique. Where two sources have one stem,
    both go by their whole path instead. No id depends on the order of the inputs.
    """
    return numbered_ids(records, source_ids(record.source for record in records))


def numbered_ids(records: Iterable[Record], stems: Mapping[str, str]) -> list[str]:
    """The ids of records, whole pages of them, of sources with these parts of the id."""
    counts: dict[tuple[str, int | None], int] = {}
    ids = []
    for record in records:
        place = (record.source, record.page)
        counts[place] = counts.get(place, 0) + 1
        ids.append(f"{stems[record.source]}-p{record.page or 0}-r{counts[place]}")
    return ids


def source_ids(sources: Iterable[str]) -> dict[str, str]:
    """Source -> its part of the id: the file's stem, else the path, else the path and a digest."""
    names = {source: _slug(_stem(source)) for source in dict.fromkeys(sources)}
    names = _renamed_where_shared(names, _slug)
    return _renamed_where_shared(names, lambda source: f"{_slug(source)}-{_digest(source)}")


def _renamed_where_shared(names: dict[str, str], rename: Callable[[str], str]) -> dict[str, str]:
    uses = Counter(names.values())
    return {source: rename(source) if uses[name] > 1 else name for source, name in names.items()}


def _stem(source: str) -> str:
    return "stdin" if source == "-" else PurePath(source).stem


def _slug(text: str) -> str:
    """ASCII letters, digits and hyphens; a digest stands in for the letters that are lost."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    lost = any(c.isalnum() and not c.isascii() for c in plain)
    words = re.findall(r"[A-Za-z0-9]+", plain)
    return "-".join([*words, _digest(text)] if lost or not words else words)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:6]


def count(number: int, what: str) -> str:
    """``1 page``, ``2 pages``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
