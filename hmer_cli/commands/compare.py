"""``hmer compare``: differences of two models with intervals and McNemar's test.

Input: two TSV files of ``hmer eval --predictions``, or of another tool with the columns name, truth
and prediction. Output: a table on stdout.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from hmer_cli import console
from hmer_cli.datasets.expressions import as_label
from hmer_cli.errors import InputError
from hmer_cli.expr.commands import KNOWN
from hmer_cli.expr.tokens import tokenize
from hmer_cli.metrics.comparison import Comparison, as_table, compare
from hmer_cli.metrics.scores import Pair


def run(first: Path, second: Path) -> Comparison:
    """Compare two files of ``hmer eval --predictions``; the table goes to stdout.

    Raises InputError where a file is none, or they are not of the same expressions.
    """
    found = compare(_predictions(first), _predictions(second))
    table = as_table(found)
    console.table(table.title, table.columns, table.rows, sys.stdout)
    return found


def _predictions(path: Path) -> dict[str, Pair]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            columns = set(reader.fieldnames or ())
            rows = list(reader)
        if not columns.issuperset(("name", "truth", "prediction")):
            raise KeyError("name, truth, prediction")
        if any(value is None for row in rows for value in row.values()):
            raise KeyError("a value in each column of each line")
        pairs = {row["name"]: Pair(_label(row["truth"]), _label(row["prediction"])) for row in rows}
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        reason = "no text in UTF-8" if isinstance(error, UnicodeDecodeError) else reason
        what = f"{path}: no predictions can be read ({reason})"
        raise InputError(what, "write them with hmer eval --predictions") from error
    if not rows:
        raise InputError(f"{path}: holds no predictions", "write them with hmer eval --predictions")
    if len(pairs) != len(rows):
        raise InputError(f"{path}: a name stands there twice", "evaluate one data set at a time")
    return pairs


def _label(text: str) -> str:
    """The label as it is; in another spelling, as other tools write it, normalised."""
    return text if KNOWN.issuperset(tokenize(text)) else as_label(text)
