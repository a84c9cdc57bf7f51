"""Pages to learn from: scans with known boxes, photos made of them, and English pages.

What is found on a page without any learning (its parts) is kept in a folder, so that a run that
was broken off goes on where it was.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from english import english_page
from numpy.typing import NDArray
from photos import PAPERS, Matrix, moved, photographed

from hmer_cli.learn.bank import SymbolBank
from hmer_cli.learn.datasets import open_dataset
from hmer_cli.page import detector, layout
from hmer_cli.page.images import decode
from hmer_cli.page.open import Page
from hmer_cli.page.parts import Parts

Array = NDArray[Any]
Drawn = tuple[Page, Array, Matrix]
"""A page, true boxes (M, 4), and the way from where these are told to the page's source."""

INSIDE = 0.6  # of a part's box that has to be in a true box for the part to belong to it
SEED = 7  # of the photos to learn from; those that steadiness is measured on have another


@dataclass(frozen=True)
class Example:
    """A page: its parts, and its (M, 4) true boxes in pixels of its study.

    Only scans are ``scored``; a photo has the fold of its page.
    """

    name: str
    fold: int
    scored: bool
    parts: Parts
    truth: Array

    def owners(self) -> Array:
        """The true box that each part belongs to, -1 for none, (N,)."""
        boxes, truth = self.parts.boxes[:, None], self.truth[None]
        if not len(self.truth):
            return np.full(len(boxes), -1)
        low, high = np.maximum(boxes, truth)[..., :2], np.minimum(boxes, truth)[..., 2:]
        inside = np.maximum(high - low, 0).prod(-1) / (boxes[..., 2:] - boxes[..., :2]).prod(-1)
        return np.where(inside.max(1) >= INSIDE, inside.argmax(1), -1)


def scans(path: Path, every: int, photos: int, kept: Path) -> Iterator[Example]:
    """Every Nth page of a zip of pages with boxes, and a photo of every Nth of these."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(n for n in archive.namelist() if n.endswith(".json"))[::every]
        for index, name in enumerate(names):
            data = archive.read(name[: -len(".json")] + ".jpg")
            truth = np.array(json.loads(archive.read(name))["formulas"], float).reshape(-1, 4)
            stem, fold = Path(name).stem, detector.fold_of(data)

            def page(data: bytes = data, name: str = name) -> Page:
                return Page.of(name, 1, decode(data, name))

            yield _kept(kept / stem, stem, fold, lambda: (page(), truth, np.eye(3)))  # noqa: B023
            if photos and index % photos == 0:
                stem = f"{stem}-photo"
                yield _kept(kept / stem, stem, fold, lambda: _photo(page(), truth, index))  # noqa: B023


def _photo(page: Page, truth: Array, index: int) -> Drawn:
    """What hmer sees on a photo of a page."""
    rng = np.random.default_rng([SEED, index])
    photo, matrix = photographed(page.image, rng, PAPERS[int(rng.integers(len(PAPERS)))])
    return Page.of("photo", 1, photo), truth, matrix @ _level(page)


def _level(page: Page) -> Matrix:
    """The way from a page's source to its image."""
    return np.eye(3) if page.to_source is None else np.linalg.inv(page.to_source)


def english(inks: str, folder: Path, count: int, kept: Path) -> Iterator[Example]:
    """Pages in English; all that are written in one font have one fold."""
    found = (path for path in folder.rglob("*") if path.suffix in (".ttf", ".otf", ".woff"))
    fonts = sorted(found, key=lambda path: path.name)
    samples = [s for s in open_dataset(inks, "train") if s.error is None and s.ink and s.label]
    written = [s.ink.with_label(s.label) for s in samples if len(s.ink.strokes) > 1]
    bank = SymbolBank.build(written)
    for number in range(count):
        name, fold = f"english-{number}", number % detector.FOLDS

        def page(name: str = name, number: int = number, fold: int = fold) -> Drawn:
            random = np.random.default_rng(number)
            image, boxes = english_page(written[::3], bank, fonts[fold :: detector.FOLDS], random)
            return Page.of(name, 1, image), np.array(boxes).reshape(-1, 4), np.eye(3)

        yield _kept(kept / name, name, fold, page)


def _kept(file: Path, name: str, fold: int, draw: Callable[[], Drawn]) -> Example:
    """The example in the file, made and put there where there is none."""
    if file.is_file():
        found = pickle.loads(file.read_bytes())
        assert isinstance(found, Example)
        return found
    page, truth, way = draw()
    study = layout.study(page.image)
    there = _level(page) @ way  # in one go: a box round a slanted box is too large
    boxes = [moved(tuple(box), there) for box in truth.tolist()]
    scored = not name.endswith("-photo") and not name.startswith("english")
    example = Example(name, fold, scored, study.parts, np.array(boxes).reshape(-1, 4) / study.scale)
    draft = file.with_suffix(".draft")
    draft.write_bytes(pickle.dumps(example, -1))
    draft.replace(file)
    return example
