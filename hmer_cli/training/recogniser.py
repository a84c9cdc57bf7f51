"""One training run of a recogniser: recipe and labelled data -> weights, curves and a record.

Opens the data, builds the system of the recipe, runs the loop, and delivers the results
(`hmer_cli.training.delivery`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from hmer_cli.console import Advance, Say
from hmer_cli.errors import InputError, UsageError
from hmer_cli.models.registry import resolve
from hmer_cli.training.checkpoint import claimed
from hmer_cli.training.compose.examples import Example, examples, sampled_examples
from hmer_cli.training.compose.recompose import invention_of
from hmer_cli.training.data_parts import all_of, part_of
from hmer_cli.training.delivery import command_of, deliver, language_files
from hmer_cli.training.distributed import ProcessGroup
from hmer_cli.training.lines import train_lines
from hmer_cli.training.loop import BEST, CHECKPOINT, Trainer
from hmer_cli.training.recipe import Own, Recipe
from hmer_cli.training.registry import image_symbol

Item = TypeVar("Item")

ProgressBar = Callable[[str, int], AbstractContextManager[Advance]]
"""Name and total of a progress bar -> a context that gives a callback of (done, found)."""


def train_recogniser(
    plan: Recipe,
    recipe: Path,
    data: Path,
    out: Path,
    say: Say,
    progress: ProgressBar,
    start: str | None = None,
    changes: Sequence[str] = (),
    more: Sequence[Path] = (),
) -> Path:
    """Train as ``plan`` says, which was read from ``recipe``; see `hmer_cli.commands.train.train`.

    Raises InputError where there is nothing to train on or a file that is needed in the end is
    missing, UsageError for an ``own.share`` of 1, for splits that are not there or not apart, and
    where another run has the folder.
    """
    group = ProcessGroup.join()
    if not group.leads:
        return _trained(plan, recipe, data, out, _silent, progress, start, changes, more, group)
    with claimed(out):
        return _trained(plan, recipe, data, out, say, progress, start, changes, more, group)


def _trained(
    plan: Recipe,
    recipe: Path,
    data: Path,
    out: Path,
    say: Say,
    progress: ProgressBar,
    start: str | None,
    changes: Sequence[str],
    more: Sequence[Path],
    group: ProcessGroup,
) -> Path:
    """Train, in one of the processes of ``group``; the first of them delivers."""
    command = command_of(recipe, data, out, start, changes, more)
    if plan.family == "lines":
        return train_lines(plan, recipe, data, out, say, progress, start, more, group, command)
    _check_delivery(plan, data)
    alone = plan.recomposition.alone
    samples = [] if alone else part_of(data, "split", plan.split)
    added = [sample for path in more for sample in all_of(path, plan.split)]
    scored = part_of(data, "valid", plan.valid)[:: plan.schedule.scored] if plan.valid else []
    symbol = image_symbol(plan.family)
    given, shown = examples(samples, symbol), examples(scored, symbol)
    own = list(sampled_examples(added, symbol))
    learned, held = with_own(given, [made for _, made in own], plan.own)
    valid = [*shown, *held]
    told = f"{plan.name}: {len(learned)} expressions to train on, {len(valid)} to score"
    unused = len(samples) + len(added) + len(scored) - len(given) - len(own) - len(shown)
    say(told + (f"; {unused} cannot be read or have no label" if unused else ""))
    samples += [sample for sample, _ in held_out(own, plan.own)[0]]
    invention = invention_of(plan, recipe.parent, data if alone else data.parent, samples)
    trainer = Trainer(plan, learned, valid, out, say, invention, group)
    if start is not None and not (out / CHECKPOINT).exists():
        trainer.begin_with(resolve(start))
    with progress("training", plan.schedule.images) as advance:
        trainer.run(advance if group.leads else _unwatched)
    group.leave()
    if not group.leads:
        return out / BEST
    return deliver(plan, data, out, command, say, invention)


def _check_delivery(plan: Recipe, data: Path) -> None:
    """Check that there is what the weights file is made with, hours from now.

    Raises UsageError where the data has no such split, or where confidences would be fitted on what
    is learnt; InputError where a language model is missing.
    """
    for path in language_files(plan, data):
        if not path.is_file():
            raise InputError(f"{path} is missing", "make it, or set weights.language to others")
    if plan.calibration and (plan.family == "reader" or plan.weights.alone):
        if plan.calibration == plan.split:
            what = f"recipe {plan.name}: confidences would be calibrated on what is learnt"
            raise UsageError(what, "set calibration to another split, or to none")
        part_of(data, "calibration", plan.calibration)


def held_out(own: Sequence[Item], plan: Own) -> tuple[list[Item], list[Item]]:
    """What is learnt from of what ``--more`` gives, and what is scored alone."""
    if not plan.held:
        return list(own), []
    kept = [item for i, item in enumerate(own, 1) if i % plan.held]
    return kept, list(own[plan.held - 1 :: plan.held])


def with_own(
    learned: Sequence[Example], own: Sequence[Example], plan: Own
) -> tuple[list[Example], list[Example]]:
    """What is learnt from, ``own`` examples as often as their share asks, and those held out.

    Raises UsageError for a share that is not from 0 to below 1.
    """
    if not 0 <= plan.share < 1:
        raise UsageError(f"own.share {plan.share:g}: must be at least 0 and below 1", "change it")
    kept, held = held_out(own, plan)
    times = 1
    if kept and learned and plan.share:
        times = max(1, round(plan.share / (1 - plan.share) * len(learned) / len(kept)))
    return [*learned, *kept * times], held


def _silent(message: str) -> None:
    """Messages of all processes but the first are dropped."""


def _unwatched(done: int, found: int) -> None:
    """Progress of all processes but the first is not shown."""
