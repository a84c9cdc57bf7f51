"""Reading on Ray Data: files in, pages or records out, on one machine or a cluster.

One reader is one actor, with one thread; Ray hands out the files, starts actors that died anew and
repeats what was theirs. A file that cannot be read is a row that says so. With a cache folder on a
file system that all machines see, pages that were read before are not read again. Needs the extra
``ray``. Ray's usage statistics are turned off before it is imported.
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
from functools import partial
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import cv2

from hmer_cli.api import Converter
from hmer_cli.console import Advance
from hmer_cli.data.store import MAX_BYTES
from hmer_cli.document.build_records import records_of
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.formats.text import jsonl
from hmer_cli.document.page_files import PageFiles
from hmer_cli.document.page_rows import from_row, to_line, to_row
from hmer_cli.document.pipeline import Options, read_pages
from hmer_cli.document.records import PageRead, Result
from hmer_cli.errors import HmerError, InputError, MissingError, UsageError
from hmer_cli.page.load.sources import ENDINGS, KINDS, Source, by_number
from hmer_cli.recognition.lazy import LazyRecogniser, Reader

USAGE_STATISTICS = "RAY_USAGE_STATS_ENABLED"
"""The environment variable that keeps Ray from reporting to its makers; 0 before it is imported."""

LOOPBACK = "127.0.0.1"

_QUIET = {
    USAGE_STATISTICS: "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # or each start warns of a change of default
    "RAY_worker_niceness": "0",  # 15 of its own: on a busy machine readers would starve
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # what fails is a row or an error of Python, too
}
if "ray" not in sys.modules:
    os.environ.update(_QUIET)

_BLOCK = 4  # files that a worker takes at a time, and that are lost to it if it dies # convention
_ANSWERS = 10.0  # seconds in which a cluster must answer # convention
_TRIES = 3  # times that files are given to a new worker after theirs died # convention
_STORE = 256 << 20  # bytes of shared memory of a local cluster; what passes through is text
_NULLABLE = ("page", "region", "error", "alternatives")


@dataclass(frozen=True)
class Job:
    """What each worker does: with which reader, options and cache.

    ``load`` makes the reader where it is called; ``cache`` is a folder that all workers see.
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
        """A job with the weights of this name. Raises MissingError and UsageError at once."""
        load = partial(LazyRecogniser, model, charset, threads=1)
        load()
        return cls(load, replace(options, jobs=1), cache and cache.absolute(), os.getcwd())

    def reader(self) -> tuple[Reader, str]:
        """The reader, and all that its readings depend on besides the page."""
        reader, options = self.load(), self.options
        converter = Converter(
            layout=options.layout, pdf_renderer=options.renderer, recogniser=reader
        )
        return reader, f"{converter.setting()} {options.pages}"


class _Worker:
    """One reader in an actor: rows of files -> lines of pages."""

    def __init__(self, job: Job) -> None:
        cv2.setNumThreads(1)
        with suppress(OSError):
            os.chdir(job.folder)
        self._job = job
        self._reader, setting = job.reader()
        self._setting = hashlib.sha256(setting.encode()).hexdigest()
        self._results = PageFiles(job.cache, setting)

    def __call__(self, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """One row a page; one whose ``stop`` is set where an error concerns the whole run."""
        import ray.cloudpickle as pickle

        for place, data in zip(batch["input"], batch["source"], strict=True):
            head = {"input": [int(place)], "setting": [self._setting]}
            try:
                for page in self.pages([pickle.loads(data)]):
                    yield {**head, "stop": [""], "line": [to_line(to_row(page))]}
            except HmerError as error:
                yield {**head, "stop": [str(error)], "line": [""]}

    def pages(self, sources: Sequence[Source]) -> Iterator[PageRead]:
        """Every page of the sources, those that were read before from the cache."""
        options = self._job.options
        yield from read_pages(
            sources, self._reader, self._results, options, lambda done, more: None
        )


def read_sources(
    sources: Sequence[Source], job: Job, cluster: Cluster, advance: Advance
) -> list[PageRead]:
    """Every page of every source, in their order, as `pipeline.read_pages` gives them.

    Raises MissingError where a worker has no weights, or other ones, or another hmer.
    """
    pickle = _ray().cloudpickle
    items = [{"input": i, "source": pickle.dumps(each)} for i, each in enumerate(sources)]
    _, setting = job.reader()
    mine = hashlib.sha256(setting.encode()).hexdigest()
    found: dict[int, dict[int, str]] = {}
    for row in _rows(items, job, cluster):
        if row["stop"]:
            raise MissingError(f"a worker of Ray gave up: {row['stop']}")
        if row["setting"] != mine:
            what = "a worker of Ray has another hmer, weights or libraries than this machine"
            raise MissingError(what, "install the same on all machines")
        pages = found.setdefault(row["input"], {})
        number = json.loads(row["line"])["page"] or 0
        advance(int(number not in pages), int(bool(pages) and number not in pages))
        pages[number] = row["line"]
    return [
        page
        for i, source in enumerate(sources)
        for page in _in_order(found.get(i, {}), source.name)
    ]


def _in_order(pages: dict[int, str], name: str) -> Iterator[PageRead]:
    """The pages of a file by number; the failure of one whose worker died again and again."""
    if not pages:
        error = InputError(
            f"{name}: {_TRIES + 1} workers died while reading it or a file beside it",
            "convert it alone",
        )
        yield PageRead(name, None, Result("", ()), error=error)
    for number in sorted(pages):
        yield from_row(json.loads(pages[number]))


def _restarts() -> dict[str, int]:
    """A worker that died is started anew; what it was at is tried again, but not for ever."""
    return {"max_restarts": -1, "max_task_retries": _TRIES}


def _rows(items: list[dict[str, Any]], job: Job, cluster: Cluster) -> Iterator[dict[str, Any]]:
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
    """A cluster of Ray that is connected, and how many readers work on it at a time."""

    readers: int


@contextmanager
def connected(address: str | None = None, readers: int | None = None) -> Iterator[Cluster]:
    """The cluster at an address (``auto``, ``host:port`` or ``ray://host:port``).

    Without one, a cluster on this machine alone for as long as the context lasts, some of whose
    processes listen on all interfaces; or the one that this process is connected to. ``readers``
    is one a core if unset. Raises MissingError without Ray, UsageError where no cluster answers.
    """
    ray = _ray()
    if ray.is_initialized():
        yield _cluster(ray, readers)
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    folder = None
    try:
        if address is None:
            # Ray's sockets lie in it, whose paths may have 107 bytes: not below a long $TMPDIR.
            folder = tempfile.mkdtemp(prefix="hmer-", dir="/tmp" if os.name == "posix" else None)
            ray.init(
                address="local",
                num_cpus=readers,
                include_dashboard=False,
                object_store_memory=_STORE,
                _node_ip_address=LOOPBACK,
                _temp_dir=folder,
                **quiet,
            )
        else:
            _connect(ray, address, quiet)
        yield _cluster(ray, readers)
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _connect(ray: ModuleType, address: str, quiet: dict[str, Any]) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        if host and port.isdigit():  # Ray itself tries for minutes
            socket.create_connection((host, int(port)), _ANSWERS).close()
        ray.init(address=address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        what = f"--ray-address {address}: no cluster of Ray answers ({error})"
        raise UsageError(what, "start one with ray start --head") from error


def _cluster(ray: ModuleType, readers: int | None) -> Cluster:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_errored_blocks = -1  # of workers that died too often; their files become failures
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
        dataset: rows with ``path`` and ``bytes``, as
            ``ray.data.read_binary_files(paths, include_paths=True)`` makes them.
        model: weights: a name or a file that every machine has.
        charset: tokens that answers keep to.
        options: layout, pages and renderer of PDFs.
        cache: a folder that all machines see; what is there is not read again.
        readers: actors at a time, each on one core; as many as fit if unset.

    A file that cannot be read is a record with ``status`` failed. Lazy, as datasets are.

    Raises MissingError without weights or Ray, UsageError for arguments that are wrong.
    """
    ray = _ray()
    job = Job.of(options or Options(), model, charset, None if cache is None else Path(cache))
    size = {"size": readers} if readers else {"min_size": 1}
    return dataset.map_batches(
        _FileReader,
        fn_constructor_args=(job,),
        batch_size=_BLOCK,
        batch_format="numpy",
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(**size),
        ray_remote_args_fn=_restarts,
    )


class _FileReader(_Worker):
    """One reader in an actor: rows of paths and bytes -> tables of records."""

    def __call__(self, batch: dict[str, Any]) -> Iterator[Any]:
        for path, data in zip(batch["path"], batch["bytes"], strict=True):
            source = Source(str(path), str(path), partial(bytes, data))
            records = list(records_of(self.pages([source]), Corrections()))
            rows = [json.loads(line) for line in jsonl(records).splitlines()]
            if rows:
                yield _table(rows)


def _table(rows: list[dict[str, Any]]) -> Any:
    """As Arrow, with the type that a column has elsewhere where all of it is null here."""
    import pyarrow as arrow

    number = arrow.float64()
    other = arrow.struct({"latex": arrow.string(), "label": arrow.string(), "confidence": number})
    kinds = (arrow.int64(), arrow.list_(number), arrow.string(), arrow.list_(other))
    known = dict(zip(_NULLABLE, kinds, strict=True))
    inferred = arrow.Table.from_pylist(rows).schema
    fields = [arrow.field(each.name, known.get(each.name, each.type)) for each in inferred]
    return arrow.Table.from_pylist(rows, schema=arrow.schema(fields))


def _ray() -> ModuleType:
    """Ray, imported with its usage statistics off.

    Raises MissingError where it is not installed, or was imported with them on.
    """
    if "ray" in sys.modules and os.environ.get(USAGE_STATISTICS) != "0":
        raise MissingError(
            "ray was imported before hmer, with its usage statistics on: nothing is read",
            f"import hmer_cli.ray_data first, or start Python with {USAGE_STATISTICS}=0",
        )
    os.environ.update(_QUIET)
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise MissingError("Ray is not installed", "pip install 'hmer-cli[ray]'") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=ray.util.annotations.RayDeprecationWarning)
    return ray


def remote_sources(address: str) -> list[Source]:
    """The files at or below an address such as ``s3://bucket/folder``, sorted by name.

    Workers read them themselves, by the file systems of Apache Arrow, which find their credentials
    in the environment. Raises InputError where there is nothing to read, MissingError without Ray.
    """
    _ray()
    from pyarrow import fs

    try:
        system, path = fs.FileSystem.from_uri(address)
        below = fs.FileSelector(path, recursive=True)
        there = system.get_file_info(path)
        found = system.get_file_info(below) if there.type == fs.FileType.Directory else [there]
    except (OSError, ValueError) as error:
        raise InputError(f"{address}: cannot be listed ({error})", "check the address") from error
    files = [each for each in found if each.type == fs.FileType.File]
    chosen = [each for each in files if each == there or _is_wanted(each.path)]
    if not chosen:
        raise InputError(f"{address}: nothing to convert there", f"put {KINDS} there")
    scheme = address.partition("://")[0]
    names = sorted((f"{scheme}://{each.path}" for each in chosen), key=by_number)
    return [Source(name, name, partial(_read_address, name)) for name in names]


def is_remote(name: str) -> bool:
    """Whether an input is an address, and no path."""
    return "://" in name


def _is_wanted(path: str) -> bool:
    name = PurePosixPath(path)
    return name.suffix.lower() in ENDINGS and not name.name.startswith(".")


def _read_address(address: str) -> bytes:
    from pyarrow import fs

    try:
        system, path = fs.FileSystem.from_uri(address)
        if system.get_file_info(path).size > MAX_BYTES:
            raise InputError(f"{address}: larger than {MAX_BYTES >> 20} MiB", "split it")
        with system.open_input_stream(path) as file:
            return bytes(file.read())
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{address}: cannot be read ({error})") from error
