r"""Data sets of whole pages: boxes of their expressions and, in some, labels.

Input: a folder or zip archive of truths. Output: a `PageDataset` (or an `ExpressionDataset`).
A truth is a JSON file, in pixels of the page as it lies in its file (PDFs at 200 dpi; units of the
ink), that holds either ``formulas``, a list of boxes, or ``expressions``, each with a ``box``, its
``latex`` as a label, a ``kind`` (display or inline) and whether the truth is ``sure``; and then
``skip``, boxes that are ignored in scoring. Boxes are x0, y0, x1, y1.

``NAME.json`` is the truth of the page ``NAME.*``, and ``NAME-pP.json`` that of page P of ``NAME.*``
where no file has the whole name. The files are looked for beside the truths, then in the folder of
the same name without ``-truth``: those of ``notes-truth`` lie in ``notes``. A page in another
subfolder than its truth is found by its name, if no other has that. Other JSON files are passed
over, but beside a page what cannot be read as JSON is a broken truth.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar, cast

import numpy as np

from hmer_cli.console import one_line
from hmer_cli.data.captions import CAPTIONS, tell
from hmer_cli.data.store import INKML, Store, open_store, stem
from hmer_cli.datasets.expressions import Sample, as_label, samples_of
from hmer_cli.errors import InputError, UsageError
from hmer_cli.expr.tokens import tokenize
from hmer_cli.geometry import Box
from hmer_cli.page.clean.deskew import Homography
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.load.pages import Page, PageRange, Sheet, open_sheets
from hmer_cli.page.load.sources import ENDINGS, Source

Kind = Literal["display", "inline"]

TRUTH = ".json"
SUFFIX = "-truth"

_FIELDS = "each expression has a box of four numbers, latex, and a kind, display or inline"
_REMEDY = "put it beside the truth, or name its folder with --pages"
_BROKEN = "mend it, or move it away if it is no truth of a page"

_MAX_BYTES = 16 << 20  # of a page's truth; scan-pages has 5,000 at most
_FAR = 1e9  # pixels

_PAGE = re.compile(r"(?P<name>.+)-p(?P<number>[1-9]\d{0,5})")


@dataclass(frozen=True)
class TrueExpression:
    """An annotated expression of a page; not ``sure`` if it is ambiguous."""

    box: Box
    label: str
    kind: Kind = "display"
    sure: bool = True


@dataclass(frozen=True)
class TruePage:
    """A page with its annotations.

    ``boxes`` are those of all its expressions, in pixels. ``expressions`` is None if there are no
    labels; the boxes ``skip`` are ignored in scoring.
    """

    name: str
    source: Source
    number: int
    boxes: tuple[Box, ...]
    expressions: tuple[TrueExpression, ...] | None = None
    skip: tuple[Box, ...] = ()

    def sheet(self) -> Sheet:
        """The page, not drawn yet; raises InputError."""
        (sheet,) = open_sheets(self.source, PageRange.parse(str(self.number)))
        if sheet.number != self.number:  # of a file of one page
            raise self.absent()
        return sheet

    def absent(self) -> InputError:
        """What to say of a page that its file lacks."""
        what = f"{self.source.name}: has no page {self.number}, of which {self.name}{TRUTH} is"
        return InputError(what, "name the truth after a page that is there")

    def page(self) -> Page:
        """The page as it is searched; raises InputError."""
        return self.sheet().draw()

    def picture(self) -> tuple[Pixels, Homography]:
        """The page as it lies in its file, and what leads from its boxes to pixels of that: these
        are others for ink, and for a page drawn smaller than its boxes say.

        Raises InputError.
        """
        sheet = self.sheet()
        page = sheet.draw()
        if sheet.pixels is None:
            to_source = np.eye(3) if page.to_source is None else page.to_source
            return page.image, np.linalg.inv(to_source).astype(np.float64)
        pixels = sheet.pixels()
        size = page.size or pixels.shape
        return pixels, np.diag([pixels.shape[1] / size[1], pixels.shape[0] / size[0], 1.0])


T = TypeVar("T")


@dataclass(frozen=True)
class ExpressionDataset:
    """Files of one expression each, sorted by name."""

    path: str
    samples: tuple[Sample, ...]

    def drawn(self, count: int, seed: int) -> ExpressionDataset:
        """So many of them, drawn at random, in their order."""
        return ExpressionDataset(self.path, _drawn(self.samples, count, seed))


@dataclass(frozen=True)
class PageDataset:
    """Pages with known expressions, sorted by name."""

    path: str
    pages: tuple[TruePage, ...]

    def drawn(self, count: int, seed: int) -> PageDataset:
        """So many of them, drawn at random, in their order."""
        return PageDataset(self.path, _drawn(self.pages, count, seed))

    @property
    def labelled(self) -> bool:
        """Whether its expressions have labels."""
        return any(page.expressions is not None for page in self.pages)


def _drawn(items: tuple[T, ...], count: int, seed: int) -> tuple[T, ...]:
    chosen = random.Random(seed).sample(range(len(items)), min(count, len(items)))
    return tuple(items[i] for i in sorted(chosen))


def open_any(
    path: str, split: str | None = None, limit: int | None = None, pages: str | None = None
) -> ExpressionDataset | PageDataset:
    """Open the data set in a folder or archive, of either kind; the first ``limit`` items.

    ``pages`` is the folder or archive of the page files, if it is neither that of the truths nor
    the one of the same name without ``-truth``.

    Raises UsageError for a wrong split or limit, InputError if there is nothing to score, or the
    truth of a page is broken.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit {limit}: there must be at least one")
    store = open_store(path)
    truths, broken = _truths(store)
    files = _Files(_stores(store, pages) if truths or broken else iter(()))
    if truths or not _has_labels(store):
        for name, error in broken.items():
            if files.find(name):
                raise error
    if not truths:
        if pages is not None:
            raise UsageError(f"{path}: holds no pages", "--pages is for pages with known boxes")
        return ExpressionDataset(path, tuple(samples_of(store, split, limit)))
    if split is not None:
        raise UsageError(f"{path}: pages have no splits", "leave --split out")
    tell(store)
    if not any(map(files.find, truths)):
        raise InputError(f"{path}: truths of pages, but not the pages", _REMEDY)
    counts = Counter(map(stem, truths))
    found = [
        TruePage(
            stem(name) if counts[stem(name)] == 1 else name,
            *(files.find(name) or _absent(name)),
            **truth,
        )
        for name, truth in truths.items()
    ]
    _check(store, truths, found)
    return PageDataset(path, tuple(found[:limit]))


def _truths(store: Store) -> tuple[dict[str, dict[str, Any]], dict[str, InputError]]:
    """Truths by their paths without ending, and the errors of files that may be others, broken."""
    truths: dict[str, dict[str, Any]] = {}
    broken: dict[str, InputError] = {}
    for name in store.ending(TRUTH):
        try:
            truth = _truth(store.read(name), store.where(name))
        except _UnknownError as error:
            broken[name[: -len(TRUTH)]] = error
            continue
        if truth is not None:
            truths[name[: -len(TRUTH)]] = truth
    return truths, broken


def _has_labels(store: Store) -> bool:
    """Whether it may be a data set of single expressions."""
    return bool(store.ending(INKML)) or any(PurePosixPath(n).name == CAPTIONS for n in store.names)


def _check(store: Store, truths: Mapping[str, Any], pages: Sequence[TruePage]) -> None:
    """Raise InputError where some pages have labels and others do not, or one has two truths."""
    if any("expressions" in truth for truth in truths.values()):
        for name, truth in truths.items():
            if "expressions" not in truth and truth["boxes"]:
                what = f"{store.where(name + TRUTH)}: boxes without labels, which other pages have"
                raise InputError(what, "give all pages expressions, or evaluate them apart")
    known: dict[tuple[str, int], TruePage] = {}
    for page in pages:
        other = known.setdefault((page.source.name, page.number), page)
        if other is not page:
            what = f"{page.source.name}: page {page.number} has two truths"
            raise InputError(what, f"move away {other.name}{TRUTH} or {page.name}{TRUTH}")


def _stores(store: Store, pages: str | None) -> Iterator[Store]:
    """The stores to search for page files, in order."""
    if pages is not None:
        yield open_store(pages)
        return
    yield store
    place = Path(store.path).resolve()
    name = place.name if place.is_dir() else place.stem  # a folder's name may hold a dot
    if name.endswith(SUFFIX) and name != SUFFIX:
        sibling = place.with_name(name.removesuffix(SUFFIX))
        if sibling.is_dir():
            yield open_store(sibling)


class _Files:
    """Page files by the paths of their truths, without endings."""

    def __init__(self, stores: Iterator[Store]) -> None:
        self._stores: list[tuple[Store, Mapping[str, str], Mapping[str, str]]] = []
        for store in stores:
            whole = {_bare(file): file for file in reversed(store.ending(*ENDINGS))}
            counts = Counter(map(stem, whole))
            alone = {stem(name): file for name, file in whole.items() if counts[stem(name)] == 1}
            self._stores.append((store, whole, alone))

    def find(self, name: str) -> tuple[Source, int] | None:
        """The file and the number of the page in it; None if no store has it."""
        named = _PAGE.fullmatch(name)
        wanted = [(name, 1), *([(named["name"], int(named["number"]))] if named else [])]
        for bare, number in wanted:
            for store, whole, alone in self._stores:
                file = whole.get(bare) or alone.get(stem(bare))
                if file:
                    where = store.where(file)
                    return Source(where, where, partial(store.read, file)), number
        return None


def _bare(file: str) -> str:
    """The path of a file without its ending."""
    ending = Path(file).suffix
    return file.removesuffix(ending) if ending.lower() in ENDINGS else file


def _absent(name: str) -> tuple[Source, int]:
    """A missing page: reading it raises InputError, so that its expressions count as missed."""

    def read() -> bytes:
        raise InputError(f"{name}: a truth without its page", _REMEDY)

    return Source(name, name, read), 1


class _UnknownError(InputError):
    """A JSON file that is a broken truth if it lies beside a page, else perhaps something else."""


def _truth(data: bytes, name: str) -> dict[str, Any] | None:
    """The fields of a `TruePage` in a JSON file; None if it is of another kind.

    Raises InputError where a truth is not as it should be.
    """
    if len(data) > _MAX_BYTES:
        what = f"{name}: larger than {_MAX_BYTES >> 20} MiB, too large for the truth of a page"
        raise _UnknownError(what, _BROKEN)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise _UnknownError(f"{name}: no JSON{line}", _BROKEN) from error
    lists = _lists(content)
    if not lists:
        return None
    try:
        if "expressions" not in lists:
            return {"boxes": tuple(map(_box, content["formulas"]))}
        expressions = tuple(map(_expression, content["expressions"]))
        skip = tuple(map(_box, content.get("skip", ())))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = one_line(f"{type(error).__name__}: {error}")
        held = dict if "expressions" in lists else list
        meant = any(isinstance(one, held) for one in next(iter(lists.values())))
        what = f"{name}: a truth of a page with a bad field ({reason})"
        raise (InputError if meant else _UnknownError)(what, _FIELDS) from error
    boxes = tuple(expression.box for expression in expressions)
    return {"boxes": boxes, "expressions": expressions, "skip": skip}


def _lists(content: object) -> dict[str, list[Any]]:
    """The lists that make a JSON object the truth of a page; that of expressions first."""
    held = content if isinstance(content, dict) else {}
    keys = ("expressions", "formulas")
    return {key: held[key] for key in keys if isinstance(held.get(key), list)}


def _expression(one: dict[str, Any]) -> TrueExpression:
    kind, latex = one.get("kind", "display"), one["latex"]
    if kind not in ("display", "inline"):
        raise ValueError(f"kind {kind!r} is neither display nor inline")
    if not isinstance(latex, str):
        raise TypeError(f"latex {latex!r} is no text")
    label = as_label(latex)
    if not tokenize(label):
        raise ValueError(f"latex {latex!r} holds nothing")
    return TrueExpression(_box(one["box"]), label, cast(Kind, kind), bool(one.get("sure", True)))


def _box(numbers: Any) -> Box:
    if not isinstance(numbers, list):
        raise TypeError(f"box {numbers!r} is no list")
    x0, y0, x1, y1 = map(_edge, numbers)
    return x0, y0, x1, y1


def _edge(number: str | float) -> float:
    """A coordinate of a file, clipped to +-1e9: it may be too large for a float."""
    try:
        return min(max(float(number), -_FAR), _FAR)
    except OverflowError:
        return -_FAR if str(number).startswith("-") else _FAR
