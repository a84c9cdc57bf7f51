r"""Average of the weights of several runs: folders of checkpoints -> one weights file.

    python -m hmer_cli.training.average train/recipes/wide.toml runs/wide3 runs/wide2 \
        --data ../shared/data/crohme.zip --out runs/average

The mean of models in one basin has a lower loss than each (Izmailov et al., UAI 2018; Wortsman et
al., ICML 2022). Batch norm statistics are recomputed on training batches; of layers that these do
not reach, as of fronts that the recipe draws nothing for, they are the mean of those of the runs.
The recipe is that of the first run; the log is one line, the scores of the mean.
"""

from __future__ import annotations

import argparse
import copy
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hmer_cli import files
from hmer_cli.console import Say
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.errors import UsageError
from hmer_cli.networks.layers import set_drop_rates
from hmer_cli.training import checkpoint
from hmer_cli.training.compose.examples import examples
from hmer_cli.training.compose.recompose import Invention, invention_of
from hmer_cli.training.data_parts import part_of
from hmer_cli.training.delivery import deliver, shown
from hmer_cli.training.loop import BEST, LOG
from hmer_cli.training.messages import say
from hmer_cli.training.recipe import Recipe, load
from hmer_cli.training.registry import load_system
from hmer_cli.training.systems.base import System, rates

_REMEDY = "average runs of one kind"

NORMS = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)

BATCHES, EVERY, SEED = 120, 3, 0
"""Batches for batch norm statistics: their number, the step through the expressions, the seed."""


def main() -> None:
    """Average, recompute batch norm, deliver."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("recipe", type=Path)
    told = "folders that hmer train wrote; one named twice counts twice"
    parser.add_argument("runs", type=Path, nargs="+", help=told)
    parser.add_argument("--data", type=Path, required=True, help="the CROHME package")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], help="a change to the recipe")
    given = parser.parse_args()
    plan = load(given.recipe, given.set)
    average(plan, given.recipe, given.runs, given.data, given.out, say, given.set)


def average(
    plan: Recipe,
    recipe: Path,
    runs: Sequence[Path],
    data: Path,
    out: Path,
    say: Say,
    changes: Sequence[str] = (),
) -> Path:
    """The weights file of the mean of the best weights of ``runs``, folders of ``hmer train``.

    ``plan`` was read from ``recipe`` with ``changes``. A folder named twice counts twice. Raises
    UsageError where the models differ, or where ``data`` has nothing to learn from.
    """
    system, content = load_system(runs[0] / BEST)
    states = [system.model.state_dict()]
    for run in runs[1:]:
        other, found = load_system(run / BEST)
        if found["tokens"] != content["tokens"]:
            raise UsageError(f"{runs[0]} and {run} have other tokens", _REMEDY)
        if not alike(system.shape, other.shape):
            raise UsageError(f"{runs[0]} and {run} have models of other shapes", _REMEDY)
        states.append(other.model.state_dict())
    system.model.load_state_dict(mean(states))
    invention = _invention(plan, recipe, data)
    batches = shown(system, plan, data, BATCHES, EVERY, SEED, invention)
    if not batches:
        raise UsageError(f"{data} has nothing that the mean could be shown", "give training data")
    recompute_batch_norm(system, batches)
    out.mkdir(parents=True, exist_ok=True)
    checkpoint.write(out / BEST, {**content, "average": system.model.state_dict()})
    line = {"seen": content["state"]["seen"], **scored(system, plan, data)}
    files.replace(out / LOG, f"{json.dumps(line)}\n".encode())
    say(", ".join(f"{key} {value}" for key, value in line.items()))
    command = ["python", "-m", "hmer_cli.training.average", str(recipe), *map(str, runs)]
    command += ["--data", str(data), "--out", str(out)]
    command += [part for change in changes for part in ("--set", change)]
    return deliver(plan, data, out, shlex.join(command), say, invention)


def _invention(plan: Recipe, recipe: Path, data: Path) -> Invention | None:
    """The source of synthetic expressions where the mean needs some: those that runs learn from
    alone, and those that confidences are calibrated on."""
    alone = plan.recomposition.alone
    if not (alone or plan.weights.generated):
        return None
    samples = [] if alone else part_of(data, "split", plan.split)
    return invention_of(plan, recipe.parent, data if alone else data.parent, samples)


def scored(system: System[Any], plan: Recipe, data: Path) -> dict[str, float]:
    """WER, CER and ExpRate on the validation set of a recipe, as in the log of a run."""
    if not plan.valid:
        return {}
    samples = open_dataset(str(data), plan.valid)[:: plan.schedule.scored]
    valid = examples(samples, system.image_symbol)
    found = rates(system, system.model, valid, list(system.validation_batches(valid)))
    return {key: round(value, 4) for key, value in found.items()}


def alike(first: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether the shapes of two models are equal, but for parts that one of them may lack.

    These are the stem for motion, fronts of graph models, and the decoder of CTC models.
    """
    lacking = {"channels", "fronts"}
    if 0 in (first.get("decoder"), other.get("decoder")):
        lacking.add("decoder")
    return all(first.get(k) == other.get(k) for k in (first.keys() | other.keys()) - lacking)


def mean(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of every parameter that the first has; what counts is that of the first.

    What some have not, as readers of images alone no stem for motion, is the mean of the others.
    """
    first, *_ = states
    known = {name: [state[name] for state in states if name in state] for name in first}
    return {
        name: torch.stack(known[name]).mean(dim=0) if value.is_floating_point() else value
        for name, value in first.items()
    }


@torch.no_grad()
def recompute_batch_norm(system: System[Any], batches: Sequence[Any]) -> None:
    """Recompute the running statistics of batch norm, with equal weight for each batch.

    Layers that no batch passes through keep theirs.
    """
    model = system.model
    before = {n: copy.deepcopy(n.state_dict()) for n in model.modules() if isinstance(n, NORMS)}
    for norm in before:
        norm.reset_running_stats()
        norm.momentum = None
    set_drop_rates(model, 0.0, 0.0)
    model.train()
    for batch in batches:
        system.losses(model, batch)
    model.eval()
    for norm, state in before.items():
        if not norm.num_batches_tracked:
            norm.load_state_dict(state)


if __name__ == "__main__":
    main()
