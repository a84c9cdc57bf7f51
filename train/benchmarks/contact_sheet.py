r"""What the recogniser sees in training: a contact sheet of a recipe's images, as PNG.

    python train/benchmarks/contact_sheet.py train/recipes/wide.toml \
        --data ../shared/data/crohme.zip --out sheet.png

Real and recomposed expressions, clean and degraded ones, in the shares that the recipe gives them.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.recognition.units import Units
from hmer_cli.training.batches.images import Painter, chosen, mixed
from hmer_cli.training.compose.examples import examples
from hmer_cli.training.compose.recompose import invention_of
from hmer_cli.training.recipe import load

WIDTH, HEIGHT, GAP = 420, 130, 6


def cell(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image, dark on white, in a cell of the sheet; made smaller where it is too large."""
    scale = min(1.0, WIDTH / image.shape[1], HEIGHT / image.shape[0])
    size = (max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    paper = np.full((HEIGHT, WIDTH), 255, np.uint8)
    paper[: size[1], : size[0]] = 255 - small
    framed = cv2.copyMakeBorder(paper, 0, GAP, 0, GAP, cv2.BORDER_CONSTANT, value=160)
    return np.asarray(framed, np.uint8)


def main() -> None:
    """Draw the sheet that the options ask for."""
    parser = argparse.ArgumentParser(description="A contact sheet of training images.")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("sheet.png"))
    parser.add_argument("--rows", type=int, default=14)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--degraded", type=float, help="this share, not the recipe's")
    parser.add_argument("--every", type=int, default=1, help="only one expression in so many")
    given = parser.parse_args()
    plan = load(given.recipe)
    alone = plan.recomposition.alone
    samples = [] if alone else open_dataset(str(given.data), plan.split or None)[:: given.every]
    beside = given.data if alone else given.data.parent
    invention = invention_of(plan, given.recipe.parent, beside, samples)
    learned = examples(samples)
    tokens = {token for example in learned for token in example.tokens}
    if invention is not None:
        tokens |= set(invention.vocabulary.tokens)
    drawing = plan.drawing
    if given.degraded is not None:
        drawing = replace(drawing, degraded=given.degraded)
    painter = Painter(Units(sorted(tokens)), drawing, plan.spread)
    rng = np.random.default_rng(plan.seed)
    stream = mixed(learned, invention, plan.recomposition, rng)
    cells = [
        cell(painter.paint(chosen(next(stream), drawing, 1.0, rng), 1.0, rng).image)
        for _ in range(given.rows * given.columns)
    ]
    rows = [np.hstack(cells[i :: given.rows]) for i in range(given.rows)]
    cv2.imwrite(str(given.out), np.vstack(rows))


if __name__ == "__main__":
    main()
