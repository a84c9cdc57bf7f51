"""What is prepared to ask whether written expressions help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hmer_cli.commands.generate import ENGINES, generate
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.training.compose.examples import examples

SCRIPT = Path(__file__).parent.parent / "train" / "benchmarks" / "with_without.py"


@pytest.mark.slow
def test_a_tenth_of_a_package_and_labels_that_both_engines_write(tmp_path: Path) -> None:
    generate(str(tmp_path / "data" / "TrainINKML"), ["x + 1", "y ^ 2"], count=20, jobs=1)
    generate(str(tmp_path / "data" / "TestEM2014GT"), ["a = b"], count=2, jobs=1)
    command = [sys.executable, SCRIPT, tmp_path / "data", "--out", tmp_path, "--count", "6"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    package = str(tmp_path / "tenth.zip")
    tenth = examples(open_dataset(package, "train"))
    assert [one.tokens for one in tenth] == [("x", "+", "1")] * 2 and all(e.places for e in tenth)
    assert len(open_dataset(package, "test2014")) == 2
    lines = str(tmp_path / "labels.txt")
    for engine in ENGINES:
        said = generate(str(tmp_path / engine), source=lines, engine=engine, jobs=1)
        assert (said.written, said.failed) == (6, 0)
        learned = examples(open_dataset(str(tmp_path / engine)))
        assert [" ".join(one.tokens) for one in learned][1::2] == ["x + 1"] * 3
