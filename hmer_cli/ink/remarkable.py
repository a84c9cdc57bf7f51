"""Notes of reMarkable tablets, version 6 of their lines (.rm) and notebooks (.rmdoc) -> ink.

Read by rmscene (MIT), which is not installed with hmer. A notebook is a zip archive: its
``.content`` lists the order of the pages, each of which is a ``.rm`` beside it, if it holds ink.
Highlighters, shaders, erasers and hidden layers are left out, white erases what it covers, and
typed text is named as left out; lines that were written beside it are tied to a character of it, as
a group, and move with it. Units are those of the tablet, 226 to the inch.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import InputError
from hmer_cli.ink.colours import BLACK, WHITE
from hmer_cli.ink.ink import Ink, LeftOut
from hmer_cli.ink.packed_text import ZIP, members, opened
from hmer_cli.ink.painted import Painted, strokes_of
from hmer_cli.ink.strokes import check_count, check_pages, ink_of, stroke_of

Place = NDArray[np.float64]
"""x and y."""

MAX_PAGE = 16 << 20
"""Bytes of a page, of which a full one has 2 million; each point becomes an object."""

MAX_NOTEBOOK = 512 << 20
"""Bytes of all pages of a notebook, whose ink, about as large, is held at once."""

_HEADER = b"reMarkable .lines file, version="
_VERSION = b"6"
_LINE = 0x05  # the type of a block that holds a line
_WIDTHS = 4  # to a unit: how the width at a point is written
_RISE = 88.0  # from where the text is said to be to the lines tied to its first paragraph
_PARAGRAPH = 70.0
_HIGH = {
    "HEADING": 150.0,
    **dict.fromkeys(("BULLET", "BULLET2", "CHECKBOX", "CHECKBOX_CHECKED"), 35.0),
}
"""Heights of paragraphs by their style; all three as rmc has them, which draws these notes."""
_NO_PENS = ("HIGHLIGHTER", "ERASER", "SHADER")


def is_remarkable(data: bytes) -> bool:
    """Whether this is a page or a notebook of a reMarkable tablet."""
    return is_notebook(members(data)) if data.startswith(ZIP) else data.startswith(_HEADER)


def is_notebook(names: Collection[str]) -> bool:
    """Whether a zip archive with these members is a notebook."""
    return all(any(name.endswith(end) for name in names) for end in (".content", ".rm"))


def beside_notebooks(names: Collection[str]) -> set[str]:
    """Those of the members of an archive of notebooks that belong to none of them.

    What belongs to one begins with its name: ``NAME.content``, ``NAME.pdf``, ``NAME/PAGE.rm``,
    ``NAME.thumbnails/PAGE.png``.
    """
    own = tuple(
        f"{name.removesuffix('.content')}{end}"
        for name in names
        if name.endswith(".content")
        for end in "./"
    )
    return {name for name in names if not name.startswith(own) and not name.endswith(".rm")}


def read_remarkable(data: bytes, name: str) -> list[Ink]:
    """The ink of every page, some perhaps without strokes. Raises InputError."""
    if not data.startswith(ZIP):
        return [_page(data, name)]
    sizes = members(data)
    if sum(size for each, size in sizes.items() if each.endswith(".rm")) > MAX_NOTEBOOK:
        what = f"{name}: pages of more than {MAX_NOTEBOOK >> 20} MiB together"
        raise InputError(what, "export them in parts")
    with opened(data, name) as read:
        return [
            _page(read(page), f"{name}: {page}") if page else ink_of([], name)
            for page in _pages(list(sizes), read, name)
        ]


def _pages(names: Sequence[str], read: Callable[[str], bytes], name: str) -> list[str]:
    """The pages of the notebooks of an archive by their ``names`` in it, in their order, and then
    those that no notebook lists; empty for one without ink, as most of an annotated PDF are. Raises
    InputError."""
    held: dict[str, list[str]] = {}
    check_pages(sum(each.endswith(".rm") for each in names), name)
    for each in sorted(each for each in names if each.endswith(".rm")):
        held.setdefault(PurePosixPath(each).stem, []).append(each)
    contents = [each for each in names if each.endswith(".content")]
    check_pages(len(contents), name)
    found: list[str] = []
    for content in contents:
        listed, deleted = _listed(read, content, name)
        folder = f"{content.removesuffix('.content')}/" if len(contents) > 1 else ""
        for identity in [*listed, *deleted]:
            there = held.get(identity, [])
            own = [each for each in there if each.startswith(folder)]
            held[identity] = [each for each in there if each not in own]
            found += (own or [""]) if identity in listed else []
        check_pages(len(found), name)
    return found + [page for others in held.values() for page in others]


def _listed(
    read: Callable[[str], bytes], content: str, name: str
) -> tuple[dict[str, None], list[str]]:
    """The pages that a notebook lists, each once, and those that were deleted."""
    try:
        table = json.loads(read(content))
        pages = table.get("cPages", {}).get("pages") or table.get("pages") or []
        given = [page if isinstance(page, dict) else {"id": str(page)} for page in pages]
        deleted = [str(page["id"]) for page in given if _is_deleted(page)]
        listed = dict.fromkeys(str(page["id"]) for page in given if not _is_deleted(page))
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{name}: {content} is damaged", "export it as PDF") from error
    return listed, [each for each in deleted if each not in listed]


def _is_deleted(page: Mapping[str, Any]) -> bool:
    said = page.get("deleted")
    return bool(said.get("value") if isinstance(said, dict) else said)


def _page(data: bytes, name: str) -> Ink:
    version = data[len(_HEADER) : len(_HEADER) + 1]
    if version != _VERSION:
        said = version.decode("ascii", "replace")
        raise InputError(
            f"{name}: version {said} of reMarkable's lines; hmer reads 6",
            "open it on a tablet with newer software, or export it as PDF",
        )
    tree = _tree(data, name)
    painted = list(_painted(tree, name))
    check_count(painted, name)
    lines, left_out = strokes_of(painted, WHITE)
    return ink_of([stroke_of(line, name) for line in lines], name, [*left_out, *_typed(tree)])


def _tree(data: bytes, name: str) -> Any:
    if len(data) > MAX_PAGE:
        raise InputError(f"{name}: a page larger than {MAX_PAGE >> 20} MiB", "split it")
    try:
        rmscene = importlib.import_module("rmscene")
    except ImportError:
        raise InputError(
            f"{name}: notes of a reMarkable tablet, which take a package to read",
            'pip install "hmer-cli[remarkable]", or export them as PDF',
        ) from None
    logging.getLogger("rmscene").setLevel(logging.ERROR)  # it warns of every unknown block
    try:
        blocks = list(rmscene.read_blocks(io.BytesIO(data)))
        if not blocks or any(_is_lost_line(block) for block in blocks):
            raise ValueError("lines that cannot be read")
        return rmscene.read_tree(io.BytesIO(data))
    except Exception as error:  # whatever a damaged file makes it do
        raise InputError(
            f"{name}: reMarkable notes that are damaged or cut off",
            "export it again, or export it as PDF",
        ) from error


def _is_lost_line(block: Any) -> bool:
    """Whether a block should hold a line, and rmscene could not make sense of it."""
    known = getattr(getattr(block, "info", None), "block_type", None)
    return hasattr(block, "error") and known == _LINE


def _painted(tree: Any, name: str) -> Iterator[Painted]:
    """The lines that are seen, those in white, which cover others, too."""
    for number, (line, place) in enumerate(_shown(tree.root, _anchors(tree)), start=1):
        if not line.tool.name.startswith(_NO_PENS):
            points = [(point.x, point.y) for point in line.points]
            stroke = stroke_of(points, f"{name}: stroke {number}").astype(np.float64)
            if line.color.name == "WHITE":
                width = float(np.median([point.width for point in line.points] or [0])) / _WIDTHS
                yield Painted(stroke + place, WHITE, width=width)
            else:
                yield Painted(stroke + place, BLACK)


def _shown(item: Any, anchors: Mapping[Any, float]) -> Iterator[tuple[Any, Place]]:
    """The lines of a group and of those in it, hidden ones aside, and the place of their origin."""
    todo = [(item, np.zeros(2))]
    while todo:
        each, place = todo.pop()
        if hasattr(each, "children"):
            if each.visible.value is not False:
                inside = place + _origin(each, anchors)
                todo += [(child, inside) for child in reversed(list(each.children.values()))]
        elif hasattr(each, "tool") and hasattr(each, "points"):
            yield each, place


def _origin(group: Any, anchors: Mapping[Any, float]) -> Place:
    """The place of a group in the one around it."""
    anchor, x = (getattr(group, key, None) for key in ("anchor_id", "anchor_origin_x"))
    if anchor is None:
        return np.zeros(2)
    return np.array([0.0 if x is None else x.value, anchors.get(anchor.value, 0.0)])


def _anchors(tree: Any) -> dict[Any, float]:
    """The y of the paragraph of each character of the typed text, whose lines are not counted."""
    text = getattr(tree, "root_text", None)
    if text is None:
        return {}
    try:
        document = importlib.import_module("rmscene.text").TextDocument.from_scene_item(text)
        found, y = {}, float(text.pos_y) - _RISE
        for each in document.contents:
            found[each.start_id] = y
            found |= {identity: y for part in each.contents for identity in part.i}
            y += _HIGH.get(each.style.value.name, _PARAGRAPH)
    except Exception:  # whatever a damaged text makes it do; it is left out, and a doubt, anyway
        return {}
    return found


def _typed(tree: Any) -> list[LeftOut]:
    """The text that was typed on a page."""
    text = getattr(tree, "root_text", None)
    if text is None or not "".join(w for w in text.items.values() if isinstance(w, str)).strip():
        return []
    x, y = float(text.pos_x), float(text.pos_y)
    return [LeftOut("typed text", (x, y, x + float(text.width), y))]
