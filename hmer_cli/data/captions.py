"""Labels in the ``caption.txt`` files of a data set.

Input: a `Store`. Output: `Captions`, and the inks of InkML files with their labels; raises
InputError for a ``caption.txt`` that is not in UTF-8.
"""

from __future__ import annotations

import codecs
import contextlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath

from hmer_cli import console
from hmer_cli.data.store import Store, stem
from hmer_cli.errors import InputError
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import read_inkml

CAPTIONS = "caption.txt"

_LINE_END = re.compile(r"\r\n?|\n")
_NOWHERE = PurePosixPath()


@dataclass(frozen=True)
class Caption:
    """A line of the ``caption.txt`` in ``folder``: the stem of a file, and its label.

    ``place`` is the folder that the line names before the stem, empty if none.
    """

    folder: PurePosixPath
    place: PurePosixPath
    key: str
    label: str

    @property
    def name(self) -> str:
        """The file as the line names it, without ending."""
        return str(self.place / self.key)


_Lines = dict[PurePosixPath, Caption]
"""The lines of one stem by the folder that they name."""


class Captions:
    """The labels in the ``caption.txt`` files of a store.

    A ``caption.txt`` applies to its folder and those inside it; the nearest one wins. A line is
    a name (with or without folder and ending), a tab or else a space, and the label. Among lines
    of one stem that with the folder of the file counts, then one without a folder.
    """

    def __init__(self, store: Store) -> None:
        """Reads them all; raises InputError where one cannot be read."""
        self._tables: dict[PurePosixPath, dict[str, _Lines]] = {}
        remarks: list[str] = []
        for name in store.names:
            path = PurePosixPath(name)
            if path.name == CAPTIONS:
                lines = list(parse_captions(store.read(name), store.where(name), path.parent))
                self._tables[path.parent] = table = _by_stem(lines)
                if others := [one.name for one in lines if one != table[one.key][one.place]]:
                    remarks.append(_of_doubles(name, others))
        self.remarks = tuple(remarks)
        """Warnings for the user."""
        self._there: set[tuple[PurePosixPath, str]] = set()
        if any(line.place.parts for line in self.lines()):
            self._there = {(_folder(name), caption_key(name)) for name in store.names}

    def __bool__(self) -> bool:
        return bool(self._tables)

    def find(self, name: str) -> str | None:
        """The label of a file of the store, None where no line names it."""
        return next((line.label for line in self.fitting(name)), None)

    def fitting(self, name: str) -> Iterator[Caption]:
        """The line of each ``caption.txt`` that names a file of the store, the nearest first."""
        key, here = caption_key(name), _folder(name)
        for folder in PurePosixPath(name).parents:
            lines = self._tables.get(folder, {}).get(key)
            if lines and (line := self._closest(lines, _spelled_folder(folder), here)):
                yield line

    def _closest(
        self, lines: _Lines, table: PurePosixPath, folder: PurePosixPath
    ) -> Caption | None:
        """The line, of those of its stem in the folder ``table``, that means the file in a folder.

        Lines may name folders of where the data set lay before: these fit a file if they end alike
        or there is one alone, unless another file lies where they say.
        """
        line = lines.get(folder.relative_to(table)) or lines.get(_NOWHERE)
        if line is not None:
            return line
        lost = [
            line for line in lines.values() if (table / line.place, line.key) not in self._there
        ]
        shared = [_shared(line.place, folder) for line in lost]
        most = max(shared, default=0)
        alike = [line for line, n in zip(lost, shared, strict=True) if n == most]
        return alike[0] if len(alike) == 1 and (most or len(lines) == 1) else None

    def cover(self, name: str) -> bool:
        """Whether a caption.txt applies to a file, be it named there or not."""
        return any(folder in self._tables for folder in PurePosixPath(name).parents)

    def lines(self) -> Iterator[Caption]:
        """Every line; of two for one name, the first."""
        for table in self._tables.values():
            for lines in table.values():
                yield from lines.values()


def _folder(name: str) -> PurePosixPath:
    return PurePosixPath(_spelled(name)).parent


def _spelled_folder(folder: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(_spelled(str(folder)))


def _shared(place: PurePosixPath, folder: PurePosixPath) -> int:
    """How many folders at the end of both paths are the same."""
    count = 0
    for one, other in zip(reversed(place.parts), reversed(folder.parts), strict=False):
        if one != other:
            break
        count += 1
    return count


def caption_key(name: str) -> str:
    """The stem of a file as captions have it: in UTF-8, whatever the file system has."""
    return stem(_spelled(name))


def _spelled(name: str) -> str:
    with contextlib.suppress(UnicodeError):
        name = name.encode("utf-8", "surrogateescape").decode("utf-8")
    return unicodedata.normalize("NFC", name)


def text_lines(data: bytes, name: str) -> list[str]:
    """The lines of a ``caption.txt``, bytes that are no UTF-8 escaped.

    Raises InputError where it is in UTF-16, which programs of Windows write as "Unicode".
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or data.count(0) > len(data) / 4:
        raise InputError(f"{name}: not in UTF-8", "save it with the encoding UTF-8")
    return _LINE_END.split(data.decode("utf-8-sig", "surrogateescape"))


def parse_captions(
    data: bytes, name: str = CAPTIONS, folder: PurePosixPath = _NOWHERE
) -> Iterator[Caption]:
    """The lines of a ``caption.txt`` in this folder, in their order.

    Names may hold bytes that are no UTF-8, as those of files may. Raises InputError.
    """
    for line in text_lines(data, name):
        named, label = name_and_label(line)
        if key := stem(named):
            text = label.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            yield Caption(folder, _folder(named), key, text)


def name_and_label(line: str) -> tuple[str, str]:
    """The name of a file in a line of a ``caption.txt``, and its label, empty if there is none."""
    line = line.strip()
    name, _, label = line.partition("\t" if "\t" in line else " ")
    return name.strip(), label.strip()


def _by_stem(lines: Iterable[Caption]) -> dict[str, _Lines]:
    """The lines by their stems; of those with one place and stem, the first."""
    captions: dict[str, _Lines] = {}
    for line in lines:
        captions.setdefault(line.key, {}).setdefault(line.place, line)
    return captions


def _of_doubles(name: str, keys: Sequence[str]) -> str:
    many = "another label" if len(keys) == 1 else f"{len(keys)} other labels"
    return f"{name} has {many} further down for what has one already ({keys[0]}); the first counts"


@lru_cache(maxsize=256)
def _say_once(line: str) -> None:
    console.say(line)


def tell(store: Store, captions: Captions | None = None) -> None:
    """Say the remarks of a data set, each once, however often it is opened."""
    for remark in (*store.remarks, *(captions.remarks if captions is not None else ())):
        _say_once(f"{store.path}: {remark}")


def caption_bytes(text: str) -> bytes:
    """The bytes of lines of a ``caption.txt``; names that are no UTF-8 are those of their files."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # names of Windows that are no UTF-16
        return text.encode("utf-8", "backslashreplace")


def read_ink(store: Store, name: str, captions: Captions, label: bool = True) -> Ink:
    """One ink of a store, named by its path in there.

    Its label is that of a ``caption.txt``, unchanged, else that of the InkML; ``label=False`` skips
    the latter. Raises InputError.
    """
    caption = captions.find(name)
    ink = read_inkml(store.read(name), store.where(name), label=label and caption is None)
    return replace(ink, name=name, label=ink.label if caption is None else caption)
