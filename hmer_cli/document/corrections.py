"""Corrections exported by review pages.

Input: JSON files. Output: `Corrections`, which replace readings, matched by the hash of the ink or
by position. Raises InputError for malformed files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmer_cli import console
from hmer_cli.errors import InputError, UsageError
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.tree import LabelError
from hmer_cli.expr.typed import as_formula, check
from hmer_cli.geometry import Box, iou

VERSION = 1
SHARED = 0.5
"""Intersection over union from which on two boxes of one page are the same region."""


@dataclass(frozen=True)
class Correction:
    """``label`` is what a person typed, as a label; empty where there is no mathematics at all.

    ``latex`` is what was typed, ``source`` the name that the file had, ``key`` the SHA-256 of the
    region's ink. ``file`` is that of the whole file, ``page`` and ``box``, in pixels of the page,
    the region's place in it; None where the key must do.
    """

    label: str
    key: str = ""
    file: str | None = None
    page: int | None = None
    box: Box | None = None
    latex: str = ""
    source: str = ""

    @property
    def typed(self) -> str:
        """The LaTeX that documents get."""
        return self.latex or to_latex(self.label)


class Corrections:
    """Corrections by the ink they are of; where that is not found, by their place in a file.

    The ink is the same wherever its file went and whatever else stands there now; the place is
    the same when a later hmer cuts the region out another way.
    """

    def __init__(self, corrections: Iterable[Correction] = ()) -> None:
        """Of two for the same ink, the later one holds."""
        self._by_key: dict[str, Correction] = {}
        self._by_page: dict[tuple[str, int | None], list[Correction]] = {}
        self._found: set[Correction] = set()
        for each in corrections:
            if each.key:
                self._by_key[each.key] = each
            if each.file is not None and each.box is not None:
                self._by_page.setdefault((each.file, each.page), []).append(each)

    def __contains__(self, key: object) -> bool:
        """Whether there is a correction of the region with this ink."""
        return key in self._by_key

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Corrections:
        """Those of all files, later ones before earlier ones.

        A correction that is not LaTeX is reported on stderr with its position, and skipped.
        Raises UsageError for a file that cannot be read or holds no corrections.
        """
        return cls(each for path in paths for each in _read(path))

    def find(self, key: str, file: str, page: int, box: Box) -> Correction | None:
        """The correction of the region with this ink or position; None if there is none."""
        if key in self._by_key:
            self._found.add(self._by_key[key])
            return self._by_key[key]
        best = max(
            (each for each in self._by_page.get((file, page), ()) if each.box),
            key=lambda each: iou(each.box or box, box),
            default=None,
        )
        if best is None or best.box is None or iou(best.box, box) < SHARED:
            return None
        self._found.add(best)
        return best

    def lost(self, file: str, page: int) -> list[Correction]:
        """Those made on this page that no expression was found for since; not those replaced."""
        return [
            each
            for each in self._by_page.get((file, page), ())
            if each not in self._found and self._by_key.get(each.key, each) == each
        ]


def _read(path: Path) -> list[Correction]:
    found = []
    for number, entry in enumerate(_entries(path), 1):
        try:
            found.append(_correction(entry))
        except InputError as error:
            console.say(f"{path}: correction {number}{_place(entry)} is not applied: {error}")
    return found


def _entries(path: Path) -> list[Any]:
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"--corrections {path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # of JSON as of UTF-8
        raise UsageError(
            f"--corrections {path}: not JSON ({error})", "export it again or mend it"
        ) from error
    known = isinstance(content, dict) and isinstance(content.get("corrections"), list)
    if not known or content.get("hmer") != "corrections":
        raise UsageError(
            f"--corrections {path}: holds no corrections", "export them from a review page"
        )
    if content.get("version") is not VERSION:
        raise UsageError(
            f"--corrections {path}: version {content.get('version')!r}, not {VERSION}",
            "update hmer",
        )
    return content["corrections"]


def _correction(entry: Any) -> Correction:
    """Raises InputError where the entry is none, or its LaTeX is not valid."""
    if not isinstance(entry, dict) or not isinstance(entry.get("latex"), str):
        raise InputError('it has no "latex"')
    key, file, page = (entry.get(name) for name in ("key", "file", "page"))
    box = _box(entry.get("box"))
    placed = isinstance(file, str) and isinstance(page, int) and box is not None
    if not isinstance(key, str) and not placed:
        raise InputError('it has neither a "key" nor "file", "page" and "box"')
    latex = as_formula(entry["latex"])
    if entry["latex"]:
        check(latex)
    label = _label(latex)
    key = key if isinstance(key, str) else ""
    source = str(entry.get("source", ""))
    if not placed:
        return Correction(label, key, latex=latex, source=source)
    return Correction(label, key, file, page, box, latex, source)


def _label(latex: str) -> str:
    """What was typed in the spelling that is scored, as far as that can say it."""
    try:
        return normalise(latex, split=False)
    except LabelError:
        return latex


def _box(value: Any) -> Box | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    try:
        x0, y0, x1, y1 = (float(number) for number in value if isinstance(number, int | float))
    except (ValueError, OverflowError):
        return None
    return (x0, y0, x1, y1) if all(map(math.isfinite, (x0, y0, x1, y1))) else None


def _place(entry: Any) -> str:
    """Source and page of the entry, for messages."""
    if not isinstance(entry, dict) or "source" not in entry:
        return ""
    return f" ({entry['source']}, page {entry.get('page')})"
