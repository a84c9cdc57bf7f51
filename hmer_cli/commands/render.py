"""``hmer render``: InkML -> PNG images, with their labels in a ``caption.txt``.

Input: files, folders or archives of InkML. Output: a folder.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2

from hmer_cli import console, files
from hmer_cli.data.captions import (
    CAPTIONS,
    Captions,
    caption_bytes,
    read_ink,
    tell,
    text_lines,
)
from hmer_cli.data.store import Store, open_store, stem
from hmer_cli.datasets.expressions import as_label
from hmer_cli.errors import (
    HmerError,
    InputError,
    InternalError,
    OutputError,
    UsageError,
    input_error,
)
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import legible_size, render
from hmer_cli.page.load.sources import expanded

LARGEST = 8192
"""Pixels on the longer side."""
MOST_PADDING = 2048
"""Pixels of white, beside which the largest ink has its place, where no size is given."""


@dataclass(frozen=True)
class Rendered:
    """The number of inks drawn and of inputs failed; ``internal``: some by a bug of hmer."""

    drawn: int
    failed: int
    internal: bool = False


@dataclass(frozen=True)
class _Job:
    """One InkML file, or the error of an input that has none."""

    store: Store | None = None
    name: str = ""
    captions: Captions | None = None
    error: InputError | None = None

    def read(self) -> Ink:
        if self.store is None or self.captions is None:
            raise self.error or InputError(self.name)
        return read_ink(self.store, self.name, self.captions)


def render_inputs(
    inputs: Sequence[str],
    out_dir: str,
    *,
    size: int | None = None,
    padding: int = 8,
    pen: float = 2.0,
    force: bool = False,
) -> Rendered:
    """Draw every ink of files, folders and zip archives as ``out_dir/NAME.png``.

    ``size`` is the longer side in pixels; without it each ink gets the size at which its symbols
    are legible. ``out_dir/caption.txt`` has ``name<TAB>label`` for each ink with a label. Of two
    inks of one name the second becomes ``NAME-2``. A file that cannot be read is reported on stderr
    and skipped; existing files with the same bytes are not rewritten. Images that an earlier run
    left in the folder and this one does not draw are removed with ``force``, with their labels, and
    an OutputError without.

    Raises UsageError, OutputError, and InputError where the folder has a ``caption.txt`` that is
    not in UTF-8.
    """
    _check(size, padding, pen)
    folder = Path(out_dir)
    files.check_apart(folder, inputs)
    files.make_folder(folder)
    jobs = list(_jobs(expanded(inputs)))
    stale, renamed = _left(folder, jobs)
    earlier = _lines(folder / CAPTIONS)
    files.clear(folder, {f"{name}.png" for name in stale}, force)
    names: set[str] = set()
    captions: dict[str, str] = {}
    unwritten: list[OutputError] = []
    internal = False
    with console.progress("drawing", len(jobs)) as advance:
        for job in jobs:
            try:
                ink = job.read()
            except Exception as error:
                failure = input_error(job.name, error)
                internal = internal or isinstance(failure, InternalError)
                console.say(failure)
            else:
                name = _unused(stem(ink.name), names)
                try:
                    _draw(ink, folder / f"{name}.png", size, padding, pen)
                except OutputError as error:
                    unwritten.append(error)
                else:
                    captions[name] = as_label(ink.label) if ink.label else ""
            advance(1, 0)
    if captions:
        gone = {stem(f"{name}.png") for name in stale | renamed}
        _put_captions(folder / CAPTIONS, earlier, captions, gone)
    for other in unwritten[:-1]:
        console.say(other)
    if unwritten:
        raise unwritten[-1]
    return Rendered(len(names), len(jobs) - len(names), internal)


def _left(folder: Path, jobs: Sequence[_Job]) -> tuple[set[str], set[str]]:
    """Names of hmer's images in the folder that are of none of these jobs, if any has ink, and of
    those that a job replaces under a name in another case or form of Unicode."""
    names: set[str] = set()
    drawn = {_unused(stem(job.name), names) for job in jobs if job.store is not None}
    left = {Path(name).stem for name in files.own_pngs(folder)} - drawn if drawn else set()
    spelt = {name.casefold(): folder / f"{name}.png" for name in drawn}
    renamed = set()
    for name in left:
        there = spelt.get(unicodedata.normalize("NFC", name).casefold())
        if there is not None and files.is_same(folder / f"{name}.png", there):
            renamed.add(name)
    return left - renamed, renamed


def _lines(path: Path) -> list[str]:
    """The lines of a ``caption.txt``, none where there is no file. Raises InputError."""
    with suppress(OSError):
        return text_lines(path.read_bytes(), str(path))
    return []


def _put_captions(
    path: Path, earlier: Iterable[str], captions: Mapping[str, str], stale: Set[str]
) -> None:
    """Write the labels of the images drawn, after those of other images in the lines there.

    Labels of ``stale`` images are dropped.

    Raises OutputError.
    """
    kept = []
    for line in earlier:
        name = line.partition("\t" if "\t" in line else " ")[0].strip()
        if stem(name) not in captions and stem(name) not in stale and line.strip():
            kept.append(f"{line}\n")
    lines = [f"{_key(name)}\t{label}\n" for name, label in captions.items() if label]
    files.replace(path, caption_bytes("".join([*kept, *lines])))


def _key(name: str) -> str:
    """The name of an image in a caption: with ``.png`` if it seems to have an ending itself."""
    return name if stem(name) == name else f"{name}.png"


def outcome(rendered: Rendered) -> HmerError | None:
    """The error that determines the exit code; None for success."""
    if not rendered.failed:
        return None
    error = InputError(f"{rendered.failed} failed, {rendered.drawn} drawn")
    error.exit_code = InternalError.exit_code if rendered.internal else error.exit_code
    return error


def _check(size: int | None, padding: int, pen: float) -> None:
    if padding < 0:
        raise UsageError(f"padding {padding}: cannot be negative")
    if size is None and padding > MOST_PADDING:
        raise UsageError(f"padding {padding}: more than {MOST_PADDING}")
    if size is not None and not 2 * padding < size <= LARGEST:
        raise UsageError(
            f"size {size}: must be more than twice the padding ({padding}), at most {LARGEST}"
        )
    if not 0.3 <= pen <= 100:
        raise UsageError(f"pen {pen:g}: must be from 0.3 to 100 pixels wide")


def _jobs(inputs: Iterable[str]) -> Iterator[_Job]:
    """Each InkML file once, in the order of the inputs and of the names in them."""
    seen: set[str] = set()
    for path in inputs:
        try:
            if not path:
                raise InputError("an input without a name", "is a variable of the shell not set?")
            store = open_store(path)
            captions = Captions(store)
            tell(store, captions)
            if not store.inks():
                raise InputError(f"{path}: no InkML in it", "give InkML, or a folder or zip of it")
        except InputError as error:
            yield _Job(error=error)
            continue
        for name in store.inks():
            key = os.path.realpath(store.where(name))
            if key not in seen:
                seen.add(key)
                yield _Job(store, name, captions)


def _unused(name: str, names: set[str]) -> str:
    """A name that no other has, compared without case."""
    name = re.sub(r"[\x00-\x1f\x7f]", "_", name).strip() or "_"  # captions know no outer blanks
    wanted, number = name, 1
    while name.casefold() in names:
        number += 1
        name = f"{wanted}-{number}"
    names.add(name.casefold())
    return name


def _draw(ink: Ink, path: Path, size: int | None, padding: int, pen: float) -> None:
    side = size or legible_size(ink, padding=padding)
    image = render(ink, size=side, padding=padding, pen=pen)
    files.replace_own(path, cv2.imencode(".png", image)[1].tobytes())
