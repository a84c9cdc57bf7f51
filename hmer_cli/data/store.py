"""Named files in folders and zip archives.

Input: a path. Output: a `Store` of files; a bad file raises InputError on its own. Archives are
read in memory, never unpacked to disk.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import unicodedata
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from hmer_cli.errors import InputError
from hmer_cli.ink.packed_text import HIDDEN, UTF8, with_slashes

INKML = ".inkml"
IMAGES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".avif",
    ".heic", ".heif",
)  # fmt: skip

MAX_BYTES = 512 << 20
"""A file larger than this, unpacked, is refused."""
MAX_TOTAL = 64 << 30
"""An archive larger than this, unpacked, is refused: it is a bomb, or wants unpacking by hand."""

OF_SYSTEMS = frozenset((
    "__macosx", "thumbs.db", "desktop.ini", "icon\r", "lost+found", "@eadir", "#recycle",
    "@recycle", "$recycle.bin", "system volume information",
))  # fmt: skip
"""What Windows, macOS, Linux and network drives put into folders, in small letters."""

_NAMED = 5  # folders named of those passed over
_JUNCTION = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT
_UNSAFE = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)")


class Store(ABC):
    """Named files. ``names`` are their relative paths with ``/``, sorted; ``path`` the container.

    ``remarks`` are warnings for the user.
    """

    remarks: tuple[str, ...] = ()

    def __init__(self, path: Path, names: Iterable[str]) -> None:
        self.path = path
        self.names = tuple(sorted(name for name in names if not HIDDEN.search(name)))

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The bytes of one file; raises InputError."""

    def head(self, name: str, most: int) -> bytes:
        """The first bytes of one file, no more of which is unpacked; raises InputError."""
        return self.read(name)[:most]

    def where(self, name: str) -> str:
        """The path of one file for messages."""
        return f"{self.path}/{name}"

    def inks(self) -> list[str]:
        """The names of the InkML files, sorted."""
        return self.ending(INKML)

    def ending(self, *endings: str) -> list[str]:
        """The names with one of these endings (lower case), sorted."""
        return [name for name in self.names if name.lower().endswith(endings)]


def open_store(path: str | Path, data: bytes | None = None) -> Store:
    """The files of a folder (with its folders), a zip archive, or the one file itself.

    ``data`` are the bytes of an archive that is no file. Hidden files are left out, and nothing is
    ever unpacked to disk. Raises InputError.
    """
    path = Path(path)
    if data is not None:
        return _Archive(path, data)
    try:
        if path.is_dir():
            return _Folder(path)
        path.stat()
        return _Archive(path) if is_archive(path) else _File(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file or folder", "check the path") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def is_archive(path: Path) -> bool:
    """Whether the file is a zip archive, and not another file with an archive appended."""
    try:
        with path.open("rb") as file:
            begins = file.read(4) in (b"PK\3\4", b"PK\5\6", b"PK\7\x08")
    except OSError:
        return False  # reading it raises the reason
    try:
        ends = zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        ends = True  # damaged, as opening it says
    return ends and (begins or path.suffix.lower() == ".zip")


class _Folder(Store):
    def __init__(self, path: Path) -> None:
        found: list[Path] = []
        links: list[str] = []
        for base, folders, files in os.walk(path, onerror=_raise):  # lest data be lost unseen
            found += (Path(base, file) for file in files)
            links += prune(base, folders)
        if links:
            self.remarks = (of_linked(sorted(links)),)
        regular = (file for file in found if not _is_device(file))  # a FIFO would block for ever
        super().__init__(path, (file.relative_to(path).as_posix() for file in regular))

    def read(self, name: str) -> bytes:
        return _read(self.path / name)


class _File(Store):
    def __init__(self, path: Path) -> None:
        super().__init__(path, [path.name])

    def where(self, name: str) -> str:
        return str(self.path)

    def inks(self) -> list[str]:
        return list(self.names)  # a file named outright is known by its content

    def read(self, name: str) -> bytes:
        return _read(self.path)


class _Archive(Store):
    def __init__(self, path: Path, data: bytes | None = None) -> None:
        try:
            self._zip = zipfile.ZipFile(path if data is None else io.BytesIO(data))
        except NotImplementedError as error:  # made for a later version of the format
            reason = f"{path}: cannot be unpacked ({error})"
            raise InputError(reason, "unpack the archive yourself") from error
        except Exception as error:  # besides BadZipFile: struct.error, ValueError, OverflowError
            raise InputError(f"{path}: damaged zip archive ({error})", "make it again") from error
        files = [info for info in self._zip.infolist() if info.filename]  # is_dir wants a name
        members = [info for info in files if not info.is_dir()]
        if sum(info.file_size for info in members) > MAX_TOTAL:
            raise InputError(
                f"{path}: unpacks to more than {MAX_TOTAL >> 30} GiB", "unpack it yourself"
            )
        named = [(_member_name(info), info) for info in members]
        named = [(name, info) for name, info in named if not name.endswith("/")]  # see with_slashes
        self._members = dict(named)
        if len(self._members) < len(named):
            self.remarks = ("holds several files of one name; the last of them is taken",)
        super().__init__(path, self._members)

    def __reduce__(self) -> tuple[Any, ...]:
        """Opened anew where it is unpickled, once a process; not for one that is no file."""
        return _reopened, (self.path,)

    def read(self, name: str) -> bytes:
        return self._unpacked(name)

    def head(self, name: str, most: int) -> bytes:
        return self._unpacked(name, most)

    def _unpacked(self, name: str, most: int = -1) -> bytes:
        if _UNSAFE.search(name):
            raise InputError(
                f"{self.path}: {name!r} points out of the archive", "rename it in there"
            )
        info = self._members[name]
        if info.file_size > MAX_BYTES:
            raise _too_large(self.where(name))
        try:
            with self._zip.open(info) as file:
                return file.read(most)
        except Exception as error:  # zlib, lzma, CRC, encryption and lost files raise their own
            raise InputError(
                f"{self.where(name)}: cannot be unpacked ({error})", "unpack the archive yourself"
            ) from error


@lru_cache(maxsize=4)
def _reopened(path: Path) -> _Archive:
    return _Archive(path)


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name of a file in a zip archive, its encoding guessed unless flagged as UTF-8.

    Many programs write UTF-8 without the flag, those on a Chinese Windows GBK, whose common
    characters (GB 2312) are box-drawing characters in code page 437, the default.
    """
    if info.flag_bits & UTF8 or info.filename.isascii():
        return with_slashes(info)
    with contextlib.suppress(UnicodeEncodeError):
        raw = info.filename.encode("cp437")
        for encoding in ("utf-8", "gb2312"):
            with contextlib.suppress(UnicodeDecodeError):
                return raw.decode(encoding)
    return info.filename


def prune(base: str, folders: list[str]) -> list[str]:
    """Take hidden folders, which may be locked, and links out of the list that `os.walk` goes on
    with; the paths of the links."""
    folders[:] = [f for f in folders if not f.startswith(".") and f.lower() not in OF_SYSTEMS]
    links = [folder for folder in folders if _is_linked(Path(base, folder))]
    folders[:] = [folder for folder in folders if folder not in links]
    return [str(Path(base, folder)) for folder in links]


def _is_linked(folder: Path) -> bool:
    """Whether it is a link or a junction of Windows, which `os.walk` would look into."""
    with contextlib.suppress(OSError):
        found = os.lstat(folder)
        return stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0) == _JUNCTION
    return False


def of_linked(links: Sequence[str]) -> str:
    """The remark that linked folders are not followed: they may lead anywhere, also in circles."""
    named = ", ".join([*links[:_NAMED], *(["..."] if len(links) > _NAMED else [])])
    folders = "1 linked folder" if len(links) == 1 else f"{len(links)} linked folders"
    return f"{folders} passed over ({named}); name what is to be read"


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(str(path))
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError | ValueError) -> InputError:
    if isinstance(error, OSError) and error.filename:
        path = Path(error.filename)
    reason = getattr(error, "strerror", None) or error
    return InputError(f"{path}: cannot be read ({reason})", "check the path and its permissions")


def _raise(error: OSError) -> None:
    raise error


def _too_large(name: str) -> InputError:
    return InputError(f"{name}: larger than {MAX_BYTES >> 20} MiB", "split it")


def stem(name: str) -> str:
    """The key that a file and its caption share: no folder, no known ending, NFC."""
    base = PurePosixPath(name).name
    root, ending = os.path.splitext(base)
    known = ending.lower() in (INKML, *IMAGES)
    return unicodedata.normalize("NFC", root if known else base)
