"""``hmer eval``: how well a recogniser reads a labelled data set."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from hmer_cli import console, files
from hmer_cli.commands import eval_pages
from hmer_cli.commands.eval_pages import RegionEvaluation
from hmer_cli.data.datasets import Sample, open_dataset
from hmer_cli.errors import HmerError, InputError, UsageError
from hmer_cli.expr.tokens import tokenize
from hmer_cli.ink.render import Readable
from hmer_cli.metrics.evaluation import Evaluation, Outcome, as_json, as_tables, as_tsv, judge
from hmer_cli.metrics.tables import Table
from hmer_cli.recognition.reading import Reading

CHUNK = 128
"""Images held in memory at a time."""

STDOUT = "-"

NO_READING = Reading("", 0.0)


class Reader(Protocol):
    """What eval needs of a Recogniser."""

    @property
    def model(self) -> str:
        """The name of the weights."""
        ...

    def read(self, images: Sequence[Readable]) -> Sequence[Reading]:
        """One reading an image, in their order."""
        ...


def run(
    dataset: str,
    split: str | None = None,
    limit: int | None = None,
    *,
    json_file: str | None = None,
    predictions: str | None = None,
    worst: str | None = None,
    model: str | None = None,
    charset: str | None = None,
    ctc: bool = False,
    recogniser: Reader | None = None,
) -> Evaluation | RegionEvaluation:
    """Evaluate, put the tables on stdout and the scores and predictions into their files.

    ``ctc`` leaves out the graph reader, which else has its say.
    Where the data set is one of pages with boxes, regions are scored and nothing is read; the
    folder ``worst`` then gets pictures of the worst pages.

    A file named ``-`` is stdout, which it then has for itself: the tables go to stderr.
    Raises UsageError, OutputError and MissingError before anything is read, InputError where
    the data set has nothing to score.
    """
    scores_path, predictions_path = _path(json_file), _path(predictions)
    if eval_pages.holds_pages(dataset):
        if split or model or charset or ctc or predictions:
            wanted = "only --limit, --json and --worst are for them"
            raise UsageError(f"{dataset}: pages have regions", wanted)
        pages = eval_pages.evaluate(dataset, limit)
        _put(json_file, scores_path, pages.as_json())
        if worst is not None:
            eval_pages.draw_worst(dataset, pages.outcomes, Path(worst))
        _show(pages.as_tables(), sys.stderr if json_file == STDOUT else sys.stdout)
        return pages
    if worst is not None:
        raise UsageError(f"{dataset}: holds no pages", "--worst is for pages with known boxes")
    found = evaluate(dataset, split, limit, recogniser or _load(model, charset, ctc))
    _put(json_file, scores_path, as_json(found))
    _put(predictions, predictions_path, as_tsv(found))
    _show(as_tables(found), sys.stderr if STDOUT in (json_file, predictions) else sys.stdout)
    return found


def _show(tables: Iterable[Table], to: TextIO) -> None:
    for table in tables:
        console.table(table.title, table.columns, table.rows, to)


def outcome(evaluation: Evaluation | RegionEvaluation) -> HmerError | None:
    """What the run's exit code should say: nothing where every file could be read."""
    if not evaluation.failed:
        return None
    return InputError(f"{evaluation.failed} of {len(evaluation.outcomes)} failed, counted as wrong")


def evaluate(
    dataset: str,
    split: str | None,
    limit: int | None,
    recogniser: Reader,
) -> Evaluation:
    """Read the first ``limit`` expressions of a data set and score what was read.

    Raises UsageError for a wrong option, InputError where the data set cannot be opened or no
    expression in it has a label.
    """
    waiting = deque(open_dataset(dataset, split, limit))
    count = len(waiting)
    started = time.perf_counter()
    outcomes = list(_read_all(waiting, recogniser))
    seconds = time.perf_counter() - started
    if not any(tokenize(outcome.truth) for outcome in outcomes):
        raise InputError(f"{dataset}: no expression has a label", "put a caption.txt beside them")
    return judge(
        outcomes,
        dataset=dataset,
        split=split,
        model=recogniser.model,
        unlabelled=count - len(outcomes),
        seconds=seconds,
    )


def _load(model: str | None, charset: str | None, ctc: bool) -> Reader:
    from hmer_cli.recognition.recogniser import Recogniser

    recogniser = Recogniser.load(model, charset=charset, rescoring=not ctc)
    if ctc:
        recogniser.model += " (CTC alone)"
    return recogniser


def _read_all(waiting: deque[Sample], recogniser: Reader) -> Iterator[Outcome]:
    """The outcomes of all samples that have a truth or cannot be read, a chunk at a time.

    Samples keep what they have read, so they are let go of when they are done.
    """
    with console.progress("reading", len(waiting)) as advance:
        while waiting:
            chunk = [waiting.popleft() for _ in range(min(CHUNK, len(waiting)))]
            yield from _read(map(_prepare, chunk), recogniser)
            advance(len(chunk), 0)


@dataclass(frozen=True)
class _Prepared:
    """A sample ready to be read, or the reason why it cannot be."""

    name: str
    truth: str
    image: Readable | None = None
    error: str | None = None


def _prepare(sample: Sample) -> _Prepared:
    try:
        return _Prepared(sample.name, sample.label, sample.seen())
    except InputError as error:
        console.say(error)
        return _Prepared(sample.name, sample.label, error=str(error))


def _read(prepared: Iterable[_Prepared], recogniser: Reader) -> Iterator[Outcome]:
    judged = [each for each in prepared if tokenize(each.truth) or each.error]
    images = [each.image for each in judged if each.image is not None]
    readings = iter(recogniser.read(images) if images else ())
    for each in judged:
        reading = NO_READING if each.image is None else next(readings)
        yield Outcome(each.name, each.truth, reading, each.error)


def _path(name: str | None) -> Path | None:
    """The file of that name, found to be writable; None for none and for stdout."""
    if name is None or name == STDOUT:
        return None
    path = Path(os.path.realpath(name))
    files.check(path)
    return path


def _put(name: str | None, path: Path | None, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    if path is not None:
        files.replace(path, data)
    elif name == STDOUT:
        files.to_stdout(data)
