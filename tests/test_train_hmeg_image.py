"""The painter's training script, from nothing to the file that writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hmer_cli.commands.generate import generate
from hmer_cli.synthesis.hmeg_engine import HmegEngine

MODULE = "hmer_cli.training.hmeg.run"
LABELS = ["x ^ 2 + y", r"\frac { x + 1 } { y }", r"\sqrt { x y + 1 }", r"x _ 1 = y ^ 2"]


@pytest.mark.slow
@pytest.mark.torch
def test_the_run_is_made_in_one_piece(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    generate(str(tmp_path / "data" / "train"), LABELS, count=60, jobs=1)
    steps = ["--glyph-steps", "3", "--layout-steps", "3", "--steps", "3"]
    command = [sys.executable, "-m", MODULE, tmp_path / "data", "--out", tmp_path / "out", *steps]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    drawn = {"glyphs.png", "painter.png", "hmer-hand-1.onnx"}
    assert drawn <= {path.name for path in (tmp_path / "out").iterdir()}
    engine = HmegEngine(tmp_path / "out" / "hmer-hand-1.onnx")
    assert len(engine.write("x + y", 1, np.random.default_rng(0)).boxes) == 3
