"""Addresses such as ``s3://bucket/folder`` -> sources, whose bytes the workers of Ray read.

Input: an address that the file systems of Apache Arrow know (``s3``, ``gs``, ``hdfs``, ``file``).
Output: `Source` objects, which may be pickled. Needs the extra ``ray``, which brings Arrow.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any
from urllib.parse import quote, urlsplit

from hmer_cli.console import Say
from hmer_cli.data.store import MAX_BYTES
from hmer_cli.errors import InputError, MissingError
from hmer_cli.files import DRAWINGS
from hmer_cli.page.load.earlier_outputs import PASSED
from hmer_cli.page.load.kinds import ARCHIVES, HEAD, NOTES
from hmer_cli.page.load.sources import (
    ENDINGS,
    KINDS,
    WHERE_NAMED,
    Source,
    chosen,
    tell,
)
from hmer_cli.page.load.written import MANIFEST, listed

_LEGAL = "%/:?#[]@!$&'()*+,;=~"
"""What an address may hold besides letters, digits and ``-._``: RFC 3986, section 2."""

_AT_ONCE = 32  # files whose first bytes are asked for # convention

_REFUSALS = (OSError, ValueError, TypeError, NotImplementedError)
"""What Arrow raises for an address or a file that it cannot open."""


def remote_sources(address: str, say: Say = lambda line: None) -> list[Source]:
    """The files at or below an address such as ``s3://bucket/folder``, sorted by name.

    Blanks and letters beyond ASCII may stand in it as they are; ``%``, ``#`` and ``?`` of a name
    are ``%25``, ``%23`` and ``%3F``. The workers read the bytes, through the file systems of Apache
    Arrow, with the parameters of the address and credentials from it or the environment. ``say``
    reports what was passed over. Raises InputError if the address cannot be listed or has no file
    that can be converted, MissingError without Arrow.
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
    files = [each.path for each in found if each.type == fs.FileType.File]
    if files and found == [there]:
        return [_source(address, path)]
    inside = {each.removeprefix(path).lstrip("/"): each for each in files}
    ours = set(_labelled(system, inside, shown, say))
    heads = _heads(system, {name: inside[name] for name in inside if _is_told_by_content(name)})
    left_out: Counter[str] = Counter()
    listed = inside.keys() - ours
    names = chosen(listed, lambda name: heads.get(name, b""), left_out, ENDINGS | NOTES)
    how = _how_named(left_out)
    tell(shown, left_out, say, how)
    if not names:
        raise InputError(f"{shown}: nothing to convert there", how or f"put {KINDS} there")
    return [_source(address, inside[each]) for each in names]


def _is_told_by_content(name: str) -> bool:
    """Whether a file may be another than its ending says, or one that hmer made of a page: a
    drawing of a document, or a page of ``--debug``, whose names end so."""
    path = PurePosixPath(name)
    drawn = path.parent.name.endswith(DRAWINGS) or re.search(r"-p\d+\.png$", name) is not None
    return path.suffix.lower() in ("", ".xml") or (path.suffix == ".png" and drawn)


def _heads(system: Any, paths: Mapping[str, str]) -> dict[str, bytes]:
    """The first bytes of the files at these paths, by name; of none that cannot be read."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(paths, pool.map(partial(_start, system), paths.values()), strict=True))


def _start(system: Any, path: str, most: int = HEAD) -> bytes:
    try:
        with system.open_input_stream(path) as file:
            return bytes(file.read(most))
    except _REFUSALS:
        return b""


def _labelled(system: Any, inside: Mapping[str, str], shown: str, say: Say) -> Iterator[str]:
    """The labelled handwriting below a folder, which was read where it comes from."""
    for name in inside:
        folder = PurePosixPath(name).parent
        if PurePosixPath(name).name != MANIFEST or not folder.name:
            continue
        names: set[str] = set()
        with suppress(ValueError, KeyError, TypeError):  # as of a local folder
            names = listed(_start(system, inside[name], MAX_BYTES))
        if names:
            where = f"{shown.rstrip('/')}/{folder}"
            say(f"{where}: {PASSED}")
        yield from (str(folder / each) for each in names)


def _how_named(left_out: Counter[str]) -> str:
    """How to have the files read that are passed over below an address."""
    hows = []
    if named := sorted(WHERE_NAMED & left_out.keys()):
        hows.append(f"ink in {' and '.join(named)} is read where each is named by its address")
    if packed := sorted(ARCHIVES & left_out.keys()):
        hows.append(f"{' and '.join(packed)} are not opened there: unpack them")
    return "; ".join(hows)


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
            "Apache Arrow is not installed", 'pip install "hmer-cli[ray]"'
        ) from error
    return fs
