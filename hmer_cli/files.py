"""Files that the verbs write: whole or not at all, and never a promise that cannot be kept."""

from __future__ import annotations

import errno
import os
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from hmer_cli import console
from hmer_cli.errors import OutputError, UsageError

_PREFIX = ".hmer-"
"""Of temporary files: short, as with a name of its own a long one would not fit beside it."""


def real_path(name: str) -> Path:
    """The file itself, not a link to it. Raises OutputError where the current folder is gone."""
    try:
        return Path(os.path.realpath(name))
    except FileNotFoundError as error:
        raise OutputError(f"{name}: the current folder is gone", "change to another") from error


def check(path: Path) -> None:
    """Try now what must work after the long reading, its folder made. Raises OutputError."""
    if os.path.isdir(path):
        raise OutputError(f"{path}: is a folder", "name a file")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise OutputError(f"{path}: write-protected", "allow writing or name another file")
    if _is_device(path):
        return
    try:
        with suppress(FileNotFoundError):
            os.stat(path)  # a name that is too long
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_PREFIX):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error


def make_folder(folder: Path) -> None:
    """Make the folder where it is not there yet. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: no folder can be made there ({error.strerror})", "name another"
        ) from error


def check_apart(folder: Path, inputs: Iterable[str], above: bool = False) -> None:
    """Refuse a folder for output that is, or lies in, one of the inputs; it would be read again.

    With ``above``, one that an input lies in, too. Raises UsageError.
    """
    place = os.path.realpath(folder)
    for name in inputs:
        there = os.path.realpath(name)
        inside = os.path.isdir(there) and _is_within(place, there)
        if inside or (above and os.path.exists(there) and _is_within(there, place)):
            where = "lies in" if inside and place != there else "holds"
            what = f"is the input {name}" if place == there else f"{where} the input {name}"
            raise UsageError(f"{folder}: {what}", "name a folder apart from the inputs")


def _is_within(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder


_SIGNATURE = b"Software\0hmer"
_IHDR_END = 33  # bytes: the signature of PNG and its first chunk, whose length is fixed


def signed(png: bytes) -> bytes:
    """The PNG with a tEXt chunk that names hmer as the program that wrote it."""
    body = b"tEXt" + _SIGNATURE
    chunk = struct.pack(">I", len(_SIGNATURE)) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_IHDR_END] + chunk + png[_IHDR_END:]


def replace_own(path: Path, png: bytes) -> bool:
    """``replace`` for a PNG in a folder of the user's: only a picture of hmer's is replaced.

    Raises OutputError also where another file is there.
    """
    with suppress(OSError):
        there = path.read_bytes()
        if there[_IHDR_END + 8 :][: len(_SIGNATURE)] != _SIGNATURE and there != png:
            raise OutputError(
                f"{path}: is there, and not hmer's", "move it away or name another folder"
            )
    return replace(path, signed(png))


def replace(path: Path, data: bytes) -> bool:
    """Put the data there; False where they were there already. Raises OutputError.

    The old file stands until the new one is complete, and stays when it is the same.
    """
    try:
        if _is_device(path):
            path.write_bytes(data)
            return True
        if path.is_file() and path.read_bytes() == data:
            return False
        _swap(path, data)
    except OSError as error:
        raise _unwritable(path, error) from error
    return True


def _swap(path: Path, data: bytes) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_PREFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def to_stdout(data: bytes) -> None:
    """Put the data on standard output. Raises OutputError where nobody takes them."""
    if sys.stdout is None:
        raise OutputError("standard output is closed", "name a file with --out")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        console.silence(sys.stdout)
        raise OutputError(f"standard output cannot be written ({error.strerror})") from error


def _is_device(path: Path) -> bool:
    return os.path.exists(path) and not os.path.isfile(path)  # False for names that are too long


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_REMEDIES = {
    errno.ENOENT: "make the folder or name another file",
    errno.ENOTDIR: "make the folder or name another file",
    errno.ENOSPC: "free some disk space",
    errno.EDQUOT: "free some disk space",
    errno.ENAMETOOLONG: "give it a shorter name",
}


def _unwritable(path: Path, error: OSError) -> OutputError:
    remedy = _REMEDIES.get(error.errno or 0, "allow writing or name another file")
    return OutputError(f"{path}: cannot be written ({error.strerror})", remedy)
