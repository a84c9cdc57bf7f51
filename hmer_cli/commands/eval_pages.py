"""``hmer eval`` on pages with known boxes: how well regions are found."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hmer_cli import console, files
from hmer_cli.data.store import IMAGES, Store, open_store, stem
from hmer_cli.errors import InputError, UsageError
from hmer_cli.metrics.regions import PageOutcome, as_json, as_tables, worst
from hmer_cli.metrics.tables import Table
from hmer_cli.page.clean.illumination import clean
from hmer_cli.page.detect.detector import fold_of
from hmer_cli.page.detect.search import Box, PreparedPage, find_boxes, prepare_page
from hmer_cli.page.load.images import decode
from hmer_cli.page.load.pages import Page

PAGES = ".json"
FORMULAS = "formulas"
_FAR = 1e9  # pixels

Finder = Callable[[PreparedPage, int], list[Box]]
"""A page that was studied and its fold to the boxes of its expressions."""


@dataclass(frozen=True)
class RegionEvaluation:
    """The outcome of every page, in the order of their names; ``seconds`` to find its regions."""

    dataset: str
    outcomes: tuple[PageOutcome, ...]
    seconds: float

    @property
    def failed(self) -> int:
        """Pages that could not be read."""
        return sum(outcome.error is not None for outcome in self.outcomes)

    def as_json(self) -> str:
        """The scores and every page, as a JSON object."""
        return as_json(self.outcomes, self.dataset, self.seconds)

    def as_tables(self) -> list[Table]:
        """The scores, and the pages where they were lost."""
        return as_tables(self.outcomes, self.seconds)


def holds_pages(dataset: str) -> bool:
    """Whether a folder or zip is one of pages with boxes; False for what cannot be opened."""
    try:
        return next(iter(_pages(open_store(dataset), 1)), None) is not None
    except InputError:
        return False


def evaluate(
    dataset: str, limit: int | None = None, find: Finder | None = None
) -> RegionEvaluation:
    """Find the regions of the first ``limit`` pages and compare them with the true ones.

    A page that the detector was grown on is judged by trees that never saw it, told by the bytes
    of its file: the score of those pages is that of five-fold cross-validation.

    Raises UsageError for a wrong limit, InputError where there is no page, MissingError where
    the weights that find regions are not installed.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit {limit}: there must be at least one")
    store = open_store(dataset)
    pages = _pages(store, limit)
    if not pages:
        raise InputError(f"{dataset}: no page with boxes", f"put a PAGE{PAGES} beside each image")
    outcomes, started = [], time.perf_counter()
    with console.progress("finding", len(pages)) as advance:
        for name, image, truth in pages:
            outcomes.append(_judged(store, name, image, truth, find or _find))
            advance(1, 0)
    return RegionEvaluation(dataset, tuple(outcomes), time.perf_counter() - started)


def draw_worst(dataset: str, outcomes: Sequence[PageOutcome], folder: Path) -> None:
    """Write pictures of the worst pages with their boxes, the worst first by name.

    A folder that is not there is made. Raises OutputError where it cannot be written.
    """
    from hmer_cli.metrics.overlays import picture

    files.make_folder(folder)
    store = open_store(dataset)
    images = {name: image for name, image, _ in _pages(store, None)}
    for rank, outcome in enumerate(worst([each for each in outcomes if not each.error]), 1):
        image = images[outcome.name]
        page = clean(decode(store.read(image), image))
        data = io.BytesIO()
        picture(page, outcome).save(data, "PNG")
        name = Path(outcome.name).name
        files.replace(folder / f"{rank:02d}-{name}.png", data.getvalue())


def _find(page: PreparedPage, fold: int) -> list[Box]:
    return find_boxes(page, fold=fold)


def _pages(store: Store, limit: int | None) -> list[tuple[str, str, list[Box]]]:
    """Name, image file and true boxes of the first pages."""
    images = {stem(file): file for file in store.ending(*IMAGES)}
    found: list[tuple[str, str, list[Box]]] = []
    for file in store.ending(PAGES):
        name = stem(file.removesuffix(PAGES))
        boxes = _boxes(store.read(file))
        if boxes is not None and name in images:
            found.append((name, images[name], boxes))
        if len(found) == limit:
            break
    return found


def _boxes(data: bytes) -> list[Box] | None:
    """The boxes that a file names; None where it is of another kind."""
    try:
        boxes = json.loads(data)[FORMULAS]
        return [(_edge(x0), _edge(y0), _edge(x1), _edge(y1)) for x0, y0, x1, y1 in boxes]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _edge(number: str | float) -> float:
    """A number of a file, which may be too large for a float: far off any page all the same."""
    try:
        return min(max(float(number), -_FAR), _FAR)
    except OverflowError:
        return -_FAR if str(number).startswith("-") else _FAR


def _judged(store: Store, name: str, image: str, truth: list[Box], find: Finder) -> PageOutcome:
    try:
        data = store.read(image)
        page = Page.of(image, 1, decode(data, image))
        found = find(prepare_page(page), fold_of(data))
        return PageOutcome(name, [page.in_source(box) for box in found], truth)
    except InputError as error:
        console.say(error)
        return PageOutcome(name, (), truth, str(error))
