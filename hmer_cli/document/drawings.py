"""Drawings of a page, cut out as pictures for documents.

Input: the picture of a page and the boxes of its drawings. Output: PNG files in a folder beside the
document.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from hmer_cli import files
from hmer_cli.document.ids import file_slug
from hmer_cli.document.records import Drawing, PageRead, Picture
from hmer_cli.geometry import Box

Pictures = Mapping[tuple[str, int | None], Sequence[tuple[Box, bytes]]]
"""The drawings of each page, by its source and number: place in the source, and PNG file."""

_ENDINGS = (".md", ".tex")
"""Of documents that have drawings beside them."""
_ROOM = 0.01  # of the longer side of the page, around a drawing # convention


def pictures_of(page: PageRead) -> list[tuple[Box, bytes]]:
    """The drawings of a page as PNG files; none where its picture is not kept."""
    drawings = page.result.drawings
    if page.picture is None or not drawings:
        return []
    return list(zip((d.region for d in drawings), _cut(page.picture, drawings), strict=True))


def _cut(picture: Picture, drawings: Sequence[Drawing]) -> list[bytes]:
    image = cv2.imdecode(np.frombuffer(picture.load(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    height, width = image.shape
    scale, room = width / picture.width, round(_ROOM * max(height, width))
    cut = []
    for drawing in drawings:
        x0, y0, x1, y1 = (round(edge * scale) for edge in drawing.box)
        rows = slice(max(0, y0 - room), y1 + room)
        piece = image[rows, max(0, x0 - room) : x1 + room]
        cut.append(cv2.imencode(".png", piece)[1].tobytes())
    return cut


def save(
    document: Path, pictures: Pictures, documents: Collection[Path | None] = ()
) -> dict[tuple[str, int | None], list[tuple[Box, str]]]:
    """Write the drawings beside a document; each with its name as the document shows it.

    Those that an earlier run left there are removed; pictures that are not of hmer are not
    overwritten, nor those of a document of the same stem and another ending, unless it is among the
    ``documents`` that are written from the same pages. Raises OutputError.
    """
    usual, other = (Path(file_slug(n) + files.DRAWINGS) for n in (document.stem, document.name))
    pngs = [png for found in pictures.values() for _, png in found]
    beside = {document.with_suffix(ending) for ending in _ENDINGS} - {document, *documents}
    if any(_shows(each, usual) for each in beside) and not _holds(document.parent / usual, pngs):
        folder = other
    else:
        folder = usual
        files.drop_drawings(document.parent / other, set())
    drawn: dict[tuple[str, int | None], list[tuple[Box, str]]] = {}
    number = 0
    for page, found in pictures.items():
        for box, png in found:
            number += 1
            name = folder / f"{number}.png"
            files.make_folder(document.parent / folder)
            files.replace_own(document.parent / name, png, "drawing")
            drawn.setdefault(page, []).append((box, name.as_posix()))
    names = {PurePosixPath(name).name for some in drawn.values() for _, name in some}
    files.drop_drawings(document.parent / folder, names)
    return drawn


def _shows(document: Path, folder: Path) -> bool:
    """Whether there is a document that shows pictures of this folder beside it."""
    with suppress(OSError):
        return document.is_file() and f"{folder}/".encode() in document.read_bytes()
    return False


def _holds(folder: Path, pngs: Sequence[bytes]) -> bool:
    """Whether these drawings are those in a folder already, and all of hmer in it."""
    with suppress(OSError):
        there = {name: (folder / name).read_bytes() for name in files.own_pngs(folder)}
        made = [files.signed(png, "drawing") for png in pngs]
        return there == {f"{number}.png": png for number, png in enumerate(made, start=1)}
    return False
