"""Domain types of the pipeline, from a region of a page to a record of the output.

``Region`` (page/regions.py) -> ``Reading`` (recognition/reading.py) -> ``RegionReading``; those of
a page are its ``Result``, in a ``PageRead`` -> ``Record``, one an expression, which outputs show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hmer_cli.errors import InputError
from hmer_cli.expr.to_latex import latex_of_tokens
from hmer_cli.expr.validity import problems
from hmer_cli.geometry import Box
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import Image
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading

Status = Literal["ok", "low", "failed"]

Spelling = Literal["typed", "tokens"]
"""How ``latex`` is spelt: as a person types it, or token by token in the field's way."""

Mark = Literal["", "item", "underlined", "unread", "math"]
"""What a word is besides a word, or instead."""

Transform = tuple[float, ...]
"""The nine numbers of a homography, row by row."""

PUBLIC = ("source", "page", "region", "latex", "label", "confidence", "status", "error", "model")
"""The fields of a record that outputs give as they are."""


@dataclass(frozen=True)
class Picture:
    """A cleaned page of ``width`` by ``height`` pixels, the unit of its boxes.

    ``load`` returns it as a WebP file, possibly downscaled; valid until the outputs are written.
    """

    width: int
    height: int
    load: Callable[[], bytes]


@dataclass(frozen=True)
class Handwriting:
    """What stands in one region: its ``image`` (H, W), dark ink on white, and where it was read by
    its strokes those, as ``ink`` in the units of the region."""

    image: Image
    ink: Ink | None = None


@dataclass(frozen=True)
class Surroundings:
    """How a region was found on its page: ``changed`` from what the search had found there, as
    grown, cut, joined or added; its first or last sign is ``loose``, no nearer to the others than
    to ink in no region. ``confidence`` is that of its reading, where it is cut as it should be."""

    changed: bool
    loose: bool
    confidence: float = 0.0


@dataclass(frozen=True)
class RegionReading:
    """The reading of one region: ``region`` in source coordinates, ``box`` and the boxes of the
    tokens in pixels of the page's image, ``key`` the SHA-256 of its ink; ``words`` is what it says
    if it is no mathematics, empty where it is not likely words; ``doubt`` is what else speaks
    against the reading; ``handwriting`` is set if an output needs it, ``surroundings`` where it is
    one of several on a page that was just read.
    """

    region: Box
    box: Box
    key: str
    reading: Reading
    words: str = ""
    doubt: str = ""
    handwriting: Handwriting | None = field(default=None, repr=False, compare=False)
    surroundings: Surroundings | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class TextWord:
    """A word on a page: ``box`` in source coordinates, ``line`` the number of its line, which words
    of one line share, from the top or after those, ``confidence`` (0 to 1) the mean of its
    characters'. ``mark``: it begins an item of a list, it is underlined, it is mathematics, and
    the text is LaTeX, or it is ink that was not read, and the text is empty.
    """

    text: str
    box: Box
    line: int
    confidence: float
    mark: Mark = ""

    @property
    def is_read(self) -> bool:
        """Whether it has a text."""
        return self.mark != "unread" and bool(self.text)


@dataclass(frozen=True)
class Drawing:
    """Ink of a page that is no writing: ``region`` in source coordinates, ``box`` in pixels of the
    page's image."""

    region: Box
    box: Box


@dataclass(frozen=True)
class Result:
    """The readings of one page, in reading order, and the name of the weights.

    ``to_source`` maps pixels of the page's image to those of the source, or to the units of its
    ink; None for the identity. ``text`` are the words besides, line by line, and ``drawings`` what
    is no writing, where they are asked for.
    """

    model: str
    expressions: tuple[RegionReading, ...]
    to_source: Transform | None = None
    text: tuple[TextWord, ...] = ()
    drawings: tuple[Drawing, ...] = ()


@dataclass(frozen=True)
class PageRead:
    """A page of a source with its readings.

    ``number`` is None if the source could not be opened; ``error`` is the reason of a failure;
    ``file`` is the SHA-256 of the source. ``typed`` are the boxes of regions that a person cut,
    with what was typed for them; ``recuts`` are those corrections, as entries of a file.
    ``original`` gives the bytes of the source, where they can still be had.
    """

    source: str
    number: int | None
    result: Result
    file: str = ""
    error: InputError | None = None
    picture: Picture | None = None
    typed: Mapping[Box, str | None] = field(default_factory=dict)
    recuts: tuple[dict[str, Any], ...] = ()
    original: Callable[[], bytes] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Evidence:
    """The data behind a record, for review pages.

    ``key`` is the SHA-256 of the region's ink, to which corrections refer, empty for a whole page
    on which nothing was found, ``file`` that of its file; ``box`` of the region and those of
    ``tokens``, as recognised (before any correction), are in pixels of ``picture``; ``label`` is
    what was read, also where the recogniser places no tokens. ``recuts`` are the corrections of
    regions applied to the page; ``original`` gives the bytes of the file. ``meant`` are the key and
    the box of what a person corrected, where that was plainly another region.
    """

    key: str
    file: str
    box: Box
    tokens: tuple[TokenReading, ...]
    picture: Picture
    recuts: tuple[dict[str, Any], ...] = ()
    original: Callable[[], bytes] | None = None
    label: str = ""
    meant: tuple[str, Box] | None = None


@dataclass(frozen=True)
class Record:
    """One expression, or one input or page that gave none (``status`` failed, ``latex`` empty).

    ``latex`` is to be pasted, for a correction what was typed; ``label`` is the same in the
    field's spelling. ``region`` is x0, y0, x1, y1 in pixels of the page (PDF pages are drawn at 200
    dpi), for InkML in units of its ink; ``confidence`` is the probability, 0 to 1, that ``latex``
    is right. ``status`` is low if that is under a half or ``error`` is the reason why it is
    doubtful. ``correction`` is what a person typed, empty for "no mathematics". ``alternatives``
    are other readings, likeliest first; none where it was corrected. ``tokens`` are those
    recognised (before any correction), in the unit of ``region``; ``evidence`` is set if an output
    needs it, as is ``handwriting``. ``key`` is the SHA-256 of the ink, empty where there is none.
    ``internal``: the failure is a bug of hmer; ``prose``: it is none, as the source has words,
    which were asked for, or mathematics on other pages. ``lines`` are the records of the lines that
    a derivation was joined from; ``beside``, of the first of a source, are the pages of that on
    which nothing was found, for review pages. ``in_tokens``: ``latex`` was asked for in the
    spelling of ``label``.
    """

    source: str
    page: int | None
    region: Box | None
    latex: str
    label: str = field(default="", kw_only=True)
    key: str = field(default="", kw_only=True, repr=False, compare=False)
    confidence: float
    status: Status
    error: str | None
    model: str
    correction: str | None = None
    alternatives: tuple[Alternative, ...] = field(default=(), compare=False)
    tokens: tuple[TokenReading, ...] = field(default=(), repr=False, compare=False)
    evidence: Evidence | None = field(default=None, repr=False, compare=False)
    handwriting: Handwriting | None = field(default=None, repr=False, compare=False)
    internal: bool = False
    lines: tuple[Record, ...] = field(default=(), repr=False, compare=False)
    beside: tuple[Record, ...] = field(default=(), repr=False, compare=False)
    prose: bool = False
    in_tokens: bool = False

    @property
    def has_failed(self) -> bool:
        """Whether nothing was read of what was asked for."""
        return self.status == "failed" and not self.prose

    @property
    def shown(self) -> Evidence | None:
        """What the record rests on, if that is ink; None for a page on which nothing was found."""
        return self.evidence if self.evidence is not None and self.evidence.key else None

    @property
    def usable(self) -> bool:
        """Whether ``latex`` can be put in a document: not empty, and it compiles. What has a doubt
        can, unless the doubt is that LaTeX would refuse it; what was typed was checked before."""
        known = self.error is None or self.correction is not None
        return self.status != "failed" and (known or not problems(self.label))

    @property
    def dismissed(self) -> bool:
        """Whether a correction says that there is no expression."""
        return self.correction == ""


def spelt_in_tokens(record: Record) -> Record:
    """The record and its lines with ``latex`` in the field's spelling, as LaTeX takes it."""
    lines = tuple(spelt_in_tokens(line) for line in record.lines)
    return replace(record, latex=latex_of_tokens(record.label), in_tokens=True, lines=lines)


def count(number: int, what: str) -> str:
    """``1 page``, ``2 pages``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
