"""What each part of the data adds: small graph models that learn without one, at equal budgets.

    python train/benchmarks/data_ablation.py ../shared/data --out runs/ablation [--only PART ...]

Input: the folder of the data. Each row is a run of train/recipes/ablation.toml from chance, which
sees as many expressions, without a part of the data: isolated signs of UNIPEN and detexify,
formulas of textbooks, pens and images as the world has them, or all of these. Output: a Markdown
table of WER and ExpRate, by the path of ``hmer eval``. A run that is there is not made again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from hmer_cli.commands.eval import evaluate
from hmer_cli.commands.train import train
from hmer_cli.datasets.pages import ExpressionDataset, open_any
from hmer_cli.recognition.lazy import load

RECIPE = Path(__file__).parent.parent / "recipes" / "ablation.toml"

SIGNS = 'recomposition.symbols=["mathbrush-symbols.txt.gz"]'
TEXTBOOKS = 'recomposition.formulas=["formulas.txt"]'
WORLD = ("drawing.degraded=0", "drawing.pen=[1.2, 3.6]")

PARTS: Mapping[str, tuple[str, ...]] = {
    "nothing": (),
    "signs of UNIPEN and detexify": (SIGNS,),
    "formulas of textbooks": (TEXTBOOKS,),
    "pens and images of the world": WORLD,
    "all three": (SIGNS, TEXTBOOKS, *WORLD),
}

SETS = (("crohme.zip", "test2014"), ("crohme2014-offline.zip", None), ("scan-crops.zip", None))
"""The validation set as ink and as images, and scans of other people's pages."""

SAMPLE = 300
"""Expressions of each set, drawn at random, the same ones."""


def main() -> None:
    """Train, measure and print a row for each part."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--images", type=int, help="expressions that each run sees")
    given = parser.parse_args()
    budget = [f"schedule.images={given.images}"] if given.images else []
    heads = " | ".join(f"{name}: WER, ExpRate" for name, _ in SETS)
    sys.stdout.write(f"| without | {heads} |\n|---|{'---|' * len(SETS)}\n")
    for part in given.only:
        folder = given.out / part.replace(" ", "-")
        made = train(RECIPE, given.data / "crohme.zip", folder, None, [*budget, *PARTS[part]])
        sys.stdout.write(f"| {part} | {' | '.join(rates(made, given.data))} |\n")
        sys.stdout.flush()


def rates(weights: Path, data: Path) -> list[str]:
    """WER and ExpRate of a weights file on each of the sets."""
    cells = []
    for name, split in SETS:
        dataset = open_any(str(data / name), split).drawn(SAMPLE, seed=0)
        assert isinstance(dataset, ExpressionDataset)
        scores = evaluate(dataset, load(weights), split).scores
        cells.append(f"{100 * scores.wer:.1f}, {100 * scores.exprate:.1f} %")
    return cells


if __name__ == "__main__":
    main()
