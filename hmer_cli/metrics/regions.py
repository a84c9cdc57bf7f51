"""Detection metrics of regions: precision, recall and F1 at IoU thresholds.

Input: found and true boxes of each page. Output: `RegionScores`, JSON and tables. Method: greedy
one-to-one matching of boxes whose IoU reaches the threshold, the largest IoU first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from hmer_cli.geometry import Box, iou_table
from hmer_cli.metrics.tables import Table, percent

THRESHOLDS = (0.5, 0.75)
"""IoU thresholds of a match."""  # convention

WORST = 10
"""The number of pages in the table of the worst."""

Boxes = Sequence[Box]


@dataclass(frozen=True)
class PageOutcome:
    """Found and true boxes (x0, y0, x1, y1) of one page; ``error`` is set if it failed.

    ``is_bug``: the error is one of hmer's own.
    """

    name: str
    found: Boxes
    truth: Boxes
    error: str | None = None
    is_bug: bool = False

    def hits(self, threshold: float) -> int:
        """The number of true positives."""
        return matches(self.found, self.truth, threshold)

    @property
    def misses(self) -> int:
        """False positives plus false negatives at the lowest threshold."""
        return len(self.found) + len(self.truth) - 2 * self.hits(THRESHOLDS[0])


@dataclass(frozen=True)
class RegionScores:
    """Precision, recall and F1 over all boxes of all pages; None if undefined (0 / 0)."""

    threshold: float
    found: int
    truth: int
    hits: int

    @property
    def precision(self) -> float | None:
        """True positives over found boxes."""
        return self.hits / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        """True positives over true boxes."""
        return self.hits / self.truth if self.truth else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall."""
        both = self.found + self.truth
        return 2 * self.hits / both if both else None


def pairs(found: Boxes, truth: Boxes, threshold: float) -> list[tuple[int, int]]:
    """Matched (found index, true index), greedily by IoU, each box at most once."""
    table = iou_table(found, truth)
    matched = []
    while table.size and table.max() >= threshold:
        row, column = np.unravel_index(table.argmax(), table.shape)
        table[row], table[:, column] = -1, -1
        matched.append((int(row), int(column)))
    return matched


def matches(found: Boxes, truth: Boxes, threshold: float) -> int:
    """The number of matched pairs."""
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
    """Tables of the scores and of the pages with most wrong boxes."""
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
