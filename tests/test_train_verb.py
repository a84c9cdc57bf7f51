"""``hmer train`` from a folder of ink to weights that ``hmer convert`` reads with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from hmer_cli.ink.ink import Ink, Symbol
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.ink.render import render
from hmer_cli.read.recogniser import Recogniser
from hmer_cli.train import train

pytestmark = pytest.mark.torch

RECIPE = """
split = ""
valid = ""
calibration = ""
[model]
stem = 8
low = 16
mid = 16
high = 32
context = 1
lstm = 16
decoder = 1
[schedule]
images = 60
interval = 30
pixels = 40000
pool = 20
"""


def written(folder: Path) -> Ink:
    """A few files of ink that say 1 + 1."""
    bar = np.array([(0, 0), (0, 30)], np.float32)
    plus = [np.array([(20, 15), (40, 15)], np.float32), np.array([(30, 5), (30, 25)], np.float32)]
    strokes = (bar, *plus, bar + np.array([60, 0], np.float32))
    symbols = (Symbol((0,), "1"), Symbol((1, 2), "+"), Symbol((3,), "1"))
    ink = Ink(strokes, symbols, "1 + 1", "1 + 1")
    folder.mkdir()
    for i in range(4):
        (folder / f"{i}.inkml").write_bytes(write_inkml(ink))
    return ink


def test_ink_to_weights_that_read(tmp_path: Path) -> None:
    ink = written(tmp_path / "ink")
    (tmp_path / "tiny.toml").write_text(RECIPE)
    weights = train(tmp_path / "tiny.toml", tmp_path / "ink", tmp_path / "run")
    assert weights == tmp_path / "run" / "tiny.onnx"
    assert {"curves.png", "record.md", "log.jsonl"} <= {p.name for p in weights.parent.iterdir()}
    recogniser = Recogniser.load(str(weights))
    assert recogniser.model == "tiny"
    assert recogniser.metadata["tokens"] == ["+", "1"]
    (reading,) = recogniser.read([render(ink)])
    assert set(reading.label.split()) <= {"+", "1"}
