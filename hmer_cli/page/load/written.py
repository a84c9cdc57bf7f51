"""Files of hmer that are no input: what it wrote, and what its other options and commands take.

Input: the first bytes of a file and its name. Output: what the file is and what to do with it, in
words, and whether an output may take its place. What hmer wrote is recognised by what it writes at
the start, in a PDF by its producer, in an archive by its members, everything else by its ending;
its folders by what is in them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePath
from typing import NamedTuple

from hmer_cli import files
from hmer_cli.data.store import OF_SYSTEMS, Store, open_store
from hmer_cli.errors import InputError
from hmer_cli.ink.notes import is_xml
from hmer_cli.ink.packed_text import root_name
from hmer_cli.ink.svg_strokes import is_svg
from hmer_cli.page.load.kinds import HEAD, is_pdf, is_readable, is_zip

MANIFEST = "hmer-files.json"
"""Names the files that hmer wrote into a folder of labelled handwriting."""

MOST_LISTED = 32 << 20
"""Bytes of that list, of a million names; parsed, it takes twenty times as much memory."""

OURS = frozenset((".tex", ".md", ".jsonl", ".html", ".csv", ".docx", ".typ", ".mathml"))
"""Endings of what hmer writes and does not read."""

LABELLED = "labelled handwriting of hmer"

_READ_FROM = "name what it was read from"


class Written(NamedTuple):
    """What a file is and what to do with it; ``output``: an earlier run of convert made it."""

    what: str
    remedy: str
    output: bool = False


_SHARD = Written("results of a shard", "give all of them to hmer merge")
_MARKDOWN = Written("Markdown of hmer", _READ_FROM, True)
_RECORDS = Written("records of hmer", _READ_FROM, True)
_SVG = Written("formulas drawn by hmer", _READ_FROM, True)

_WEB_PAGE = Written(
    "a web page, which hmer writes and does not read",
    "print it as PDF, save its drawings as SVG, or name what it was made from",
)
_HTML = frozenset(
    "html head meta title link style script body header main article section div p h1 table figure "
    "span".split()
)
"""Elements that a web page, or a piece of one, begins with; drawings in it are not read."""

_ID = rb"[k-z]{12}[a-j]*"  # see `hmer_cli.document.ids`
_TEXT = rb'"(?:[^"\\\n]|\\.)*"'  # of JSON
_DRAWING = rb'<svg xmlns="http://www.w3.org/2000/svg"'

_BEGINNINGS: tuple[tuple[bytes, Written], ...] = (  # patterns
    (rb'\{\s*"hmer":\s*"shard"', _SHARD),
    (
        rb'\{\s*"hmer":\s*"corrections"',
        Written("corrections", "give them with --corrections, and name what they correct"),
    ),
    (
        rb'\{\s*"hmer":\s*"labelled handwriting"',
        Written("the list of what hmer wrote there", "name the folder", True),
    ),
    (rb'\{"id": "' + _ID + rb'", "alias": ', _RECORDS),
    (rb'\{"source": ' + _TEXT + rb', "page": (\d+|null), "region": ', _RECORDS),  # 0.2.0
    (rb"id,alias,source,page,x0,", Written("a table of hmer", _READ_FROM, True)),
    (rb"% Handwritten \w+ read by hmer", Written("LaTeX of hmer", _READ_FROM, True)),
    (rb"// Handwritten \w+ read by hmer", Written("Typst of hmer", _READ_FROM, True)),
    (rb"<!-- Handwritten \w+ read by hmer", _MARKDOWN),
    (rb"## `[^\n]+`\n\n(`" + _ID + rb"` \(`|\*\*failed\*\*: `)", _MARKDOWN),
    (rb"## `[^\n]+`\n\n`[\w-]+`: (confidence \d\.\d\d|corrected by hand)", _MARKDOWN),  # 0.2.0
    (
        rb'<math xmlns="http://www.w3.org/1998/Math/MathML" id="'
        + _ID
        + rb'" display="block" alttext="',
        Written("MathML of hmer", _READ_FROM, True),
    ),
    (
        rb'(<p>[^\n]*</p>\n)*<figure id="' + _ID + rb'"><math xmlns=',
        Written("a piece of a web page of hmer", _READ_FROM, True),
    ),
    (
        rb"(<p>[^\n]*failed: [^\n]*</p>\n)+\Z",
        Written("a piece of a web page of hmer", _READ_FROM, True),
    ),
    (_DRAWING + rb'[^>]*><g id="' + _ID + rb'"><title>', _SVG),
    (_DRAWING + rb' viewBox="0 0 [\d. ]+" width="[\d.]+" height="[\d.]+" />\s*$', _SVG),  # empty
    (
        rb'<!doctype html>\s*<html[^>]*>\s*<head>[^\0]{0,2000}name="generator" content="hmer',
        Written(
            "a review page",
            "open it in a browser, and give what it exports with --corrections",
            True,
        ),
    ),
)
_COMPILED = tuple((re.compile(pattern), written) for pattern, written in _BEGINNINGS)

_NAMES = {
    "caption.txt": Written("labels of images", "name their folder"),
    "captions.txt": Written("labels of images", "name their folder"),
}

_ENDINGS = {
    ".tex": Written("LaTeX, which hmer writes and does not read", _READ_FROM),
    ".md": Written("Markdown, which hmer writes and does not read", _READ_FROM),
    ".csv": Written("a table, which hmer writes and does not read", _READ_FROM),
    ".tsv": Written("a table, which hmer writes and does not read", _READ_FROM),
    ".typ": Written("Typst, which hmer writes and does not read", _READ_FROM),
    ".mathml": Written("MathML, which hmer writes and does not read", _READ_FROM),
    ".html": _WEB_PAGE,
    ".htm": _WEB_PAGE,
    ".onnx": Written("weights", "give them with --model, and name what to read"),
    ".pt": Written("weights in training", "name the folder of their run to hmer train"),
    ".toml": Written("a recipe", "give it to hmer train"),
}

_PACKED = ".excalidraw.md"  # as Obsidian keeps drawings
_DRAWN = Written("a drawing of Excalidraw inside Markdown", "export it as .excalidraw or SVG")

_BODY = "word/document.xml"
_WORD = {"[Content_Types].xml", _BODY}
"""The names, but for hidden ones, in a Word document of hmer; other programs add styles."""
_WORD_BEGINNING = re.compile(
    rb'<\?xml [^>]*>\n<w:document xmlns:w="[^"]+" xmlns:m="[^"]+"><w:body>'
)
_CREATOR = b"<Creator>hmer "
_PRODUCER = b"/Producer (hmer "

_EMPTY = b"PK\5\6"  # an archive of nothing

_MOST = 1 << 20
"""Bytes of a file that tell whose it is: what failed stands before what was read."""


def written(head: bytes, name: str) -> Written | None:
    """What a file is that hmer wrote or takes elsewhere; None for a file that may be read."""
    start = head.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    for pattern, found in _COMPILED:
        if pattern.match(start):
            return found
    if is_xml(head) and root_name(head).lower() in _HTML:
        return _WEB_PAGE
    if is_readable(head) or (is_xml(head) and is_svg(head)):
        return None
    path = PurePath(name)
    if path.name.lower().endswith(_PACKED):
        return _DRAWN
    return _NAMES.get(path.name.lower()) or _ENDINGS.get(path.suffix.lower())


def as_output(path: Path) -> str:
    """What a file or a folder is that an earlier run of convert wrote, all of it and for nothing to
    read; empty for any other, and for what cannot be read."""
    with suppress(OSError, InputError):
        if path.is_dir():
            return _folder_as_output(path)
        if path.suffix.lower() == ".docx" and path.is_file():
            return "a Word document of hmer" if _is_own_archive(open_store(path)) else ""
        if path.suffix.lower() in OURS or path.name == MANIFEST:
            told = written(_head(path), path.name) if path.is_file() else None
            return told.what if told is not None and told.output else ""
    return ""


def may_replace(path: Path) -> bool:
    """Whether nothing of the user's is lost where a file takes this place: hmer wrote what is
    there, or it is empty, no regular file, or not there."""
    with suppress(OSError, InputError):
        if not os.path.isfile(path) or not path.stat().st_size:
            return True
        head = _head(path, _MOST)
        if is_pdf(head):
            return _PRODUCER in path.read_bytes()
        if is_zip(head):
            return head.startswith(_EMPTY) or _is_own_archive(open_store(path))
        told = written(head, "")
        return told is not None and (told.output or told is _SHARD)
    return False


def _is_own_archive(store: Store) -> bool:
    """Whether it is a Word document or PAGE-XML of hmer."""
    names = set(store.names)
    if names == _WORD:
        return _WORD_BEGINNING.match(store.read(_BODY)) is not None
    pages = [name for name in names if re.fullmatch(r"page/[^/]+\.xml", name)]
    images = (f"{PurePath(name).stem}.png" for name in pages)
    held = bool(pages) and names == {*pages, *images}
    return held and all(_CREATOR in store.read(name) for name in pages)


def _folder_as_output(folder: Path) -> str:
    held = shown(folder)
    if held and all(is_left_out(folder / name, partial(_head, folder / name)) for name in held):
        return "drawings of hmer" if folder.name.endswith(files.DRAWINGS) else "pages of --debug"
    return LABELLED if MANIFEST in held and held <= {MANIFEST, *labelled(folder)} else ""


def shown(folder: Path) -> set[str]:
    """The names in a folder but for hidden ones. Raises OSError."""
    return {path.name for path in folder.iterdir() if not is_hidden(PurePath(path.name))}


def is_hidden(path: PurePath) -> bool:
    """Whether a name is hidden, or a system put it there by itself."""
    return any(part.startswith(".") or part.lower() in OF_SYSTEMS for part in path.parts)


def is_left_out(path: PurePath, head: Callable[[], bytes]) -> bool:
    """Whether hmer made the picture of a page that was read; ``head`` gives its first bytes."""
    return files.is_picture(path, head, "drawing") or files.is_picture(path, head, "overlay")


def labelled(folder: Path) -> set[str]:
    """The names of the files in a folder that hmer wrote as labelled handwriting.

    Raises InputError where their list is damaged.
    """
    path = folder / MANIFEST
    if not os.path.isfile(path):  # a FIFO would block
        return set()
    try:
        return listed(_head(path, MOST_LISTED + 1))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged") from error


def listed(manifest: bytes) -> set[str]:
    """The names that a list of labelled handwriting holds. Raises ValueError, KeyError or TypeError
    where it is damaged."""
    if len(manifest) > MOST_LISTED:
        raise ValueError("too long")
    try:
        names = json.loads(manifest.decode("utf-8"))["files"]
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return {name for name in names if Path(name).name == name != ".." and "\0" not in name}


def _head(path: Path, most: int = HEAD) -> bytes:
    """The first bytes of a file; none of a FIFO, which would block."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(most)
