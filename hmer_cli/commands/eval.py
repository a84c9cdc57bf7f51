"""``hmer eval``: a labelled data set -> metrics as tables, JSON and TSV.

Expressions and pages with labels take the path of ``hmer convert``: open, deskew, clean, find
regions, recognise. Of pages with boxes alone the detector's regions are scored, as they are before
words and formulas are read.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from functools import partial
from pathlib import Path
from typing import TextIO

from hmer_cli import console, files
from hmer_cli.api import Converter
from hmer_cli.commands import eval_pages, eval_regions
from hmer_cli.commands.eval_pages import PageEvaluation
from hmer_cli.commands.eval_regions import RegionEvaluation
from hmer_cli.datasets.expressions import Sample, unique_names, unused_names
from hmer_cli.datasets.pages import ExpressionDataset, PageDataset, open_any
from hmer_cli.document.pipeline import Options
from hmer_cli.errors import HmerError, InputError, InternalError, OutputError, UsageError
from hmer_cli.expr.tokens import tokenize
from hmer_cli.metrics.evaluation import (
    Evaluation,
    Outcome,
    as_json,
    as_tables,
    as_tsv,
    evaluate_outcomes,
)
from hmer_cli.metrics.label_graph import is_own, label_graph
from hmer_cli.metrics.tables import Table
from hmer_cli.page.load.kinds import HEAD
from hmer_cli.page.load.pages import PageRange
from hmer_cli.page.load.sources import Source
from hmer_cli.recognition.lazy import LazyRecogniser, Reader
from hmer_cli.recognition.reading import EMPTY_READING

CHUNK = 128
"""Images a batch."""

STDOUT = "-"


def run(
    dataset: str,
    split: str | None = None,
    limit: int | None = None,
    *,
    sample: int | None = None,
    seed: int = 0,
    pages: str | None = None,
    json_file: str | None = None,
    predictions: str | None = None,
    worst: str | None = None,
    lg: str | None = None,
    model: str | None = None,
    charset: str | None = None,
    ctc: bool = False,
    recogniser: Reader | None = None,
) -> Evaluation | RegionEvaluation | PageEvaluation:
    """Evaluate a data set; print tables on stdout, write scores and predictions to files.

    ``sample`` of all expressions or pages are drawn at random, the same ones for one ``seed``. The
    folder ``lg`` gets label graphs of truths and predictions. ``ctc`` leaves out graph models and
    decoder. For a data set of pages, whose files may lie in ``pages``, the regions are scored and,
    if the truths have labels, the readings end to end; the folder ``worst`` then gets pictures of
    the worst pages.

    A file named ``-`` is stdout; the tables then go to stderr.
    Raises UsageError, OutputError and MissingError before anything is read, InputError if the data
    set has nothing to score, and OutputError where one output could not be written, after the
    others were.
    """
    paths = _path(json_file, dataset), _path(predictions, dataset)
    if json_file is not None and (json_file == predictions or _same(paths)):
        raise UsageError(f"{json_file}: cannot hold scores and predictions", "name two files")
    if sample is not None and sample < 1:
        raise UsageError(f"--sample {sample}: there must be at least one")
    opened = open_any(dataset, split, limit, pages)
    if sample is not None:
        opened = opened.drawn(sample, seed)
    labelled = isinstance(opened, ExpressionDataset) or opened.labelled
    if not labelled and (model or charset or ctc or predictions):
        wanted = "only --limit, --pages, --json and --worst are for them"
        raise UsageError(f"{dataset}: nothing says what the expressions of its pages are", wanted)
    _check_kind(dataset, opened, lg, worst)
    reader = recogniser or LazyRecogniser(model, charset, rescoring=not ctc) if labelled else None
    for folder in _folders(lg, worst):
        files.make_folder(folder)
        files.check(folder / _ANY)
    found, scores, tsv, tables = _evaluated(opened, reader, split)
    shown_on = sys.stderr if STDOUT in (json_file, predictions) else sys.stdout
    writes = [
        partial(_put, json_file, paths[0], scores),
        partial(_put, predictions, paths[1], tsv),
        partial(_show, tables, shown_on),
    ]
    if lg is not None and isinstance(found, Evaluation):
        writes.append(partial(_write_graphs, Path(lg), found))
    if isinstance(opened, PageDataset) and worst is not None and not isinstance(found, Evaluation):
        writes.append(partial(eval_regions.draw_worst, opened, found.outcomes, Path(worst)))
    _write_all(writes)
    return found


def _check_kind(
    name: str, dataset: ExpressionDataset | PageDataset, lg: str | None, worst: str | None
) -> None:
    """Raise UsageError for an output that a data set of this kind does not have."""
    if isinstance(dataset, ExpressionDataset) and worst is not None:
        raise UsageError(f"{name}: holds no pages", "--worst is for pages with known boxes")
    if isinstance(dataset, PageDataset) and lg is not None:
        raise UsageError(f"{name}: holds pages", "--lg is for single expressions")


def _write_all(writes: Iterable[Callable[[], None]]) -> None:
    """Write every output, even if others fail. Raises the first error, and reports the others."""
    errors: list[HmerError] = []
    for write in writes:
        try:
            write()
        except HmerError as error:
            errors.append(error)
    for other in errors[1:]:
        console.say(other)
    if errors:
        raise errors[0]


_SIDES = "truth", "prediction"
_ANY = "hmer"  # name of a file that is checked to be writable, and not written


def _folders(lg: str | None, worst: str | None) -> list[Path]:
    """The folders that label graphs and pictures are written into."""
    sides = [Path(lg) / side for side in _SIDES] if lg is not None else []
    return [*sides, Path(worst)] if worst is not None else sides


def _write_graphs(folder: Path, evaluation: Evaluation) -> None:
    """Write a label graph of each truth and of each prediction, under the same name.

    The second expression of a name, whatever its case, is ``NAME-2``. Graphs of other runs are kept
    and reported, since tools score all files of the folder. Raises OutputError, before any is
    written, where another program made a file of one of these names.
    """
    plain = (re.sub(r"[^\w.+-]", "_", outcome.name) for outcome in evaluation.outcomes)
    names = list(unused_names(plain, str.casefold))
    for side in _SIDES:
        if others := {path.stem for path in (folder / side).glob("*.lg")} - set(names):
            console.say(f"{folder / side} holds {len(others)} graphs of other runs, which are kept")
        for name in names:
            if not is_own(folder / side / f"{name}.lg"):
                what = f"{folder / side / name}.lg: is there, and not hmer's"
                raise OutputError(what, "move it away or name another folder")
    for name, outcome in zip(names, evaluation.outcomes, strict=True):
        for side, label in zip(_SIDES, (outcome.truth, outcome.prediction), strict=True):
            graph = label_graph(label, outcome.name).encode("utf-8", "backslashreplace")
            files.replace(folder / side / f"{name}.lg", graph)


def _evaluated(
    dataset: ExpressionDataset | PageDataset, reader: Reader | None, split: str | None
) -> tuple[Evaluation | RegionEvaluation | PageEvaluation, str, str, list[Table]]:
    """The evaluation, as JSON, as TSV and as tables; regions alone without a reader."""
    if isinstance(dataset, ExpressionDataset):
        assert reader is not None
        read = evaluate(dataset, reader, split)
        return read, as_json(read), as_tsv(read), as_tables(read)
    if reader is None:
        regions = eval_regions.evaluate(dataset)
        return regions, regions.as_json(), "", regions.as_tables()
    pages = eval_pages.evaluate(dataset, reader)
    return pages, pages.as_json(), pages.as_tsv(), pages.as_tables()


def _show(tables: Iterable[Table], to: TextIO) -> None:
    for table in (table for table in tables if table.rows):
        console.table(table.title, table.columns, table.rows, to)


def outcome(evaluation: Evaluation | RegionEvaluation | PageEvaluation) -> HmerError | None:
    """The error that determines the exit code; None if every file could be read."""
    if not evaluation.failed:
        return None
    failed = f"{evaluation.failed} of {len(evaluation.outcomes)} failed, counted as wrong"
    error = InputError(failed)
    if any(outcome.is_bug for outcome in evaluation.outcomes):
        error.exit_code = InternalError.exit_code
    return error


def evaluate(dataset: ExpressionDataset, reader: Reader, split: str | None = None) -> Evaluation:
    """Recognise the expressions of a data set and score them.

    Raises InputError if no expression has a label.
    """
    count = len(dataset.samples)
    started = time.perf_counter()
    outcomes = list(_read_all(dataset.samples, reader, count))
    seconds = time.perf_counter() - started
    if not any(tokenize(outcome.truth) for outcome in outcomes):
        remedy = "put a caption.txt beside them"
        raise InputError(f"{dataset.path}: no expression has a label", remedy)
    return evaluate_outcomes(
        outcomes,
        dataset=dataset.path,
        split=split,
        model=reader.model,
        unlabelled=count - len(outcomes),
        seconds=seconds,
    )


def _read_all(samples: Iterable[Sample], reader: Reader, count: int) -> Iterator[Outcome]:
    """The outcomes of all samples that have a truth or cannot be read.

    Each goes through the pipeline of ``hmer convert --layout expression``; of a file of several
    pages, the first.
    """
    samples = list(samples)
    names = dict(zip(map(id, samples), unique_names(samples), strict=True))
    named: deque[tuple[str, str, str]] = deque()
    options = Options(PageRange.parse("1"), "expression", batch=CHUNK)
    converter = Converter(recogniser=reader)
    with console.progress("reading", count) as advance:
        sources = _scorable(samples, names, named)
        for page in converter.read_sources(sources, options, advance):
            if page.error is not None:
                console.say(page.error)
            expressions = page.result.expressions
            reading = expressions[0].reading if expressions else EMPTY_READING
            name, truth, raw = named.popleft()
            error = str(page.error) if page.error else None
            yield Outcome(name, truth, reading, error, raw, isinstance(page.error, InternalError))


def _scorable(
    samples: Iterable[Sample], names: Mapping[int, str], named: deque[tuple[str, str, str]]
) -> Iterator[Source]:
    """The files that can be scored; ``named`` gets the name, label and raw label of each."""
    for original in samples:
        sample = copy(original)  # frees the cached ink of each after its turn
        if tokenize(sample.label) or sample.error:
            named.append((names[id(original)], sample.label, sample.raw_label))
            yield sample.source()


def _same(paths: Iterable[Path | None]) -> bool:
    """Whether two of the output files are one."""
    places = [os.path.normcase(path) for path in paths if path is not None]
    return len(set(places)) < len(places)


_BEGINNING = re.compile(
    rb'\{\n  "dataset": "[^\n]*",\n  "(split|model|pages)": '
    rb"|(name|page\tkind)\ttruth\tprediction\tedits\tconfidence[\t\n]"
)
"""How the files begin that ``hmer eval`` writes."""


def _path(name: str | None, dataset: str) -> Path | None:
    """The path of an output file, checked to be writable, and to hold nothing that is not hmer's,
    such as the captions of the data set; None for none and for stdout."""
    if name is None or name == STDOUT:
        return None
    path = files.real_path(name)
    files.check(path)
    if not _may_replace(path):
        if path.is_relative_to(os.path.realpath(dataset)):
            raise UsageError(f"{name}: is a file of the data set", "name another")
        raise files.foreign(path)
    return path


def _may_replace(path: Path) -> bool:
    """Whether a file is empty or one of an earlier evaluation, or there is no regular file."""
    if not os.path.isfile(path) or not path.stat().st_size:
        return True
    with suppress(OSError), path.open("rb") as file:
        return _BEGINNING.match(file.read(HEAD)) is not None
    return False


def _put(name: str | None, path: Path | None, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    if path is not None:
        files.replace_if(path, data, _may_replace)
    elif name == STDOUT:
        files.to_stdout(data)
