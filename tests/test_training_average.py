"""The mean of runs: of which models it is taken, and what its record says.

The checkpoints are of small models from chance.
"""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hmer_cli.errors import UsageError
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.ink.motion import CHANNELS
from hmer_cli.training import average as module
from hmer_cli.training.average import average
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.delivery import best_score
from hmer_cli.training.loop import BEST, LOG
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.registry import build, load_system
from hmer_cli.training.systems.base import rates

pytestmark = pytest.mark.torch

ONE = Example((np.array([(0, 0), (0, 30)], np.float32),), ("1",))
SMALL = {"stem": 8, "low": 16, "mid": 16, "high": 32, "context": 1, "lstm": 16, "decoder": 1}


def run_of(folder: Path, tokens: tuple[str, ...] = ("1", "7"), **changes: int) -> Path:
    """The folder of a run that ended before it began."""
    plan = Recipe("small", model={**SMALL, **changes})
    folder.mkdir()
    state = build(plan, tokens).model.state_dict()
    content = {"recipe": plan.to_dict(), "tokens": list(tokens), "average": state}
    content["state"] = {"seen": 7}
    torch.save(content, folder / BEST)
    (folder / LOG).write_text('{"seen": 7, "wer": 0.01, "exprate": 0.99}\n')
    return folder


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is delivered is not made; the command of each record is noted."""
    noted: list[str] = []

    def deliver(plan: Recipe, data: Path, out: Path, command: str, say: Any, made: Any) -> Path:
        noted.append(command)
        return out

    monkeypatch.setattr(module, "deliver", deliver)
    monkeypatch.setattr(module, "shown", lambda *given: [None])
    monkeypatch.setattr(module, "recompute_batch_norm", lambda model, batches: None)
    return noted


def averaged(tmp_path: Path, *runs: Path, changes: tuple[str, ...] = ()) -> None:
    recipe, data, out = Path("a.toml"), Path("crohme.zip"), tmp_path / "out"
    average(Recipe("small", valid="", model=SMALL), recipe, runs, data, out, print, changes)


def test_the_mean_is_written_and_the_record_names_recipe_runs_and_changes(
    tmp_path: Path, commands: list[str]
) -> None:
    one, two = run_of(tmp_path / "one"), run_of(tmp_path / "two")
    averaged(tmp_path, one, two, changes=("seed=3",))
    assert commands == [
        f"python -m hmer_cli.training.average a.toml {one} {two} --data crohme.zip "
        f"--out {tmp_path / 'out'} --set seed=3"
    ]
    first, second, mean = (
        torch.load(tmp_path / name / BEST, weights_only=True)["average"]
        for name in ("one", "two", "out")
    )
    for name in ("encoder.stem.0.0.weight", "frames.out.weight"):
        assert torch.allclose(mean[name], (first[name] + second[name]) / 2)


@pytest.mark.parametrize("changes", [{"channels": 1 + CHANNELS}, {"decoder": 0}])
def test_a_model_may_lack_the_stem_for_motion_or_the_decoder(
    changes: dict[str, int], tmp_path: Path, commands: list[str]
) -> None:
    one, two = run_of(tmp_path / "one"), run_of(tmp_path / "two", **changes)
    averaged(tmp_path, one, two)
    assert len(commands) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"lstm": 24}, "other shapes"),
        ({"high": 64}, "other shapes"),
        ({"context": 2}, "other shapes"),
        ({"tokens": ("1", "8")}, "other tokens"),
    ],
)
def test_models_that_differ_are_wrong_usage(
    changes: dict[str, Any], told: str, tmp_path: Path, commands: list[str]
) -> None:
    one, two = run_of(tmp_path / "one"), run_of(tmp_path / "two", **changes)
    with pytest.raises(UsageError, match=f"{one} and {two} have .*{told}"):
        averaged(tmp_path, one, two)
    assert not commands and not (tmp_path / "out").exists()


def test_the_scores_of_the_mean_are_its_own(tmp_path: Path, commands: list[str]) -> None:
    runs = run_of(tmp_path / "one"), run_of(tmp_path / "two")
    stroke = np.array([(0, 0), (0, 30)], np.float32)
    (tmp_path / "data").mkdir()
    ink = write_inkml(Ink((stroke,), (), "1", "1"))
    folder = tmp_path / "data" / "TestEM2014GT"
    folder.mkdir()
    (folder / "a.inkml").write_bytes(ink)
    plan = Recipe("small", model=SMALL)
    average(plan, Path("a.toml"), runs, tmp_path / "data", tmp_path / "out", print)
    system, content = load_system(tmp_path / "out" / BEST)
    line = best_score(tmp_path / "out" / LOG, content)
    batches = list(system.validation_batches([ONE]))
    assert line == {"seen": 7, **rates(system, system.model, [ONE], batches)}
    assert line["exprate"] != 0.99


def test_data_without_anything_to_learn_from_is_wrong_usage(
    tmp_path: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "shown", lambda *given: [])
    one, two = run_of(tmp_path / "one"), run_of(tmp_path / "two")
    with pytest.raises(UsageError, match=r"crohme\.zip has nothing"):
        averaged(tmp_path, one, two)
    assert not commands and not (tmp_path / "out").exists()
