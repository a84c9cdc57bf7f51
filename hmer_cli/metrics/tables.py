"""Scores -> tables of text cells.

Input: evaluations. Output: rows of strings, which `hmer_cli.console` prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hmer_cli.metrics.scores import SHORT, Confusion, Scores

NOTHING = "(nothing)"


@dataclass(frozen=True)
class Table:
    """A title, the names of the columns, and rows of as many cells."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def score_table(title: str, scores: Scores, further: Mapping[str, str]) -> Table:
    """One score a row, the ``further`` ones last."""
    rows = {
        "expressions": str(scores.n),
        "WER": percent(scores.wer),
        "CER": percent(scores.cer),
        "ExpRate": percent(scores.exprate),
        "ExpRate, <= 1 edit": percent(scores.exprate1),
        "ExpRate, <= 2 edits": percent(scores.exprate2),
        "ExpRate of structure": percent(scores.structure_exprate),
        **further,
    }
    return Table(title, ("score", "value"), tuple(rows.items()))


def length_table(by_length: Mapping[str, Scores]) -> Table:
    """One group of lengths a row."""
    names = {"short": f"short (<= {SHORT})", "long": f"long (> {SHORT})"}
    rows = [
        (names.get(name, name), str(s.n), *map(percent, (s.wer, s.cer, s.exprate)))
        for name, s in by_length.items()
    ]
    columns = ("tokens in the truth", "expressions", "WER", "CER", "ExpRate")
    return Table("By length", columns, tuple(rows))


def confusion_table(confusions: Sequence[Confusion], most: int = 15) -> Table:
    """The first ``most`` confusions, one a row."""
    rows = [(c.truth or NOTHING, c.prediction or NOTHING, str(c.count)) for c in confusions[:most]]
    return Table("Most frequent confusions of symbols", ("truth", "read as", "times"), tuple(rows))


def error_table(errors: Iterable[tuple[str, str, str, int]], most: int = 15) -> Table:
    """The first ``most`` wrong answers as (name, truth, prediction, edits), one a row."""
    rows = [
        (name, truth or NOTHING, prediction or NOTHING, str(edits))
        for name, truth, prediction, edits in errors
    ]
    return Table("Errors", ("name", "truth", "prediction", "edits"), tuple(rows[:most]))


def percent(share: float | None) -> str:
    """A share as per cent with two decimals; a dash where there is none."""
    return "-" if share is None else f"{100 * share:.2f} %"
