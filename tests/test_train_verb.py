"""``hmer train`` from a folder of ink to weights that ``hmer convert`` reads with."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from hmer_cli.commands.convert import convert
from hmer_cli.commands.eval import run as evaluate
from hmer_cli.commands.train import train
from hmer_cli.errors import UsageError
from hmer_cli.ink.ink import Ink, Symbol
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.ink.render import render
from hmer_cli.metrics.evaluation import Evaluation
from hmer_cli.networks import backbones
from hmer_cli.networks.ctc_model import CtcModel, Shape
from hmer_cli.recognition.recogniser import Recogniser
from hmer_cli.recognition.units import Units
from hmer_cli.training.export.onnx import restore
from hmer_cli.training.export.transfer import LIKE, transfer
from hmer_cli.training.registry import load_system
from hmer_cli.training.widen import widen

pytestmark = pytest.mark.torch

RECIPES = Path(__file__).parent.parent / "train" / "recipes"

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


CRNN = (
    RECIPE.partition("[model]")[0]
    + """
family = "crnn"
[canvas]
height = 32
width = 64
[schedule]
images = 60
interval = 30
pixels = 40000
"""
)


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


@pytest.mark.parametrize("family", ["reader", "crnn"])
def test_images_from_another_data_set_are_learnt_from_too(family: str, tmp_path: Path) -> None:
    ink = written(tmp_path / "ink")
    (tmp_path / "tiny.toml").write_text(CRNN if family == "crnn" else RECIPE)
    folder = tmp_path / "painted"
    folder.mkdir()
    cv2.imwrite(str(folder / "two.png"), render(Ink(ink.strokes[:1] * 2)))
    (folder / "caption.txt").write_text("two\t2\n")
    weights = train(tmp_path / "tiny.toml", tmp_path / "ink", tmp_path / "run", more=[folder])
    assert load_system(weights.parent / "best.pt")[1]["tokens"] == ["+", "1", "2"]
    assert f"--more {folder}" in (tmp_path / "run" / "record.md").read_text()


def test_of_a_further_package_no_test_is_learnt_from(tmp_path: Path) -> None:
    for package in ("first", "second"):
        (tmp_path / package).mkdir()
        written(tmp_path / package / "TrainINKML")
    written(tmp_path / "second" / "TestEM2014GT")
    (tmp_path / "second" / "TestEM2014GT" / "caption.txt").write_text("0\t2\n1\t2\n")
    (tmp_path / "tiny.toml").write_text(CRNN.replace('split = ""', 'split = "train"'))
    more = [tmp_path / "second"]
    train(tmp_path / "tiny.toml", tmp_path / "first", tmp_path / "run", more=more)
    assert load_system(tmp_path / "run" / "best.pt")[1]["tokens"] == ["+", "1"]


@pytest.mark.parametrize("name", ["seed-baseline", "seed-resnet18", "seed-vgg16", "transformer"])
def test_a_seed_recipe_makes_weights_that_eval_and_convert_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(backbones, "load_pretrained", lambda backbone, name: None)
    data = tmp_path / "data"
    for folder in ("TrainINKML", "TestEM2014GT"):
        data.mkdir(exist_ok=True)
        written(data / folder)
    small = ["canvas.height=32", "canvas.width=64", "schedule.pixels=8192"]
    small += ["schedule.images=8", "schedule.interval=4", "model.pretrained=false"]
    run = tmp_path / "run"
    weights = train(RECIPES / f"{name}.toml", data, run, changes=small)
    assert weights == run / f"{name}.onnx"
    assert {"curves.png", "record.md", "log.jsonl"} <= {p.name for p in run.iterdir()}
    rows = [line.split("\t") for line in (run / "predictions.tsv").read_text().splitlines()]
    assert rows[0] == ["name", "truth", "prediction", "edits"]
    assert sorted(row[0] for row in rows[1:]) == ["0", "1", "2", "3"]
    table = tmp_path / "table.tsv"
    found = evaluate(str(data), "test2014", model=str(weights), predictions=str(table))
    assert isinstance(found, Evaluation)
    assert not found.failed
    assert (found.model, len(found.outcomes)) == (name, 4)
    assert table.read_text().splitlines()[0].split("\t")[:4] == [
        "name",
        "truth",
        "prediction",
        "edits",
    ]
    outs = [str(tmp_path / "out.jsonl"), str(tmp_path / "out.html")]
    records = convert([str(data / "TrainINKML" / "0.inkml")], outs=outs, model=str(weights))
    assert [record.model for record in records] == [name]


def test_weights_can_be_trained_further_in_a_wider_vocabulary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIKE, "*", "+")
    written(tmp_path / "ink")
    (tmp_path / "tiny.toml").write_text(RECIPE)
    weights = train(tmp_path / "tiny.toml", tmp_path / "ink", tmp_path / "run")
    old, metadata = restore(weights)
    tokens = ["*", *metadata["tokens"]]
    shape = metadata["shape"] | {"units": len(Units(tokens)), "symbols": 3}
    reader = CtcModel(Shape(**{**shape, "blocks": tuple(shape["blocks"])}))
    assert 0.5 < transfer(old, metadata["tokens"], reader, tokens) < 1
    new = reader.state_dict()
    assert torch.equal(new["encoder.stem.0.0.weight"], old["encoder.stem.0.0.weight"])
    assert torch.equal(new["frames.out.bias"][[0, 2, 3]], old["frames.out.bias"])
    assert torch.equal(new["symbols.bias"][[0, 2, 3]], old["symbols.bias"])
    assert torch.equal(new["frames.out.weight"][1], old["frames.out.weight"][1])
    assert new["frames.out.bias"][1] < old["frames.out.bias"][1]


def test_a_model_is_widened_to_a_larger_vocabulary_without_training(tmp_path: Path) -> None:
    ink = written(tmp_path / "ink")
    (tmp_path / "tiny.toml").write_text(RECIPE)
    weights = train(tmp_path / "tiny.toml", tmp_path / "ink", tmp_path / "run")
    (tmp_path / "more.txt").write_text("+\n1\n2\n")
    recipe = tmp_path / "wider.toml"
    recipe.write_text(
        RECIPE.replace("[model]", '[recomposition]\nvocabulary = "more.txt"\n[model]')
    )
    widen(weights, recipe, tmp_path / "ink", tmp_path / "wide.onnx")
    old, new = (Recogniser.load(str(path)) for path in (weights, tmp_path / "wide.onnx"))
    assert new.metadata["tokens"] == ["+", "1", "2"]
    assert new.read([render(ink)])[0].label == old.read([render(ink)])[0].label
    (tmp_path / "more.txt").write_text("1\n2\n")
    with pytest.raises(UsageError, match="lacks tokens"):
        widen(weights, recipe, tmp_path / "ink", tmp_path / "wide.onnx")


def test_data_without_splits_say_how_they_are_trained_on(tmp_path: Path) -> None:
    written(tmp_path / "data")
    with pytest.raises(UsageError, match=r"has no splits.*; --set split= --set valid="):
        train(RECIPES / "seed-baseline.toml", tmp_path / "data", tmp_path / "run")
