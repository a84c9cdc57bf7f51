r"""Prepare the answer to whether written expressions help a recogniser.

    python train/benchmarks/with_without.py ../shared/data/crohme.zip --out runs/with

It writes `tenth.zip`, every tenth expression of CROHME's training set beside its test of 2014, and
`labels.txt`, as many labels as the whole training set has, which both engines can write: half of
them those of the tenth, half invented by the grammar. Then both engines write them, and the same
recipe learns from a tenth of CROHME or all of it, alone or with what either wrote, as many steps:

    for engine in ink hmeg; do
        hmer generate --engine $engine --from runs/with/labels.txt --out runs/with/$engine
    done
    for people in runs/with/tenth.zip ../shared/data/crohme.zip; do
        for more in "" "--more runs/with/ink" "--more runs/with/hmeg"; do
            hmer train train/recipes/with-without.toml --data $people $more --out ...
        done
    done
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hmer_cli.commands.generate import ENGINES
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.errors import InputError
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.synthesis.formula_grammar import FormulaGrammar
from hmer_cli.training.compose.examples import inks

EVERY = 10
"""Of so many training expressions one is kept."""

FOLDERS = {"train": "TrainINKML", "test2014": "TestEM2014GT"}
SEED = 1


def main() -> None:
    """Write the archive and the labels."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", help="the CROHME package, folder or zip")
    parser.add_argument("--out", type=Path, default=Path("runs/with"))
    parser.add_argument("--count", type=int, help="how many labels; else as many as people wrote")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    splits = {name: inks(open_dataset(given.data, name)) for name in FOLDERS}
    count = given.count or len(splits["train"])
    splits["train"] = splits["train"][::EVERY]
    with zipfile.ZipFile(given.out / "tenth.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for split, found in splits.items():
            for number, ink in enumerate(found):
                archive.writestr(f"{FOLDERS[split]}/{number:05}.inkml", write_inkml(ink))
    lines = labels([ink.label or "" for ink in splits["train"]], count)
    (given.out / "labels.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    sys.stderr.write(f"{given.out}: {len(splits['train'])} expressions, {count} labels\n")


def labels(known: Sequence[str], count: int) -> Iterator[str]:
    """So many labels that every engine writes, in turn of the grammar and of those known."""
    engines, phrases = [make() for make in ENGINES.values()], FormulaGrammar()
    for index in range(count):
        rng = np.random.default_rng((SEED, index))
        while True:
            label = str(rng.choice(known)) if index % 2 else phrases.sample(rng)
            try:
                for engine in engines:
                    engine.check(label)
            except InputError:
                continue
            yield label
            break


if __name__ == "__main__":
    main()
