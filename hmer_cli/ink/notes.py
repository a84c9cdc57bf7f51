"""Files of ink of every kind -> ink, a page at a time: which reader takes which file.

A reader is two functions: whether a file is of its kind, by its content, and its pages. To add
a kind, add it to ``KINDS``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.ink.json_strokes import is_json, read_json
from hmer_cli.ink.remarkable import (
    beside_notebooks,
    is_notebook,
    is_remarkable,
    read_remarkable,
)
from hmer_cli.ink.svg_strokes import is_svg, read_svg
from hmer_cli.ink.xournal import is_packed, is_xournal, read_xournal

ENDINGS = (".inkml", ".xopp", ".xoj", ".rm", ".rmdoc")
"""What is taken out of folders and archives; SVG and JSON, mostly something else, where named."""


@dataclass(frozen=True)
class Kind:
    """A kind of file: ``holds`` detects it by the content, ``read`` gives its pages or raises
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
    Kind("SVG", lambda data: is_xml(data) and is_svg(data), read_svg),
    Kind("InkML", is_xml, lambda data, name: [read_inkml(data, name, label=False)]),
    Kind("JSON", is_json, read_json),
)


def kind_of(data: bytes) -> Kind | None:
    """The kind of a file of ink; None where it is none that hmer reads."""
    return next((kind for kind in KINDS if kind.holds(data)), None)


def is_package(names: Collection[str]) -> bool:
    """Whether a zip archive with these members is one document that is read here, and not files
    to be read apart."""
    return is_packed(names) or is_notebook(names)


def beside_package(names: Collection[str]) -> set[str]:
    """The members of such an archive that are files of their own."""
    return set() if is_packed(names) else beside_notebooks(names)
