"""Scores of the regions found on pages, pure functions.

A found box and a true one match where their intersection over union (IoU) reaches a threshold;
each box matches once at most, the closest pairs first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from hmer_cli.geometry import Box, iou_table
from hmer_cli.metrics.tables import Table, percent

THRESHOLDS = (0.5, 0.75)
"""The IoU from which on two boxes are taken for the same."""

WORST = 10
"""Pages in the table of the worst."""

Boxes = Sequence[Box]


@dataclass(frozen=True)
class PageOutcome:
    """The boxes found on one page and the true ones, x0, y0, x1, y1; why it failed, if it did."""

    name: str
    found: Boxes
    truth: Boxes
    error: str | None = None

    def hits(self, threshold: float) -> int:
        """How many of the found boxes are true ones."""
        return matches(self.found, self.truth, threshold)

    @property
    def misses(self) -> int:
        """Boxes in excess and boxes not found, at the lowest threshold."""
        return len(self.found) + len(self.truth) - 2 * self.hits(THRESHOLDS[0])


@dataclass(frozen=True)
class RegionScores:
    """Precision, recall and F1 over all boxes of all pages; None where there is nothing to count.

    The F1 of nothing found where there is nothing to find is not counted either.
    """

    threshold: float
    found: int
    truth: int
    hits: int

    @property
    def precision(self) -> float | None:
        """The share of the found boxes that are true."""
        return self.hits / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        """The share of the true boxes that were found."""
        return self.hits / self.truth if self.truth else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        both = self.found + self.truth
        return 2 * self.hits / both if both else None


def pairs(found: Boxes, truth: Boxes, threshold: float) -> list[tuple[int, int]]:
    """Pairs of a found and a true box by their places, each box in one at most, closest first."""
    table = iou_table(found, truth)
    matched = []
    while table.size and table.max() >= threshold:
        row, column = np.unravel_index(table.argmax(), table.shape)
        table[row], table[:, column] = -1, -1
        matched.append((int(row), int(column)))
    return matched


def matches(found: Boxes, truth: Boxes, threshold: float) -> int:
    """How many pairs there are."""
    return len(pairs(found, truth, threshold))


def score(outcomes: Sequence[PageOutcome]) -> list[RegionScores]:
    """The scores at each threshold."""
    found = sum(len(outcome.found) for outcome in outcomes)
    truth = sum(len(outcome.truth) for outcome in outcomes)
    return [
        RegionScores(threshold, found, truth, sum(each.hits(threshold) for each in outcomes))
        for threshold in THRESHOLDS
    ]


def worst(outcomes: Sequence[PageOutcome], most: int = WORST) -> list[PageOutcome]:
    """The pages with the most boxes missed or in excess, the worst first."""
    wrong = [outcome for outcome in outcomes if outcome.misses]
    return sorted(wrong, key=lambda outcome: (-outcome.misses, outcome.name))[:most]


def as_json(outcomes: Sequence[PageOutcome], dataset: str, seconds: float) -> str:
    """Scores and, page by page, what was found, as a JSON object; shares are 0 to 1."""
    content = {
        "dataset": dataset,
        "pages": len(outcomes),
        "failed": sum(outcome.error is not None for outcome in outcomes),
        "scores": [
            asdict(each) | {"precision": each.precision, "recall": each.recall, "f1": each.f1}
            for each in score(outcomes)
        ],
        "by_page": [
            {
                "name": each.name,
                "truth": len(each.truth),
                "hits": each.hits(THRESHOLDS[0]),
                "found": [[round(float(x), 1) for x in box] for box in each.found],
                "error": each.error,
            }
            for each in outcomes
        ],
        "seconds": round(seconds, 3),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def as_tables(outcomes: Sequence[PageOutcome], seconds: float) -> list[Table]:
    """The scores, and the pages where they were lost."""
    scores = score(outcomes)
    rows = [("pages", *([str(len(outcomes))] * len(scores)))]
    rows += [
        ("regions in the truth", *(str(each.truth) for each in scores)),
        ("regions found", *(str(each.found) for each in scores)),
        ("precision", *(percent(each.precision) for each in scores)),
        ("recall", *(percent(each.recall) for each in scores)),
        ("F1", *(percent(each.f1) for each in scores)),
        ("seconds a page", *([f"{seconds / max(1, len(outcomes)):.2f}"] * len(scores))),
    ]
    heads = ("score", *(f"IoU >= {threshold}" for threshold in THRESHOLDS))
    pages = [
        (each.name, str(len(each.truth)), str(len(each.found)), str(each.hits(THRESHOLDS[0])))
        for each in worst(outcomes)
    ]
    return [
        Table("Regions", heads, tuple(rows)),
        Table("Worst pages", ("page", "true", "found", "right"), tuple(pages)),
    ]
