"""Files of ink of every kind -> ink, a page at a time: which reader takes which file.

A reader is two functions: whether a file is of its kind, told by the content, and its pages. To add
a kind, add it to ``KINDS``. Kinds that nobody but their own app reads are refused by name, with the
way to export what is in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hmer_cli.errors import InputError
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.ink.json_strokes import is_json, read_json
from hmer_cli.ink.packed_text import GZIP, ZIP, members
from hmer_cli.ink.remarkable import is_remarkable, read_remarkable
from hmer_cli.ink.svg_strokes import is_svg, read_svg
from hmer_cli.ink.xournal import is_xournal, read_xournal

ENDINGS = (".inkml", ".xopp", ".xoj", ".rm", ".rmdoc", ".svg")
"""What is taken out of folders and archives; JSON of strokes is read where it is named."""


@dataclass(frozen=True)
class Kind:
    """A kind of file: ``holds`` tells it by the content, ``read`` gives its pages or raises
    InputError."""

    name: str
    holds: Callable[[bytes], bool]
    read: Callable[[bytes, str], list[Ink]]


def is_xml(data: bytes) -> bool:
    """XML in any of its encodings: its first sign is ``<``, behind a byte order mark or not."""
    start = data[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")
    return start.startswith(b"<")


KINDS = (
    Kind("Xournal++", is_xournal, read_xournal),
    Kind("reMarkable", is_remarkable, read_remarkable),
    Kind("SVG", is_svg, read_svg),
    Kind("InkML", is_xml, lambda data, name: [read_inkml(data, name, label=False)]),
    Kind("JSON", is_json, read_json),
)

_AS_PDF = "export it as PDF from its app: hmer reads the strokes in there"
_BY_MEMBER = {
    "index.notes.pb": "GoodNotes",
    "schema.pb": "GoodNotes",
    "index.events.pb": "GoodNotes",
    "Session.plist": "Notability",
    "ppt/presentation.xml": "PowerPoint",
    "word/document.xml": "Word",
    "note.note": "Samsung Notes",
    "mimetype.sdocx": "Samsung Notes",
}
_BY_START = (
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "OneNote"),
    (b"noteSN_FILE_VER_", "Supernote"),
    (b"SN_FILE_ASA_", "Supernote"),
    (b"RNOTEFMT", "Rnote"),
)


def kind_of(data: bytes) -> Kind | None:
    """The kind of a file of ink; None where it is none that hmer reads."""
    return next((kind for kind in KINDS if kind.holds(data)), None)


def refused(data: bytes, name: str) -> InputError | None:
    """What to say of notes that hmer does not read; None for what is no such file."""
    app = next((app for start, app in _BY_START if data.startswith(start)), None)
    if app is None and data.startswith(ZIP):
        app = package(members(data))
    if app is None and data.startswith(GZIP):
        app = "Rnote or another"
    return (
        None
        if app is None
        else InputError(f"{name}: notes of {app}, not read as they are", _AS_PDF)
    )


def package(names: dict[str, int]) -> str | None:
    """The app whose notes a zip archive with these members is; None for an archive of files."""
    bases = {each.rsplit("/", 1)[-1] for each in names} | set(names)
    return next((app for each, app in _BY_MEMBER.items() if each in bases), None)


def is_package(data: bytes) -> bool:
    """Whether a zip archive is one document of a note app, and not files to be read one by one."""
    return is_xournal(data) or is_remarkable(data) or package(members(data)) is not None
