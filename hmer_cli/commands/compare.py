"""``hmer compare``: differences of two models with intervals and McNemar's test.

Input: two TSV files of ``hmer eval --predictions``, or of another tool with the columns name, truth
and prediction. Output: a table on stdout.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

from hmer_cli import console
from hmer_cli.datasets.expressions import as_label
from hmer_cli.document.records import count
from hmer_cli.errors import InputError
from hmer_cli.metrics.comparison import Comparison, as_table, compare
from hmer_cli.metrics.scores import Pair
from hmer_cli.page.load.sources import expanded

COLUMNS = ("name", "truth", "prediction")
_REMEDY = "write them with hmer eval --predictions, or with tabs between name, truth and prediction"
_OF_PAGES = "page", "kind"
"""The first columns that ``hmer eval`` writes for pages."""


def run(first: Path, second: Path) -> Comparison:
    """Compare two files of ``hmer eval --predictions``; the table goes to stdout. They may be named
    by patterns, each of one file.

    Raises InputError where a file is none, or they are not of the same expressions.
    """
    first, second = _the_file(first), _the_file(second)
    sides = _predictions(first), _predictions(second)
    _check_names(first, second, *(side.keys() for side in sides))
    found = compare(*sides)
    table = as_table(found)
    console.table(table.title, table.columns, table.rows, sys.stdout)
    return found


def _the_file(path: Path) -> Path:
    """The one file that the name, or the pattern, is of. Raises InputError for several."""
    found = expanded([path])
    if len(found) > 1:
        raise InputError(f"{path}: {count(len(found), 'file')}, as {found[1]}", "name one")
    return Path(found[0])


def _check_names(first: Path, second: Path, one: Set[str], other: Set[str]) -> None:
    """Raise InputError that says which file lacks what."""
    for path, lacks in ((first, other - one), (second, one - other)):
        if lacks:
            shown = f"{path}: lacks {count(len(lacks), 'expression')} of the other, as {min(lacks)}"
            raise InputError(shown, "compare predictions of the same expressions, by their names")


def _predictions(path: Path) -> dict[str, Pair]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            columns = list(reader.fieldnames or ())
            rows = list(reader)
        _check_columns(path, columns, rows)
        pairs = {
            row["name"]: Pair(as_label(row["truth"]), as_label(row["prediction"])) for row in rows
        }
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        reason = "no text in UTF-8" if isinstance(error, UnicodeDecodeError) else reason
        what = f"{path}: no predictions can be read ({reason})"
        raise InputError(what, _REMEDY) from error
    if not rows:
        raise InputError(f"{path}: holds no predictions", "write them with hmer eval --predictions")
    if len(pairs) != len(rows):
        raise InputError(f"{path}: a name stands there twice", "evaluate one data set at a time")
    return pairs


def _check_columns(
    path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]
) -> None:
    """Raise csv.Error where the columns are not those of predictions, InputError for pages."""
    if tuple(columns[:2]) == _OF_PAGES:
        what = f"{path}: holds predictions of pages, which are not compared"
        raise InputError(what, "compare those of single expressions")
    if lacks := [name for name in COLUMNS if name not in columns]:
        raise csv.Error(f"its first line names no {' and no '.join(lacks)}")
    if twice := [name for name in COLUMNS if columns.count(name) > 1]:
        raise csv.Error(f"its first line names {' and '.join(twice)} twice")
    for row in rows:
        if any(value is None for value in row.values()):
            raise csv.Error(f"a line has fewer columns than the first, as {row['name']}")
        if len(row) > len(columns):
            raise csv.Error(f"a line has more columns than the first, as {row['name']}")
