"""The data sets that ask whether written expressions help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hmer_cli.generate import generate
from hmer_cli.learn.datasets import open_dataset
from hmer_cli.learn.examples import examples

SCRIPT = Path(__file__).parent.parent / "train" / "with_without.py"


@pytest.mark.slow
def test_a_tenth_and_all_of_a_package_with_and_without_what_is_written(tmp_path: Path) -> None:
    generate(str(tmp_path / "data" / "TrainINKML"), ["x + 1", "y ^ 2"], count=20, jobs=1)
    for test in ("TestEM2014GT", "TestINKMLGT"):
        generate(str(tmp_path / "data" / test), ["a = b"], count=2, jobs=1)
    command = [sys.executable, SCRIPT, tmp_path / "data", "--out", tmp_path, "--count", "6"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    counts = {"tenth": 2, "tenth-ink": 8, "all": 20, "all-ink": 26}
    for name, count in counts.items():
        package = str(tmp_path / f"{name}.zip")
        learned = examples(open_dataset(package, "train"))
        assert len(learned) == count and all(one.places for one in learned), name
        assert [len(open_dataset(package, test)) for test in ("test2013", "test2014")] == [2, 2]
