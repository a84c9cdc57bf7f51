"""Files that the verbs write: whole or not at all, and never a promise that cannot be kept."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from hmer_cli.errors import OutputError


def check(path: Path) -> None:
    """Try now what must work after the long reading. Raises OutputError."""
    if os.path.isdir(path):
        raise OutputError(f"{path}: is a folder", "name a file")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise OutputError(f"{path}: write-protected", "allow writing or name another file")
    if _is_device(path):
        return
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
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
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        # Python would try once more to flush at its end and complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(f"standard output cannot be written ({error.strerror})") from error


def _is_device(path: Path) -> bool:
    return os.path.exists(path) and not os.path.isfile(path)  # False for names that are too long


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: cannot be written ({error.strerror})", "make the folder or name another file"
    )
