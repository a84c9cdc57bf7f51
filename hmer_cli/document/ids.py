"""Ids of expressions: a lasting one made of the ink, and a readable alias for the place.

Input: records in the order of the outputs. Output: `Named`, a record with both. The id is a hash of
the ink that corrections go by, so a page more, another name of the file or a second file with the
same name change none. It is spelt in letters, as macros of LaTeX and pandoc have no digits.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from hmer_cli.document.records import Record

DIGITS = 12
"""Of an id, 4 bits each: two of a million expressions share one in 1 of 500 cases."""  # convention

_LETTERS = str.maketrans("0123456789abcdef", "zyxwvutsrqponmlk")  # as Jujutsu spells its ids
_COUNTING = str.maketrans("0123456789", "abcdefghij")  # none of those, so no copy is another's id


@dataclass(frozen=True)
class Named:
    """A record with its id, such as ``qzkpwvmtlxso``, and its alias, such as ``notes-p2-r1``.

    ``lines`` are those of a derivation, which the record then joins; each of them has the id of
    that as ``derivation``. The alias of the derivation is that of its first line.
    """

    record: Record
    id: str
    alias: str
    derivation: str | None = None
    lines: tuple[Named, ...] = ()


class Namer:
    """Names the records of pages, given in their order, by the aliases of their sources."""

    def __init__(self, stems: Mapping[str, str]) -> None:
        """``stems``: source -> its part of the alias; see ``source_ids``."""
        self._stems = stems
        self._copies: Counter[str] = Counter()
        self._places: Counter[tuple[str, int | None]] = Counter()

    def name(self, record: Record) -> Named:
        """The record and its lines with their ids and aliases.

        Expressions of the same ink get the same id, from the second on with a letter of a to j.
        """
        place = (record.source, record.page)
        own = self._id(record)
        first = self._places[place] + 1
        lines = tuple(
            Named(line, self._id(line), self._alias(line, number), own)
            for number, line in enumerate(record.lines, first)
        )
        self._places[place] += max(len(lines), 1)
        return Named(record, own, self._alias(record, first), lines=lines)

    def _id(self, record: Record) -> str:
        digest = ink_id(record.key or f"failed {record.source} {record.page}")
        copy = self._copies[digest]
        self._copies[digest] += 1
        return digest + (str(copy).translate(_COUNTING) if copy else "")

    def _alias(self, record: Record, number: int) -> str:
        return f"{self._stems[record.source]}-p{record.page or 0}-r{number}"


def named(records: Sequence[Record]) -> list[Named]:
    """The records of whole pages with their ids and aliases, which are unique among them."""
    namer = Namer(source_ids(record.source for record in records))
    return [namer.name(record) for record in records]


def by_line(records: Iterable[Named]) -> Iterator[Named]:
    """The records, for each derivation that nobody corrected as a whole those of its lines."""
    for each in records:
        whole = each.record.correction is not None or not each.lines
        yield from (each,) if whole else each.lines


def ink_id(key: str) -> str:
    """The id of what has the ink of this key, but for the letter that tells copies apart."""
    digest = hashlib.sha256(f"hmer {key}".encode("utf-8", "backslashreplace")).hexdigest()
    return digest[:DIGITS].translate(_LETTERS)


def source_ids(sources: Iterable[str]) -> dict[str, str]:
    """Source -> its part of the alias: the file's stem, else the path, else that and a digest.

    Where two sources have one stem, both go by their whole path. None depends on the order.
    """
    names = {source: _slug(_stem(source)) for source in dict.fromkeys(sources)}
    names = _renamed_where_shared(names, _slug)
    return _renamed_where_shared(names, lambda source: f"{_slug(source)}-{_digest(source)}")


def _renamed_where_shared(names: dict[str, str], rename: Callable[[str], str]) -> dict[str, str]:
    """Names that differ in case alone are shared: macOS and Windows take them for one file."""
    uses = Counter(name.casefold() for name in names.values())
    return {
        source: rename(source) if uses[name.casefold()] > 1 else name
        for source, name in names.items()
    }


def _stem(source: str) -> str:
    return "stdin" if source == "-" else PurePath(source).stem


def file_slug(text: str) -> str:
    """A name for files that no other text has: the text itself, or with a digest, see `_slug`."""
    slug, digest = _slug(text), _digest(_composed(text))
    return slug if slug == text or slug.endswith(digest) else f"{slug}-{digest}"


def _slug(text: str) -> str:
    """ASCII letters, digits and hyphens; a digest stands in for the letters that are lost."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    lost = any(c.isalnum() and not c.isascii() for c in plain)
    words = re.findall(r"[A-Za-z0-9]+", plain)
    return "-".join([*words, _digest(_composed(text))] if lost or not words else words)


def _composed(text: str) -> str:
    """The text in NFC: file systems of macOS and archives give one name in other forms."""
    return unicodedata.normalize("NFC", text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:6]
