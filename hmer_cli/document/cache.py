"""What was read of each page, kept in the user's cache folder from run to run.

A page is known by the bytes of its file, its number there, and all that its reading depends on:
the weights, the layout that was asked for, the code, the libraries. So nothing kept is ever out
of date, and a run that was killed goes on where it was. One SQLite file holds it all: a
transaction is there or is not, and several runs may share it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from hmer_cli import console
from hmer_cli.document.records import Box, Picture
from hmer_cli.errors import OutputError
from hmer_cli.models.registry import sha256_of, shipped_dir
from hmer_cli.page.detect.detector import FILES
from hmer_cli.recognition.reading import Reading, TokenReading

T = TypeVar("T")

FILE = "results-1.sqlite"
LIMIT = 512 << 20
"""Bytes kept; beyond it, what was not used for the longest time is forgotten."""

_ROOMS = ("expr", "models", "ink", "data", "page", "recognition")
_LIBRARIES = (
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "pdf2image",
    "pillow",
    "pypdfium2",
    "rmscene",
)
_WAIT = 30.0  # seconds for another run to finish its transaction
_DAY = 86400

_TABLES = """
CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, used INTEGER, result BLOB);
CREATE TABLE IF NOT EXISTS pictures
    (key TEXT PRIMARY KEY, used INTEGER, width INTEGER, height INTEGER, picture BLOB);
"""


@dataclass(frozen=True)
class Expression:
    """One region as it was read: ``region`` as a record gives it, ``box`` and the boxes of the
    tokens in pixels of the page's image, ``key`` the SHA-256 of its ink.
    """

    region: Box
    box: Box
    key: str
    reading: Reading


@dataclass(frozen=True)
class Result:
    """All that was read on one page, in reading order, and the name of the weights."""

    model: str
    expressions: tuple[Expression, ...]


class Cache:
    """Results by page; in ``folder``, or where that is None, only until ``close``.

    A file that is damaged or cannot be used is said in one line, and work goes on without it.
    """

    def __init__(self, folder: Path | None, setting: str) -> None:
        """``setting``: all that readings depend on but the page, in words; see ``setting_of``."""
        self._setting = setting
        self._path = None if folder is None else folder / FILE
        self._renewed = False
        self._seen: set[str] = set()
        self._base = self._opened()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def key(self, digest: str, number: int) -> str:
        """The key of a page: the SHA-256 of its file and its number there."""
        return hashlib.sha256(f"{self._setting} {digest} {number}".encode()).hexdigest()

    def find(self, key: str) -> Result | None:
        """What was read of the page; None where it was not read yet."""
        row = self._try(lambda base: _row(base, "SELECT result FROM results WHERE key = ?", key))
        if row is None:
            return None
        try:
            found = _decoded(row[0])
        except (ValueError, TypeError, KeyError, zlib.error):
            return None
        self._seen.add(key)
        return found

    def picture(self, key: str) -> Picture | None:
        """The page as hmer saw it; None where no run has kept it."""
        query = "SELECT width, height FROM pictures WHERE key = ?"
        row = self._try(lambda base: _row(base, query, key))
        return None if row is None else Picture(row[0], row[1], lambda: self._picture_data(key))

    def keep(self, results: Mapping[str, Result], pictures: Mapping[str, Picture]) -> None:
        """Keep these of these keys: all of them or, if the run is killed in the middle, none."""
        today = _today()
        read = [(key, today, _encoded(result)) for key, result in results.items()]
        drawn = [(key, today, p.width, p.height, p.load()) for key, p in pictures.items()]

        def write(base: sqlite3.Connection) -> None:
            with base:
                base.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", read)
                base.executemany("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?)", drawn)

        if read or drawn:
            self._try(write)

    def close(self) -> None:
        """Note what was of use, forget the oldest beyond ``LIMIT``."""
        if self._path is not None:
            self._try(lambda base: _tidy(base, sorted(self._seen), LIMIT))
        self._base.close()

    def _picture_data(self, key: str) -> bytes:
        query = "SELECT picture FROM pictures WHERE key = ?"
        row = self._try(lambda base: _row(base, query, key))
        return b"" if row is None else bytes(row[0])

    def _try(self, action: Callable[[sqlite3.Connection], T]) -> T | None:
        """The action's value; None after a trouble, from which the results begin anew."""
        try:
            return action(self._base)
        except sqlite3.Error as error:
            self._base.close()
            self._give_up(error)
            self._base = self._opened()
            return None

    def _opened(self) -> sqlite3.Connection:
        if self._path is None:
            return _connected("")  # SQLite's name for a file that nobody else sees
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return _connected(str(self._path))
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)
            return self._opened()

    def _give_up(self, error: Exception) -> None:
        """Drop the file once if it is damaged; else leave it, and remember for this run only."""
        if self._path is None:
            raise OutputError(
                f"intermediate results cannot be kept ({error})", "free some disk space"
            ) from error
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.OperationalError
        )
        if damaged and not self._renewed and _removed(self._path):
            self._renewed = True
            console.say(f"{self._path}: damaged, begun anew")
        else:
            console.say(f"{self._path}: cannot be used ({error}); nothing is kept for later runs")
            self._path = None


def setting_of(identity: str, layout: str, renderer: str = "pdfium") -> str:
    """All that a reading depends on but the page: weights, code, libraries, layout, renderer."""
    return " ".join([identity, layout, renderer, _code(), _detector(), _libraries()])


@cache
def _code() -> str:
    """SHA-256 of the code that reads, and of what is written here."""
    here = Path(__file__).parents[1]
    rooms = [path for room in _ROOMS for path in sorted((here / room).glob("*.py"))]
    digest = hashlib.sha256()
    for path in [*rooms, here / "document" / "pipeline.py", Path(__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def _detector() -> str:
    """SHA-256 of each of the weights that find regions."""
    paths = [shipped_dir() / name for name in FILES]
    return " ".join(sha256_of(path) if path.is_file() else "-" for path in paths)


def _libraries() -> str:
    """What decodes, draws and computes."""
    return ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "-"


def _connected(path: str) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=_WAIT)
    try:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")
        base.executescript(_TABLES)
    except sqlite3.Error:
        base.close()
        raise
    return base


def _removed(path: Path) -> bool:
    try:
        for ending in ("", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _row(base: sqlite3.Connection, query: str, key: str) -> Any:
    return base.execute(query, (key,)).fetchone()


def _today() -> int:
    return int(time.time() // _DAY)


def _tidy(base: sqlite3.Connection, seen: Sequence[str], limit: int) -> None:
    today = _today()
    with base:
        for table in ("results", "pictures"):
            base.executemany(
                f"UPDATE {table} SET used = ? WHERE key = ? AND used < ?",
                ((today, key, today) for key in seen),
            )
        for table, column in (("results", "result"), ("pictures", "picture")):
            base.execute(
                f"DELETE FROM {table} WHERE key IN (SELECT key FROM (SELECT key, "
                f"sum(length({column})) OVER (ORDER BY used DESC, rowid DESC) AS total "
                f"FROM {table}) WHERE total > ?)",
                (limit // 2,),
            )


def _encoded(result: Result) -> bytes:
    """Compressed JSON: a tenth of a page of Python objects."""
    expressions = [
        {
            "region": each.region,
            "box": each.box,
            "key": each.key,
            "label": each.reading.label,
            "confidence": each.reading.confidence,
            "tokens": [(t.token, t.confidence, *t.box) for t in each.reading.tokens],
        }
        for each in result.expressions
    ]
    text = json.dumps({"model": result.model, "expressions": expressions}, separators=(",", ":"))
    return zlib.compress(text.encode())


def _decoded(data: bytes) -> Result:
    content = json.loads(zlib.decompress(data))
    return Result(content["model"], tuple(map(_expression, content["expressions"])))


def _expression(fields: dict[str, Any]) -> Expression:
    tokens = tuple(
        TokenReading(t, c, (x0, y0, x1, y1)) for t, c, x0, y0, x1, y1 in fields["tokens"]
    )
    reading = Reading(fields["label"], fields["confidence"], tokens)
    return Expression(_box(fields["region"]), _box(fields["box"]), fields["key"], reading)


def _box(numbers: Sequence[float]) -> Box:
    x0, y0, x1, y1 = numbers
    return x0, y0, x1, y1
