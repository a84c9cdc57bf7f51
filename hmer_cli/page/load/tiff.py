"""Offsets of the page directories of a TIFF (TIFF 6.0 section 2, BigTIFF).

Input: the bytes of a file. Output: offsets, without decoding a page. Smaller copies of a page and
masks are no pages.
"""

from __future__ import annotations

import io
import struct

from hmer_cli.errors import InputError

MAX_FRAMES = 10_000
"""Pages of a file; a larger one must be split."""

_SUBFILE = 254
"""The tag NewSubfileType, whose bits say what a directory is."""
_AMONG = 2  # entries: they ascend, and no lower tag is defined
_SHORT = 3  # the type of two bytes
_COPY, _MASK = 1, 4  # a page at a lower resolution, as in pyramids; the transparency of another


def is_tiff(data: bytes) -> bool:
    """Whether a TIFF or BigTIFF begins here."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def directories(data: bytes, name: str) -> list[int]:
    """The offsets of the directories, a page each, in their order; the chain is walked once.

    It ends where it leads back or out of the file; of a file of nothing but copies, all are given.
    Raises InputError beyond MAX_FRAMES.
    """
    head, count, entry, link = _layout(data)
    found: dict[int, None] = {}
    (offset,) = struct.unpack_from(link, data, head) if len(data) >= 16 else (0,)
    while 0 < offset < len(data) and offset not in found:
        found[offset] = None
        if len(found) > MAX_FRAMES:
            raise InputError(f"{name}: more than {MAX_FRAMES:,} pages", "split it")
        try:
            (entries,) = struct.unpack_from(count, data, offset)
            after = offset + struct.calcsize(count) + entries * entry
            (offset,) = struct.unpack_from(link, data, after)
        except (struct.error, OverflowError):
            break
    return [each for each in found if _is_page(data, each)] or list(found)


def _is_page(data: bytes, directory: int) -> bool:
    """Whether a directory is a page, and not a copy or a mask of one."""
    _, count, entry, link = _layout(data)
    first = directory + struct.calcsize(count)
    for at in range(first, min(first + _AMONG * entry, len(data) - entry + 1), entry):
        tag, kind = struct.unpack_from(f"{count[0]}HH", data, at)
        if tag == _SUBFILE:
            form = count[0] + ("H" if kind == _SHORT else "I")
            (value,) = struct.unpack_from(form, data, at + entry - struct.calcsize(link))
            return not value & (_COPY | _MASK)
    return True


class PageFile(io.BytesIO):
    """The file with the page of this directory as its first; it shares the bytes of ``data``."""

    def __init__(self, data: bytes, directory: int) -> None:
        super().__init__(data)
        head, _, _, link = _layout(data)
        self._head = data[:head] + struct.pack(link, directory)

    def read(self, size: int | None = -1) -> bytes:
        """As of any file."""
        start = self.tell()
        found = super().read(size)
        return self._head[start : start + len(found)] + found[max(0, len(self._head) - start) :]

    def getvalue(self) -> bytes:
        """The file as a whole, a copy, which Pillow gives to libtiff."""
        return self._head + super().getvalue()[len(self._head) :]


def _layout(data: bytes) -> tuple[int, str, int, str]:
    """Where the first offset is, the form of a count, bytes of an entry, the form of an offset."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    return (8, f"{order}Q", 20, f"{order}Q") if big else (4, f"{order}H", 12, f"{order}I")
