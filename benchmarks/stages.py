"""CPU time of one expression by stage: opening and cleaning, then the stages of recognition.

python benchmarks/stages.py DATASET [--split test2014] [--sample 24]

For a random sample of expressions, the mean of the fastest of three runs each, on one thread, in
milliseconds, and the mean number of calls. OMP_NUM_THREADS=1 keeps OpenCV to one core.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from hmer_cli.api import Converter
from hmer_cli.datasets.pages import ExpressionDataset, open_any
from hmer_cli.document.pipeline import Options
from hmer_cli.ink.render import Readable
from hmer_cli.page.load.pages import PageRange
from hmer_cli.page.load.sources import Source
from hmer_cli.recognition import ctc, recogniser, scorer_sets
from hmer_cli.recognition.graph_decoder import GraphDecoder, GraphScorer
from hmer_cli.recognition.label_prior import LabelPrior
from hmer_cli.recognition.reading import Reading
from hmer_cli.recognition.recogniser import Recogniser

RUNS = 3
STAGES: tuple[tuple[object, str, str], ...] = (
    (recogniser, "measure", "ink measured"),
    (recogniser, "prepare", "image for CTC"),
    (Recogniser, "_run", "CTC network"),
    (ctc, "beam", "CTC beam search"),
    (ctc, "likelihood", "CTC likelihood"),
    (ctc, "align", "CTC alignment"),
    (scorer_sets, "prepare", "image for nodes"),
    (scorer_sets, "pieces", "strokes of the skeleton"),
    (scorer_sets, "components", "components"),
    (scorer_sets, "stroke_features", "strokes"),
    (GraphDecoder, "scorer", "graph encoders"),
    (GraphScorer, "propose", "graph beam search"),
    (GraphScorer, "__call__", "graph scores"),
    (LabelPrior, "__call__", "prior"),
)
OPENED, REST = "opened and cleaned", "all else of recognition"


class Timers:
    """Milliseconds and calls of each stage, without those of the stages that it calls."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self._inner = [0.0]
        for where, attribute, name in STAGES:
            setattr(where, attribute, self.timed(getattr(where, attribute), name))

    def timed(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """The function, its time added to the stage ``name``."""

        def run(*args: object, **options: object) -> Any:
            started = time.process_time()
            self._inner.append(0.0)
            try:
                return function(*args, **options)
            finally:
                took = 1000 * (time.process_time() - started)
                self.spent[name] += took - self._inner.pop()
                self.calls[name] += 1
                self._inner[-1] += took

        return run


class Catcher:
    """A reader that keeps the images and reads nothing."""

    model = "none"

    def __init__(self) -> None:
        self.images: list[Readable] = []

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        """The same certain reading of each."""
        self.images += images
        return [Reading("x", 1.0)] * len(images)


def images_of(sources: Sequence[Source]) -> tuple[list[Readable], float]:
    """The regions of the files, and the milliseconds that the second of two runs took for them."""
    catcher = Catcher()
    converter = Converter(recogniser=catcher, jobs=1)
    for _ in range(2):
        catcher.images = []
        started = time.process_time()
        options = Options(PageRange.parse("1"), "expression")
        for _ in converter.read_sources(sources, options, lambda *_: None):
            pass
    return catcher.images, 1000 * (time.process_time() - started)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("dataset")
    parser.add_argument("--split")
    parser.add_argument("--sample", type=int, default=24)
    given = parser.parse_args()
    dataset = open_any(given.dataset, given.split, None, None).drawn(given.sample, 0)
    if not isinstance(dataset, ExpressionDataset):
        parser.error(f"{given.dataset} holds pages")
    images, opening = images_of([sample.source() for sample in dataset.samples])
    reader = Recogniser.load(threads=1)
    reader.read(images[:1])
    timers = Timers()
    read = timers.timed(reader.read_pages, REST)
    spent, calls = defaultdict(float, {OPENED: opening}), Counter({OPENED: len(images)})
    for image in images:
        runs = []
        for _ in range(RUNS):
            timers.spent, timers.calls = defaultdict(float), Counter()
            vars(reader).pop("_prior", None)  # which remembers the labels of the run before
            read([[image]])
            runs.append((timers.spent, timers.calls))
        best = min(runs, key=lambda run: sum(run[0].values()))
        calls.update(best[1])
        for name, took in best[0].items():
            spent[name] += took
    print(f"{sum(spent.values()) / len(images):8.1f} ms  in all")
    for name in sorted(spent, key=lambda name: -spent[name]):
        mean, called = spent[name] / len(images), calls[name] / len(images)
        print(f"{mean:8.2f} ms  {name}, {called:.2f} calls")


if __name__ == "__main__":
    main()
