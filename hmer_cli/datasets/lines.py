"""Handwritten lines of text: a JSON Lines file, plain or gzipped -> ink with transcriptions.

Input: one object per line with ``form`` (the page it is from), ``text`` (UTF-8) and ``strokes``,
flat lists x0, y0, x1, y1, ..., y down; IAM-OnDB (Liwicki and Bunke, ICDAR 2005) in this form.
Output: the `WrittenLine` objects of one split. Forms of one text (``a01`` of ``a01-000u``) are in
the same split.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hmer_cli.errors import InputError, UsageError
from hmer_cli.ink.ink import Stroke

SPLITS = {"valid": (0,), "test": (1,), "train": tuple(range(2, 10))}
"""Tenths of the texts in each split, by the CRC-32 of their names."""

_STRANGE = 1.8
"""Largest ratio of a line's width per character to the median of its form: beyond, the text is
that of another line."""

_CROSSED_OUT = "#"


@dataclass(frozen=True)
class WrittenLine:
    """One line: its form, its text with single spaces, its strokes (N, 2), y down."""

    form: str
    text: str
    strokes: tuple[Stroke, ...]


def open_lines(path: Path, split: str) -> list[WrittenLine]:
    """The lines of one split, in the order of the file.

    Left out are lines without text or ink, those with crossed-out words, and those whose width
    does not fit their text.

    Raises InputError for a file of another kind, UsageError for an unknown split.
    """
    if split not in SPLITS:
        raise UsageError(f"split {split!r} is not known", f"name one of {', '.join(SPLITS)}")
    try:
        data = path.read_bytes()
        rows = (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()
        lines = [_line(json.loads(row)) for row in rows]
    except (
        OSError,
        EOFError,
        zlib.error,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ) as error:
        what = f"{path} holds no lines of text ({error})"
        raise InputError(what, "see datasets.lines") from error
    chosen = [line for line in lines if _tenth(line.form) in SPLITS[split]]
    return _fitting([line for line in chosen if line.text and line.strokes])


def _line(row: dict[str, Any]) -> WrittenLine:
    strokes = [np.array(flat, np.float32).reshape(-1, 2) for flat in row["strokes"]]
    text = row["text"] or ""
    text = "" if _CROSSED_OUT in text else tidied(text)
    return WrittenLine(str(row["form"]), text, tuple(s for s in strokes if len(s)))


def tidied(text: str) -> str:
    """The text with single spaces, and none before a sign that ends a word or a clause."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r" ([.,;:?!)])", r"\1", text)
    text = re.sub(r" ' ?(s|t|ll|re|ve|d|m)\b", r"'\1", text)
    return text.replace("( ", "(")


def _tenth(form: str) -> int:
    return zlib.crc32(form.split("-")[0].encode()) % 10


def _fitting(lines: list[WrittenLine]) -> list[WrittenLine]:
    """The lines whose width a character is like that of their form."""
    widths = defaultdict[str, list[float]](list)
    for line in lines:
        widths[line.form].append(_width(line))
    usual = {form: float(np.median(found)) for form, found in widths.items()}
    return [
        line
        for line in lines
        if usual[line.form] / _STRANGE < _width(line) < usual[line.form] * _STRANGE
    ]


def _width(line: WrittenLine) -> float:
    """Of a character, in units of the file."""
    x = np.concatenate([stroke[:, 0] for stroke in line.strokes])
    return float(np.ptp(x)) / len(line.text)
