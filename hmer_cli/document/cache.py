"""Cache of page results in one SQLite file, shared by concurrent runs.

Input: keys of pages (`cache_key`), results, pictures. Output: the same in later runs. Entries are
never stale, since keys hold everything that a result depends on, and writes are transactions, so a
killed run resumes.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from hmer_cli import console
from hmer_cli.document.cache_key import page_key
from hmer_cli.document.records import Drawing, Picture, RegionReading, Result, TextWord
from hmer_cli.errors import OutputError
from hmer_cli.geometry import Box
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading

T = TypeVar("T")

FILE = "results-1.sqlite"
LIMIT = 512 << 20
"""Bytes kept; beyond it, the least recently used entries are deleted."""  # convention

_WAIT = 30.0  # seconds for another run to finish its transaction
_SOON = 1.0  # seconds of waiting before a message
_DAY = 86400
_OVER = 1 / 64  # of the limit: what a process keeps before it looks for the oldest once more
_since: dict[Path, int] = {}
"""Bytes that this process kept since it last looked for the oldest entries of a file."""
_LOCKED = 0x40000002, 510  # first byte, and bytes: a reader of the database locks them

_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""Of a database; the second where SQLite's message quotes bytes of a damaged file."""

_TABLES = """
CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, used INTEGER, result BLOB);
CREATE TABLE IF NOT EXISTS pictures
    (key TEXT PRIMARY KEY, used INTEGER, width INTEGER, height INTEGER, picture BLOB);
"""


class Cache:
    """Results by page; in ``folder``, or where that is None, only until ``close``.

    It may be used from several threads, one at a time: that of a generator, whoever continues it.
    A damaged or unusable file is reported in one line, and the run goes on without it.
    """

    def __init__(self, folder: Path | None, setting: str) -> None:
        """``setting``: everything that readings depend on besides the page; see `setting_of`."""
        self._setting = setting
        self._path = None if folder is None else folder / FILE
        self._renewed = False
        self._given_up: list[Path] = []
        self._seen: set[str] = set()  # what was found, not used today before
        self._kept = 0  # bytes
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
        return page_key(self._setting, digest, number)

    def find(self, key: str) -> Result | None:
        """The cached result of the page; None if there is none."""
        query = "SELECT result, used FROM results WHERE key = ?"
        row = self._try(lambda base: _row(base, query, key))
        if row is None:
            return None
        try:
            found = _decoded(key, row[0])
            if row[1] < _today():
                self._seen.add(key)
        except Exception:  # of zlib, of JSON, and of what its fields are
            return None
        return found

    def picture(self, key: str) -> Picture | None:
        """The cached picture of the cleaned page; None if there is none."""
        query = "SELECT width, height FROM pictures WHERE key = ?"
        row = self._try(lambda base: _row(base, query, key)) or self._left_behind(query, key)
        return None if row is None else Picture(row[0], row[1], lambda: self._picture_data(key))

    def keep(self, results: Mapping[str, Result], pictures: Mapping[str, Picture]) -> None:
        """Store results and pictures by key in one transaction."""
        today = _today()
        read = [(key, today, _encoded(key, result)) for key, result in results.items()]
        drawn = [(key, today, p.width, p.height, p.load()) for key, p in pictures.items()]

        def write(base: sqlite3.Connection) -> None:
            with base:
                base.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", read)
                base.executemany("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?)", drawn)

        self._kept += sum(len(row[2]) for row in read) + sum(len(row[4]) for row in drawn)
        if read or drawn:
            before = self._base
            self._try(write)
            if self._base is not before:  # given up on the way, so these are not there yet
                self._try(write)

    def close(self) -> None:
        """Update the times of use and, now and then, delete the oldest entries beyond ``LIMIT``."""
        if self._seen and self._path is not None:
            self._try(lambda base: _touch(base, sorted(self._seen)))
        if self._path is not None:
            path, kept = self._path.absolute(), self._kept
            self._try(lambda base: _tidy(base, path, kept, LIMIT))
        self._base.close()

    def _picture_data(self, key: str) -> bytes:
        query = "SELECT picture FROM pictures WHERE key = ?"
        row = self._try(lambda base: _row(base, query, key)) or self._left_behind(query, key)
        if row is None or not isinstance(row[0], bytes):
            raise OutputError("the pictures of the pages are lost with the cache", "run it again")
        return row[0]

    def _left_behind(self, query: str, key: str) -> Any:
        """The same from an abandoned cache file, if it can still be read."""
        for path in self._given_up:
            with suppress(OSError, *_ERRORS):
                base = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
                with closing(base):
                    if (row := _row(base, query, key)) is not None:
                        return row
        return None

    def _try(self, action: Callable[[sqlite3.Connection], T]) -> T | None:
        """The action's value; None after a database error, which replaces the database."""
        try:
            return action(self._base)
        except _ERRORS as error:
            self._base.close()
            self._give_up(error)
            self._base = self._opened()
            return None

    def _opened(self) -> sqlite3.Connection:
        if self._path is None:
            return _connected("")  # SQLite's name for a private temporary file
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return _connected(str(self._path))
        except (OSError, *_ERRORS) as error:
            self._give_up(error)
            return self._opened()

    def _give_up(self, error: Exception) -> None:
        """Drop the file once if it is damaged; else leave it, and remember for this run only."""
        if self._path is None:
            raise OutputError(
                f"intermediate results cannot be kept ({error})", "free some disk space"
            ) from error
        damaged = isinstance(error, sqlite3.DatabaseError | UnicodeDecodeError)
        damaged &= not isinstance(error, sqlite3.OperationalError)
        begun_anew = damaged and not self._renewed and not _in_use(self._path)
        if begun_anew and _removed(self._path):
            self._renewed = True
            console.say(f"{self._path}: damaged, begun anew")
        else:
            reason = getattr(error, "strerror", None) or error
            console.say(f"{self._path}: cannot be used ({reason}); nothing is kept for later runs")
            self._given_up.append(self._path)
            self._path = None


def _connected(path: str) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=_SOON, check_same_thread=False)  # see `Cache`
    try:
        try:
            base.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            console.say(f"{path}: in use, waiting for it up to {_WAIT:.0f} s")
        base.execute(f"PRAGMA busy_timeout = {_WAIT * 1000:.0f}")
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")
        base.executescript(_TABLES)
    except _ERRORS:
        base.close()
        raise
    return base


def _in_use(path: Path) -> bool:
    """Whether another process has the database open, by the bytes that SQLite then locks (file
    format, 1.4 "The Lock-Byte Page"). Removed, its journal would be mixed with that of the next."""
    try:
        import fcntl
    except ImportError:  # Windows, which removes no file that is open
        return False
    try:
        with path.open("rb+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKED[1], _LOCKED[0])
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _removed(path: Path) -> bool:
    try:
        for ending in ("", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _row(base: sqlite3.Connection, query: str, *keys: str) -> Any:
    return base.execute(query, keys).fetchone()


def _today() -> int:
    return int(time.time() // _DAY)


def _touch(base: sqlite3.Connection, seen: Sequence[str]) -> None:
    today = _today()
    with base:
        for table in ("results", "pictures"):
            base.executemany(
                f"UPDATE {table} SET used = ? WHERE key = ? AND used < ?",
                ((today, key, today) for key in seen),
            )


def _tidy(base: sqlite3.Connection, path: Path, kept: int, limit: int) -> None:
    """Delete the oldest entries, and give their room back where it is much.

    To find them all are sorted: not where they are few, nor before this process ``kept`` more.
    """
    free, size, pages = (
        _row(base, f"PRAGMA {of}")[0] for of in ("freelist_count", "page_size", "page_count")
    )
    _since[path] = _since.get(path, limit) + kept
    if (pages - free) * size > limit // 2 and _since[path] > _OVER * limit:
        _delete_oldest(base, limit)
        _since[path] = 0
        free = _row(base, "PRAGMA freelist_count")[0]
    if free * size > limit // 4:  # else every run would copy the file
        with suppress(sqlite3.OperationalError):  # another run has it, or no room for the copy
            base.execute("VACUUM")


def _delete_oldest(base: sqlite3.Connection, limit: int) -> None:
    """Those of each table beyond half the limit."""
    with base:
        for table, column in (("results", "result"), ("pictures", "picture")):
            base.execute(
                f"DELETE FROM {table} WHERE key IN (SELECT key FROM (SELECT key, "
                f"sum(length({column})) OVER (ORDER BY used DESC, rowid DESC) AS total "
                f"FROM {table}) WHERE total > ?)",
                (limit // 2,),
            )


def _encoded(key: str, result: Result) -> bytes:
    """Compressed JSON: a tenth of a page of Python objects. It has the key, too, as a damaged index
    may lead to the row of another page."""
    content = {"key": key, **result_fields(result)}
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode())


def result_fields(result: Result) -> dict[str, Any]:
    """The result as plain values, ready for JSON, which keeps them to the last bit."""
    expressions = [
        {
            "region": each.region,
            "box": each.box,
            "key": each.key,
            "label": each.reading.label,
            "confidence": each.reading.confidence,
            "tokens": [(t.token, t.confidence, *t.box) for t in each.reading.tokens],
            "alternatives": [(a.label, a.confidence) for a in each.reading.alternatives],
            "words": each.words,
            "doubt": each.doubt,
        }
        for each in result.expressions
    ]
    return {
        "model": result.model,
        "expressions": expressions,
        "to_source": result.to_source,
        "text": [(w.text, w.box, w.line, w.confidence, w.mark) for w in result.text],
        "drawings": [(drawing.region, drawing.box) for drawing in result.drawings],
    }


def _decoded(key: str, data: bytes) -> Result:
    content = json.loads(zlib.decompress(data))
    if content["key"] != key:
        raise ValueError("the result of another page")
    return result_of(content)


def result_of(content: Mapping[str, Any]) -> Result:
    """The result with these fields. Raises KeyError, TypeError or ValueError."""
    to_source = content["to_source"] and tuple(map(float, content["to_source"]))
    words = tuple(TextWord(text, _box(box), *rest) for text, box, *rest in content["text"])
    found = tuple(map(_expression, content["expressions"]))
    drawings = tuple(Drawing(_box(region), _box(box)) for region, box in content["drawings"])
    return Result(content["model"], found, to_source, words, drawings)


def _expression(fields: dict[str, Any]) -> RegionReading:
    tokens = tuple(
        TokenReading(t, c, (x0, y0, x1, y1)) for t, c, x0, y0, x1, y1 in fields["tokens"]
    )
    others = tuple(Alternative(label, confidence) for label, confidence in fields["alternatives"])
    reading = Reading(fields["label"], fields["confidence"], tokens, others)
    places = _box(fields["region"]), _box(fields["box"])
    return RegionReading(*places, fields["key"], reading, fields["words"], fields["doubt"])


def _box(numbers: Sequence[float]) -> Box:
    x0, y0, x1, y1 = numbers
    return x0, y0, x1, y1
