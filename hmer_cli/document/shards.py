"""Shards: one part in N of the inputs, converted apart, and put together again.

A file belongs to a shard by the SHA-256 of its content, so the parts do not depend on names, order
or machine, and copies of a file stay together. The unit is the file: an image, a PDF with all its
pages, or one member of an archive. A shard's results are lines of JSON: a head that says which part
of which inputs it is, then one line a page (`page_rows`). Put together they are the pages of the
undivided run, in its order.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hmer_cli.document.page_rows import from_row, to_line, to_row
from hmer_cli.document.records import PageRead
from hmer_cli.errors import HmerError, UsageError
from hmer_cli.page.load.sources import Source

VERSION = 1
_FORM = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")
_BEGINNING = re.compile(rb'\s*\{\s*"hmer":\s*"shard"(?:,\s*"version":\s*([0-9]{1,9}))?')
_NAMED = 5  # shards or inputs named in a message
_MOST_INPUTS, _MOST_SHARDS = 10_000_000, 100_000  # more are a damaged file


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``of``, from 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """``3/16``. Raises UsageError."""
        match = _FORM.fullmatch(text)
        number, of = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= number <= of <= _MOST_SHARDS:
            raise UsageError(f"--shard {text}: not one part of several", "write 1/4, 2/4, ... 4/4")
        return cls(number, of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, digest: bytes) -> bool:
        """Whether a file whose SHA-256 this is belongs to this part."""
        return int.from_bytes(digest) % self.of == self.number - 1


@dataclass(frozen=True)
class Part:
    """The inputs of one shard: their places in the undivided list, whose length is ``inputs``.

    ``names`` is a digest of the names of all of them, in their order.
    """

    shard: Shard
    inputs: int
    names: str
    places: Mapping[str, int]
    sources: Sequence[Source]


def part_of(sources: Sequence[Source], shard: Shard, advance: Callable[[int, int], None]) -> Part:
    """The sources of a shard. All are read once, to be hashed; one that cannot be is identified by
    its name, so that one shard alone reports it."""
    chosen = {}
    for place, source in enumerate(sources):
        if shard.holds(_digest(source)):
            chosen[source.name] = place
        advance(1, 0)
    names = "\0".join(source.name for source in sources)
    digest = hashlib.sha256(names.encode("utf-8", "surrogateescape")).hexdigest()
    mine = [sources[place] for place in chosen.values()]
    return Part(shard, len(sources), digest, chosen, mine)


def _digest(source: Source) -> bytes:
    try:
        data = source.read()
    except HmerError:
        data = source.name.encode("utf-8", "surrogateescape")
    return hashlib.sha256(data).digest()


def shard_file(part: Part, pages: Iterable[PageRead], setting: str) -> str:
    """The results file of a shard; ``setting`` is all that readings depend on besides the file."""
    rows = [{"input": part.places[page.source], **to_row(page)} for page in pages]
    head = {
        "hmer": "shard",
        "version": VERSION,
        "shard": part.shard.number,
        "of": part.shard.of,
        "inputs": part.inputs,
        "names": part.names,
        "setting": hashlib.sha256(setting.encode()).hexdigest(),
        "places": sorted(part.places.values()),
        "pages": len(rows),
    }
    return "".join(map(to_line, (head, *rows)))


@dataclass(frozen=True)
class _File:
    """A shard's results file, read and checked by itself."""

    path: Path
    shard: Shard
    head: dict[str, Any]
    rows: list[dict[str, Any]]


def merged(paths: Sequence[Path]) -> list[PageRead]:
    """The pages of the undivided run, in its order.

    Raises UsageError, in one line, where a file is no shard or incomplete, where shards are missing
    or given twice, or where they are of different inputs, weights or options.
    """
    shards = [_opened(path) for path in paths]
    _check_complete(shards)
    _check_alike(shards)
    _check_places(shards)
    rows = [(row["input"], shard, row) for shard in shards for row in shard.rows]
    rows.sort(key=lambda each: each[0])  # stable: the pages of a file stay in their order
    return [_page(shard, row) for _, shard, row in rows]


def is_shard(path: Path) -> bool:
    """Whether the file is the results file of a shard; False where it cannot be read."""
    return _version(path) is not None


def _version(path: Path) -> int | None:
    """The version of a shard's file, 0 where none is given; None where it is no shard."""
    try:
        with path.open("rb") as file:
            match = _BEGINNING.match(file.read(1 << 10))  # the whole head may be of megabytes
    except OSError:
        return None
    return int(match[1] or 0) if match else None


def _check_version(path: Path) -> None:
    """Before the structure, which another version may have another way. Raises UsageError."""
    version = _version(path)
    if version is not None and version > VERSION:
        raise UsageError(f"{path}: made by a newer hmer (version {version})", "update this one")
    if version and version < VERSION:
        raise UsageError(f"{path}: version {version}, not {VERSION}", "use one hmer for all")


def _opened(path: Path) -> _File:
    _check_version(path)
    try:
        head, *rows = [json.loads(line) for line in path.read_text("ascii").splitlines()]
        if head["hmer"] != "shard":
            raise ValueError
        pages = head["pages"]
        shard = Shard.parse(f"{head['shard']}/{head['of']}")
        _ = head["names"], head["setting"]
        if not _is_sound(head, rows):
            raise ValueError
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, RecursionError, UsageError) as error:
        raise UsageError(
            f"{path}: no results of a shard, or not all of them",
            "make them with hmer convert --shard I/N --out FILE.jsonl",
        ) from error
    if pages != len(rows):
        raise UsageError(f"{path}: {len(rows)} of its {pages} pages are there", "copy it again")
    return _File(path, shard, head, rows)


def _is_sound(head: dict[str, Any], rows: Sequence[Any]) -> bool:
    """Whether the numbers of the inputs are such, and each page is of one of them."""
    count, places = head["inputs"], set(head["places"])
    known = range(count) if isinstance(count, int) and 0 <= count <= _MOST_INPUTS else range(0)
    return places.issubset(known) and all(row["input"] in places for row in rows)


def _check_complete(shards: Sequence[_File]) -> None:
    first = shards[0]
    for each in shards:
        if each.shard.of != first.shard.of:
            raise UsageError(f"{each.path} is shard {each.shard}, {first.path} {first.shard}")
    seen: dict[int, Path] = {}
    for each in shards:
        if each.shard.number in seen:
            other = seen[each.shard.number]
            raise UsageError(f"{other} and {each.path} are both shard {each.shard}", "name one")
        seen[each.shard.number] = each.path
    missing = [Shard(i, first.shard.of) for i in range(1, first.shard.of + 1) if i not in seen]
    if missing:
        raise UsageError(f"shard {_some(missing)} missing", "name the files of all shards")


def _check_alike(shards: Sequence[_File]) -> None:
    first = shards[0]
    for each in shards[1:]:
        if each.head["setting"] != first.head["setting"]:
            what = "with other weights, options or code"
        elif (each.head["names"], each.head["inputs"]) != (
            first.head["names"],
            first.head["inputs"],
        ):
            what = "of other inputs, or of the same in another order,"
        else:
            continue
        raise UsageError(f"{each.path} was made {what} than {first.path}", "make all alike")


def _check_places(shards: Sequence[_File]) -> None:
    """Each input is in one shard; another number of them means that it changed between the runs."""
    owner: dict[int, Path] = {}
    changed = "did a file change between the runs? convert all shards again"
    for each in shards:
        for place in each.head["places"]:
            if place in owner:
                what = f"input {place + 1} is in both {owner[place]} and {each.path}"
                raise UsageError(what, changed)
            owner[place] = each.path
    lost = [place + 1 for place in range(shards[0].head["inputs"]) if place not in owner]
    if lost:
        raise UsageError(f"input {_some(lost)} in none of the shards", changed)


def _page(shard: _File, row: dict[str, Any]) -> PageRead:
    try:
        return from_row(row)
    except Exception as error:  # whatever the fields are
        raise UsageError(f"{shard.path}: damaged ({error})", "convert this shard again") from error


def _some(items: Sequence[object]) -> str:
    """``3 is``, ``3 and 5 are``, with the first few named."""
    named = [str(item) for item in items[:_NAMED]]
    if len(items) > _NAMED:
        named.append(f"{len(items) - _NAMED} more")
    words = _listed(named)
    return f"{words} {'is' if len(items) == 1 else 'are'}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
