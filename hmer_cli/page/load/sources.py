"""What the user names -> the files in it: paths, folders, globs, zip archives, standard input."""

from __future__ import annotations

import glob
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
from typing import BinaryIO

from hmer_cli.data.store import IMAGES, INKML, MAX_BYTES, open_store
from hmer_cli.errors import InputError, input_error

STDIN = "-"
ENDINGS = frozenset(
    (INKML, *IMAGES, ".heic", ".heif", ".pdf"),
)
"""What is taken out of folders and archives; a file named outright is known by its content."""

_PIECE = 1 << 20
_KINDS = "InkML, PNG, JPEG, TIFF, BMP, WebP, HEIC or PDF"


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


def find_sources(inputs: Sequence[str]) -> Iterator[Source]:
    """The files in the inputs: in the order given, and sorted by name inside folders and archives.

    Nothing raises here: what cannot be read is a source whose ``read`` raises InputError, so that
    one bad input does not stop the others.
    """
    for name in inputs:
        try:
            yield from _expand(name)
        except Exception as error:
            yield _refused(name, input_error(name, error))


def _expand(name: str) -> Iterator[Source]:
    path = Path(name)
    if not name:
        raise InputError("an input without a name", "is a variable of the shell not set?")
    if name == STDIN:
        yield Source(STDIN, STDIN, lambda: _limited(sys.stdin.buffer, "standard input"))
    elif os.path.isdir(path):  # unlike Path.is_dir, silent about what may not be looked at
        yield from _folder(path)
    elif not os.path.exists(path) and glob.has_magic(name):
        matches = sorted(glob.glob(name, recursive=True))
        if not matches:
            raise InputError(f"{name}: no file matches", "check the pattern")
        for match in matches:
            yield from _expand(match)
    elif os.path.isfile(path) and zipfile.is_zipfile(path):
        yield from _archive(path)
    else:
        yield _file(path)


def _file(path: Path) -> Source:
    return Source(str(path), _real(path), lambda: _read(path), path)


def _real(path: Path) -> str:
    """The same for the same file under two names; in a folder that is gone, the name itself."""
    try:
        return os.path.realpath(path)
    except FileNotFoundError:
        return str(path)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return _limited(file, str(path))
    except FileNotFoundError:
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


def _folder(folder: Path) -> Iterator[Source]:
    locked: list[OSError] = []
    tree = os.walk(folder, onerror=locked.append)
    found = sorted(
        (Path(base) / file for base, _, files in tree for file in files),
        key=lambda path: path.relative_to(folder).parts,
    )
    chosen = [path for path in found if _wanted(path.relative_to(folder))]
    for error in locked:
        name = str(error.filename)
        yield _refused(name, InputError(f"{name}: cannot be read ({error.strerror})"))
    if not chosen and not locked:
        raise InputError(f"{folder}: nothing to convert in this folder", f"put {_KINDS} there")
    yield from map(_file, chosen)


def _wanted(path: PurePath) -> bool:
    """A kind that can be read, and neither hidden nor the shadow of a file that macOS leaves."""
    shadow = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in ENDINGS and not shadow


def _archive(path: Path) -> Iterator[Source]:
    store = open_store(path)
    names = [name for name in store.names if _wanted(PurePosixPath(name))]
    if not names:
        raise InputError(f"{path}: nothing to convert in this archive", f"put {_KINDS} there")
    place = os.path.realpath(path)
    for name in sorted(names, key=lambda name: PurePosixPath(name).parts):
        yield Source(store.where(name), f"{place}/{name}", partial(store.read, name))


def _refused(name: str, error: InputError) -> Source:
    def read() -> bytes:
        raise error

    return Source(name, name, read)
