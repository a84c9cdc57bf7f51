"""Conversion on Ray Data: files -> pages or records, on one machine or a cluster.

Input: `Source` objects, or a Ray Dataset of files. Output: `PageRead` objects, or a Ray Dataset of
records. Method: ``map_batches`` over a pool of actors, each with one recogniser and one thread; Ray
restarts actors that died and retries their tasks. Where a pool ends, as Ray ends one of which an
actor is lost while it starts, another reads what is left. An error of a file is a row. With a cache
folder that all machines see, pages that are in it are not recognised again. Needs the extra
``ray``.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2

from hmer_cli import console
from hmer_cli.api import Converter
from hmer_cli.document.build_records import records_of
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.formats.arrow import table
from hmer_cli.document.formats.text import jsonl
from hmer_cli.document.page_files import PageFiles
from hmer_cli.document.page_rows import from_row, to_line, to_row
from hmer_cli.document.pipeline import Options, read_pages
from hmer_cli.document.records import PageRead, Result
from hmer_cli.errors import HmerError, InputError, MissingError
from hmer_cli.page.load.sources import Source
from hmer_cli.ray_cluster import RETRY, STARTS, Cluster, load_ray
from hmer_cli.recognition.lazy import LazyRecogniser, Reader

_OTHER_SETTING = "a worker of Ray has another hmer, weights or libraries than this machine"
_REMEDY = "install the same on all machines"
_ALONE = "convert it alone"

_BLOCK = 4  # files of a task, which are retried together # convention
_RETRIES = 3  # of a task whose actor died # convention


@dataclass(frozen=True)
class Job:
    """The parameters of a conversion, pickled to every worker.

    Attributes:
        load: makes the recogniser, in the process of the worker.
        options: of `pipeline.read_pages`.
        cache: a folder that all workers see, for results; None for no cache.
        folder: the working directory, against which relative paths are resolved.
    """

    load: Callable[[], Reader]
    options: Options
    cache: Path | None = None
    folder: str = ""

    @classmethod
    def of(
        cls,
        options: Options,
        model: str | None = None,
        charset: str | None = None,
        cache: Path | None = None,
    ) -> Job:
        """A job with the weights of this name, which are loaded once here to check them.

        Raises MissingError for missing weights and UsageError for an unknown ``charset``.
        """
        load = partial(LazyRecogniser, model, charset, threads=1)
        load()
        return cls(load, replace(options, jobs=1), cache and cache.absolute(), os.getcwd())

    def reader(self) -> tuple[Reader, str]:
        """The recogniser, and the part of the cache key that does not depend on the page.

        Raises MissingError.
        """
        reader, options = self.load(), self.options
        converter = Converter(
            layout=options.layout, pdf_renderer=options.renderer, recogniser=reader
        )
        return reader, f"{converter.setting()} {options.pages}"


class _Worker:
    """Actor with one recogniser: batches of pickled sources -> rows of pages."""

    def __init__(self, job: Job) -> None:
        cv2.setNumThreads(1)
        with suppress(OSError):
            os.chdir(job.folder)
        self._job = job
        self._refusal: HmerError | None = None
        self._setting = ""
        try:
            self._reader, setting = job.reader()
        except HmerError as error:  # raised here, Ray would give its text alone
            self._refusal = error
            return
        self._setting = _digest(setting)
        self._results = PageFiles(job.cache, setting)

    def __call__(self, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Rows of one page: ``input``, ``setting`` (SHA-256), ``stop``, ``line`` (JSON), ``say``.

        ``stop`` is the message of an error that ends the run, empty otherwise; an error of a file
        is in its ``line``; ``say`` is for the user. A row without a ``line`` follows the pages of a
        file.
        """
        for place, data in zip(batch["input"], batch["source"], strict=True):
            head = {"input": [int(place)], "setting": [self._setting]}
            try:
                for page in self.pages([pickle.loads(data)]):
                    said = {"stop": [""], "say": [self._results.failure]}
                    yield {**head, **said, "line": [to_line(to_row(page))]}
                yield {**head, "stop": [""], "line": [""], "say": [""]}
            except HmerError as error:
                yield {**head, "stop": [str(error)], "line": [""], "say": [""]}

    def pages(self, sources: Sequence[Source]) -> Iterator[PageRead]:
        """Every page of the sources, from the cache where it has them. Raises MissingError."""
        if self._refusal is not None:
            raise self._refusal
        options = self._job.options
        yield from read_pages(
            sources, self._reader, self._results, options, lambda done, more: None
        )


def read_sources(
    sources: Sequence[Source], job: Job, cluster: Cluster, advance: console.Advance
) -> list[PageRead]:
    """Every page of every source, in their order: what `pipeline.read_pages` yields.

    A source whose actors died in every retry is a page with an error, and so are those that no pool
    of actors has read. ``advance`` is called once a page. Raises MissingError where a worker has no
    weights, or other weights, libraries or another version of hmer than this process, and where no
    pool has read anything.
    """
    run = _Run(sources, job, advance)
    fault = "not read, as no worker of Ray starts any more", RETRY
    for left in reversed(range(STARTS)):
        try:
            run.read(cluster)
            fault = f"{_RETRIES + 1} workers died while reading it or a file beside it", _ALONE
            break
        except load_ray().exceptions.RayActorError as error:
            if error.actor_init_failed:  # by an exception of its own
                raise
            if not left and not run.found:
                raise MissingError("no worker of Ray starts", RETRY) from error
    return [page for i, source in enumerate(sources) for page in run.pages(i, source, fault)]


class _Run:
    """Rows of workers -> pages; may be read by several pools, one after the other."""

    def __init__(self, sources: Sequence[Source], job: Job, advance: console.Advance) -> None:
        dumps = load_ray().cloudpickle.dumps
        self.found: dict[int, dict[int, str]] = {}
        self._items = [{"input": i, "source": dumps(each)} for i, each in enumerate(sources)]
        self._job, self._advance = job, advance
        self._mine = _digest(job.reader()[1])
        self._complete: set[int] = set()
        self._say = lru_cache(console.say)  # each line once

    def read(self, cluster: Cluster) -> None:
        """Have the sources read of which not all pages are found; see `read_sources`."""
        left = [item for item in self._items if item["input"] not in self._complete]
        for row in _rows(left, self._job, cluster):
            if row["stop"]:
                raise MissingError(f"a worker of Ray gave up: {row['stop']}")
            if row["setting"] != self._mine:
                raise MissingError(_OTHER_SETTING, _REMEDY)
            if row["say"]:
                self._say(row["say"])
            if row["line"]:
                self._add(row["input"], row["line"])
            else:
                self._complete.add(row["input"])

    def _add(self, place: int, line: str) -> None:
        pages = self.found.setdefault(place, {})
        number = json.loads(line)["page"] or 0
        self._advance(int(number not in pages), int(bool(pages) and number not in pages))
        pages[number] = line

    def pages(self, place: int, source: Source, fault: tuple[str, str]) -> Iterator[PageRead]:
        """The pages of a file by number, and one with the error ``fault`` if there may be more."""
        pages = self.found.get(place, {})
        for number in sorted(pages):
            yield replace(from_row(json.loads(pages[number])), original=source.read)
        if place not in self._complete:
            error = InputError(f"{source.name}: {fault[0]}", fault[1])
            yield PageRead(source.name, None, Result("", ()), error=error)


def _restarts() -> dict[str, int]:
    """Options of the actors: restarted whenever they die, their tasks retried _RETRIES times."""
    return {"max_restarts": -1, "max_task_retries": _RETRIES}


def _rows(items: list[dict[str, Any]], job: Job, cluster: Cluster) -> Iterator[dict[str, Any]]:
    """The rows of `_Worker` for all items, in any order. Raises HmerError of a worker."""
    if not items:
        return
    data = load_ray().data
    blocks = max(-(-len(items) // _BLOCK), min(len(items), 4 * cluster.readers))
    readers = data.from_items(items, override_num_blocks=blocks).map_batches(
        _Worker,
        fn_constructor_args=(job,),
        batch_size=None,
        batch_format="numpy",
        num_cpus=1,
        compute=data.ActorPoolStrategy(size=min(cluster.readers, blocks)),
        ray_remote_args_fn=_restarts,
    )
    readers.context.max_errored_blocks = -1  # unlimited: `_Run.pages` makes failures of their files
    try:
        yield from readers.iter_rows()
    except HmerError:
        raise
    except Exception as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, HmerError):
            raise cause from error
        raise


def read(
    dataset: Any,
    *,
    model: str | None = None,
    charset: str | None = None,
    options: Options | None = None,
    cache: str | os.PathLike[str] | None = None,
    readers: int | None = None,
) -> Any:
    """A Ray Dataset of files -> a Ray Dataset of records, with the fields of ``.jsonl``.

    Args:
        dataset: with the columns ``path`` (str) and ``bytes``, as
            ``ray.data.read_binary_files(paths, include_paths=True)`` makes them.
        model: name of weights, or a file that every machine has.
        charset: name of a token set that answers are limited to, or a file of one.
        options: `hmer_cli.document.pipeline.Options`: layout, renderer, pages (a `PageRange`).
        cache: a folder that all machines see; pages in it are not recognised again.
        readers: number of actors at most, each on one core; as many as fit if None. One core of
            the cluster is left to open the files.

    Returns:
        A lazy dataset, its ids unique within a file; one that cannot be read has "failed" records.

    Raises MissingError without weights or Ray, and, as the dataset is read, where a worker has
    other weights; UsageError for an unknown ``charset``.
    """
    ray = load_ray()
    job = Job.of(options or Options(), model, charset, None if cache is None else Path(cache))
    return _records(dataset, job, readers, ray)


def _records(dataset: Any, job: Job, readers: int | None, ray: ModuleType) -> Any:
    """The records of a dataset of files, as `read` gives them."""
    free = int(ray.cluster_resources().get("CPU", 1)) - 1  # one opens the files
    least = max(1, min(readers or 1, free))
    most = readers if free > 0 else 1
    return dataset.map_batches(
        _FileReader,
        fn_constructor_args=(job, _digest(job.reader()[1])),
        batch_size=_BLOCK,
        batch_format="numpy",
        num_cpus=1 if free > 0 else 0,
        compute=ray.data.ActorPoolStrategy(min_size=least, max_size=most),
        ray_remote_args_fn=_restarts,
    )


def _digest(setting: str) -> str:
    return hashlib.sha256(setting.encode()).hexdigest()


class _FileReader(_Worker):
    """Actor with one recogniser: batches of paths and bytes -> Arrow tables of records."""

    def __init__(self, job: Job, setting: str) -> None:
        """``setting``: that of the process which asked, by its SHA-256; another is refused."""
        super().__init__(job)
        if self._refusal is None and self._setting != setting:
            self._refusal = MissingError(_OTHER_SETTING, _REMEDY)

    def __call__(self, batch: dict[str, Any]) -> Iterator[Any]:
        """One table a file, without rows where it has no records."""
        for path, data in zip(batch["path"], batch["bytes"], strict=True):
            source = Source(str(path), str(path), partial(bytes, data))
            records = list(records_of(self.pages([source]), Corrections()))
            rows = [json.loads(line) for line in jsonl(records).splitlines()]
            yield table(rows)
