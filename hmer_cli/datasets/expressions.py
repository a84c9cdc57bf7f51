"""Data sets of labelled expressions: CROHME packages, InkML, images with a ``caption.txt``.

Input: a folder or zip archive. Output: `Sample` objects (name, label, ink or image), read lazily.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice, pairwise
from pathlib import PurePosixPath

from hmer_cli.data.captions import CAPTIONS, Caption, Captions, caption_key, tell
from hmer_cli.data.coco import Boxes, Symbols
from hmer_cli.data.store import IMAGES, INKML, Store, open_store, stem
from hmer_cli.errors import InputError, UsageError
from hmer_cli.expr.commands import KNOWN
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.lexer import lex
from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.ink.render import Image, Readable, image_of, legible_ink_image
from hmer_cli.page.clean.illumination import clean
from hmer_cli.page.load.images import decode
from hmer_cli.page.load.sources import ENDINGS, Source


def _test(year: int, more: str = "") -> re.Pattern[str]:
    """The folders of a test set: ``TestEM2014GT``, ``CROHME2019_test``, ``crohme2019/test``."""
    names = rf"/test[^/]*{year}|/crohme_?{year}_test|{year}[^/]*/test$"
    return re.compile(names + more, re.IGNORECASE)


SPLITS = {
    "train": re.compile(r"/train", re.IGNORECASE),
    "test2013": _test(2013, "|/testinkmlgt$"),
    "test2014": _test(2014),
    "test2016": _test(2016),
    "test2019": _test(2019, "|maintask_formula/test$"),
    "test2023": _test(2023),
}
"""The splits of CROHME, by the names of their folders in its packages, ``parent/folder``."""


class Sample:
    """One labelled expression, read lazily.

    ``file`` is its path in the data set, None if a caption.txt names a ``missing`` file.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        file: str | None,
        caption: str | None,
        boxes: Boxes,
        missing: InputError | None = None,
    ) -> None:
        self.name = name
        self.file = file
        self._boxes = boxes
        self._missing = missing
        self._store = store
        self._caption = caption

    @cached_property
    def label(self) -> str:
        """The label from caption.txt, else from the InkML; empty if there is none."""
        if self._caption is not None:
            return as_label(self._caption)
        try:
            return (self.ink.label or "") if self.ink else ""
        except InputError:
            return ""

    @property
    def raw_label(self) -> str:
        """The label as the data set spells it: the caption, else the LaTeX of the InkML."""
        if self._caption is not None:
            return self._caption
        try:
            return (self.ink.truth or "") if self.ink else ""
        except InputError:
            return ""

    @cached_property
    def ink(self) -> Ink | None:
        """The ink of an InkML file, with the label; None for an image. Raises InputError."""
        if self._is_image:
            return None
        ink = read_inkml(self._bytes(), self.name, label=self._caption is None)
        return ink if self._caption is None else ink.with_label(self.label)

    @property
    def symbols(self) -> Symbols:
        """(token, box) of the symbols of an image from its boxes.json; raises InputError."""
        return self._boxes.find(self.file) if self._is_image and self.file else ()

    def image(self) -> Image:
        """Dark ink on white, (H, W), whether drawn or decoded; raises InputError."""
        return image_of(self.readable())

    def readable(self) -> Readable:
        """The input of a recogniser: an image, for InkML with its strokes; raises InputError."""
        if self.ink is not None:
            return legible_ink_image(self.ink)
        return clean(decode(self._bytes(), self.name))

    @cached_property
    def error(self) -> str | None:
        """The reason if the file cannot be read, else None."""
        try:
            if self.ink is None:
                self.image()
        except InputError as error:
            return str(error)
        return None

    def source(self) -> Source:
        """The file as a source for `hmer convert`'s pipeline."""
        return Source(self.name, self._store.where(self.file or self.name), self._bytes)

    @property
    def _is_image(self) -> bool:
        return self.file is not None and self.file.lower().endswith(IMAGES)

    def _bytes(self) -> bytes:
        if self.file is None:
            raise self._missing or InputError(f"{self.name}: not there", "add its file")
        return self._store.read(self.file)


def as_label(text: str) -> str:
    """The label of a caption, which may be raw LaTeX; invalid LaTeX is only tokenised."""
    try:
        return normalise(text)
    except InputError:
        tokens = tokenize(text)
        return join(tokens if KNOWN.issuperset(tokens) else lex(text))


def open_dataset(path: str, split: str | None = None, limit: int | None = None) -> list[Sample]:
    """The samples of a folder or archive; see ``samples_of``."""
    return samples_of(open_store(path), split, limit)


def samples_of(store: Store, split: str | None = None, limit: int | None = None) -> list[Sample]:
    """The samples of a data set, sorted by name, of which the first ``limit``.

    ``store`` is a folder or zip archive: a CROHME package, of which ``split`` names the part;
    InkML files, images with a ``caption.txt``, or both. A caption takes precedence over the file's
    own label. Every file and every caption is a sample, readable or not, labelled or not: CROHME
    train has 8836 for its 8834 captions, which lack an empty file (``MfrDB3088``) and one with a
    ``\\cdot``, whose label is that of its InkML (``MfrDB0104``).

    Raises UsageError if the split is not in the data set or has to be named, InputError if there is
    nothing to read.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit {limit}: there must be at least one")
    path = str(store.path)
    captions, boxes = Captions(store), Boxes(store)
    tell(store, captions)
    files = store.ending(INKML)
    if files or split is not None:
        files = _of_split(files, split, path)
        if captions and split is None:
            files = [*files, *_captioned_images(store, captions, files)]
    elif captions:
        files = store.ending(*IMAGES)
    elif store.ending(*IMAGES):
        raise InputError(f"{path}: images without labels", f"put a {CAPTIONS} beside them")
    found = [Sample(store, stem(file), file, captions.find(file), boxes) for file in files]
    found += _missing(store, captions, files, boxes, whole=split is None)
    if not found:
        raise InputError(f"{path}: no InkML and no images", "give a folder or zip that has some")
    return sorted(found, key=lambda sample: (sample.name, sample.file or ""))[:limit]


def _captioned_images(store: Store, captions: Captions, files: list[str]) -> list[str]:
    """The images below a caption.txt that are not drawings of InkML of the same name.

    An image whose line of a caption.txt names none of these InkML files is another expression.
    """
    written = {stem(file) for file in files}
    lines = {line for file in files for line in captions.fitting(file)}
    images = (file for file in store.ending(*IMAGES) if captions.cover(file))
    return [
        file
        for file in images
        if stem(file) not in written or {*islice(captions.fitting(file), 1)} - lines
    ]


def _of_split(files: list[str], split: str | None, path: str) -> list[str]:
    """The files of one split; all files if there are no splits."""
    if split is not None and split not in SPLITS:
        raise UsageError(f"split {split!r} is not known", f"name one of {', '.join(SPLITS)}")
    splits: dict[str | None, list[str]] = {}
    for file in files:
        splits.setdefault(_split_of(file), []).append(file)
    held = ", ".join(name for name in SPLITS if name in splits)
    if split is None:
        if len(splits) > 1:
            raise UsageError(f"{path} holds {held}", "choose one with --split")
        return files
    if split not in splits:
        if not held:
            raise UsageError(f"{path} has no splits, and so no {split}", "leave --split out")
        raise UsageError(f"{path} has no split {split}; it holds {held}", "choose one of them")
    return splits[split]


def _split_of(file: str) -> str | None:
    for parent, folder in pairwise(("", *PurePosixPath(file).parts[:-1])):
        for split, pattern in SPLITS.items():
            if pattern.search(f"{parent}/{folder}"):
                return split
    return None


def _missing(
    store: Store, captions: Captions, files: list[str], boxes: Boxes, whole: bool
) -> Iterator[Sample]:
    """Samples for captions without a file, from the caption.txt files that belong to the split."""
    fitting = {file: [*captions.fitting(file)] for file in files}
    fit = {line for lines in fitting.values() for line in lines}
    present = {
        (folder, caption_key(file)) for file in files for folder in PurePosixPath(file).parents
    }
    folders = {folder for folder, _ in present}
    others = (file for file in reversed(store.names) if not fitting.get(file))
    elsewhere = {name: file for file in others for name in _caption_names(file)}
    for line in captions.lines():
        there = line in fit or (not line.place.parts and (line.folder, line.key) in present)
        if not there and (whole or line.folder in folders - {PurePosixPath(".")}):
            error = _not_there(line, elsewhere.get(line.key))
            yield Sample(store, line.key, None, line.label, boxes, error)


def _caption_names(file: str) -> set[str]:
    """The names that a line may have for a file, of whatever kind."""
    path = PurePosixPath(file)
    return {caption_key(file), path.stem if path.suffix.lower() in ENDINGS else path.name}


def _not_there(line: Caption, other: str | None) -> InputError:
    """The error of a line without its file; ``other`` is one of the same name."""
    if other is None:
        return InputError(f"{line.name}: named in {CAPTIONS} but not there", "add its file")
    if not other.lower().endswith((INKML, *IMAGES)):
        what = f"{line.name}: named in {CAPTIONS}, but {other} is neither an image nor InkML"
        return InputError(what, "save it as one")
    what = f"{line.name}: named in {line.folder / CAPTIONS}, which is not for {other}"
    return InputError(what, f"put {CAPTIONS} into a folder above, or name the file's folder there")


def unique_names(samples: Sequence[Sample]) -> Iterator[str]:
    """The name of each sample; the path of its file where another has the same name."""
    counts = Counter(sample.name for sample in samples)
    return unused_names(
        sample.file if sample.file and counts[sample.name] > 1 else sample.name
        for sample in samples
    )


def unused_names(names: Iterable[str], key: Callable[[str], str] = str) -> Iterator[str]:
    """The names, from the second of equal ones on with a number; equal are those of equal keys."""
    used: set[str] = set()
    for wanted in names:
        name, number = wanted, 1
        while key(name) in used:
            number += 1
            name = f"{wanted}-{number}"
        used.add(key(name))
        yield name
