"""What the user names -> the files in it: paths, folders, globs, zip archives, standard input.

Numbers in names count as numbers (page2 before page10): in folders, globs and archives, and among
inputs that a shell has sorted. What a folder or an archive holds besides is said, in one line.
"""

from __future__ import annotations

import glob
import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from pathlib import Path, PurePath, PurePosixPath
from typing import BinaryIO

from hmer_cli.console import Say
from hmer_cli.data.store import (
    IMAGES,
    MAX_BYTES,
    Store,
    is_archive,
    of_linked,
    open_store,
    prune,
)
from hmer_cli.errors import InputError, input_error
from hmer_cli.ink.notes import ENDINGS as INK_ENDINGS
from hmer_cli.ink.notes import beside_package, is_package
from hmer_cli.page.load.earlier_outputs import (
    PASSED,
    is_drawn,
    is_pattern,
    labelled_in,
    labelled_inside,
    matched,
    without_outputs,
)
from hmer_cli.page.load.kinds import (
    ARCHIVES,
    HEAD,
    NOTES,
    foreign_package,
    is_inkml,
    is_readable,
    is_zip,
)
from hmer_cli.page.load.written import MANIFEST, OURS, is_hidden, is_left_out

STDIN = "-"
ENDINGS = frozenset((*INK_ENDINGS, *IMAGES, ".pdf"))
"""What is taken out of folders and archives; a file named outright is known by its content."""

_KINDS = "InkML, Xournal++, reMarkable, PNG, JPEG, TIFF, BMP, WebP, GIF, AVIF, HEIC or PDF"
KINDS = f"SVG, JSON strokes, {_KINDS}"
WHERE_NAMED = frozenset((".svg", ".json", ".excalidraw"))
"""Endings of ink that is read where it is named, and passed over in folders and archives: most such
files are something else."""

_PIECE = 1 << 20
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NAMED = 5  # endings named of those passed over
_NUMBER = re.compile("([0-9]+)")


@dataclass(frozen=True)
class Source:
    """One file to read, wherever it lies.

    ``name`` is the path as the user gave it, ``key`` is equal for the same file under two names,
    ``read`` gives the bytes or raises InputError, ``path`` is None where there is no file on disk.
    """

    name: str
    key: str
    read: Callable[[], bytes]
    path: Path | None = None


def find_sources(
    inputs: Sequence[str], say: Say = lambda line: None, alone: bool = True
) -> Iterator[Source]:
    """The files in the inputs: in the order given (see ``in_number_order``), and sorted by name,
    numbers as numbers, inside folders and archives. ``say`` reports what was passed over there, and
    which of several inputs are what an earlier run wrote, as where a shell expanded ``*``; not
    ``alone``: there are others beside these.

    Nothing raises here: what cannot be read is a source whose ``read`` raises InputError, so that
    one bad input does not stop the others.
    """
    say = cache(say)  # a pattern may lead to one folder in several ways
    names, labelled = without_outputs(in_number_order(inputs), say, alone)
    for name in names:
        yield from _tried(name, partial(_expand, name, say, labelled))


def by_number(name: str) -> tuple[tuple[str, int, str], ...]:
    """A key that sorts the numbers in a path as numbers."""
    parts = _NUMBER.split(name.replace("/", "\0"))
    numbers = [number.lstrip("0") for number in parts[1::2]] + [""]
    pieces = zip(parts[::2], numbers, strict=True)
    return (*((text, len(number), number) for text, number in pieces), (name, 0, ""))


def in_number_order(inputs: Sequence[str]) -> list[str]:
    """The inputs; runs of names that differ in numbers alone and stand as a shell sorts them, by
    characters with or without punctuation, are sorted by their numbers.
    """
    ordered: list[str] = []
    for _, names in groupby(inputs, key=lambda name: _NUMBER.sub("0", name)):
        run = list(names)
        plain = [re.sub(r"\W|_", "", name) for name in run]
        by_shell = run == sorted(run) or plain == sorted(plain)
        ordered += sorted(run, key=by_number) if by_shell else run
    return ordered


def expanded(names: Iterable[str | Path]) -> list[str]:
    """The names, with what patterns match in place of these: cmd.exe and PowerShell leave them."""
    found: list[str] = []
    for name in map(str, names):
        matches = glob.glob(name, recursive=True) if is_pattern(name) else []
        found += sorted(matches, key=by_number) or [name]
    return found


def _tried(name: str, find: Callable[[], Iterable[Source]]) -> Iterator[Source]:
    try:
        yield from find()
    except Exception as error:
        yield refused(name, input_error(name, error))


def _expand(name: str, say: Say, labelled: bool) -> Iterator[Source]:
    path = Path(name)
    if not name:
        raise InputError("an input without a name", "is a variable of the shell not set?")
    if "\0" in name:
        raise InputError(f"{name!r}: no path holds a NUL character", "check the path")
    if _ADDRESS.match(name) and not os.path.exists(path):
        if name.lower().startswith("file://"):
            raise InputError(f"{name}: an address", "name the file by its path")
        raise InputError(f"{name}: hmer opens no network", "download it first")
    if name == STDIN:
        yield from _standard_input(say)
    elif os.path.isdir(path):  # unlike Path.is_dir, silent about what may not be looked at
        yield from _folder(path, say, labelled)
    elif is_pattern(name):
        found = sorted(matched(name), key=by_number)
        if not found:
            raise InputError(f"{name}: no file matches that hmer reads", "check the pattern")
        matches, labelled = without_outputs(found, say, labelled)
        for match in matches:
            yield from _tried(match, partial(_expand, match, say, labelled))
    elif os.path.isfile(path) and is_archive(path):
        store = open_store(path)
        yield from _packed(_file(path), store, os.path.realpath(path), say)
    else:
        yield _file(path)


def _standard_input(say: Say) -> Iterator[Source]:
    if sys.stdin is None:
        raise InputError("standard input is closed", "name a file")
    yield from sources_in(STDIN, _limited(sys.stdin.buffer, "standard input"), say)


def sources_in(name: str, data: bytes, say: Say = lambda line: None) -> Iterator[Source]:
    """A file in memory, or the files in it where it is an archive. Raises InputError."""
    file = Source(name, name, lambda: data)
    if is_zip(data[:HEAD]):
        yield from _packed(file, open_store(Path(name), data), name, say)
    else:
        yield file


def _file(path: Path) -> Source:
    return Source(str(path), _real(path), lambda: _read(path), path)


def _real(path: Path) -> str:
    """The resolved path, to detect duplicates; the name itself if it cannot be resolved."""
    try:
        return os.path.realpath(path)
    except FileNotFoundError:
        return str(path)


def _read(path: Path, most: int | None = None) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most) if most else _limited(file, str(path))
    except FileNotFoundError:
        if os.path.islink(path):
            what = f"{path}: a link to {os.readlink(path)}, which is not there"
            raise InputError(what, "mend the link") from None
        raise InputError(f"{path}: no such file or folder", "check the path") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _limited(file: BinaryIO, name: str) -> bytes:
    data = bytearray()
    while piece := file.read(_PIECE):  # asked for all at once, Python sets the limit's memory aside
        data += piece
        if len(data) > MAX_BYTES:
            raise InputError(f"{name}: larger than {MAX_BYTES >> 20} MiB", "split it")
    return bytes(data)


def _folder(folder: Path, say: Say, labelled: bool) -> Iterator[Source]:
    locked: list[OSError] = []
    found: list[Path] = []
    links: list[str] = []
    for base, folders, names in os.walk(folder, onerror=locked.append):
        links += prune(base, folders)
        passed = MANIFEST in names and not (labelled and Path(base) == folder)
        ours = labelled_in(Path(base), say) if passed else set()
        found += (Path(base) / file for file in names if file not in ours)
    found.sort(key=lambda path: by_number(path.relative_to(folder).as_posix()))
    if links:
        say(f"{folder}: {of_linked(sorted(links, key=by_number))}")
    left_out: Counter[str] = Counter()
    files = [path for path in found if _is_chosen(path, folder, left_out)]
    for error in locked:
        name = str(error.filename)
        yield refused(name, InputError(f"{name}: cannot be read ({error.strerror})"))
    how = _how_named(left_out, str(folder), False)
    tell(str(folder), left_out, say, how)
    if not files and not locked:
        remedy = how or f"put {_KINDS} there"
        raise InputError(f"{folder}: nothing to convert in this folder", remedy)
    for path in files:
        if path.suffix.lower() in ARCHIVES or path.suffix.lower() in NOTES:
            yield from _tried(str(path), partial(_expand, str(path), say, False))
        else:
            yield _file(path)


def _is_chosen(path: Path, folder: Path, left_out: Counter[str]) -> bool:
    """Whether a file of a folder is read; others that are not hidden are counted."""
    ending = path.suffix.lower()
    if is_hidden(path.relative_to(folder)) or ending in OURS or path.name == MANIFEST:
        return False
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        regular = True  # reading it will say what is wrong
    if not regular:  # a FIFO would block for ever
        left_out["FIFO or device"] += 1
        return False
    if is_drawn(path):
        return False
    if ending in ENDINGS or ending in ARCHIVES or ending in NOTES:
        return True
    if _by_content(ending, lambda: _read(path, HEAD)):
        return True
    left_out[(ending or "without ending") if path.exists() else "link to nothing"] += 1
    return False


def _is_drawn(path: PurePath, head: Callable[[], bytes]) -> bool:
    try:
        return is_left_out(path, head)
    except InputError:
        return False


def _by_content(ending: str, head: Callable[[], bytes]) -> bool:
    """Whether a file without ending, or XML, is of a kind that is read."""
    try:
        return (not ending and is_readable(head())) or (ending == ".xml" and is_inkml(head()))
    except InputError:
        return False


def _how_named(left_out: Counter[str], place: str, packed: bool) -> str:
    """How to have the files read that are only read where they are named; empty without such."""
    endings = sorted(WHERE_NAMED & left_out.keys())
    if not endings:
        return ""
    unpacked = "unpacked and " if packed else ""
    folder = "" if packed else f"{place.rstrip('/')}/"
    patterns = " ".join(f"{folder}*{ending}" for ending in endings)
    return f"ink in {' and '.join(endings)} is read where it is {unpacked}named: {patterns}"


def tell(place: str, left_out: Counter[str], say: Say, how: str = "") -> None:
    """Say what was passed over in a container, and ``how`` to have it read."""
    if not left_out:
        return
    kinds = [f"{number} {kind}" for kind, number in sorted(left_out.items())]
    more = [f"{len(kinds) - _NAMED} more kinds"] if len(kinds) > _NAMED else []
    number = left_out.total()
    many = "1 file" if number == 1 else f"{number} files"
    reads = f"hmer reads {_KINDS}" + (f"; {how}" if how else "")
    say(f"{place}: {many} passed over ({', '.join(kinds[:_NAMED] + more)}); {reads}")


def _packed(file: Source, store: Store, place: str, say: Say) -> Iterator[Source]:
    """A zip archive that is one document, with the files that lie beside that in it, or the files
    of another."""
    if not is_package(store.names):
        yield from _archive(store, place, say)
        return
    yield file
    if store.path.suffix and store.path.suffix.lower() not in ARCHIVES:
        return  # one document, as its program wrote it
    left_out: Counter[str] = Counter()
    names = chosen(beside_package(store.names), partial(_head, store), left_out)
    tell(str(store.path), left_out, say, _how_named(left_out, str(store.path), True))
    yield from _members(store, names, place)


def _archive(store: Store, place: str, say: Say) -> Iterator[Source]:
    """The files of a zip archive; InputError where it is a package of some program."""
    foreign = foreign_package(store.names, store.path.suffix.lower())
    if foreign is not None:
        raise InputError(f"{store.path}: {foreign[0]}, whose ink hmer does not read", foreign[1])
    left_out: Counter[str] = Counter()
    labelled = labelled_inside(store.names, store.read)
    rest = set(store.names).difference(*labelled.values())
    names = chosen(rest, partial(_head, store), left_out)
    if labelled and not names:  # it holds nothing else
        left_out, rest = Counter(), set(store.names)
        names, labelled = chosen(rest, partial(_head, store), left_out), {}
    for folder in labelled:
        say(f"{Path(store.where(folder))}: {PASSED}")
    how = _how_named(left_out, str(store.path), True)
    tell(str(store.path), left_out, say, how)
    for remark in store.remarks:
        say(f"{store.path}: {remark}")
    if not names:
        remedy = how or f"put {_KINDS} there"
        raise InputError(f"{store.path}: nothing to convert in this archive", remedy)
    yield from _members(store, names, place)


def _members(store: Store, names: Iterable[str], place: str) -> Iterator[Source]:
    for name in names:
        yield Source(store.where(name), f"{place}/{name}", partial(store.read, name))


def chosen(
    names: Iterable[str],
    head: Callable[[str], bytes],
    left_out: Counter[str],
    endings: Set[str] = ENDINGS,
) -> list[str]:
    """Those of the files in a container that are read, sorted by number; others that are neither
    hidden nor hmer's are counted. ``head`` gives the first bytes of a file."""
    found = []
    for name in sorted(names, key=by_number):
        path = PurePosixPath(name)
        ending = path.suffix.lower()
        first = partial(head, name)
        if is_hidden(path) or ending in OURS or path.name == MANIFEST or _is_drawn(path, first):
            continue
        if ending in endings or _by_content(ending, first):
            found.append(name)
        else:
            left_out[ending or "without ending"] += 1
    return found


def _head(store: Store, name: str) -> bytes:
    return store.head(name, HEAD)


def refused(name: str, error: InputError) -> Source:
    """An input that cannot be opened, as a source whose reading raises the reason."""

    def read() -> bytes:
        raise error

    return Source(name, name, read)
