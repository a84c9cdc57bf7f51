"""One training run of a recogniser: recipe and labelled data in, weights, curves and record out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from hmer_cli.datasets.expressions import Sample, open_dataset
from hmer_cli.errors import UsageError
from hmer_cli.expr.tokens import Vocabulary
from hmer_cli.models.registry import resolve
from hmer_cli.training.compose.examples import examples, inks
from hmer_cli.training.compose.recompose import Invention
from hmer_cli.training.delivery import command_of, deliver
from hmer_cli.training.distributed import ProcessGroup
from hmer_cli.training.lines import train_lines
from hmer_cli.training.loop import BEST, CHECKPOINT, Trainer
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.systems.base import Say

Advance = Callable[[int, int], None]
Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""What is counted, and up to which number -> what is told of every step."""


def train_recogniser(
    plan: Recipe,
    recipe: Path,
    data: Path,
    out: Path,
    say: Say,
    progress: Progress,
    start: str | None = None,
    changes: Sequence[str] = (),
    more: Sequence[Path] = (),
) -> Path:
    """Train as ``plan`` says, which was read from ``recipe``; see `hmer_cli.commands.train.train`.

    Raises InputError where there is nothing to train on.
    """
    team = ProcessGroup.join()
    if not team.leads:
        say = _silent
    if plan.family == "lines":
        return train_lines(plan, recipe, data, out, say, progress, start, changes, more)
    alone = plan.recomposition.alone
    samples = [] if alone else open_dataset(str(data), plan.split or None)
    samples += [sample for path in more for sample in _all_of(path, plan.split)]
    learned = examples(samples)
    scored = open_dataset(str(data), plan.valid)[:: plan.schedule.scored] if plan.valid else []
    valid = examples(scored)
    say(f"{plan.name}: {len(learned)} expressions to train on, {len(valid)} to score")
    invention = invention_of(plan, recipe.parent, data if alone else data.parent, samples)
    trainer = Trainer(plan, learned, valid, out, say, invention, team)
    if start is not None and not (out / CHECKPOINT).exists():
        trainer.begin_with(resolve(start))
    with progress("training", plan.schedule.images) as advance:
        trainer.run(advance if team.leads else _unwatched)
    team.leave()
    if not team.leads:
        return out / BEST
    command = command_of(recipe, data, out, start, changes, more)
    return deliver(plan, data, out, command, say, invention)


def _all_of(path: Path, split: str) -> list[Sample]:
    """The samples of a data set; of a package with tests in it, those of the split."""
    try:
        return open_dataset(str(path))
    except UsageError:
        return open_dataset(str(path), split)


def _silent(message: str) -> None:
    """What is said by a process that another one speaks for."""


def _unwatched(done: int, found: int) -> None:
    """Progress that another process shows."""


def invention_of(
    plan: Recipe, beside_recipe: Path, beside_data: Path, samples: Sequence[Sample]
) -> Invention | None:
    """What makes new expressions, where the recipe asks for them."""
    wanted = plan.recomposition
    if not (wanted.share or wanted.grafted or wanted.alone):
        return None
    learned = inks(samples)
    vocabulary = Vocabulary.of_labels(ink.label or "" for ink in learned)
    if wanted.vocabulary:
        vocabulary = Vocabulary.load(beside_recipe / wanted.vocabulary)
    formulas, symbols = (
        [beside_data / name for name in names] for names in (wanted.formulas, wanted.symbols)
    )
    return Invention.build(learned, vocabulary, formulas, symbols, wanted)
