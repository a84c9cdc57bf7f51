"""Addresses such as ``s3://bucket/folder`` -> sources, whose bytes the workers of Ray read.

Input: an address that the file systems of Apache Arrow know (``s3``, ``gs``, ``hdfs``, ``file``).
Output: `Source` objects, which may be pickled. Needs the extra ``ray``, which brings Arrow.
"""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any
from urllib.parse import quote, urlsplit

from hmer_cli.data.store import MAX_BYTES
from hmer_cli.errors import InputError, MissingError
from hmer_cli.page.load.sources import ENDINGS, KINDS, Source, by_number

_LEGAL = "%/:?#[]@!$&'()*+,;=~"
"""What an address may hold besides letters, digits and ``-._``: RFC 3986, section 2."""

_REFUSALS = (OSError, ValueError, TypeError, NotImplementedError)
"""What Arrow raises for an address or a file that it cannot open."""


def remote_sources(address: str) -> list[Source]:
    """The files at or below an address such as ``s3://bucket/folder``, sorted by name.

    Blanks and letters beyond ASCII may stand in it as they are; ``%``, ``#`` and ``?`` of a name
    are ``%25``, ``%23`` and ``%3F``. The workers read the bytes, through the file systems of Apache
    Arrow, with the parameters of the address and credentials from it or the environment. Raises
    InputError if the address cannot be listed or has no file that can be converted, MissingError
    without Arrow.
    """
    fs = _file_systems()
    shown = without_password(address)
    try:
        system, path = _opened(address)
        below = fs.FileSelector(path, recursive=True)
        there = system.get_file_info(path)
        found = system.get_file_info(below) if there.type == fs.FileType.Directory else [there]
    except _REFUSALS as error:
        reason = _reason(error).replace(address, shown)
        raise InputError(f"{shown}: cannot be listed ({reason})", "check the address") from error
    files = [each for each in found if each.type == fs.FileType.File]
    chosen = [each.path for each in files if each == there or _is_wanted(each.path, path)]
    if not chosen:
        raise InputError(f"{shown}: nothing to convert there", f"put {KINDS} there")
    return [_source(address, each) for each in sorted(chosen, key=by_number)]


def _source(address: str, path: str) -> Source:
    """The file at a path of the file system of an address, which its name need not lead to.

    The name has no parameters and no password; the key tells hosts and parameters apart.
    """
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2] if path.startswith("/") else ""
    name = f"{parts.scheme}://{host}{path}"
    key = f"{parts.scheme}://{parts.netloc}?{parts.query} {path}"
    return Source(name, key, partial(_read_at, address, path, name))


def without_password(address: str) -> str:
    """An address as it is shown: without the credentials before its host, if they are there."""
    scheme, _, rest = address.partition("://")
    user, at, host = rest.partition("/")[0].rpartition("@")
    return f"{scheme}://{rest.removeprefix(user + at)}" if ":" in user else address


def is_remote(name: str) -> bool:
    """Whether an input is an address, not a path."""
    return "://" in name


def _is_wanted(path: str, folder: str) -> bool:
    """Whether a file below a folder is converted: by its ending, hidden ones excluded."""
    name = PurePosixPath(path)
    inside = PurePosixPath(path[len(folder) :] if path.startswith(folder) else path).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in inside)
    return name.suffix.lower() in ENDINGS and not hidden


def _opened(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path there. Raises _REFUSALS."""
    parts = urlsplit(address)
    fs = _file_systems()
    system, path = fs.FileSystem.from_uri(quote(address, safe=_LEGAL))
    if parts.fragment or (parts.query and isinstance(system, fs.LocalFileSystem)):
        raise ValueError("a # or ? of a name is written %23 or %3F in an address")
    return system, path


def _read_at(address: str, path: str, name: str) -> bytes:
    """The bytes of the file at a path of the file system of an address. Raises InputError."""
    try:
        system, _ = _opened(address)
        if (system.get_file_info(path).size or 0) > MAX_BYTES:
            raise InputError(f"{name}: larger than {MAX_BYTES >> 20} MiB", "split it")
        with system.open_input_stream(path) as file:
            return bytes(file.read())
    except _REFUSALS as error:
        raise InputError(f"{name}: cannot be read ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    """The first line of a message: Arrow adds all places where a library was looked for."""
    return str(error).partition("\n")[0]


def _file_systems() -> ModuleType:
    """The module ``pyarrow.fs``. Raises MissingError if it is not installed."""
    try:
        from pyarrow import fs
    except ModuleNotFoundError as error:
        raise MissingError(
            "Apache Arrow is not installed", "pip install 'hmer-cli[ray]'"
        ) from error
    return fs
