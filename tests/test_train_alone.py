"""Training without any labelled ink: formulas, isolated symbols and our own hand are enough."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from test_symbol_files import unipen
from test_training_graph import RECIPE as GRAPH

from hmer_cli.commands.train import train
from hmer_cli.errors import InputError
from hmer_cli.recognition.lazy import load as load_recogniser
from hmer_cli.training import average
from hmer_cli.training.batches.images import mixed
from hmer_cli.training.checkpoint import read_lines
from hmer_cli.training.compose.examples import UNTIED
from hmer_cli.training.compose.recompose import invention_of
from hmer_cli.training.loop import BEST, LOG
from hmer_cli.training.recipe import load
from hmer_cli.training.registry import load_system

pytestmark = pytest.mark.torch

RECIPES = Path(__file__).parent.parent / "train" / "recipes"
ALONE = """
[recomposition]
alone = true
own = 0.3
touching = 0.5
formulas = ["a.txt", "b.txt"]
symbols = ["unipen.jsonl.gz"]
vocabulary = "vocabulary.txt"
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.txt").write_text("x + a = c\nC = a x\n", encoding="utf-8")
    (folder / "b.txt").write_text("x ^ { a } + c\n", encoding="utf-8")
    unipen(folder / "unipen.jsonl.gz", "xacC", 20)
    tokens = "x a c C + = ^ { } 1 2".split()
    (tmp_path / "vocabulary.txt").write_text("\n".join(tokens), encoding="utf-8")
    return folder


def recipe_in(folder: Path) -> Path:
    head, schedule, rest = GRAPH.partition("[schedule]")
    path = folder / "toy.toml"
    rest = rest.replace("images = 5000", "images = 60").replace("interval = 2500", "interval = 30")
    path.write_text(head + ALONE + schedule + rest, encoding="utf-8")
    return path


def test_a_run_needs_no_labelled_ink(tmp_path: Path, data: Path) -> None:
    made = train(recipe_in(tmp_path), data, tmp_path / "run")
    system, _ = load_system(made)
    assert {"x", "c", "C", "^"} <= set(system.units.tokens)
    assert (tmp_path / "run" / "record.md").exists()


def test_the_mean_of_runs_that_need_no_labelled_ink_is_settled_and_calibrated(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(average, "BATCHES", 4)
    recipe = recipe_in(tmp_path)
    text = recipe.read_text(encoding="utf-8").replace("components = 0.5", "pieces = 0.5")
    both = '[model]\nfronts = ["stroke", "component", "piece"]\n'
    text = text.replace("[model]\n", both) + "[weights]\nalone = true\ngenerated = 6\n"
    recipe.write_text(text, encoding="utf-8")
    train(recipe, data, tmp_path / "run")
    content = torch.load(tmp_path / "run" / BEST, weights_only=True)
    norms = {"running_mean", "running_var"}
    unseen = {
        name: value.fill_(0.5)
        for name, value in content["average"].items()
        if name.startswith("component.") and name.rpartition(".")[2] in norms
    }
    torch.save(content, tmp_path / "run" / BEST)
    made = average.average(
        load(recipe), recipe, [tmp_path / "run"] * 2, data, tmp_path / "mean", print
    )
    system, _ = load_system(tmp_path / "mean" / BEST)
    settled = system.model.state_dict()
    assert unseen and all(torch.equal(settled[name], value) for name, value in unseen.items())
    seen = [name for name in settled if name.startswith("piece.") and "running_mean" in name]
    assert seen and all(settled[name].abs().max() > 0 for name in seen)
    assert set(load_recogniser(made).metadata["calibration"]) == {"image", "ink"}


def test_the_last_weights_are_kept_where_nothing_can_be_scored(tmp_path: Path, data: Path) -> None:
    recipe = recipe_in(tmp_path)
    text = recipe.read_text(encoding="utf-8").replace("rate = 3e-3", "rate = 20.0")
    recipe.write_text(text, encoding="utf-8")  # the loss rises
    train(recipe, data, tmp_path / "run")
    seen = [line["seen"] for line in read_lines(tmp_path / "run" / LOG)]
    _, content = load_system(tmp_path / "run" / BEST)
    assert content["state"]["seen"] == seen[-1] > seen[0]


def test_every_sign_of_a_new_expression_is_tied_to_its_ink(tmp_path: Path, data: Path) -> None:
    plan = load(recipe_in(tmp_path))
    invention = invention_of(plan, tmp_path, data, [])
    endless = mixed([], invention, plan.recomposition, np.random.default_rng(0))
    for _ in range(40):
        example = next(endless)
        assert example.places is not None
        written = {p for p in example.places if p != UNTIED}
        assert written == set(range(len(example.symbols)))


def test_own_ink_is_a_small_share_beside_what_is_made(tmp_path: Path, data: Path) -> None:
    plan = load(recipe_in(tmp_path))
    invention = invention_of(plan, tmp_path, data, [])
    own = invention.sample(np.random.default_rng(1))
    endless = mixed([own], invention, plan.recomposition, np.random.default_rng(0))
    assert 5 <= sum(next(endless) is own for _ in range(200)) <= 40


def test_a_file_that_is_not_there_is_told(tmp_path: Path, data: Path) -> None:
    (data / "unipen.jsonl.gz").unlink()
    with pytest.raises(InputError, match=r"unipen\.jsonl\.gz"):
        train(recipe_in(tmp_path), data, tmp_path / "run")


@pytest.mark.parametrize("name", ["free.toml", "free-2.toml"])
def test_the_free_recipe_reads_no_research_data(name: str) -> None:
    plan = load(RECIPES / name)
    wanted = plan.recomposition
    assert wanted.alone and not (plan.split or plan.valid or plan.calibration)
    assert plan.weights.alone and plan.weights.generated and not plan.weights.language
    named = " ".join((*wanted.symbols, *wanted.formulas))
    assert not any(word in named for word in ("crohme", "mathbrush", "iam"))
