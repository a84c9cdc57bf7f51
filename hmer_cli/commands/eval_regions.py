"""``hmer eval`` on pages with true boxes only: precision, recall and F1 of the regions.

Input: pages with boxes. Output: `RegionScores`, as tables, JSON and pictures of the worst pages.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hmer_cli import console, files
from hmer_cli.datasets.pages import PageDataset, TruePage
from hmer_cli.errors import InternalError, input_error
from hmer_cli.geometry import Box, moved_boxes
from hmer_cli.metrics.regions import PageOutcome, as_json, as_tables, worst
from hmer_cli.metrics.tables import Table
from hmer_cli.page.clean.illumination import clean
from hmer_cli.page.detect.detector import fold_of_training_page
from hmer_cli.page.detect.search import PreparedPage, find_boxes, prepare_page

Finder = Callable[[PreparedPage, int | None], list[Box]]
"""(prepared page, cross-validation fold) -> boxes of its expressions; without a fold, the mean."""


@dataclass(frozen=True)
class RegionEvaluation:
    """The outcome of every page, in the order of their names; ``seconds`` of wall time."""

    dataset: str
    outcomes: tuple[PageOutcome, ...]
    seconds: float

    @property
    def failed(self) -> int:
        """The number of pages that could not be read."""
        return sum(outcome.error is not None for outcome in self.outcomes)

    def as_json(self) -> str:
        """The scores and every page, as a JSON object."""
        return as_json(self.outcomes, self.dataset, self.seconds)

    def as_tables(self) -> list[Table]:
        """Tables of the scores and of the worst pages."""
        return as_tables(self.outcomes, self.seconds)


def evaluate(dataset: PageDataset, find: Finder | None = None) -> RegionEvaluation:
    """Find the regions of the pages and score them against the true ones.

    A page of the detector's training set, recognised by the hash of its file, is scored with the
    model of the fold that left it out: five-fold cross-validation. Any other page is searched by
    the mean of all folds, as ``hmer convert`` does.

    Raises MissingError if the weights of the detector are not installed.
    """
    outcomes, started = [], time.perf_counter()
    with console.progress("finding", len(dataset.pages)) as advance:
        for page in dataset.pages:
            outcomes.append(_evaluated(page, find or _find))
            advance(1, 0)
    return RegionEvaluation(dataset.path, tuple(outcomes), time.perf_counter() - started)


def draw_worst(dataset: PageDataset, outcomes: Sequence[PageOutcome], folder: Path) -> None:
    """Write pictures of the worst pages with their boxes, named by rank.

    The folder is created. Raises OutputError if it cannot be written, or holds a file of another
    program in the place of one.
    """
    from hmer_cli.metrics.overlays import picture

    files.make_folder(folder)
    pages = {page.name: page for page in dataset.pages}
    for rank, outcome in enumerate(worst([each for each in outcomes if not each.error]), 1):
        data = io.BytesIO()
        image, there = pages[outcome.name].picture()
        found, truth = (moved_boxes(boxes, there) for boxes in (outcome.found, outcome.truth))
        drawn = picture(clean(image), replace(outcome, found=found, truth=truth))
        drawn.save(data, "PNG")
        name = Path(outcome.name).name
        files.replace_own(folder / f"{rank:02d}-{name}.png", data.getvalue())


def _find(page: PreparedPage, fold: int | None) -> list[Box]:
    return find_boxes(page, fold=fold)


def _evaluated(true: TruePage, find: Finder) -> PageOutcome:
    try:
        page = true.page()
        found = find(prepare_page(page), fold_of_training_page(true.source.read()))
        return PageOutcome(true.name, [page.in_source(box) for box in found], true.boxes)
    except Exception as error:
        failure = input_error(f"{true.source.name}: page {true.number}", error)
        console.say(failure)
        is_bug = isinstance(failure, InternalError)
        return PageOutcome(true.name, (), true.boxes, str(failure), is_bug)
