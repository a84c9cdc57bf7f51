"""Drawings of a page, cut out as pictures for documents.

Input: the picture of a page and the boxes of its drawings. Output: PNG files in a folder beside the
document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from hmer_cli import files
from hmer_cli.document.ids import file_slug
from hmer_cli.document.records import Drawing, PageRead, Picture
from hmer_cli.geometry import Box

Pictures = Mapping[tuple[str, int | None], Sequence[tuple[Box, bytes]]]
"""The drawings of each page, by its source and number: place in the source, and PNG file."""

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


def save(document: Path, pictures: Pictures) -> dict[tuple[str, int | None], list[tuple[Box, str]]]:
    """Write the drawings beside a document; each with its name as the document shows it.

    Those that an earlier run left there are removed; pictures that are not of hmer are not
    overwritten. Raises OutputError.
    """
    folder = Path(file_slug(document.stem) + files.DRAWINGS)
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
