"""Recipes: what is read of them, what is refused, and how they come back from a checkpoint."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

import codecs
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from test_training_loop import SMALL, recipe

from hmer_cli.errors import UsageError
from hmer_cli.training.compose.recompose import _lines
from hmer_cli.training.recipe import Canvas, Schedule, load, parse
from hmer_cli.training.registry import build

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("text", "fault"),
    [("rates = 3", "rates"), ("[schedule]\nspeed = 1", "speed"), ("seed = ", "no recipe")],
)
def test_a_wrong_recipe_is_refused_and_told(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=fault):
        load(path)


def test_files_that_begin_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    """As editors of Windows write them."""
    plain, marked = tmp_path / "plain.toml", tmp_path / "marked.toml"
    plain.write_text("seed = 3")
    marked.write_bytes(codecs.BOM_UTF8 + plain.read_bytes())
    assert load(marked) == replace(load(plain), name=load(marked).name)
    (tmp_path / "marked.txt").write_bytes(codecs.BOM_UTF8 + b"x")
    assert _lines(tmp_path / "marked.txt") == ["x"]


def test_values_of_a_recipe_can_be_set_from_outside(tmp_path: Path) -> None:
    path = tmp_path / "plain.toml"
    path.write_text("[schedule]\nimages = 10\nrate = 1")
    changes = ["schedule.pixels=3e6", "drawing.pen=[1.0, 2.0]", "valid=test2013", "model.high = 64"]
    plan = load(path, changes)
    assert plan.name == "plain"
    assert plan.schedule == Schedule(images=10, rate=1.0, pixels=3_000_000)
    assert plan.drawing.pen == (1.0, 2.0)
    assert plan.valid == "test2013"
    assert plan.model == {"high": 64}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("schedule.pixels", "sets nothing"),
        ("schedule.speed=3", "speed"),
        ("schedule.images=many", "whole number"),
        ("schedule.images=2.5", "whole number"),
        ("name.first=x", "name is no table"),
        ("schedule=3", "no table"),
        ("drawing.parts=1", "a list"),
        ("schedule.images=0", r"schedule\.images: Expected a whole number >= 1"),
        ("schedule.interval=-3", "whole number >= 1"),
        ("schedule.patience=-1", "whole number >= 0"),
        ("schedule.scored=0", "whole number >= 1"),
        ("schedule.rate=nan", "number > 0"),
        ("schedule.rate=inf", "number <= "),
        ("schedule.average=2", "number <= 1"),
        ("drawing.grown=0", "number > 0"),
        ("drawing.degradation.quality=[10, 120]", "whole number <= 100"),
        ("drawing.pen=[4, 1]", r"drawing: pen = \[4, 1\] should be \[1, 4\]"),
        ("drawing.degradation.quality=[85, 25]", r"degradation: quality = \[85, 25\] should be"),
        ("spread.shear=-0.1", "number >= 0"),
        ("seed=-1", "whole number >= 0"),
        ("name=a/b", "without / and"),
        ('name=""', "1 to 100 characters"),
    ],
)
def test_a_wrong_change_is_refused_and_told(tmp_path: Path, change: str, fault: str) -> None:
    path = tmp_path / "plain.toml"
    path.write_text('name = "plain"')
    with pytest.raises(UsageError, match=fault):
        load(path, [change])


@pytest.mark.parametrize(
    ("family", "dimension", "fault"),
    [
        ("reader", {"heads": 5}, "32 channels cannot be divided among 5 heads"),
        ("reader", {"lstm": "wide"}, "should be of type int"),
        ("graph", {"channels": 32, "heads": 0}, "divided among 0 heads"),
        ("graph", {"layers": -1}, r"\[model\]"),
        ("crnn", {"layers": 0}, "must be greater than zero"),
        ("transformer", {"heads": 7}, r"\[model\]"),
        ("lines", {"cells": 0}, "must be greater than zero"),
    ],
)
def test_dimensions_that_no_model_has_are_told(
    family: str, dimension: dict[str, object], fault: str
) -> None:
    model = (SMALL if family == "reader" else {}) | dimension
    with pytest.raises(UsageError, match=fault):
        build(replace(recipe(), family=family, model=model), ["1", "7"])


def test_a_canvas_without_room_for_ink_is_told() -> None:
    for canvas in (Canvas(padding=300), Canvas(pen=0.0), Canvas(height=0), Canvas(width=-4)):
        with pytest.raises(UsageError, match="canvas"):
            build(replace(recipe(), family="crnn", model={}, canvas=canvas), ["1", "7"])


def test_a_recipe_survives_its_way_through_a_checkpoint() -> None:
    plan = replace(recipe(minutes=2.5), valid="")
    assert parse(plan.to_dict(), "checkpoint") == plan


def test_every_recipe_in_the_project_can_be_read() -> None:
    found = sorted((Path(__file__).parent.parent / "train" / "recipes").glob("*.toml"))
    assert found
    assert all(load(path).name for path in found)
