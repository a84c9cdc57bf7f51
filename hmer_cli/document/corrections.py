"""Corrections exported by review pages.

Input: JSON files. Output: `Corrections`, which replace readings, matched by the hash of the ink or
by position. Raises InputError for malformed files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from hmer_cli import console
from hmer_cli.document.aligned import group_derivations, joined, joined_key
from hmer_cli.document.records import RegionReading, Result, TextWord
from hmer_cli.document.recut import Anchor, NewRegion, Recut, parse_box, parse_recut
from hmer_cli.errors import InputError, UsageError
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.tree import LabelError
from hmer_cli.expr.typed import as_formula, check
from hmer_cli.geometry import Box, inside_of, iou, shift, union
from hmer_cli.page.detect.search import in_reading_order

VERSION = 1
SHARED = 0.5
"""Intersection over union from which on two boxes of one page are the same region."""

_NEVER = -1  # before all numbers


@dataclass(frozen=True)
class Correction:
    """``label`` is what a person typed, as a label; empty where there is no mathematics at all.

    ``latex`` is what was typed, ``key`` is the SHA-256 of the region's ink. ``file`` is that of the
    whole file, ``page`` and ``box``, in pixels of the page, the region's place in it; None where
    the key must do. ``where`` says for messages where it stands and what it is of.
    """

    label: str
    key: str = ""
    file: str | None = None
    page: int | None = None
    box: Box | None = None
    latex: str = ""
    where: str = field(default="", compare=False)

    @property
    def typed(self) -> str:
        """The LaTeX that documents get."""
        return self.latex or to_latex(self.label)


class Corrections:
    """Corrections by the ink they are of; where that is not found, by their place in a file.

    The ink is the same wherever its file went and whatever else stands there now; the place is
    the same when a later hmer cuts the region out another way.
    """

    def __init__(self, found: Iterable[Correction | Recut] = ()) -> None:
        """Later ones hold against earlier ones; recuts are applied one after the other."""
        self._number: dict[Correction | Recut, int] = {}
        self._all: list[Correction] = []
        self._by_key: dict[str, Correction] = {}
        self._by_page: dict[tuple[str, int | None], list[Correction]] = {}
        self._hit: set[str | Recut] = set()
        self._cut_up: set[Correction] = set()
        """Those against whose place a later recut holds."""
        self._cut: dict[tuple[str, int, Box], tuple[int, bool]] = {}
        """Regions of recuts: the number of that, and whether it says their LaTeX."""
        for number, each in enumerate(found):
            if isinstance(each, Recut):
                self._number.setdefault(each, number)
                continue
            self._number[each] = number
            self._all.append(each)
            if each.key:
                self._by_key[each.key] = each
            if each.file is not None and each.box is not None:
                self._by_page.setdefault((each.file, each.page), []).append(each)
        self._recuts = [each for each in self._number if isinstance(each, Recut)]

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Corrections:
        """Those of all files, in their order: later ones hold against earlier ones.

        A correction that is not LaTeX is reported on stderr with its position, and skipped.
        Raises UsageError for a file that cannot be read or holds no corrections.
        """
        return cls(each for path in paths for each in _read(path))

    @property
    def recuts(self) -> Sequence[str]:
        """Where those of regions stand."""
        return [each.where for each in self._recuts]

    def recut(
        self,
        file: str,
        page: int,
        result: Result,
        read: Callable[[Sequence[Box]], list[RegionReading]],
    ) -> tuple[Result, dict[Box, str | None], tuple[Recut, ...]]:
        """The readings of a page with the regions that a person cut anew in place of theirs, and
        without the words that these say.

        ``read`` reads boxes of the page's image. Also given are what was typed for each of the new
        regions, by its box, None where nothing was, and the recuts that were applied.
        """
        readings, typed, applied = list(result.expressions), dict[Box, str | None](), []
        stood = _anchors(readings)  # before any recut, too: reviewers saw what others replace
        for recut in self._recuts:
            by = recut.shift_on(file, page, stood)
            if by is None:
                continue
            self._hit.add(recut)
            applied.append(recut)
            new = read([shift(region.box, *by) for region in recut.regions])
            for region, reading in zip(recut.regions, new, strict=True):
                typed[reading.box] = region.latex
                says = region.latex is not None
                self._cut[file, page, reading.box] = self._number[recut], says
            self._outdo(recut, by, file, page)
            kept = [each for each in readings if not recut.gives_way(each.box, by)]
            readings = _in_reading_order([*kept, *new])
            stood += _anchors(readings)
        cut = [each for each in readings if each.box in typed]
        text = _outside(
            result.text, [each for each in cut if each.reading.label or typed[each.box]]
        )
        found = replace(result, expressions=tuple(readings), text=text)
        return found, typed, tuple(applied)

    def _outdo(self, recut: Recut, by: tuple[float, float], file: str, page: int) -> None:
        """Of corrections before the recut, those of what it replaces are done with, and none of
        what it cuts holds by its place."""
        older = [each for each in self._all if self._number[each] < self._number[recut]]
        gone = {anchor.key for anchor in recut.replaces}
        for each in older:
            here = each.box if (each.file, each.page) == (file, page) else None
            if each.key in gone or (here is not None and recut.gives_way(here, by)):
                self._hit.add(each.key or _placed(each))
            if here is not None and recut.cuts(here, by):
                self._cut_up.add(each)

    def unused(self) -> list[str]:
        """Where those stand that `find` and `recut` found nothing for."""
        idle = [each.where for each in self._all if not self._was_hit(each)]
        return [*idle, *(each.where for each in self._recuts if each not in self._hit)]

    def _was_hit(self, correction: Correction) -> bool:
        """Whether it, or a later one of the same ink, was found."""
        return (correction.key or _placed(correction)) in self._hit

    def find(self, key: str, file: str, page: int, box: Box) -> Correction | None:
        """The correction of the region with this ink or position; None if there is none."""
        # One of the ink or the place may be outdone by another, or by what a recut says.
        for each in (self._by_key.get(key), *self._at(file, page, box)):
            if each is not None:
                self._hit.add(each.key or _placed(each))
        return self._of(key, file, page, box)

    def is_of(self, group: Sequence[RegionReading], file: str, page: int) -> bool:
        """Whether there is a correction of all the lines of a derivation as a whole, and not of one
        of them that makes up most of it."""
        whole = joined(group)
        found = self._of(whole.key, file, page, whole.box)
        if found is None or found.key == whole.key or found.box is None:
            return found is not None
        place = found.box
        return all(iou(place, whole.box) >= iou(place, line.box) for line in group)

    def has(self, reading: RegionReading, file: str, page: int) -> bool:
        """Whether there is a correction of a region."""
        return self._of(reading.key, file, page, reading.box) is not None

    def _of(self, key: str, file: str, page: int, box: Box) -> Correction | None:
        of_ink = self._by_key.get(key)
        number, says = self._cut.get((file, page, box), (_NEVER, False))
        # Who cuts a region to be read takes back that it is no mathematics, and nothing else.
        if of_ink and (self._number[of_ink] > number or (of_ink.label and not says)):
            return of_ink
        return max(self._at(file, page, box), key=lambda each: _shared(each, box), default=None)

    def _at(self, file: str, page: int, box: Box) -> list[Correction]:
        """Those of this place, later ones before earlier ones."""
        placed = self._by_page.get((file, page), ())
        return [
            each
            for each in reversed(placed)
            if each not in self._cut_up and _shared(each, box) >= SHARED
        ]


def _shared(correction: Correction, box: Box) -> float:
    """Intersection over union; for most of a page, a quick check says that it is 0."""
    x0, y0, x1, y1 = correction.box or (0, 0, 0, 0)
    apart = x0 >= box[2] or x1 <= box[0] or y0 >= box[3] or y1 <= box[1]
    return 0.0 if apart else float(iou((x0, y0, x1, y1), box))


def _outside(words: Sequence[TextWord], readings: Sequence[RegionReading]) -> tuple[TextWord, ...]:
    """The words that are in none of the regions."""
    places = np.array([word.box for word in words], np.float64)
    gone = inside_of(places, [each.region for each in readings])
    return tuple(word for word, is_gone in zip(words, gone, strict=True) if not is_gone)


def _anchors(readings: Sequence[RegionReading]) -> list[Anchor]:
    """The regions that a reviewer may have seen: of a derivation each line and any in a row, as one
    that was corrected or cut by itself was joined to no other then."""
    found = [Anchor(each.key, each.box) for each in readings]
    for group in group_derivations(readings):
        for first, end in combinations(range(len(group) + 1), 2):
            if end - first > 1:
                lines = group[first:end]
                found.append(Anchor(joined_key(lines), union([line.box for line in lines])))
    return found


def _in_reading_order(readings: Sequence[RegionReading]) -> list[RegionReading]:
    places = {box: i for i, box in enumerate(in_reading_order([each.box for each in readings]))}
    return sorted(readings, key=lambda each: places[each.box])


def _placed(correction: Correction) -> str:
    return f"{correction.file} {correction.page} {correction.box}"


def _read(path: Path) -> list[Correction | Recut]:
    """Those of a file, in its order."""
    found = []
    for number, entry in enumerate(_entries(path), 1):
        where = f"{path}: correction {number}{_place(entry)}"
        try:
            found.append(replace(_parsed(entry), where=where))
        except InputError as error:
            console.say(f"{where} is not applied: {error}")
    return found


def _parsed(entry: Any) -> Correction | Recut:
    if not isinstance(entry, dict) or "regions" not in entry:
        return _correction(entry)
    recut = parse_recut(entry)
    return replace(recut, regions=tuple(map(_typed, recut.regions)))


def _typed(region: NewRegion) -> NewRegion:
    """Its LaTeX as it goes out. Raises InputError where that is not valid or says nothing."""
    if region.latex is None:
        return region
    latex = as_formula(region.latex)
    check(latex)
    if not _label(latex):  # as of \left.\right.
        raise InputError("its LaTeX says nothing")
    return replace(region, latex=latex)


def _entries(path: Path) -> list[Any]:
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"--corrections {path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # of JSON as of UTF-8
        raise UsageError(
            f"--corrections {path}: not JSON ({error})", "export it again or mend it"
        ) from error
    ours = isinstance(content, dict) and content.get("hmer") == "corrections"
    if ours and content.get("version") is not VERSION:  # which may hold them another way
        raise UsageError(
            f"--corrections {path}: version {content.get('version')!r}, not {VERSION}",
            "update hmer",
        )
    if not ours or not isinstance(content.get("corrections"), list):
        raise UsageError(
            f"--corrections {path}: holds no corrections", "export them from a review page"
        )
    return content["corrections"]


def _correction(entry: Any) -> Correction:
    """Raises InputError where the entry is none, or its LaTeX is not valid."""
    if not isinstance(entry, dict) or not isinstance(entry.get("latex"), str):
        raise InputError('it has no "latex"')
    key, file, page = (entry.get(name) for name in ("key", "file", "page"))
    box = parse_box(entry.get("box"))
    placed = isinstance(file, str) and isinstance(page, int) and box is not None
    if not isinstance(key, str) and not placed:
        raise InputError('it has neither a "key" nor "file", "page" and "box"')
    latex = as_formula(entry["latex"])
    if entry["latex"]:
        check(latex)
    label = _label(latex)
    if entry["latex"] and not label:  # as of \phantom{x}
        raise InputError('its LaTeX says nothing; "" is no mathematics')
    key = key if isinstance(key, str) else ""
    if not placed:
        return Correction(label, key, latex=latex)
    return Correction(label, key, file, page, box, latex)


def typed_correction(latex: str) -> Correction:
    """What was typed, where the region is known."""
    return Correction(_label(latex), latex=latex)


def _label(latex: str) -> str:
    """What was typed in the spelling that is scored, as far as that can say it."""
    try:
        return normalise(latex, typed=True)
    except LabelError:
        return " ".join(latex.split())  # captions have a label a line


def _place(entry: Any) -> str:
    """Source and page of the entry, for messages."""
    if not isinstance(entry, dict) or "source" not in entry:
        return ""
    return f" ({entry['source']}, page {entry.get('page')})"
