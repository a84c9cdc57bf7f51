"""What each part of a recogniser adds: the same weights, with one part at a time left out.

python benchmarks/ablations.py DATASET [--split test2014] [--sample 300] [--only PART ...]

Input: labelled expressions, as ``hmer eval`` takes them. Output: a Markdown table, a row for all
parts together and one without each. Every row takes the path of ``hmer eval``. Parts are left out
when an answer is found; nothing is trained or calibrated anew, so models that learnt beside each
other may make up for less than they would.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from unittest import mock

from hmer_cli.commands.eval import evaluate
from hmer_cli.datasets.pages import ExpressionDataset, open_any
from hmer_cli.models.registry import resolve
from hmer_cli.recognition import label_prior
from hmer_cli.recognition.expression_recogniser import LANGUAGE, LANGUAGE_MODELS, TRANSFORMER
from hmer_cli.recognition.recogniser import Recogniser
from hmer_cli.recognition.scorer_sets import GRAPH, SECOND
from hmer_cli.recognition.weights_file import WeightsFile

ALL = "all parts"


@dataclass(frozen=True)
class Part:
    """What is left out: models by the beginnings of their metadata keys, or steps of the search."""

    models: tuple[str, ...] = ()
    step: Callable[[], AbstractContextManager[object]] = nullcontext


PARTS: Mapping[str, Part] = {
    ALL: Part(),
    "skeleton strokes (second graph model)": Part((SECOND,)),
    "components (first graph model)": Part((GRAPH,)),
    "both graph models": Part((GRAPH, SECOND)),
    "n-grams and Transformer": Part(LANGUAGE_MODELS),
    "Transformer": Part((TRANSFORMER,)),
    "n-grams": Part((LANGUAGE,)),
    "labels near the best one": Part(
        step=partial(mock.patch.object, Recogniser, "_with_near", lambda self, best, *_: best)
    ),
    "balance of brackets": Part(
        step=partial(mock.patch.multiple, label_prior, UNPAIRED_PENALTY=0.0, repaired=lambda _: [])
    ),
}


def without(file: WeightsFile, models: Sequence[str]) -> WeightsFile:
    """The file as if it did not hold the models whose keys begin with one of these."""
    kept = {k: v for k, v in file.embedded.items() if not k.startswith(tuple(models))}
    return replace(file, embedded=kept)


def main() -> None:
    """Measure and print a row for each part."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("dataset")
    parser.add_argument("--split")
    parser.add_argument("--sample", type=int, help="expressions, drawn at random, the same ones")
    parser.add_argument("--model", help="weights of a CTC model with graph models")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    given = parser.parse_args()
    dataset = open_any(given.dataset, given.split)
    if given.sample:
        dataset = dataset.drawn(given.sample, seed=0)
    assert isinstance(dataset, ExpressionDataset), "single expressions are needed"
    file = WeightsFile.open(resolve(given.model))
    print(f"| {file.metadata['name']} without | WER | ExpRate | among five | seconds |")
    print("|---|---|---|---|---|")
    for name in given.only:
        part = PARTS[name]
        with part.step():
            found = evaluate(dataset, Recogniser.of(without(file, part.models)), given.split)
        rates = (found.scores.wer, found.scores.exprate, found.among_best)
        cells = " | ".join(f"{100 * rate:.1f} %" for rate in rates)
        print(f"| {'nothing' if name == ALL else name} | {cells} | {found.seconds:.0f} |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
