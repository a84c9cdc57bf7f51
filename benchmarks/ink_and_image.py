"""The same pages read from their strokes and as images: what knowing the ink is worth.

python benchmarks/ink_and_image.py DATASET [--predictions DIR]

Input: pages with labelled expressions, as ``hmer eval`` takes them. Those whose files hold strokes
are converted twice with the same weights: as they are, and as the PNG images that they are drawn
to. Output: a Markdown table of the scores of both, displayed and inline expressions apart.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2

from hmer_cli.commands import eval_pages
from hmer_cli.commands.eval_pages import PageEvaluation
from hmer_cli.datasets.pages import PageDataset, TruePage, open_any
from hmer_cli.metrics.pages import KindScore, score_pages
from hmer_cli.page.load.sources import Source
from hmer_cli.recognition.lazy import LazyRecogniser


def drawn(page: TruePage) -> TruePage:
    """The same page, as a PNG image in place of its file."""
    done, data = cv2.imencode(".png", page.pixels())
    assert done
    return replace(page, source=Source(page.name, page.name, data.tobytes), number=1)


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
    found: dict[str, PageEvaluation] = {
        "ink": eval_pages.evaluate(replace(dataset, pages=written), reader),
        "image": eval_pages.evaluate(replace(dataset, pages=tuple(map(drawn, written))), reader),
    }
    print(f"{len(written)} pages, {reader.model}\n")
    print("| read from | kind | expressions | found | right | right of those found |")
    print("|---|---|---|---|---|---|")
    for name, evaluation in found.items():
        scores = score_pages(evaluation.pages)
        print(f"| {name} | displayed | {shares(scores.display)} |")
        print(f"| {name} | inline | {shares(scores.inline)} |")
        if given.predictions is not None:
            given.predictions.mkdir(parents=True, exist_ok=True)
            (given.predictions / f"{name}.tsv").write_text(evaluation.as_tsv(), encoding="utf-8")


if __name__ == "__main__":
    main()
