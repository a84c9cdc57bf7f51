"""File formats: recognised by the first bytes of a file, or the names inside a package.

Input: bytes and a name. Output: the kind of file, or a message for formats that are not supported.
Signatures are those that the formats define; packages of note-taking apps are recognised by the
files in them, so that a thumbnail is not taken for the notes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from hmer_cli.ink.notes import is_xml

HEAD = 4096
"""Bytes that tell the kind of a file."""

NOTES = frozenset(".goodnotes .note .one .onepkg .sdocx .sdoc .nebo .jnt .rnote".split())
"""Endings of notes whose ink hmer does not read: refused by name, not passed over."""

ARCHIVES = frozenset((".zip", ".cbz"))
"""Endings of archives of files; a zip of another ending is a package of some program."""

_EXPORT = "export it as PDF, or its pages as PNG"
_EXPORTS = {".rnote": "export it from Rnote as .xopp, or as PDF"}
"""What a program exports better than that, by its ending."""

_PACKAGES = (  # a pattern for one of the names, and whose it is
    (re.compile(r"^(index\.notes\.pb|document\.info\.pb|schema\.pb)$"), "GoodNotes notes"),
    (re.compile(r"(^|/)Session\.plist$"), "Notability notes"),
    (re.compile(r"(^|/)(note\.note|pageIdInfo\.dat)$"), "Samsung notes"),
    (re.compile(r"\.bink$"), "Nebo notes"),
    (re.compile(r"^ppt/presentation\.xml$"), "a PowerPoint presentation"),
    (re.compile(r"^word/document\.xml$"), "a Word document"),
    (re.compile(r"^xl/workbook\."), "an Excel workbook"),
    (re.compile(r"^Index(/Document\.iwa|\.zip)$"), "a document of Apple's iWork"),
    (re.compile(r"^META-INF/(manifest|container)\.xml$"), "an office document or an e-book"),
)
_FILES: tuple[tuple[bytes, str], ...] = (
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "a OneNote section"),
    (b"MSCF", "a OneNote package or another cabinet archive"),
    (b"noteSN_FILE", "Supernote notes"),
    (b"SN_FILE", "Supernote notes"),
    (b"{\\rtf", "a text document (RTF)"),
)


def is_zip(head: bytes) -> bool:
    """Whether these bytes begin an archive; one behind a picture does not make it one."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))


def is_pdf(head: bytes) -> bool:
    """Whether a PDF begins here; its header may stand behind up to 1,024 bytes of something else,
    as of a mail (ISO 32000-1, Annex H.3, note 13)."""
    if head.startswith(b"%PDF-"):
        return True
    other = is_image(head) or is_zip(head) or is_xml(head)
    return not other and re.search(rb"%PDF-\d\.\d", head[:1024]) is not None


def is_inkml(head: bytes) -> bool:
    """XML whose root is ``ink``, with or without a prefix."""
    plain = head.replace(b"\0", b"")  # UTF-16 and UTF-32 of what is ASCII
    return is_xml(head) and re.search(rb"<(\w{1,40}:)?ink[\s>]", plain) is not None


def is_heic(head: bytes) -> bool:
    """A photo as iPhones take them."""
    brands = b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"
    return head[4:8] == b"ftyp" and head[8:12] in brands and not is_avif(head)


def is_avif(head: bytes) -> bool:
    """An AVIF image, named so by its brand or among those that it is compatible with."""
    general = head[8:12] in (b"mif1", b"msf1") and b"avif" in head[16:64]
    return head[4:8] == b"ftyp" and (head[8:12] in (b"avif", b"avis") or general)


def is_image(head: bytes) -> bool:
    """Whether an image of a kind that is read begins here."""
    signatures = (
        b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM",
        b"GIF87a", b"GIF89a",
    )  # fmt: skip
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return head.startswith(signatures) or webp or is_heic(head) or is_avif(head)


def is_readable(head: bytes) -> bool:
    """Whether these bytes begin a page or ink, whatever the name says."""
    return is_pdf(head) or is_inkml(head) or is_image(head)


def foreign_package(names: Sequence[str], ending: str) -> tuple[str, str] | None:
    """What a zip is, and how to get its pages, where it is no archive of files.

    ``names`` are those inside, ``ending`` is its own, in small letters.
    """
    for pattern, what in _PACKAGES:
        if any(map(pattern.search, names)):
            return what, _EXPORT
    if ending and ending not in ARCHIVES:
        return f"a package ({ending}) and no archive of images", f"{_EXPORT}, or name it .zip"
    return None


def foreign_file(head: bytes, name: str) -> tuple[str, str] | None:
    """What a file of notes is that hmer does not read, and how to get its pages."""
    ending = PurePosixPath(name).suffix.lower()
    for signature, what in _FILES:
        if head.startswith(signature):
            return what, _EXPORT
    if ending in NOTES and not is_readable(head):
        what = f"notes ({ending}) of a kind that hmer does not read"
        return what, _EXPORTS.get(ending, _EXPORT)
    return None


def inkml_part(data: bytes) -> bytes | None:
    """The InkML in a multipart answer (RFC 2046), as OneNote gives it; None where there is none."""
    if not data.startswith(b"--"):
        return None
    boundary = data.split(b"\n", 1)[0].strip()
    for part in data.split(boundary)[1:]:
        _, _, body = part.replace(b"\r\n", b"\n").lstrip(b"\n").partition(b"\n\n")
        if is_inkml(body.lstrip()[:HEAD]):
            return body.strip()
    return None
