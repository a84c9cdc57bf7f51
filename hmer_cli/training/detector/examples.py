"""Pages that the page detector is trained on: scans with boxes, photos of them, synthetic pages.

Output of each is its connected components and true boxes (`Example`), which are kept in a folder,
so that a run that was broken off goes on where it was.
"""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.data.store import IMAGES, Store, open_store, stem
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.expr.tokens import Vocabulary
from hmer_cli.ink.ink import Ink
from hmer_cli.page.detect import detector, search
from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.load.images import decode
from hmer_cli.page.load.pages import Page
from hmer_cli.synthesis.formula_grammar import FormulaGrammar
from hmer_cli.synthesis.labels import Formulas, LabelSource, Mixture, Substitutions
from hmer_cli.training.compose.examples import inks
from hmer_cli.training.compose.symbol_bank import SymbolBank, origin
from hmer_cli.training.page_synthesis.lecture_page import lecture_page
from hmer_cli.training.page_synthesis.photograph import PAPERS, Matrix, moved, photographed
from hmer_cli.training.page_synthesis.prose_page import prose_page

Array = NDArray[Any]
Drawn = tuple[Page, Array, Matrix]
"""A page, true boxes (M, 4), and the homography from their pixels to the page's source."""

INSIDE = 0.6  # of a part's box that has to be in a true box for the part to belong to it
SOUND = (0.6, 1.7)  # parts of a photo for each of its page; others were not cleaned
SEED = 7  # of the first photos to learn from; those that steadiness is measured on have another


@dataclass(frozen=True)
class Example:
    """A page: its parts, and its (M, 4) true boxes in pixels of its study.

    ``annotated``: people drew the boxes. A photo has the fold of its page.
    """

    name: str
    fold: int
    annotated: bool
    parts: InkComponents
    truth: Array

    def owners(self) -> Array:
        """The true box that each part belongs to, -1 for none, (N,)."""
        boxes, truth = self.parts.boxes[:, None], self.truth[None]
        if not len(self.truth):
            return np.full(len(boxes), -1)
        low, high = np.maximum(boxes, truth)[..., :2], np.minimum(boxes, truth)[..., 2:]
        inside = np.maximum(high - low, 0).prod(-1) / (boxes[..., 2:] - boxes[..., :2]).prod(-1)
        return np.where(inside.max(1) >= INSIDE, inside.argmax(1), -1)


def scans(dataset: Path, every: int, photos: int, kept: Path) -> Iterator[Example]:
    """Every Nth page of a folder or zip of pages with boxes, and ``photos`` photos of each."""
    store = open_store(str(dataset))
    for index, name, page, data in _scanned(store, every):
        truth = np.array(json.loads(store.read(name))["formulas"], float).reshape(-1, 4)
        fold, draw = detector.fold_of(data), partial(_scan, data, name)
        plain = partial(_unmoved, draw, truth)
        flat = _kept(kept / page, page, fold, plain, annotated=True)
        yield flat
        for take in range(photos):
            shot, seed = f"{page}-photo-{take}", (SEED + take, index)
            shoot = partial(_photo_of, draw, truth, seed)
            taken = _kept(kept / shot, shot, fold, shoot, annotated=True)
            if SOUND[0] < len(taken.parts) / max(len(flat.parts), 1) < SOUND[1]:
                yield taken


def _scanned(store: Store, every: int = 1) -> Iterator[tuple[int, str, str, bytes]]:
    """Number, truth, name and bytes of every Nth page."""
    images = {stem(file): file for file in store.ending(*IMAGES)}
    for index, name in enumerate(sorted(store.ending(".json"))[::every]):
        page = stem(name.removesuffix(".json"))  # as the images are named
        if page in images:
            yield index, name, page, store.read(images[page])


def listed(dataset: Path) -> str:
    """The CRC-32 of the files of all pages, a line each: ``training_pages.txt`` of the detector."""
    pages = _scanned(open_store(str(dataset)))
    return "".join(sorted(f"{zlib.crc32(data):08x}\n" for _, _, _, data in pages))


def _scan(data: bytes, name: str) -> Page:
    return Page.of(name, 1, decode(data, name))


def _unmoved(draw: Callable[[], Page], truth: Array) -> Drawn:
    return draw(), truth, np.eye(3)


def _photo_of(draw: Callable[[], Page], truth: Array, seed: tuple[int, int]) -> Drawn:
    return _photo(draw(), truth, seed)


def _photo(page: Page, truth: Array, seed: tuple[int, int]) -> Drawn:
    """What hmer sees on a photo of a page."""
    rng = np.random.default_rng(seed)
    photo, matrix = photographed(page.image, rng, PAPERS[int(rng.integers(len(PAPERS)))])
    return Page.of("photo", 1, photo), truth, matrix @ _level(page)


def _level(page: Page) -> Matrix:
    """The way from a page's source to its image."""
    there = np.eye(3) if page.to_source is None else np.linalg.inv(page.to_source)
    return np.asarray(there, np.float64)


def synthetic(
    crohme: Path,
    symbols: Path | None,
    formulas: Path,
    fonts: Sequence[Path],
    counts: tuple[int, int],
    kept: Path,
) -> Iterator[Example]:
    """Pages of prose and of lecture notes, ``counts`` of each; every third is a photo.

    A fold has its own font files and writers of CROHME; the ``symbols``, whose writers are not
    known, are those of all folds. Without ``fonts`` all words are written in ink.
    """
    desks = [_Desk(list(fonts[fold :: detector.FOLDS])) for fold in range(detector.FOLDS)]
    written = inks(open_dataset(str(crohme), "train"))
    for ink in written:
        desks[zlib.crc32(origin(ink)[0].encode()) % detector.FOLDS].inks.append(ink)
    for desk in desks:
        desk.bank = SymbolBank.build(desk.inks, [symbols] if symbols else [])
    labels = [ink.label for ink in written if ink.label]
    vocabulary = Vocabulary.of_labels(labels)
    lines = formulas.read_text(encoding="utf-8").splitlines()
    source = Mixture(
        (
            (0.45, Formulas(lines, vocabulary)),
            (0.3, Substitutions(labels, vocabulary)),
            (0.25, FormulaGrammar()),
        )
    )
    for number in range(counts[0]):
        name, fold = f"english-{number}", number % detector.FOLDS
        yield _kept(kept / name, name, fold, partial(_prose, desks[fold], number))
    for number in range(counts[1]):
        name, fold = f"english-notes-{number}", number % detector.FOLDS
        yield _kept(kept / name, name, fold, partial(_notes, desks[fold], source, number))


@dataclass
class _Desk:
    """What the synthetic pages of a fold are written with."""

    fonts: list[Path]
    inks: list[Ink] = field(default_factory=list)
    bank: SymbolBank = field(default_factory=SymbolBank)


def _prose(desk: _Desk, number: int) -> Drawn:
    random = np.random.default_rng(number)
    lively = [ink for ink in desk.inks if len(ink.strokes) > 1]
    image, boxes = prose_page(lively, desk.bank, desk.fonts, random)
    return Page.of("english", 1, image), np.array(boxes).reshape(-1, 4), np.eye(3)


def _notes(desk: _Desk, source: LabelSource, number: int) -> Drawn:
    random = np.random.default_rng((SEED, number))
    image, boxes = lecture_page(desk.bank, desk.fonts, source, random)
    page, truth = Page.of("notes", 1, image), np.array(boxes).reshape(-1, 4)
    return (page, truth, np.eye(3)) if number % 3 else _photo(page, truth, (SEED, number))


def _kept(
    file: Path, name: str, fold: int, draw: Callable[[], Drawn], annotated: bool = False
) -> Example:
    """The example in the file, made and put there where there is none."""
    if file.is_file():
        found = pickle.loads(file.read_bytes())
        assert isinstance(found, Example)
        return found
    page, truth, way = draw()
    study = search.prepare_page(page)
    there = _level(page) @ way  # in one go: a box round a slanted box is too large
    boxes = [moved(tuple(box), there) for box in truth.tolist()]
    scaled = np.array(boxes).reshape(-1, 4) / study.scale
    example = Example(name, fold, annotated, study.parts, scaled)
    draft = file.with_suffix(".draft")
    draft.write_bytes(pickle.dumps(example, -1))
    draft.replace(file)
    return example
