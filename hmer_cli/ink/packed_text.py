"""Text packed by note-taking apps: gzip streams and members of zip archives.

Input: bytes and a limit. Output: the unpacked text. Raises InputError above the limit.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lxml import etree

from hmer_cli.errors import InputError

MAX_TEXT = 64 << 20
"""Bytes unpacked: some hundred pages full of strokes; what is larger is a bomb."""
MAX_MARKUP = 4_000_000
"""XML tags and attributes: parsed, each takes some hundred bytes; a page of notes has 20,000."""

_MARKUP = re.compile(
    rb"<(?:\?.*?(?:\?>|\Z)|!--.*?(?:-->|\Z)|!DOCTYPE[^\[>]*(?:\[.*?(?:\]\s*>|\Z)|>|\Z)"
    rb"|(?:[\w.-]++:)?([A-Za-z_][\w.-]*))", re.DOTALL
)  # fmt: skip
"""What may stand before the root, and a start tag; linear in any text."""

HIDDEN = re.compile(r"(^|/)(\.[^./]|__MACOSX/)")
"""In paths of files that systems hide: a name that begins with a dot, or the folder of macOS."""

UTF8 = 0x800
"""General purpose bit 11 of a member: its name is UTF-8."""
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"


def gunzipped(data: bytes, name: str) -> bytes:
    """The content of a gzip stream. Raises InputError where it is damaged, cut off or a bomb."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(data, MAX_TEXT)
    except zlib.error as error:
        raise InputError(
            f"{name}: damaged ({error})", "save it again, or export it as PDF"
        ) from error
    if unpacker.unconsumed_tail:
        raise _too_large(name)
    if not unpacker.eof:
        raise InputError(f"{name}: cut off before its end", "copy it again, or export it as PDF")
    return text


def members(data: bytes) -> dict[str, int]:
    """The sizes of the members of a zip archive by their names, but for hidden ones, as macOS adds
    one to each; none where it is no archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            sizes = {with_slashes(info): info.file_size for info in infos}
            return {name: size for name, size in sizes.items() if not HIDDEN.search(name)}
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return {}


def with_slashes(info: zipfile.ZipInfo) -> str:
    """The name of a member as the format has it (APPNOTE 4.4.17.1); Windows PowerShell 5.1 writes
    backslashes. In other names that are not flagged as UTF-8 these are halves of letters."""
    name = info.filename
    known = bool(info.flag_bits & UTF8) or name.isascii()
    return (
        name.replace("\\", "/") if info.create_system == 0 and known and "/" not in name else name
    )


def member(data: bytes, member_name: str, name: str) -> bytes:
    """The content of one member of a zip archive. Raises InputError."""
    with opened(data, name) as read:
        return read(member_name)


@contextmanager
def opened(data: bytes, name: str) -> Iterator[Callable[[str], bytes]]:
    """What gives the content of one member after the other of a zip archive, whose table is read
    once. Both raise InputError."""
    with _unpacking(name):
        archive = zipfile.ZipFile(io.BytesIO(data))
    with archive:
        infos = {with_slashes(info): info for info in archive.infolist()}

        def read(member_name: str) -> bytes:
            with (
                _unpacking(f"{name}: {member_name}"),
                archive.open(infos.get(member_name, member_name)) as file,
            ):
                text = file.read(MAX_TEXT + 1)
            if len(text) > MAX_TEXT:
                raise _too_large(name)
            return text

        yield read


@contextmanager
def _unpacking(what: str) -> Iterator[None]:
    """InputError for what zlib, CRC, encryption and lost members raise. ``what`` is unpacked."""
    try:
        yield
    except Exception as error:
        remedy = "save it again, or export it as PDF"
        raise InputError(f"{what} cannot be unpacked ({error})", remedy) from error


def check_markup(data: bytes, name: str) -> None:
    """Raises InputError for XML with too many elements to be held in memory."""
    if data.count(b"<") + data.count(b"=") > MAX_MARKUP:
        raise InputError(f"{name}: more than {MAX_MARKUP:,} XML tags and attributes", "split it")


def parse_xml(data: bytes, name: str) -> etree._Element:
    """The root of an XML document, no entity expanded, nothing fetched. Raises InputError."""
    check_markup(data, name)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        raise InputError(
            f"{name}: damaged XML ({error})", "save it again, or export it as PDF"
        ) from error
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise InputError(f"{name}: declares XML entities, which are refused", "remove its DOCTYPE")
    return root


def root_name(data: bytes) -> str:
    """The local name of the root element, as far as a beginning of the text holds it; else empty.
    UTF-16 and UTF-32 are read as well."""
    plain = data.replace(b"\0", b"")  # of what is ASCII, as names of markup are
    return next((match[1].decode() for match in _MARKUP.finditer(plain) if match[1]), "")


def _too_large(name: str) -> InputError:
    return InputError(f"{name}: unpacks to more than {MAX_TEXT >> 20} MiB", "save its pages apart")
