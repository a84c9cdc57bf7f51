"""Symbol boxes in COCO format, read and written.

Input: ``boxes.json`` beside the images. Output: (token, box) pairs per image; and the other way
round.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import PurePosixPath

from hmer_cli.data.store import Store
from hmer_cli.errors import InputError
from hmer_cli.geometry import Box

BOXES = "boxes.json"

Symbols = tuple[tuple[str, Box], ...]
"""(token, box) of each symbol, in the order of the file; x0, y0, x1, y1 in pixels."""


class Boxes:
    """The symbols of the images of a store, from the ``boxes.json`` of each folder."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables: dict[PurePosixPath, dict[str, Symbols]] = {}

    def find(self, file: str) -> Symbols:
        """The symbols of an image of the store; empty if it is not listed.

        Raises InputError if its ``boxes.json`` cannot be read or is not COCO.
        """
        path = PurePosixPath(file)
        if path.parent not in self._tables:
            name = str(path.parent / BOXES)
            here = name in self._store.names
            table = parse(self._store.read(name), self._store.where(name)) if here else {}
            self._tables[path.parent] = table
        return self._tables[path.parent].get(path.name, ())


def parse(data: bytes, name: str) -> dict[str, Symbols]:
    """The symbols of each image of a COCO file; raises InputError."""
    try:
        content = json.loads(data)
        tokens = {one["id"]: str(one["name"]) for one in content["categories"]}
        files = {one["id"]: str(one["file_name"]) for one in content["images"]}
        found: dict[str, list[tuple[str, Box]]] = {file: [] for file in files.values()}
        for one in content["annotations"]:
            x, y, width, height = map(float, one["bbox"])
            box = (x, y, x + width, y + height)
            found[files[one["image_id"]]].append((tokens[one["category_id"]], box))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        remedy = "write it as hmer generate does, or take it away"
        raise InputError(f"{name}: no boxes in the form of COCO ({error})", remedy) from error
    return {file: tuple(signs) for file, signs in found.items()}


def coco(images: Iterable[tuple[str, tuple[int, int], Symbols]]) -> dict[str, object]:
    """Images, each a file name, its shape (H, W) and its symbols, as a COCO object.

    ``bbox`` is x, y, width, height in pixels.
    """
    images = list(images)
    tokens = sorted({token for _, _, symbols in images for token, _ in symbols})
    category = {token: number for number, token in enumerate(tokens, 1)}
    files: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for image, (name, (height, width), symbols) in enumerate(images, 1):
        files.append({"id": image, "file_name": name, "width": width, "height": height})
        for token, (x0, y0, x1, y1) in symbols:
            box = [round(value, 2) for value in (x0, y0, x1 - x0, y1 - y0)]
            ids = {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": category[token],
            }
            annotations.append(
                {**ids, "bbox": box, "area": round(box[2] * box[3], 2), "iscrowd": 0}
            )
    categories = [{"id": number, "name": token} for token, number in category.items()]
    return {"images": files, "annotations": annotations, "categories": categories}
