"""Symbol boxes in COCO format.

Input: ``boxes.json`` beside the images. Output: (token, box) pairs per image.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath

from hmer_cli.data.store import Store
from hmer_cli.errors import InputError
from hmer_cli.geometry import Box

BOXES = "boxes.json"

Signs = tuple[tuple[str, Box], ...]
"""(token, box) of each symbol, in the order of the file; x0, y0, x1, y1 in pixels."""


class Boxes:
    """The symbols of the images of a store, from the ``boxes.json`` of each folder."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables: dict[PurePosixPath, dict[str, Signs]] = {}

    def find(self, file: str) -> Signs:
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


def parse(data: bytes, name: str) -> dict[str, Signs]:
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
