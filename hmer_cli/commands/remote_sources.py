"""Addresses such as ``s3://bucket/folder`` -> sources, whose bytes the workers of Ray read.

Input: an address that the file systems of Apache Arrow know (``s3``, ``gs``, ``hdfs``, ``file``).
Output: `Source` objects, which may be pickled. Needs the extra ``ray``, which brings Arrow.
"""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from types import ModuleType

from hmer_cli.data.store import MAX_BYTES
from hmer_cli.errors import InputError, MissingError
from hmer_cli.page.load.sources import ENDINGS, KINDS, Source, by_number


def remote_sources(address: str) -> list[Source]:
    """The files at or below an address such as ``s3://bucket/folder``, sorted by name.

    Their bytes are read by the workers, through the file systems of Apache Arrow, which take
    credentials from the environment. Raises InputError if the address cannot be listed or has no
    file that can be converted, MissingError without Arrow.
    """
    fs = _file_systems()
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
    """Whether an input is an address, not a path."""
    return "://" in name


def _is_wanted(path: str) -> bool:
    """Whether a file of a folder is converted: by its ending, hidden files excluded."""
    name = PurePosixPath(path)
    return name.suffix.lower() in ENDINGS and not name.name.startswith(".")


def _read_address(address: str) -> bytes:
    """The bytes of the file at an address. Raises InputError."""
    fs = _file_systems()
    try:
        system, path = fs.FileSystem.from_uri(address)
        if system.get_file_info(path).size > MAX_BYTES:
            raise InputError(f"{address}: larger than {MAX_BYTES >> 20} MiB", "split it")
        with system.open_input_stream(path) as file:
            return bytes(file.read())
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{address}: cannot be read ({error})") from error


def _file_systems() -> ModuleType:
    """The module ``pyarrow.fs``. Raises MissingError if it is not installed."""
    try:
        from pyarrow import fs
    except ModuleNotFoundError as error:
        raise MissingError(
            "Apache Arrow is not installed", "pip install 'hmer-cli[ray]'"
        ) from error
    return fs
