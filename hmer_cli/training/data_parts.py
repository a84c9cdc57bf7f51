"""The parts of data sets that a run takes: the splits that its recipe names, what ``--more`` adds.

Input: paths of data sets. Output: their samples. Errors say how to name another split, as ``hmer
train`` has no option for it.
"""

from __future__ import annotations

from pathlib import Path

from hmer_cli.datasets.expressions import SPLITS, Sample, open_dataset
from hmer_cli.errors import UsageError


def part_of(data: Path, key: str, split: str) -> list[Sample]:
    """The split of the data that the recipe's ``key`` names. Raises UsageError."""
    try:
        return open_dataset(str(data), split or None)
    except UsageError as error:
        if split and split not in SPLITS:
            raise
        remedy = f"choose one with --set {key}=NAME"
        if "no splits" in error.what:
            remedy = "--set split= --set valid= --set calibration= trains on all of it, unscored"
        raise UsageError(error.what, remedy) from error


def all_of(path: Path, split: str) -> list[Sample]:
    """The samples of a data set; of a package with tests in it, those of the split.

    Raises UsageError where it has not this one.
    """
    try:
        return open_dataset(str(path))
    except UsageError:
        return part_of(path, "split", split)
