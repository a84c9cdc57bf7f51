"""The same pages read from their strokes and as images: what knowing the ink is worth.

python benchmarks/ink_and_image.py DATASET [--predictions DIR]

Input: pages with labelled expressions, as ``hmer eval`` takes them. Those whose files hold strokes
are converted twice with the same weights: as they are, and as the PNG images that they are drawn
to; then once more with the true boxes in place of those that are found. Output: a Markdown table of
the scores of each, displayed and inline expressions apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from hmer_cli.commands import eval_pages
from hmer_cli.commands.eval_pages import PageEvaluation
from hmer_cli.datasets.pages import PageDataset, TruePage, open_any
from hmer_cli.geometry import Box, moved_boxes
from hmer_cli.metrics.pages import KindScore, PageScore, ReadExpression, score_page, score_pages
from hmer_cli.page.drawn_boxes import cut_out
from hmer_cli.page.load.pages import Page
from hmer_cli.page.load.sources import Source
from hmer_cli.recognition.lazy import LazyRecogniser


def drawn(page: TruePage) -> TruePage:
    """The same page, as a PNG image in place of its file, whose pixels its boxes are then in."""
    image, there = page.picture()
    done, data = cv2.imencode(".png", image)
    assert done

    def moved(boxes: Sequence[Box]) -> tuple[Box, ...]:
        return tuple(moved_boxes(boxes, there))

    truths = page.expressions or ()
    return replace(
        page,
        source=Source(page.name, page.name, data.tobytes),
        number=1,
        boxes=moved(page.boxes),
        expressions=tuple(
            replace(truth, box=box)
            for truth, box in zip(truths, moved([t.box for t in truths]), strict=True)
        ),
        skip=moved(page.skip),
    )


def on_image(page: Page, box: Box) -> Box:
    """A box in pixels of the source, in pixels of the page's image."""
    if page.to_source is None:
        return box
    (moved,) = moved_boxes([box], np.linalg.inv(page.to_source))
    return moved


def in_true_boxes(page: TruePage, reader: LazyRecogniser) -> PageScore:
    """The scores of a page of which the true boxes are cut out and read together."""
    image, truths = page.page(), page.expressions or ()
    regions = cut_out(image, [on_image(image, truth.box) for truth in truths])
    held = [(truth, region) for truth, region in zip(truths, regions, strict=True) if region]
    (readings,) = reader.read_pages([[region.seen for _, region in held]])
    reads = [
        ReadExpression(truth.box, reading.label, reading.confidence, ok=True)
        for (truth, _), reading in zip(held, readings, strict=True)
    ]
    return score_page(page.name, truths, reads)


def shares(score: KindScore) -> str:
    """Of the true expressions: how many, found, found and right; and right of those found."""
    counts = f"{score.truth} | {score.found} | {score.right}"
    return f"{counts} | {100 * score.right / max(score.found, 1):.0f} %"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("dataset")
    parser.add_argument("--predictions", type=Path, help="a folder for ink.tsv and image.tsv")
    given = parser.parse_args()
    dataset = open_any(given.dataset)
    assert isinstance(dataset, PageDataset) and dataset.labelled
    written = tuple(page for page in dataset.pages if page.page().ink is not None)
    reader = LazyRecogniser()
    images = tuple(map(drawn, written))
    found: dict[str, PageEvaluation] = {
        "ink": eval_pages.evaluate(replace(dataset, pages=written), reader),
        "image": eval_pages.evaluate(replace(dataset, pages=images), reader),
    }
    scored: dict[str, Sequence[PageScore]] = {
        **{name: evaluation.pages for name, evaluation in found.items()},
        "ink, true boxes": [in_true_boxes(page, reader) for page in written],
        "image, true boxes": [in_true_boxes(page, reader) for page in images],
    }
    print(f"{len(written)} pages, {reader.model}\n")
    print("| read from | kind | expressions | found | right | right of those found |")
    print("|---|---|---|---|---|---|")
    for name, pages in scored.items():
        scores = score_pages(pages)
        print(f"| {name} | displayed | {shares(scores.display)} |")
        print(f"| {name} | inline | {shares(scores.inline)} |")
    if given.predictions is not None:
        for name, evaluation in found.items():
            given.predictions.mkdir(parents=True, exist_ok=True)
            (given.predictions / f"{name}.tsv").write_text(evaluation.as_tsv(), encoding="utf-8")


if __name__ == "__main__":
    main()
