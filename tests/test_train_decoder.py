"""The script that trains a decoder alone."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from test_train_verb import RECIPE, written

from hmer_cli.ink.render import render
from hmer_cli.learn.families import load_system
from hmer_cli.read.recogniser import Recogniser
from hmer_cli.train import train

pytestmark = [pytest.mark.torch, pytest.mark.slow]
SCRIPT = Path(__file__).parent.parent / "train" / "decoder.py"


def test_the_decoder_learns_and_ctc_stays_as_it_was(tmp_path: Path) -> None:
    ink = written(tmp_path / "ink")
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE)
    before = train(recipe, tmp_path / "ink", tmp_path / "run")
    command = [sys.executable, SCRIPT, recipe, tmp_path / "run", "--data", tmp_path / "ink"]
    command += ["--minutes", "0.05", "--out", tmp_path / "more"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    weights = tmp_path / "more" / before.name
    old, new = (Recogniser.load(str(path), rescoring=False) for path in (before, weights))
    looks = [one._look(render(ink), 24, 10) for one in (old, new)]
    assert np.array_equal(looks[0].frames, looks[1].frames)
    systems = [load_system(path.parent / "best.pt")[0] for path in (before, weights)]
    label = torch.tensor([systems[0].units.encode(["1", "+", "1"])])
    with torch.no_grad():
        pixels = torch.zeros(1, 1, 32, 64)
        found = systems[0].model.read(pixels, torch.tensor([[4, 8]]))
        recalled = [one.model.decoder.recall(*found.given) for one in systems]
        told = [
            one.model.decoder.likelihood(*seen, label).mean()
            for one, seen in zip(systems, recalled, strict=True)
        ]
    assert told[1] > told[0]
