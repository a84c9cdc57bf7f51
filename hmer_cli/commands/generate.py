"""``hmer generate``: LaTeX -> synthetic handwriting.

Input: LaTeX from arguments, a file or the formula grammar. Output: a folder of PNG, SVG, InkML,
COCO boxes and labels, or of whole pages.
"""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from hmer_cli import console, files, interrupts
from hmer_cli.data.captions import CAPTIONS, name_and_label
from hmer_cli.data.coco import BOXES, Symbols, coco
from hmer_cli.errors import HmerError, InputError, OutputError, UsageError
from hmer_cli.expr.latex import normalise
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.ink.svg import svg
from hmer_cli.models.registry import resolve
from hmer_cli.models.session import cores
from hmer_cli.synthesis.engine import Engine, InkEngine
from hmer_cli.synthesis.formula_grammar import FormulaGrammar
from hmer_cli.synthesis.gallery import Card, gallery, image
from hmer_cli.synthesis.hmeg_engine import HmegEngine
from hmer_cli.synthesis.pages import write_page

ENGINES: dict[str, Callable[[], Engine]] = {
    "ink": InkEngine,
    "hmeg": lambda: HmegEngine(resolve("hmer-hand-1")),
}

GALLERY = "gallery.html"
STDIN = "-"

_LISTS = {GALLERY, CAPTIONS, BOXES}
_ENDINGS = {"ink": (".png", ".svg", ".inkml"), "hmeg": (".png",)}
_ITEM = re.compile(r"\d{5,}\.(png|svg|inkml|json)")

SHOWN = 240
SHOWN_PAGES = 12
"""The number of items in the gallery."""  # convention

_MOST = 1_000_000
"""Items a folder, which are held in memory."""  # convention

_FEW = 48
"""Fewer items are written in this process: starting others takes longer."""

_CHUNK = 16


@dataclass(frozen=True)
class Plan:
    """The parameters of a run, sent to every process; without ``labels``, a grammar is sampled."""

    folder: Path
    seed: int
    labels: tuple[str, ...] = ()
    style: str | None = None
    engine: str = "ink"

    def start(self, index: int) -> tuple[np.random.Generator, int]:
        """The random generator and the writer number of an item, from seed and index alone."""
        rng = np.random.default_rng((self.seed, index))
        style = int(rng.integers(2**32))
        if self.style is not None:
            style = zlib.crc32(self.style.encode("utf-8", "surrogateescape"))
        return rng, style

    def label(self, index: int, engine: Engine, rng: np.random.Generator) -> str:
        """The label of an item: the given ones in turn, or one sampled from the grammar."""
        return self.labels[index % len(self.labels)] if self.labels else _sampled(engine, rng)


@dataclass(frozen=True)
class Item:
    """The metadata of one written item, for the gallery, the captions and the boxes."""

    name: str
    label: str
    shape: tuple[int, int]
    boxes: Symbols
    picture: str
    shown: frozenset[str] = frozenset()
    too_large: frozenset[str] = frozenset()
    """Of a page: the labels on it, and those that fit nowhere on it."""


@dataclass(frozen=True)
class Generated:
    """The number of items written and of expressions skipped."""

    written: int
    failed: int


def generate(
    out_dir: str,
    latex: Sequence[str] = (),
    source: str | None = None,
    *,
    count: int | None = None,
    seed: int = 0,
    style: str | None = None,
    engine: str = "ink",
    page: bool = False,
    jobs: int | None = None,
    force: bool = False,
) -> Generated:
    """Write synthetic handwriting into a folder.

    The expressions are those of ``latex`` and of the lines of ``source``, without comments or, in a
    ``caption.txt``, names, in turn, until there are ``count`` (one of each if unset); without any,
    they are sampled from a grammar. ``style`` names the writer; if unset, every item has its own.
    With ``page``, ``count`` pages are written (one if unset), with expressions among prose.

    Item i is a function of seed, i and the expressions, whatever ``jobs`` is. Expressions that
    cannot be drawn, or are larger than a page, are reported on stderr and skipped. What an earlier
    run left in the folder and this one does not replace is removed with ``force``, and an
    OutputError without.
    Raises UsageError, OutputError, MissingError if the engine's weights are missing, and InputError
    if no expression is left.
    """
    if engine not in ENGINES:
        raise UsageError(f"engine {engine!r} is not known", f"name one of {', '.join(ENGINES)}")
    if count is not None and count < 1:
        raise UsageError(f"count {count}: there must be at least one")
    if count is not None and count > _MOST:
        raise UsageError(
            f"count {count}: more than {_MOST}", "write several folders, of other seeds"
        )
    if page and engine != "ink":
        raise UsageError(f"{engine} writes no pages", "leave --engine out")
    if seed < 0:
        raise UsageError(f"seed {seed}: cannot be negative")
    bad: list[InputError] = []
    given = _labels(latex, source, ENGINES[engine](), bad)
    labels = tuple(given if page else islice(given, count))
    if (latex or source is not None) and not labels:
        if not bad:
            raise InputError(f"{source}: no expression in it", "write one a line")
        raise InputError("no expression can be written", "see what is said above")
    folder = Path(out_dir)
    plan = Plan(folder, seed, labels, style, engine)
    total = count or (1 if page else max(len(labels), 1))
    _claim(folder, _names(total, engine, page), force)
    items = list(_run(write_one_page if page else write_one, plan, total, jobs))
    too_large = _too_large(labels, items)
    for label in too_large:
        console.say(f"{label}: too large for a page; break it into lines")
    if engine != "ink":
        console.say(f"{engine} paints: images and boxes, but no strokes, so no InkML and no SVG")
    _put_lists(folder, items, page)
    return Generated(len(items), len(bad) + len(too_large))


def _too_large(labels: Sequence[str], items: Sequence[Item]) -> list[str]:
    """The given labels that were tried on pages and fitted on none."""
    shown = frozenset[str]().union(*(item.shown for item in items))
    tried = frozenset[str]().union(*(item.too_large for item in items))
    return [label for label in dict.fromkeys(labels) if label in tried - shown]


def _claim(folder: Path, names: Set[str], force: bool) -> None:
    """Create the folder and its gallery, which marks it as hmer's own for later runs.

    ``names`` are the files of this run. Other files of earlier runs are removed with ``force``, and
    their captions and boxes always: if this run is broken off, they would be of other images.
    Raises OutputError if there are some without it, or if the folder is not hmer's and has files
    that would be replaced.
    """
    files.make_folder(folder)
    there = set(os.listdir(folder))
    if _is_own(folder):
        stale = {name for name in there - names if name in _LISTS or _ITEM.fullmatch(name)}
        files.clear(folder, stale, force)
        files.clear(folder, {CAPTIONS, BOXES}, force=True)
    elif taken := sorted(names & there):
        what = f"{folder / taken[0]}: is there, and not hmer's"
        raise OutputError(what, "move it away or name another folder")
    files.replace(folder / GALLERY, gallery("Not complete, by hmer", [], 0).encode())


def _is_own(folder: Path) -> bool:
    """Whether the gallery in the folder is hmer's."""
    with suppress(OSError), (folder / GALLERY).open("rb") as file:
        return b" by hmer</title>" in file.read(4096)
    return False


def _names(total: int, engine: str, page: bool) -> set[str]:
    """The files of a run of so many items."""
    endings = (".png", ".json") if page else _ENDINGS[engine]
    items = {_name(index) + ending for index in range(total) for ending in endings}
    return items | ({GALLERY} if page else _LISTS)


def outcome(generated: Generated) -> HmerError | None:
    """The error that determines the exit code; None if every expression was written."""
    if not generated.failed:
        return None
    return InputError(f"{generated.failed} expressions passed over, {generated.written} written")


def _labels(
    latex: Sequence[str], source: str | None, engine: Engine, bad: list[InputError]
) -> Iterator[str]:
    """The labels that can be drawn; errors of the others are reported and appended to ``bad``."""
    for where, text in _texts(latex, source):
        try:
            label = normalise(text, typed=True)
            engine.check(label)
        except InputError as error:
            bad.append(error)
            console.say(f"{where}: {error}")
        else:
            yield label


def _texts(latex: Sequence[str], source: str | None) -> Iterator[tuple[str, str]]:
    for text in latex:
        yield f"--latex {text}", text
    if source is None:
        return
    try:
        data = _standard_input() if source == STDIN else Path(source).read_bytes()
        lines = data.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(
            f"{source}: cannot be read ({error.strerror})", "check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: no text in UTF-8", "give a text file") from error
    if Path(source).name == CAPTIONS:
        lines = [name_and_label(line)[1] for line in lines]
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("%"):
            yield f"{source}, line {number}", line


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise InputError("standard input is closed", "name a file")
    return sys.stdin.buffer.read()


def _run(
    write: Callable[[Plan, int], Item], plan: Plan, total: int, jobs: int | None
) -> Iterator[Item]:
    """All items, in their order."""
    workers = _workers(total, jobs)
    with console.progress("writing", total) as advance:
        if workers == 1:
            for index in range(total):
                yield write(plan, index)
                advance(1, 0)
            return
        context = multiprocessing.get_context("spawn")  # forking after OpenCV began may hang
        with interrupts.kept_from_children():
            pool = ProcessPoolExecutor(workers, context, initializer=_begin)
            items = pool.map(partial(write, plan), range(total), chunksize=_CHUNK)
        with pool:
            for item in items:
                yield item
                advance(1, 0)


def _workers(total: int, jobs: int | None) -> int:
    """How many processes write so many items: one a core of this job, where they are many."""
    most = 61 if sys.platform == "win32" else total  # of a pool: docs of ProcessPoolExecutor
    return min(jobs or (cores() if total > _FEW else 1), total, most)


def _begin() -> None:
    """One OpenCV thread a process, as there is a process a core; each ends with this one."""
    interrupts.follow()
    cv2.setNumThreads(1)


def write_one(plan: Plan, index: int) -> Item:
    """Write the files of one expression. Raises OutputError."""
    rng, style = plan.start(index)
    engine = ENGINES[plan.engine]()
    label = plan.label(index, engine, rng)
    done = engine.write(label, style, rng)
    name = _name(index)
    files.replace(plan.folder / f"{name}.png", _png(done.image))
    shape = done.image.shape[0], done.image.shape[1]
    picture = _embedded(done.image, label) if index < SHOWN and done.ink is None else ""
    if done.ink is not None:
        drawing = svg(done.ink, shape, done.pen)
        files.replace(plan.folder / f"{name}.svg", drawing.encode())
        files.replace(plan.folder / f"{name}.inkml", write_inkml(done.ink))
        picture = drawing if index < SHOWN else ""
    return Item(name, label, shape, done.boxes, picture)


def _sampled(engine: Engine, rng: np.random.Generator) -> str:
    """The first sample of the grammar that the engine can draw."""
    while True:
        label = FormulaGrammar().sample(rng)
        try:
            engine.check(label)
        except InputError:
            continue
        return label


def write_one_page(plan: Plan, index: int) -> Item:
    """Write the image of one page and its expressions, as `hmer_cli.datasets.pages` reads them."""
    rng, style = plan.start(index)
    if plan.labels:
        done = write_page(lambda: plan.labels[int(rng.integers(len(plan.labels)))], style, rng)
    else:
        done = write_page(lambda: FormulaGrammar().sample(rng), style, rng)
    name = _name(index)
    expressions = [
        {"box": [round(value, 1) for value in box], "latex": label, "kind": kind}
        for box, label, kind in zip(done.boxes, done.labels, done.kinds, strict=True)
    ]
    truth = json.dumps(
        {"formulas": [one["box"] for one in expressions], "expressions": expressions},
        ensure_ascii=False,
    )  # the boxes by themselves are what the detector is trained with
    _put_page(plan.folder / name, _png(done.image), f"{truth}\n".encode())
    picture = _embedded(done.image, name) if index < SHOWN_PAGES else ""
    shape = done.image.shape[0], done.image.shape[1]
    return Item(name, "", shape, (), picture, frozenset(done.labels), frozenset(done.too_large))


def _put_page(path: Path, image: bytes, truth: bytes) -> None:
    """Write both files of a page; a truth of another run never stands beside the image."""
    target = path.with_suffix(".json")
    with suppress(OSError):
        if target.read_bytes() != truth:
            target.unlink()
    files.replace(path.with_suffix(".png"), image)
    files.replace(target, truth)


def _name(index: int) -> str:
    return f"{index + 1:05d}"


def _png(picture: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", picture)[1].tobytes())


def _embedded(picture: np.ndarray, alt: str) -> str:
    return image(base64.b64encode(_png(picture)).decode(), alt)


def _put_lists(folder: Path, items: Sequence[Item], page: bool) -> None:
    """Write gallery, captions and boxes of all items."""
    shown = SHOWN_PAGES if page else SHOWN
    cards = [Card(item.name, item.picture, item.label) for item in items[:shown]]
    title = "Pages by hmer" if page else "Handwriting by hmer"
    files.replace(folder / GALLERY, gallery(title, cards, len(items), tall=page).encode())
    if not page:
        captions = "".join(f"{item.name}\t{item.label}\n" for item in items)
        files.replace(folder / CAPTIONS, captions.encode())
        boxes = coco((f"{item.name}.png", item.shape, item.boxes) for item in items)
        files.replace(folder / BOXES, f"{json.dumps(boxes)}\n".encode())
