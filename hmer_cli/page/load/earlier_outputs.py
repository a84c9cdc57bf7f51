"""What earlier runs wrote among the inputs: passed over beside others, read where it is alone.

Input: names of files and folders, and patterns, as a shell or hmer expands them. Output: those to
read, and whether labelled handwriting in them is read, too.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple, TypeVar

from hmer_cli.console import Say
from hmer_cli.data.captions import CAPTIONS
from hmer_cli.data.store import OF_SYSTEMS
from hmer_cli.errors import InputError, input_error
from hmer_cli.page.load.kinds import HEAD
from hmer_cli.page.load.written import (
    LABELLED,
    MANIFEST,
    OURS,
    as_output,
    is_left_out,
    labelled,
    listed,
)

_T = TypeVar("_T")

PASSED = f"{LABELLED}, passed over; name the folder alone to read it"


class ToRead(NamedTuple):
    """The ``names`` to read; ``labelled``: with the labelled handwriting in folders of these."""

    names: list[str]
    labelled: bool


def without_outputs(names: Sequence[str], say: Say, alone: bool = True) -> ToRead:
    """The names without what an earlier run wrote, which ``say`` reports.

    Where nothing else is named, nor beside them (not ``alone``), labelled handwriting is read, and
    where there is none of that either, all that is named: it says what it is.
    """
    held = cache(_listed)
    told = {name: _looked(name, partial(as_output, Path(name))) or "" for name in names if name}
    drawn = {name for name in told if _looked(name, partial(is_drawn, Path(name)))}
    told |= dict.fromkeys(drawn, "pictures that hmer made of pages")
    ours = {name for name in told if _looked(name, partial(_is_ours, name, held))}
    alone = alone and all(told.get(name) or name in ours for name in names)
    read = [name for name in names if name in ours and not _is_list(name)]
    if not alone:
        read = [name for name in names if not (told.get(name) or (name in ours and _is_file(name)))]
    kept = set(read or (names if alone else ()))
    for name in names:
        if name not in kept and not (alone and _is_list(name)):
            in_folder = name in drawn or (name in ours and _is_file(name))
            place = os.path.dirname(name) or os.curdir if in_folder else name
            say(f"{place}: {PASSED if name in ours else f'{told[name]}, passed over'}")
    return ToRead([name for name in names if name in kept], alone)


def _looked(name: str, look: Callable[[], _T]) -> _T | None:
    """What a look at one name gives; None where it fails, as reading it will say why."""
    try:
        return look()
    except Exception as error:
        input_error(name, error)  # raises what ends the whole run
        return None


def matched(pattern: str) -> list[str]:
    """What a pattern matches that may be read, in no order: no pictures of pages that hmer made, no
    endings of its documents, nothing that a system put there by itself and the pattern does not
    name, and nothing behind a link that leads back."""
    unnamed = OF_SYSTEMS.difference(part.lower() for part in PurePath(pattern).parts)
    found = glob.glob(pattern, recursive=True)
    found = [m for m in found if unnamed.isdisjoint(p.lower() for p in PurePath(m).parts)]
    found = [m for m in found if not (_is_looped(Path(m)) or is_drawn(Path(m)))]
    return [m for m in found if os.path.isdir(m) or Path(m).suffix.lower() not in OURS]


def is_pattern(name: str) -> bool:
    """Whether a name is a pattern: nothing is there of this name, not even a link to nothing."""
    return glob.has_magic(name) and not os.path.lexists(name)


def is_drawn(path: Path) -> bool:
    """Whether hmer made the picture of a page; False for what cannot be read."""

    def head() -> bytes:
        with path.open("rb") as file:
            return file.read(HEAD)

    try:
        return os.path.isfile(path) and is_left_out(path, head)
    except OSError:
        return False


def labelled_in(folder: Path, say: Say) -> set[str]:
    """The names of the labelled handwriting in a folder that is passed over there."""
    if names := _listed(str(folder)):
        say(f"{folder}: {PASSED}")
    return set(names)


def labelled_inside(names: Iterable[str], read: Callable[[str], bytes]) -> dict[str, set[str]]:
    """The labelled handwriting in a container, by the folder in it."""
    found = {}
    for name in names:
        path = PurePosixPath(name)
        if path.name == MANIFEST:
            with suppress(InputError, ValueError, KeyError, TypeError):  # as of a local folder
                found[str(path.parent)] = {str(path.parent / each) for each in listed(read(name))}
    return found


def _is_ours(name: str, held: Callable[[str], frozenset[str]]) -> bool:
    """Whether a name is a folder with labelled handwriting, or a file of it, or a pattern of what
    hmer wrote alone; ``held`` as `_listed`."""
    if os.path.isdir(name):
        return bool(held(name))
    if is_pattern(name):
        found = matched(name)
        return bool(found) and all(_is_ours(m, held) or as_output(Path(m)) for m in found)
    return os.path.basename(name) in held(os.path.dirname(name)) and _is_file(name)


def _is_file(name: str) -> bool:
    return os.path.isfile(name)


def _is_list(name: str) -> bool:
    """Whether it says what is in a folder of labelled handwriting, and holds none."""
    return os.path.basename(name) in (MANIFEST, CAPTIONS)


def _listed(folder: str) -> frozenset[str]:
    """The labelled handwriting in a folder, with its list; nothing where that is damaged."""
    try:
        names = labelled(Path(folder))
    except InputError:
        return frozenset()
    return frozenset((*names, MANIFEST)) if names else frozenset()


def _is_looped(path: Path) -> bool:
    """Whether a link on the way to it leads back to a folder that it lies in."""
    folders = [os.path.realpath(folder) for folder in path.parents]
    return len(set(folders)) < len(folders)
