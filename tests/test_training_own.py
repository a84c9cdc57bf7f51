"""Handwriting of one's own given with ``--more``: images are learnt from as they will be read, and
nothing is learnt from what is held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from hmer_cli.commands.generate import generate
from hmer_cli.commands.train import train
from hmer_cli.datasets.expressions import Sample, open_dataset
from hmer_cli.recognition.graph_decoder import COMPONENT, PIECE
from hmer_cli.recognition.scorer_sets import _Views
from hmer_cli.training import recogniser
from hmer_cli.training.batches.graph import NodeSampler
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.compose.recompose import Invention
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.registry import build

pytestmark = pytest.mark.torch

RECIPE = """
family = "graph"
split = ""
valid = ""
calibration = ""
"""
BASE, OWN = ["a + b", "a - b"], ["Q = 7 w", "R + 4 = z", "h < 9 k", "G - 3 = 8 v"]


class BegunError(Exception):
    """A run that is about to train."""


class Run:
    """What a run would have trained with."""

    def __init__(
        self,
        plan: Recipe,
        learned: Sequence[Example],
        valid: Sequence[Example],
        out: Path,
        say: Any,
        invention: Invention | None = None,
        group: Any = None,
    ) -> None:
        self.plan, self.learned, self.valid, self.invention = plan, learned, valid, invention
        raise BegunError(self)


def run_of(monkeypatch: pytest.MonkeyPatch, folder: Path, recipe: str, data: Path) -> Run:
    monkeypatch.setattr(recogniser, "Trainer", Run)
    (folder / "own.toml").write_text(RECIPE + recipe)
    with pytest.raises(BegunError) as begun:
        train(folder / "own.toml", data, folder / "out", more=[folder / "own"])
    run = begun.value.args[0]
    assert isinstance(run, Run)
    return run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set, and one of one's own beside it."""
    generate(str(tmp_path / "data"), BASE, jobs=1)
    generate(str(tmp_path / "own"), OWN, jobs=1)
    return tmp_path / "data"


def images_alone(folder: Path) -> list[Sample]:
    """The samples of a folder, after their ink is gone."""
    for path in [*folder.glob("*.inkml"), *folder.glob("*.svg")]:
        path.unlink()
    return open_dataset(str(folder))


@pytest.mark.parametrize(("share", "view"), [("components", COMPONENT), ("pieces", PIECE)])
def test_a_graph_model_learns_an_image_as_it_will_read_it(
    share: str, view: str, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = images_alone(tmp_path / "own")
    run = run_of(monkeypatch, tmp_path, f"[drawing]\n{share} = 0.5\n", data)
    (*_, last) = run.learned
    assert last.image is not None
    system = build(run.plan, sorted({token for e in run.learned for token in e.tokens}))
    sampler = system.sampler  # type: ignore[attr-defined]
    assert isinstance(sampler, NodeSampler)
    learnt = sampler.augmented(last, np.random.default_rng(0))
    read = _Views(samples[-1].image(), None).nodes(view)
    assert learnt is not None and read is not None
    for name, values in vars(read).items():
        assert np.array_equal(getattr(learnt.features, name), values), name


def test_new_expressions_are_written_of_nothing_that_is_held_out(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "formulas.txt").write_text("a + b\n")
    recipe = "[own]\nheld = 2\n[recomposition]\nshare = 0.5\nformulas = 'formulas.txt'\n"
    run = run_of(monkeypatch, tmp_path, recipe, data)
    held = {token for example in run.valid for token in example.tokens}
    learnt = {token for example in run.learned for token in example.tokens}
    assert len(run.valid) == 2 and len(run.learned) == len(BASE) + 2
    assert run.invention is not None
    known, bank = set(run.invention.vocabulary.tokens), run.invention.recomposer.bank
    for token in learnt:
        assert token in known and (bank.count(token) or token in "{}^_")
    for token in held - learnt:
        assert token not in known and not bank.count(token)
