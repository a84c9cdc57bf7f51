"""Fit the weights of `document/region_trust.py`: python benchmarks/page_trust.py DATA OUT.

Composes pages of the writers of the 2013 CROHME test and of validation texts (`composed_pages.py
--fitting`), half of them as ink, half as images, into OUT, and reads them. Of every expression that
has no doubt, the recogniser's log-odds are given; each evidence about its region adds a weight.
Each half has an offset of its own, which is dropped, since how hard a page's writing is the
recogniser's confidence has to tell. Weights above nothing are set to nothing: evidence is against a
region. Output: the weights, and by how many nats each makes the answers likelier on these pages.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from composed_pages import composed, written
from numpy.typing import NDArray

from hmer_cli.api import Converter
from hmer_cli.datasets.pages import PageDataset, TruePage, open_any
from hmer_cli.document.pipeline import Options
from hmer_cli.document.records import RegionReading
from hmer_cli.document.region_trust import WEIGHTS, evidence
from hmer_cli.metrics.pages import ReadExpression, score_page
from hmer_cli.recognition.lazy import LazyRecogniser

PAGES = 24
"""Of each half."""

SEEDS = {False: 1, True: 2}
"""Of pages as ink, and as images."""

USUAL = {"dash": np.log(3.0 / 0.7)}
"""What is added to a weight, since a minus begins 3.0 % of the formulas of the 2014 test and more
of others, and 0.7 % of those of the 2013 test: a dash in front is more often right than here."""

RIDGE = 0.5
"""Of the weights, so that what hardly ever occurs has none."""  # convention

STEPS = 50
"""Of Newton's method; it takes some ten."""

Floats = NDArray[np.float64]
Examples = tuple[Floats, Floats, Floats]
"""Evidence (N, K), the recogniser's log-odds (N,), 1 for what is right (N,)."""


def main() -> None:
    """Compose, read, fit and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pages", type=int, default=PAGES)
    given = parser.parse_args()
    halves = []
    for images, seed in SEEDS.items():
        folder = given.out / ("images" if images else "ink")
        written(composed(given.data, given.pages, seed, True), folder, images, seed)
        dataset = open_any(str(folder))
        assert isinstance(dataset, PageDataset)
        halves.append(examples(dataset))
    weights = fitted(halves)
    whole = loss(weights, halves)
    for at, (name, weight) in enumerate(zip(WEIGHTS, weights.tolist(), strict=True)):
        without = fitted(halves, [i for i in range(len(weights)) if i != at and weights[i]])
        gain = loss(without, halves) - whole
        count = sum(float(half[0][:, at].sum()) for half in halves)
        print(
            f'    "{name}": {weight + USUAL.get(name, 0):.2f},  # {gain:.1f} nats, on {count:.0f}'
        )


def examples(dataset: PageDataset) -> Examples:
    """All expressions that are read on the pages and have no doubt."""
    converter = Converter(recogniser=LazyRecogniser())
    rows = []
    for page in dataset.pages:
        for read in converter.read_sources([page.source], Options()):
            rows += list(_of_page(page, read.result.expressions))
    told = np.array([[*evidence(each).values()] for each, _ in rows])
    odds = np.array([log_odds(_confidence(each)) for each, _ in rows])
    return told, odds, np.array([right for _, right in rows], float)


def _of_page(
    page: TruePage, expressions: tuple[RegionReading, ...]
) -> Iterator[tuple[RegionReading, bool]]:
    reads = [ReadExpression(e.region, e.reading.label, e.reading.confidence) for e in expressions]
    score = score_page(page.name, page.expressions or (), reads, page.skip)
    right = {id(match.read) for match in score.matches if match.right}
    for expression, read in zip(expressions, reads, strict=True):
        if expression.surroundings is not None and not (expression.doubt or expression.words):
            yield expression, id(read) in right


def _confidence(expression: RegionReading) -> float:
    """That of the recogniser."""
    assert expression.surroundings is not None
    return expression.surroundings.confidence


def log_odds(share: float) -> float:
    """Of a probability, within what the product tells apart."""
    sure = min(max(share, 1e-4), 1 - 1e-4)
    return float(np.log(sure / (1 - sure)))


def fitted(halves: list[Examples], used: list[int] | None = None) -> Floats:
    """The weights of the evidence, by Newton's method; those that are not ``used`` are nothing."""
    count = halves[0][0].shape[1]
    used = list(range(count)) if used is None else used
    told, odds, right = (np.concatenate(each) for each in zip(*halves, strict=True))
    half = np.repeat(np.arange(len(halves)), [len(each[1]) for each in halves])
    columns = np.concatenate([half[:, None] == np.arange(len(halves)), told[:, used]], axis=1)
    ridge = np.diag([0.0] * len(halves) + [RIDGE] * len(used))
    found = np.zeros(columns.shape[1])
    for _ in range(STEPS):
        sure = 1 / (1 + np.exp(-odds - columns @ found))
        slope = columns.T @ (sure - right) + ridge @ found
        curve = columns.T @ (columns * (sure * (1 - sure))[:, None]) + ridge
        found -= np.linalg.solve(curve + 1e-9 * np.eye(len(found)), slope)
    weights = np.zeros(count)
    weights[used] = found[len(halves) :]
    above = [i for i in used if weights[i] > 0]
    return fitted(halves, [i for i in used if i not in above]) if above else weights


def loss(weights: Floats, halves: list[Examples]) -> float:
    """The surprise at the answers, in nats, each half with the offset that suits it best."""
    total = 0.0
    for told, odds, right in halves:
        offset = 0.0
        for _ in range(STEPS):
            sure = 1 / (1 + np.exp(-odds - told @ weights - offset))
            offset += float((right - sure).sum() / (sure * (1 - sure)).sum())
        chance = np.where(right > 0, sure, 1 - sure)
        total -= float(np.log(np.maximum(chance, 1e-12)).sum())
    return total


if __name__ == "__main__":
    main()
