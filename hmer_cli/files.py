"""Output files: checked before the run, replaced atomically, foreign files never overwritten.

Raises OutputError where a file or folder cannot be written.
"""

from __future__ import annotations

import errno
import glob
import os
import struct
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterable, Sequence, Set
from contextlib import suppress
from fnmatch import fnmatch
from itertools import takewhile
from pathlib import Path, PurePath
from typing import Literal

from hmer_cli import console
from hmer_cli.errors import OutputError, UsageError

_PREFIX = ".hmer-"
"""Prefix of temporary files; short, so that they fit beside files with long names."""

REPLACING = threading.Lock()
"""Held while a temporary file is there."""

_LOCKS = os.name == "nt"
"""Whether a file that another program has open cannot be replaced."""


def resolved(name: str | Path) -> str:
    """The path with links resolved; where the current folder was removed, the name itself."""
    try:
        return os.path.realpath(name)
    except FileNotFoundError:
        return str(name)


def is_same(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file, as those that differ in case alone do on macOS and
    Windows."""
    with suppress(OSError):
        return os.path.samefile(path, other)
    return False


def foreign(path: Path) -> OutputError:
    """The error for an output whose place a file has that is none of hmer's."""
    return OutputError(f"{path}: is there, and not hmer's", "move it away or name another file")


def real_path(name: str) -> Path:
    """The path with links resolved. Raises OutputError if the current folder was removed."""
    try:
        path = os.path.realpath(name)  # of a pipe behind a link, no path at all
        return Path(path if os.path.exists(path) or not os.path.exists(name) else name)
    except FileNotFoundError as error:
        raise OutputError(f"{name}: the current folder is gone", "change to another") from error


def check(path: Path) -> None:
    """Check that the file can be written, and make its folder. Raises OutputError."""
    if os.path.isdir(path):
        raise OutputError(f"{path}: is a folder", "name a file")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise OutputError(f"{path}: write-protected", "allow writing or name another file")
    if _is_device(path):
        return
    try:
        if _LOCKS and os.path.isfile(path):
            path.open("r+b").close()  # elsewhere, watchers of files would take it for a change
        with suppress(FileNotFoundError):
            os.stat(path)  # a name that is too long
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_PREFIX):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error


def make_folder(folder: Path) -> None:
    """Create the folder if it is missing. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: no folder can be made there ({error.strerror})", "name another"
        ) from error


def check_apart(
    folder: Path, inputs: Iterable[str], above: bool = False, file: bool = False
) -> None:
    """Reject an output folder that is, or lies in, one of the inputs, or that a glob matches or
    looks into: it would be read as input.

    With ``above``, also one that contains an input. ``file``: it is a file. Raises UsageError.
    """
    own = resolved(folder)
    for name in filter(None, inputs):
        there = resolved(name)
        if glob.has_magic(name) and not os.path.exists(there):
            there, pattern = _glob_parts(name)
            if _is_within(own, there):
                parts = PurePath(own).relative_to(there).parts
                if _is_matched(parts, pattern, file):
                    what = f"{folder}: is among the inputs {name}"
                    raise UsageError(what, "name a place apart from the inputs")
                continue
        inside = os.path.isdir(there) and _is_within(own, there)
        if inside or (above and os.path.exists(there) and _is_within(there, own)):
            same = os.path.normcase(own) == os.path.normcase(there)
            where = "is" if same else "lies in" if inside else "holds"
            what = f"{where} the input {name}"
            raise UsageError(f"{folder}: {what}", "name a folder apart from the inputs")


def _glob_parts(name: str) -> tuple[str, tuple[str, ...]]:
    """The folder that a glob is fixed to, and the patterns of what lies under it."""
    parts = PurePath(name).parts
    fixed = list(takewhile(lambda part: not glob.has_magic(part), parts))
    return resolved(os.path.join("", *fixed)), parts[len(fixed) :]


def _is_matched(path: Sequence[str], pattern: Sequence[str], file: bool) -> bool:
    """Whether patterns match a path or a folder over it, or, if it is no file, may match what
    lies under it."""
    if not pattern:
        return True
    if pattern[0] == "**":
        deeper = bool(path) and _is_matched(path[1:], pattern, file)
        return deeper or _is_matched(path, pattern[1:], file)
    if not path:
        return not file
    return fnmatch(path[0], pattern[0]) and _is_matched(path[1:], pattern[1:], file)


def _is_within(path: str, folder: str) -> bool:
    path, folder = os.path.normcase(path), os.path.normcase(folder)
    try:
        return os.path.commonpath([path, folder]) == folder
    except ValueError:  # on two drives
        return False


_SIGNATURE = b"Software\0hmer"
Role = Literal["", "drawing", "overlay"]
"""What a PNG of hmer is: cut out of a page, a page with its regions, or anything else."""
_ROLES: dict[Role, bytes] = {
    "": b"",
    "drawing": b", drawing of a page",
    "overlay": b", page with its regions",
}
DRAWINGS = "-drawings"
"""What folders of drawings end in, which hmer writes beside documents."""
_IHDR_END = 33  # bytes: the signature of PNG and its first chunk, whose length is fixed


def signed(png: bytes, role: Role = "") -> bytes:
    """The PNG with a tEXt chunk ``Software: hmer``, by which `replace_own` recognises it, and
    `is_picture` by its ``role``."""
    body = b"tEXt" + _SIGNATURE + _ROLES[role]
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_IHDR_END] + chunk + png[_IHDR_END:]


def own_pngs(folder: Path) -> set[str]:
    """The names of the PNG files in the folder that hmer wrote, see `signed`."""
    return {path.name for path in folder.glob("*.png") if _is_signed(path)}


def _is_signed(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(_IHDR_END + 8 + len(_SIGNATURE)).endswith(_SIGNATURE)
    return False


def is_picture(path: PurePath, head: Callable[[], bytes], role: Role) -> bool:
    """Whether a file is a PNG that hmer wrote in this ``role``, see `signed`; a drawing is one in
    the folder of a document. ``head`` gives its first bytes."""
    if path.suffix != ".png" or (role == "drawing" and not path.parent.name.endswith(DRAWINGS)):
        return False
    return head()[_IHDR_END + 8 :].startswith(_SIGNATURE + _ROLES[role])


def drop_drawings(folder: Path, kept: Set[str]) -> None:
    """Remove the drawings of hmer in the folder but those of these names, and the folder if it is
    empty then. Raises OutputError.
    """
    stale = {p.name for p in folder.glob("*.png") if p.name not in kept and _is_own_drawing(p)}
    clear(folder, stale, force=True)
    if stale and not kept:
        with suppress(OSError):  # it holds something else
            folder.rmdir()


def _is_own_drawing(path: Path) -> bool:
    with suppress(OSError):
        return path.is_file() and is_picture(path, path.read_bytes, "drawing")
    return False


def clear(folder: Path, stale: Set[str], force: bool) -> None:
    """Remove the files of these names, with ``force``.

    Raises OutputError if there are some and ``force`` is not set, or if one cannot be removed.
    """
    if stale and not force:
        what = f"{folder}: holds {min(stale)} of an earlier run"
        more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
        raise OutputError(what + more, "give --force to remove them, or name another folder")
    for name in sorted(stale):
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(folder / name, error) from error


def replace_own(path: Path, png: bytes, role: Role = "") -> bool:
    """``replace`` for a PNG in a user's folder: only files written by hmer are overwritten.

    Raises OutputError also if there is a file of another program.
    """
    with suppress(OSError):
        there = path.read_bytes()
        if there[_IHDR_END + 8 :][: len(_SIGNATURE)] != _SIGNATURE and there != png:
            raise OutputError(
                f"{path}: is there, and not hmer's", "move it away or name another folder"
            )
    return replace(path, signed(png, role))


def replace(path: Path, data: bytes) -> bool:
    """Write the data atomically; False if the file has them already. Raises OutputError.

    The old file remains until the new one is complete; an equal file is not touched.
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


def replace_if(path: Path, data: bytes, may_replace: Callable[[Path], bool]) -> bool:
    """`replace` after a long run, for a file that was checked before it: what somebody put there
    meanwhile stays, and the data is put beside it. Raises OutputError, then, too."""
    if may_replace(path):
        return replace(path, data)
    beside = path.with_name(f"hmer-{path.name}")
    if not may_replace(beside):
        raise foreign(path)
    replace(beside, data)
    raise OutputError(
        f"{path}: was put there during the run, and is not hmer's",
        f"the output is in {beside.name} beside it",
    )


def _swap(path: Path, data: bytes) -> None:
    with REPLACING:
        _swap_now(path, data)


def _swap_now(path: Path, data: bytes) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_PREFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):  # vfat and network drives know no modes, and may refuse to be asked
            os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def to_stdout(data: bytes) -> None:
    """Write the data to standard output. Raises OutputError if it is closed or fails."""
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
    errno.EFBIG: "allow larger files (ulimit -f)",
    errno.ENAMETOOLONG: "give it a shorter name",
}
if os.name == "nt":
    _REMEDIES[errno.EACCES] = "close it in other programs, allow writing or name another file"


def _unwritable(path: Path, error: OSError) -> OutputError:
    remedy = _REMEDIES.get(error.errno or 0, "allow writing or name another file")
    return OutputError(f"{path}: cannot be written ({error.strerror})", remedy)
