"""Conversion on Ray Data: files -> pages or records, on one machine or a cluster.

Input: `Source` objects, or a Ray Dataset of files. Output: `PageRead` objects, or a Ray Dataset of
records. Method: ``map_batches`` over a pool of actors, each with one recogniser and one thread; Ray
restarts actors that died and retries their tasks. An error of a file is a row. With a cache folder
that all machines see, pages that are in it are not recognised again. Needs the extra ``ray``.
Ray's usage statistics are turned off before it is imported.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
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
from hmer_cli.errors import HmerError, InputError, MissingError, UsageError
from hmer_cli.page.load.sources import Source
from hmer_cli.recognition.lazy import LazyRecogniser, Reader

USAGE_STATISTICS = "RAY_USAGE_STATS_ENABLED"
"""Environment variable of Ray: 0, set before the import, turns its usage statistics off."""

LOOPBACK = "127.0.0.1"

_QUIET = {
    USAGE_STATISTICS: "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a warning at each start
    "RAY_worker_niceness": "0",  # 15 by default, relative to this process
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # failures also arrive as rows or Python exceptions
}
if "ray" not in sys.modules:
    os.environ.update(_QUIET)

_OTHER_SETTING = "a worker of Ray has another hmer, weights or libraries than this machine"
_REMEDY = "install the same on all machines"

_BLOCK = 4  # files of a task, which are retried together # convention
_CONNECT_TIMEOUT = 10.0  # seconds # convention
_RETRIES = 3  # of a task whose actor died # convention
_STORE = 256 << 20  # bytes of shared memory of a local cluster; rows are text # convention


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
        is in its ``line``; ``say`` is for the user.
        """
        import ray.cloudpickle as pickle

        for place, data in zip(batch["input"], batch["source"], strict=True):
            head = {"input": [int(place)], "setting": [self._setting]}
            try:
                for page in self.pages([pickle.loads(data)]):
                    said = {"stop": [""], "say": [self._results.failure]}
                    yield {**head, **said, "line": [to_line(to_row(page))]}
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

    A source whose actors died in every retry is a page with an error. ``advance`` is called once a
    page. Raises MissingError where a worker has no weights, or other weights, libraries or another
    version of hmer than this process.
    """
    pickle = _ray().cloudpickle
    items = [{"input": i, "source": pickle.dumps(each)} for i, each in enumerate(sources)]
    mine = _digest(job.reader()[1])
    found: dict[int, dict[int, str]] = {}
    say = lru_cache(console.say)  # each line once
    for row in _rows(items, job, cluster):
        if row["stop"]:
            raise MissingError(f"a worker of Ray gave up: {row['stop']}")
        if row["setting"] != mine:
            raise MissingError(_OTHER_SETTING, _REMEDY)
        if row["say"]:
            say(row["say"])
        pages = found.setdefault(row["input"], {})
        number = json.loads(row["line"])["page"] or 0
        advance(int(number not in pages), int(bool(pages) and number not in pages))
        pages[number] = row["line"]
    return [
        page for i, source in enumerate(sources) for page in _in_order(found.get(i, {}), source)
    ]


def _in_order(pages: dict[int, str], source: Source) -> Iterator[PageRead]:
    """The pages of a file by number; one with an error if no task of it succeeded."""
    if not pages:
        error = InputError(
            f"{source.name}: {_RETRIES + 1} workers died while reading it or a file beside it",
            "convert it alone",
        )
        yield PageRead(source.name, None, Result("", ()), error=error)
    for number in sorted(pages):
        yield replace(from_row(json.loads(pages[number])), original=source.read)


def _restarts() -> dict[str, int]:
    """Options of the actors: restarted whenever they die, their tasks retried _RETRIES times."""
    return {"max_restarts": -1, "max_task_retries": _RETRIES}


def _rows(items: list[dict[str, Any]], job: Job, cluster: Cluster) -> Iterator[dict[str, Any]]:
    """The rows of `_Worker` for all items, in any order. Raises HmerError of a worker."""
    if not items:
        return
    data = _ray().data
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
    readers.context.max_errored_blocks = -1  # unlimited: `_in_order` makes failures of their files
    try:
        yield from readers.iter_rows()
    except HmerError:
        raise
    except Exception as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, HmerError):
            raise cause from error
        raise


@dataclass(frozen=True)
class Cluster:
    """A connected cluster; ``readers`` is the number of actors in its pool."""

    readers: int


@contextmanager
def connected(address: str | None = None, readers: int | None = None) -> Iterator[Cluster]:
    """Context manager: a connection to the cluster at ``address``.

    Args:
        address: ``auto``, ``host:port`` or ``ray://host:port``. If None, a cluster on this machine
            is started for the context, some of whose processes listen on all interfaces. If this
            process is connected already, that connection is used.
        readers: actors; one a core if None.

    Raises MissingError without Ray or where it does not start, UsageError where no cluster answers.
    """
    ray = _ray()
    if ray.is_initialized():
        yield _cluster(ray, readers)
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    folder = None
    try:
        if address is None:
            # For Ray's sockets, whose paths are limited to 107 bytes: not below a long $TMPDIR.
            folder = tempfile.mkdtemp(prefix="hmer-", dir="/tmp" if os.name == "posix" else None)
            _start(ray, num_cpus=readers, include_dashboard=False, _temp_dir=folder, **quiet)
        else:
            _connect(ray, address, quiet)
        yield _cluster(ray, readers)
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Context manager: file descriptor 2 is the null device, for the log of Ray's C++ code."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def _start(ray: ModuleType, **more: Any) -> None:
    """Start a cluster on this machine. Raises MissingError where it does not come up."""
    try:
        with _no_stderr():
            ray.init(address="local", object_store_memory=_STORE, _node_ip_address=LOOPBACK, **more)
    except Exception as error:  # of no class of its own where a busy machine is too slow
        raise MissingError(f"Ray does not start ({error})", "try again, or without Ray") from error


def _connect(ray: ModuleType, address: str, quiet: dict[str, Any]) -> None:
    """Connect to a running cluster. Raises UsageError where none answers."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        if host and port.isdigit():  # ray.init alone waits for minutes
            socket.create_connection((host, int(port)), _CONNECT_TIMEOUT).close()
        with _no_stderr():
            ray.init(address=address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        what = f"--ray-address {address}: no cluster of Ray answers ({error})"
        raise UsageError(what, "start one with ray start --head") from error


def _cluster(ray: ModuleType, readers: int | None) -> Cluster:
    """The connected cluster, with the settings of Ray Data that a run needs."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    return Cluster(readers or max(1, int(ray.cluster_resources().get("CPU", 1))))


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
    ray = _ray()
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


def _ray() -> ModuleType:
    """The module ``ray``, imported with its usage statistics off.

    Raises MissingError if it is not installed, or was imported earlier with them on.
    """
    if "ray" in sys.modules and os.environ.get(USAGE_STATISTICS) != "0":
        raise MissingError(
            "ray was imported before hmer, with its usage statistics on: nothing is read",
            f"import hmer_cli.ray_data first, or start Python with {USAGE_STATISTICS}=0",
        )
    os.environ.update(_QUIET)
    try:
        import ray.data
    except ModuleNotFoundError as error:
        raise MissingError("Ray is not installed", 'pip install "hmer-cli[ray]"') from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=ray.util.annotations.RayDeprecationWarning)
    return ray
